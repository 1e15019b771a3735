//! Tools whose migrations are programs: what is applied and what is pending is read from their files and
//! tables as far as text tells it, which is best effort; only the tools themselves can run them.
//!
//! Read in the sources that `docs/tools.md` names for each.

mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::model::history::{Applied, History};
use crate::model::layout::{
    Claim, Convention, Entry, Found, LockPlace, NewMigration, Root, Table, file_name, folder_name,
    has_extension, leading_digits, script_file,
};
use crate::model::migration::{Checksum, Folder, Migration, Recorded, Version};

use text::{
    assigned, change_sets, class_name, django_dependencies, in_order, is_dated_module, is_script, planned,
    text_of,
};

/// One such tool.
pub(super) struct Code {
    key: &'static str,
    folders: &'static [&'static str],
    depth: usize,
    table: Table,
    reads: fn(&Path) -> bool,
    /// Names the migrations in their order.
    read: fn(Vec<Found>) -> Order,
    owns: &'static [&'static str],
    complete: fn(&mut History, &Folder),
    lock_key: Option<i64>,
}

/// What a reader found: migrations in the order in which they run, and what it cannot make sense of.
#[derive(Default)]
struct Order {
    migrations: Vec<(Version, Found, Recorded, String)>,
    strange: Vec<(PathBuf, &'static str)>,
}

impl Order {
    fn push(&mut self, version: &str, file: Found) {
        self.migrations.push((Version::text(version), file, Recorded::Nothing, String::new()));
    }
}

impl Convention for Code {
    fn key(&self) -> &'static str {
        self.key
    }

    fn folders(&self) -> &'static [&'static str] {
        self.folders
    }

    /// The migrations of sea-orm are a crate of their own.
    fn levels(&self) -> Option<usize> {
        (self.key == SEA_ORM.key).then_some(1)
    }

    fn table(&self) -> &'static Table {
        // Every instance is a static of this module.
        ALL.into_iter().find(|code| code.key == self.key).map_or(&SEA_ORM.table, |code| &code.table)
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn reads(&self, path: &Path) -> bool {
        (self.reads)(path)
    }

    fn read(&self, found: Vec<Found>) -> Folder {
        let Order { migrations, strange } = (self.read)(found);
        let migration = |(version, file, recorded, detail): (Version, Found, Recorded, String)| {
            let mut up = script_file(self, file, true);
            up.is_code = true;
            Migration { version, name: String::new(), down: Some(up.clone()), up, recorded, detail }
        };
        let migrations = migrations.into_iter().map(migration).collect();
        Folder { migrations, orphans: Vec::new(), misnamed: strange }
    }

    /// The root tells, and the files alone do not; but for sea-orm, where any crate may stand in the folder.
    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Claim {
        Claim::signed_if(self.key == SEA_ORM.key && names.iter().any(|name| is_dated_module(file_name(name))))
    }

    fn owns(&self, root: &Root<'_>) -> bool {
        self.owns.iter().any(|name| (root.has)(name) || (root.depends_on)(name))
    }

    fn record(&self, _: &Entry<'_>) -> String {
        String::new()
    }

    fn erase(&self, _: &Entry<'_>) -> String {
        String::new()
    }

    fn complete(&self, history: &mut History, folder: &Folder) {
        (self.complete)(history, folder);
    }

    fn new_files(&self, _: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        Vec::new()
    }

    fn lock_key(&self, _: &LockPlace<'_>) -> Option<i64> {
        self.lock_key
    }

    fn locks_itself(&self) -> bool {
        true
    }

    fn is_code(&self) -> bool {
        true
    }

    fn is_certain(&self) -> bool {
        self.key == "sqitch"
    }
}

static ALL: [&Code; 9] = [&SEA_ORM, &TYPEORM, &ALEMBIC, &DJANGO, &KNEX, &YOYO, &SQITCH, &LIQUIBASE, &OTHER];

/// What `[migrations] tool` calls a tool that is known by its commands only.
pub(super) const COMMANDS: &str = "commands";

/// Forgets rows without a file, as the tool itself does.
fn without_strangers(history: &mut History, folder: &Folder) {
    let known: BTreeSet<&Version> = folder.migrations.iter().map(|file| &file.version).collect();
    history.applied.retain(|row| known.contains(&row.version));
}

fn nothing_to_complete(_: &mut History, _: &Folder) {}

const ROWS: &str = "{table}";

