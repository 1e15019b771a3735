//! Tools in Python.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::history::Applied;
use crate::model::layout::code::text::{assigned, django_dependencies, in_order, text_of};
use crate::model::layout::code::{Code, Order, ROWS, nothing_to_complete, without_strangers};
use crate::model::layout::{Facts, Table, file_name, folder_name, has_extension, leading_digits};
use crate::model::migration::{Recorded, Version};

/// `versions/*.py`, each naming the one before it; the table holds the newest of each branch only.
pub(in crate::model::layout) static ALEMBIC: Code = Code {
    facts: Facts {
        key: "alembic",
        folders: &["migrations/versions", "alembic/versions"],
        depth: 1,
        table: Table {
            schema: None,
            name: "alembic_version",
            columns: &["version_num"],
            create: "",
            fields: ["version_num", "NULL", "NULL", "true", "NULL", "NULL"],
            rows: ROWS,
            beside: &[],
        },
    },
    reads: |path| has_extension(path, "py"),
    read: |found| {
        let mut files = BTreeMap::new();
        let mut order = Order::default();
        for file in found {
            let text = text_of(&file);
            match assigned(&text, "revision").into_iter().next() {
                Some(revision) => {
                    // What a revision depends on is applied with it, and is no head any more.
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
        // Whatever comes before a gap looks like a head.
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
        order
    },
    owns: &["alembic.ini"],
    complete: |history, folder| {
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
    },
    lock_key: None,
};

/// `<app>/migrations/<4 digits>_<name>.py`.
pub(in crate::model::layout) static DJANGO: Code = Code {
    facts: Facts {
        key: "django",
        folders: &["."],
        depth: 4,
        table: Table {
            schema: None,
            name: "django_migrations",
            columns: &["id", "app", "name", "applied"],
            create: "",
            fields: [
                "app || '.' || name",
                "NULL",
                "extract(epoch FROM applied)::bigint",
                "true",
                "NULL",
                "NULL",
            ],
            rows: ROWS,
            beside: &[],
        },
    },
    reads: |path| {
        folder_name(path) == "migrations"
            && has_extension(path, "py")
            && leading_digits(file_name(path)).is_some()
    },
    read: |found| {
        let mut files = BTreeMap::new();
        for file in found {
            let app = file.path.parent().map_or("", folder_name);
            let stem = file_name(&file.path).trim_end_matches(".py");
            let name = format!("{app}.{stem}");
            files.insert(name, (django_dependencies(&text_of(&file)), file));
        }
        let edges =
            files.iter().map(|(name, (before, _))| (name.clone(), before.clone())).collect();
        let mut order = Order::default();
        for name in in_order(&edges) {
            if let Some((_, file)) = files.remove(&name) {
                order.push(&name, file);
            }
        }
        order
    },
    owns: &["manage.py"],
    // The applications that came from elsewhere have their files elsewhere, and what was squashed has none.
    complete: without_strangers,
    lock_key: None,
};

/// `<id>.sql` with `<id>.rollback.sql`, or `<id>.py`.
pub(in crate::model::layout) static YOYO: Code = Code {
    facts: Facts {
        key: "yoyo",
        folders: &["migrations"],
        depth: 1,
        table: Table {
            schema: None,
            name: "_yoyo_migration",
            columns: &["migration_hash", "migration_id", "applied_at_utc"],
            create: "",
            fields: [
                "migration_id",
                "NULL",
                "extract(epoch FROM applied_at_utc)::bigint",
                "true",
                "NULL",
                "NULL",
            ],
            rows: ROWS,
            beside: &["_yoyo_log", "_yoyo_version", "yoyo_lock"],
        },
    },
    reads: |path| {
        let name = file_name(path);
        // What comes after every run is recorded nowhere.
        !name.starts_with("post-apply")
            && (has_extension(path, "sql") && !name.ends_with(".rollback.sql")
                || has_extension(path, "py") && !name.starts_with("__"))
    },
    read: |mut found| {
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut order = Order::default();
        for file in found {
            let id =
                file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            order.push(&id, file);
        }
        order
    },
    owns: &["yoyo.ini"],
    complete: nothing_to_complete,
    lock_key: None,
};
