//! Tools whose migrations are programs: what is applied and what is pending is read from their files and
//! tables as far as text tells it, which is best effort; only the tools themselves can run them.
//!
//! Read in the sources that `docs/tools.md` names for each.

mod node;
mod plans;
mod python;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::model::history::History;
use crate::model::layout::{
    Claim, Convention, Entry, Facts, Found, LockPlace, NewMigration, Root, Table, file_name,
    has_extension, script_file,
};
use crate::model::migration::{Folder, Migration, Recorded, Version};

pub(super) use node::{KNEX, TYPEORM};
pub(super) use plans::{LIQUIBASE, SQITCH};
pub(super) use python::{ALEMBIC, DJANGO, YOYO};
use text::{is_dated_module, text_of};

/// One such tool.
pub(super) struct Code {
    facts: Facts,
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
    fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The migrations of sea-orm are a crate of their own.
    fn levels(&self) -> Option<usize> {
        (self.key() == SEA_ORM.key()).then_some(1)
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
        Claim::signed_if(
            self.key() == SEA_ORM.key()
                && names.iter().any(|name| is_dated_module(file_name(name))),
        )
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

    fn goes_back_as_run(&self) -> bool {
        matches!(self.key(), "typeorm" | "liquibase")
    }

    fn is_code(&self) -> bool {
        true
    }

    fn is_certain(&self) -> bool {
        self.key() == "sqitch"
    }
}

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
pub(in crate::model::layout) static SEA_ORM: Code = Code {
    facts: Facts {
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
    },
    reads: |path| has_extension(path, "rs") && file_name(path) != "main.rs",
    read: |mut found| {
        let mut order = Order::default();
        let lib = found.iter().position(|file| file_name(&file.path) == "lib.rs");
        let text = lib.map_or_else(String::new, |at| text_of(&found.swap_remove(at)));
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
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

/// A tool that nothing is known of but the commands in `db.toml`.
pub(in crate::model::layout) static OTHER: Code = Code {
    facts: Facts {
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
    use crate::model::history::Applied;

    fn read(code: &Code, files: &[(&str, &str)]) -> Vec<String> {
        let found = files
            .iter()
            .map(|(path, text)| Found { path: path.into(), bytes: text.as_bytes().to_vec() });
        code.read(found.collect()).migrations.iter().map(Migration::title).collect()
    }

    #[test]
    fn the_order_is_the_one_that_the_tool_has() {
        let lib = "vec![Box::new(m20260102_000000_b::Migration), Box::new(m20260101_000000_a::Migration)]";
        let files =
            [("s/lib.rs", lib), ("s/m20260101_000000_a.rs", ""), ("s/m20260102_000000_b.rs", "")];
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
        let files =
            [("deploy/users.sql", "2"), ("deploy/users@v1.sql", "1"), ("sqitch.plan", plan)];
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
        let versions: Vec<String> =
            history.applied.iter().map(|row| row.version.to_string()).collect();
        assert_eq!(versions, ["a", "b"]);
    }
}