/// `migration/src/m<date>_<time>_<name>.rs`, in the order of the list in `lib.rs`.
pub(super) static SEA_ORM: Code = Code {
    key: "sea-orm",
    folders: &["migration/src"],
    depth: 1,
    table: Table {
        schema: None,
        name: "seaql_migrations",
        columns: &["version", "applied_at"],
        create: "",
        fields: ["version", "NULL", "applied_at", "true", "NULL", "NULL"],
        rows: ROWS,
        beside: &[],
    },
    reads: |path| has_extension(path, "rs") && file_name(path) != "main.rs",
    read: |mut found| {
        let mut order = Order::default();
        let lib = found.iter().position(|file| file_name(&file.path) == "lib.rs");
        let text = lib.map_or_else(String::new, |at| text_of(&found.swap_remove(at)));
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let text = code.join("\n");
        let listed = text.split("Box::new(").skip(1).filter_map(|after| after.split("::").next());
        for module in listed.map(str::trim) {
            let file = format!("{module}.rs");
            if let Some(at) = found.iter().position(|found| file_name(&found.path) == file) {
                order.push(module, found.swap_remove(at));
            }
        }
        let unlisted = found.into_iter().filter(|file| is_dated_module(file_name(&file.path)));
        order.strange.extend(unlisted.map(|file| (file.path, "lib.rs does not list it")));
        order
    },
    owns: &[],
    complete: nothing_to_complete,
    lock_key: None,
};

/// `<13 digits>-<Name>.ts` with a class that is called `<Name><13 digits>`.
pub(super) static TYPEORM: Code = Code {
    key: "typeorm",
    folders: &["migrations", "src/migrations", "src/migration"],
    depth: 1,
    table: Table {
        schema: None,
        name: "migrations",
        columns: &["id", "timestamp", "name"],
        create: "",
        fields: ["name", "NULL", "NULL", "true", "NULL", "NULL"],
        rows: ROWS,
        beside: &["typeorm_metadata"],
    },
    reads: |path| is_script(path) && leading_digits(file_name(path)).is_some(),
    read: |found| {
        let mut order = Order::default();
        for file in found {
            match class_name(&text_of(&file)) {
                Some(name) => order.push(&name, file),
                None => {
                    order.strange.push((file.path, "there is no class in it whose name ends with a time"));
                }
            }
        }
        let time = |version: &Version| {
            let name = version.to_string();
            name.get(name.len().saturating_sub(13)..).and_then(|digits| digits.parse::<i64>().ok())
        };
        order.migrations.sort_by_key(|(version, ..)| (time(version), version.clone()));
        order
    },
    owns: &["ormconfig.json", "ormconfig.js", "typeorm"],
    complete: without_strangers,
    lock_key: None,
};

