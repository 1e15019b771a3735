//! Sqitch: `sqitch.plan`, with a script in `deploy` for each change; `sqitch.changes`.

use std::collections::BTreeMap;
use std::path::Path;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::command::Commands;
use crate::history::History;
use crate::migration::{Checksum, Migration, MigrationFolder, Recorded, Version};
use crate::naming::{file_name, has_extension};
use crate::profile::{HistoryTable, LockPlace, Profile, Renumbering};
use crate::program::{OrderedFiles, folder_of};
use crate::tool::{FoundFile, Tool};
use crate::variables::{Connection, Variable};

pub(super) static TOOL: &dyn Tool = &Sqitch;

struct Sqitch;

static PROFILE: Profile = Profile {
    key: "sqitch",
    folders: &["."],
    depth: 8,
    renumbering: Renumbering::Elsewhere(
        "their order is that of the lines in `sqitch.plan`: move its line to the end, and deploy \
         it again with `sqitch rebase`",
    ),
    marks: &["sqitch.plan"],
    is_certain: true,
    table: HistoryTable {
        schema: Some("sqitch"),
        name: "changes",
        columns: &["change_id", "script_hash", "change", "project"],
        create: "",
        fields: [
            "change",
            "NULL",
            "extract(epoch FROM committed_at)::bigint",
            "true",
            "script_hash",
            "project",
        ],
        rows: "{table}",
        companions: &[],
    },
    commands: Commands {
        all: "sqitch deploy",
        next: "sqitch deploy --to {last}",
        record: "sqitch deploy --log-only --to {last}",
        back: "sqitch revert -y --to {newest}",
        create: "sqitch add {name} -n {name}",
        probe: "sqitch status",
        ..Commands::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for Sqitch {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path) == "sqitch.plan"
            || has_extension(path, "sql") && path.iter().any(|part| part == "deploy")
    }

    fn read(&self, mut found: Vec<FoundFile>) -> MigrationFolder {
        let mut order = OrderedFiles::default();
        let Some(at) = found.iter().position(|file| file_name(&file.path) == "sqitch.plan") else {
            return folder_of(self, order);
        };
        let plan = found.swap_remove(at).text();
        let project = plan.lines().find_map(|line| line.trim().strip_prefix("%project="));
        let project = project.unwrap_or_default().trim().to_owned();
        for (change, version) in planned(&plan) {
            let script = Path::new("deploy").join(format!("{version}.sql"));
            match found.iter().position(|file| file.path.ends_with(&script)) {
                Some(at) => {
                    let file = found.swap_remove(at);
                    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &file.bytes);
                    let recorded = Recorded::OneOf(vec![Checksum::of_digest(digest.as_ref())]);
                    let detail = format!("{project}\n{change}");
                    order.migrations.push((Version::Text(version), file, recorded, detail));
                }
                None => order.strange.push((script, "the plan names it, and it is not there")),
            }
        }
        folder_of(self, order)
    }

    fn complete(&self, history: &mut History, folder: &MigrationFolder) {
        of_this_plan(history, folder);
    }

    fn lock_key(&self, _: &LockPlace<'_>) -> Option<i64> {
        Some(75_474_063)
    }

    /// The rest is in libpq's variables, which psql and the driver read.
    fn variables(&self, _: &Connection<'_>) -> Vec<Variable> {
        vec![Variable::new("SQITCH_TARGET", "db:pg:")]
    }
}

/// The rows of other projects are not this plan's; and of a change that was reworked, each row
/// belongs to the script that it had then, in their order.
fn of_this_plan(history: &mut History, folder: &MigrationFolder) {
    let about = |file: &Migration| {
        let (project, change) = file.detail.split_once('\n').unwrap_or_default();
        (project.to_owned(), change.to_owned())
    };
    if let Some((project, _)) = folder.migrations.first().map(about) {
        history.applied.retain(|row| row.detail == project);
    }
    let mut versions: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    for file in &folder.migrations {
        versions.entry(about(file).1).or_default().push(file.version.clone());
    }
    history.applied.sort_by_key(|row| row.installed_on);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in &mut history.applied {
        let change = row.version.to_string();
        let time = seen.entry(change.clone()).or_default();
        if let Some(version) = versions.get(&change).and_then(|versions| versions.get(*time)) {
            row.version = version.clone();
        }
        *time += 1;
    }
    history.applied.sort_by(|a, b| a.version.cmp(&b.version));
}

/// The changes of a Sqitch plan in their order, each with the name of its script: where a change
/// was reworked, its earlier script has the tag before that in its name.
fn planned(plan: &str) -> Vec<(String, String)> {
    let lines = plan
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['%', '#']));
    let words: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    let mut changes: Vec<(String, String)> = Vec::new();
    let mut tag = "";
    for word in words {
        if word.starts_with('@') {
            tag = word;
            continue;
        }
        let change = word.trim_start_matches(['+', '-']);
        for earlier in changes.iter_mut().filter(|(name, script)| name == change && name == script)
        {
            earlier.1 = format!("{change}{tag}");
        }
        changes.push((change.to_owned(), change.to_owned()));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_plan() {
        let plan = "%syntax-version=1.0.0\n%project=app\n\n\
                    users 2026-01-01T00:00:00Z t <t@x> # u\n@v1 2026\nemail [users] 2026\n";
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let folder = Sqitch.read(vec![
            file("deploy/email.sql", ""),
            file("sqitch.plan", plan),
            file("deploy/users.sql", ""),
        ]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["users", "email"]);
    }

    #[test]
    fn a_change_that_was_reworked_keeps_its_first_script() {
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let plan = "%project=app\nusers 2026\n@v1 2026\nusers [users@v1] 2026\n";
        let folder = Sqitch.read(vec![
            file("deploy/users.sql", "2"),
            file("deploy/users@v1.sql", "1"),
            file("sqitch.plan", plan),
        ]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["users@v1", "users"]);
    }
}
