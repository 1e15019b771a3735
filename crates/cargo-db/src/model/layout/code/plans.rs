//! Tools with a plan or a changelog of SQL scripts: Sqitch and Liquibase.

use std::collections::BTreeMap;
use std::path::Path;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::model::history::History;
use crate::model::layout::code::text::{change_sets, planned, text_of};
use crate::model::layout::code::{Code, Order, ROWS, nothing_to_complete};
use crate::model::layout::{Facts, Found, Table, file_name, has_extension};
use crate::model::migration::{Checksum, Folder, Migration, Recorded, Version};

/// `sqitch.plan`, with a script in `deploy` for each change.
pub(in crate::model::layout) static SQITCH: Code = Code {
    facts: Facts {
        key: "sqitch",
        folders: &["."],
        depth: 8,
        table: Table {
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
            rows: ROWS,
            beside: &[],
        },
    },
    reads: |path| {
        file_name(path) == "sqitch.plan"
            || has_extension(path, "sql") && path.iter().any(|part| part == "deploy")
    },
    read: |mut found| {
        let mut order = Order::default();
        let Some(at) = found.iter().position(|file| file_name(&file.path) == "sqitch.plan") else {
            return order;
        };
        let plan = text_of(&found.swap_remove(at));
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
        order
    },
    owns: &["sqitch.plan"],
    complete: of_this_plan,
    lock_key: Some(75_474_063),
};

/// The rows of other projects are not this plan's; and of a change that was reworked, each row belongs to the
/// script that it had then, in their order.
fn of_this_plan(history: &mut History, folder: &Folder) {
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

/// Changelogs in SQL or XML; each change set is known by its file, author and id.
pub(in crate::model::layout) static LIQUIBASE: Code = Code {
    facts: Facts {
        key: "liquibase",
        folders: &[".", "db/changelog", "src/main/resources/db/changelog"],
        depth: 2,
        table: Table {
            schema: None,
            name: "databasechangelog",
            columns: &[
                "id",
                "author",
                "filename",
                "dateexecuted",
                "orderexecuted",
                "exectype",
                "md5sum",
            ],
            create: "",
            fields: [
                "author || ':' || id",
                "NULL",
                "extract(epoch FROM dateexecuted)::bigint",
                "true",
                "NULL",
                "orderexecuted",
            ],
            rows: ROWS,
            beside: &["databasechangeloglock"],
        },
    },
    reads: |path| {
        file_name(path).contains("changelog")
            && (has_extension(path, "sql") || has_extension(path, "xml"))
    },
    read: |mut found| {
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut order = Order::default();
        for file in found {
            for name in change_sets(&text_of(&file)) {
                order.push(&name, Found { path: file.path.clone(), bytes: file.bytes.clone() });
            }
        }
        order
    },
    owns: &["liquibase.properties"],
    complete: nothing_to_complete,
    lock_key: None,
};