/// `versions/*.py`, each naming the one before it; the table holds the newest of each branch only.
pub(super) static ALEMBIC: Code = Code {
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
        let heads = files.iter().filter(|(revision, _)| !parents.contains(*revision));
        for (_, (_, _, file)) in heads.skip(1) {
            order
                .strange
                .push((file.path.clone(), "there is more than one head; `alembic merge heads` joins them"));
        }
        let edges = files.iter().map(|(revision, (before, ..))| (revision.clone(), before.clone())).collect();
        for revision in in_order(&edges) {
            let Some((_, parents, file)) = files.remove(&revision) else { continue };
            order.migrations.push((Version::Text(revision), file, Recorded::Nothing, parents));
        }
        order
    },
    owns: &["alembic.ini"],
    complete: |history, folder| {
        let parents_of = |version: &Version| {
            folder.migrations.iter().find(|file| file.version == *version).map(|file| file.detail.clone())
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
pub(super) static DJANGO: Code = Code {
    key: "django",
    folders: &["."],
    depth: 4,
    table: Table {
        schema: None,
        name: "django_migrations",
        columns: &["id", "app", "name", "applied"],
        create: "",
        fields: ["app || '.' || name", "NULL", "extract(epoch FROM applied)::bigint", "true", "NULL", "NULL"],
        rows: ROWS,
        beside: &[],
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
        let edges = files.iter().map(|(name, (before, _))| (name.clone(), before.clone())).collect();
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

/// `<digits>_<name>.js`.
pub(super) static KNEX: Code = Code {
    key: "knex",
    folders: &["migrations"],
    depth: 1,
    table: Table {
        schema: None,
        name: "knex_migrations",
        columns: &["id", "name", "batch", "migration_time"],
        create: "",
        fields: ["name", "NULL", "extract(epoch FROM migration_time)::bigint", "true", "NULL", "NULL"],
        rows: ROWS,
        beside: &["knex_migrations_lock", "knex_migrations_lock_index_seq"],
    },
    reads: is_script,
    read: |mut found| {
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut order = Order::default();
        for file in found {
            let name = file_name(&file.path).to_owned();
            order.push(&name, file);
        }
        order
    },
    owns: &["knexfile.js", "knexfile.ts", "knexfile.cjs", "knexfile.mjs"],
    complete: nothing_to_complete,
    lock_key: None,
};

/// `<id>.sql` with `<id>.rollback.sql`, or `<id>.py`.
pub(super) static YOYO: Code = Code {
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
            let id = file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            order.push(&id, file);
        }
        order
    },
    owns: &["yoyo.ini"],
    complete: nothing_to_complete,
    lock_key: None,
};

/// `sqitch.plan`, with a script in `deploy` for each change.
pub(super) static SQITCH: Code = Code {
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

/// Changelogs in SQL or XML; each change set is known by its file, author and id.
pub(super) static LIQUIBASE: Code = Code {
    key: "liquibase",
    folders: &[".", "db/changelog", "src/main/resources/db/changelog"],
    depth: 2,
    table: Table {
        schema: None,
        name: "databasechangelog",
        columns: &["id", "author", "filename", "dateexecuted", "orderexecuted", "exectype", "md5sum"],
        create: "",
        fields: [
            "author || ':' || id",
            "NULL",
            "extract(epoch FROM dateexecuted)::bigint",
            "true",
            "NULL",
            "NULL",
        ],
        rows: ROWS,
        beside: &["databasechangeloglock"],
    },
    reads: |path| {
        file_name(path).contains("changelog") && (has_extension(path, "sql") || has_extension(path, "xml"))
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

/// A tool that nothing is known of but the commands in `db.toml`.
pub(super) static OTHER: Code = Code {
    key: COMMANDS,
    folders: &["."],
    depth: 1,
    table: Table {
        schema: Some("cargo_db"),
        name: "no_history",
        columns: &["nothing"],
        create: "",
        fields: ["NULL", "NULL", "NULL", "true", "NULL", "NULL"],
        rows: ROWS,
        beside: &[],
    },
    reads: |_| false,
    read: |_| Order::default(),
    owns: &[],
    complete: nothing_to_complete,
    lock_key: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: &Code, files: &[(&str, &str)]) -> Vec<String> {
        let found =
            files.iter().map(|(path, text)| Found { path: path.into(), bytes: text.as_bytes().to_vec() });
        code.read(found.collect()).migrations.iter().map(Migration::title).collect()
    }

    #[test]
    fn the_order_is_the_one_that_the_tool_has() {
        let lib = "vec![Box::new(m20260102_000000_b::Migration), Box::new(m20260101_000000_a::Migration)]";
        let files = [("s/lib.rs", lib), ("s/m20260101_000000_a.rs", ""), ("s/m20260102_000000_b.rs", "")];
        assert_eq!(read(&SEA_ORM, &files), ["m20260102_000000_b", "m20260101_000000_a"]);

        let files = [
            ("2-B.ts", "export class B1767225600002 implements MigrationInterface {}"),
            ("1-A.js", "module.exports = class Old1767225600009 { name = 'A1767225600001' }"),
        ];
        assert_eq!(read(&TYPEORM, &files), ["A1767225600001", "B1767225600002"]);

        let files = [
            ("v/a.py", "revision: str = 'a2'\ndown_revision: Union[str, None] = (\n    'z1',\n)\n"),
            ("v/z.py", "revision = \"z1\"\ndown_revision = None\n"),
        ];
        assert_eq!(read(&ALEMBIC, &files), ["z1", "a2"]);

        let files = [
            ("shop/migrations/0001_initial.py", "dependencies = [('user', '0001_initial')]"),
            ("user/migrations/0001_initial.py", "dependencies = []"),
        ];
        assert_eq!(read(&DJANGO, &files), ["user.0001_initial", "shop.0001_initial"]);

        let plan = "%syntax-version=1.0.0\n%project=app\n\nusers 2026-01-01T00:00:00Z t <t@x> # u\n@v1 2026\nemail [users] 2026\n";
        let files = [("deploy/email.sql", ""), ("sqitch.plan", plan), ("deploy/users.sql", "")];
        assert_eq!(read(&SQITCH, &files), ["users", "email"]);

        let sql = "--liquibase formatted sql\n--changeset me:1\nSELECT 1;\n-- changeset me:2 runInTransaction:false\n";
        let xml = "<changeSet id=\"3\" author=\"you\">";
        assert_eq!(
            read(&LIQUIBASE, &[("changelog.sql", sql), ("changelog.xml", xml)]),
            ["me:1", "me:2", "you:3"]
        );
    }

    #[test]
    fn a_change_that_was_reworked_keeps_its_first_script() {
        let plan = "%project=app\nusers 2026\n@v1 2026\nusers [users@v1] 2026\n";
        let files = [("deploy/users.sql", "2"), ("deploy/users@v1.sql", "1"), ("sqitch.plan", plan)];
        assert_eq!(read(&SQITCH, &files), ["users@v1", "users"]);
    }

    #[test]
    fn a_head_stands_for_its_ancestors() {
        let file = |path: &str, text: &str| Found { path: path.into(), bytes: text.into() };
        let folder = ALEMBIC.read(vec![
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
        ALEMBIC.complete(&mut history, &folder);
        let versions: Vec<String> = history.applied.iter().map(|row| row.version.to_string()).collect();
        assert_eq!(versions, ["a", "b"]);
    }
}
