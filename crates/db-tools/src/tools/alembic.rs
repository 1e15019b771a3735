//! Alembic: `versions/*.py`, each naming the one before it; `alembic_version` holds the newest of
//! each branch only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::command::Commands;
use crate::history::{Applied, History};
use crate::migration::{Migration, MigrationFolder, Recorded, Version};
use crate::naming::has_extension;
use crate::profile::{HistoryTable, Profile, Renumbering};
use crate::program::{OrderedFiles, folder_of, in_order};
use crate::tool::{FoundFile, Tool};

pub(super) static TOOL: &dyn Tool = &Alembic;

struct Alembic;

static PROFILE: Profile = Profile {
    key: "alembic",
    folders: &["migrations/versions", "alembic/versions"],
    depth: 1,
    renumbering: Renumbering::Elsewhere(
        "each names the one before it as `down_revision`: join the two heads with `alembic merge \
         heads`",
    ),
    marks: &["alembic.ini"],
    home: &["alembic.ini"],
    table: HistoryTable {
        schema: None,
        name: "alembic_version",
        columns: &["version_num"],
        create: "",
        fields: ["version_num", "NULL", "NULL", "true", "NULL", "NULL"],
        rows: "{table}",
        companions: &[],
    },
    commands: Commands {
        all: "alembic upgrade head",
        // One at a time: a revision on another branch does not come with it.
        next_one: "alembic upgrade {last}",
        record: "alembic stamp {last}",
        back: "alembic downgrade {newest}",
        nothing: "base",
        create: "alembic revision -m {name}",
        generate: "alembic revision --autogenerate -m {name}",
        probe: "alembic current",
        ..Commands::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for Alembic {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        has_extension(path, "py")
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut files = BTreeMap::new();
        let mut order = OrderedFiles::default();
        for file in found {
            let text = file.text();
            match assigned(&text, "revision").into_iter().next() {
                Some(revision) => {
                    // The dependencies of a revision are applied with it, so they are not heads.
                    let mut before = assigned(&text, "down_revision");
                    before.extend(assigned(&text, "depends_on"));
                    let parents = before.join(" ");
                    files.insert(revision, (before, parents, file));
                }
                None => order.strange.push((file.path, "there is no `revision` in it")),
            }
        }
        let parents: BTreeSet<String> = files
            .values()
            .flat_map(|(_, parents, _)| parents.split(' ').map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let mut has_gap = false;
        for (before, _, file) in files.values() {
            if before.iter().any(|parent| !files.contains_key(parent)) {
                order
                    .strange
                    .push((file.path.clone(), "there is no file of a revision that it follows"));
                has_gap = true;
            }
        }
        let heads = files.iter().filter(|(revision, _)| !parents.contains(*revision));
        // Everything before a gap looks like a head.
        for (_, (_, _, file)) in heads.skip(1).filter(|_| !has_gap) {
            order.strange.push((
                file.path.clone(),
                "there is more than one head; `alembic merge heads` joins them",
            ));
        }
        let edges = files
            .iter()
            .map(|(revision, (before, ..))| (revision.clone(), before.clone()))
            .collect();
        for revision in in_order(&edges) {
            let Some((_, parents, file)) = files.remove(&revision) else { continue };
            order.migrations.push((Version::Text(revision), file, Recorded::Nothing, parents));
        }
        folder_of(self, order)
    }

    fn complete(&self, history: &mut History, folder: &MigrationFolder) {
        let parents_of = |version: &Version| {
            folder
                .migrations
                .iter()
                .find(|file| file.version == *version)
                .map(|file| file.detail.clone())
        };
        let mut todo: Vec<Applied> = history.applied.clone();
        let mut seen: BTreeSet<Version> = todo.iter().map(|row| row.version.clone()).collect();
        while let Some(row) = todo.pop() {
            let parents = parents_of(&row.version).unwrap_or_default();
            for parent in parents.split(' ').filter(|parent| !parent.is_empty()) {
                let version = Version::text(parent);
                if seen.insert(version.clone()) {
                    let applied = row.of_version(&version);
                    history.applied.push(applied.clone());
                    todo.push(applied);
                }
            }
        }
        history.applied.sort_by(|a, b| a.version.cmp(&b.version));
    }

    /// The newest migration of each branch: recording it also records those before it.
    fn to_record<'a>(&self, chosen: &[&'a Migration]) -> Vec<&'a Migration> {
        let parents: BTreeSet<&str> =
            chosen.iter().flat_map(|migration| migration.detail.split(' ')).collect();
        let is_newest =
            |migration: &&&Migration| !parents.contains(migration.version.to_string().as_str());
        chosen.iter().filter(is_newest).copied().collect()
    }
}

/// The texts that are assigned to a name at the top of a Python file: one, several in a tuple, or
/// none.
fn assigned(text: &str, name: &str) -> Vec<String> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some(rest) = line.strip_prefix(name) else { continue };
        // `revision: str = "1"`, and not `revision_id = …`.
        if !rest.trim_start().starts_with([':', '=']) {
            continue;
        }
        let Some((_, value)) = text[start..].split_once('=') else { continue };
        let value = match value.trim_start().chars().next() {
            Some('(') => value.split_once(')').map_or(value, |(value, _)| value),
            Some('[') => value.split_once(']').map_or(value, |(value, _)| value),
            _ => value.lines().next().unwrap_or_default().split('#').next().unwrap_or_default(),
        };
        return value.split(['"', '\'']).skip(1).step_by(2).map(str::to_owned).collect();
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_names_before() {
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let folder = Alembic.read(vec![
            file(
                "v/a.py",
                "revision: str = 'a2'\ndown_revision: Union[str, None] = (\n    'z1',\n)\n",
            ),
            file("v/z.py", "revision = \"z1\"\ndown_revision = None\n"),
        ]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["z1", "a2"]);
    }

    #[test]
    fn the_newest_of_each_branch_is_recorded() {
        let file = |name: &str, before: &str| FoundFile {
            path: format!("{name}.py").into(),
            bytes: format!("revision = '{name}'\ndown_revision = {before}\n").into(),
        };
        let folder = Alembic.read(vec![
            file("a", "None"),
            file("b", "'a'"),
            file("c", "'a'"),
            file("m", "('b', 'c')"),
        ]);
        let all: Vec<&Migration> = folder.migrations.iter().collect();
        let named = |count: usize| -> Vec<String> {
            Alembic.to_record(&all[..count]).into_iter().map(Migration::title).collect()
        };
        assert_eq!(named(4), ["m"]);
        assert_eq!(named(3), ["b", "c"]);
        assert_eq!(named(1), ["a"]);
    }

    #[test]
    fn a_head_stands_for_its_ancestors() {
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let folder = Alembic.read(vec![
            file("a.py", "revision = 'a'\ndown_revision = None\n"),
            file("b.py", "revision = 'b'\ndown_revision = 'a'\n"),
            file("c.py", "revision = 'c'\ndown_revision = 'b'\n"),
        ]);
        let row = Applied {
            version: Version::text("b"),
            name: String::new(),
            installed_on: None,
            success: true,
            checksum: None,
            detail: String::new(),
        };
        let mut history = History { applied: vec![row], ..History::default() };
        Alembic.complete(&mut history, &folder);
        let versions: Vec<String> =
            history.applied.iter().map(|row| row.version.to_string()).collect();
        assert_eq!(versions, ["a", "b"]);
    }
}
