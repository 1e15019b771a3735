//! dbmate: `db/migrations/<digits>_<name>.sql` with `-- migrate:up` and `-- migrate:down`;
//! `schema_migrations`.
//!
//! Read in `pkg/dbmate/{db,migration}.go` and `pkg/driver/postgres/postgres.go` of dbmate 2.36. It
//! runs migrations in the order of their file names and stores no checksum.

use std::path::{Path, PathBuf};

use crate::command::Commands;
use crate::migration::{Folder, Migration, Recorded, ScriptFile, Version};
use crate::naming::{NewMigration, file_name, leading_digits};
use crate::profile::{Claim, HistoryEntry, HistoryTable, Profile};
use crate::section;
use crate::tool::{FoundFile, Tool, script_file};
use crate::variables::Connection;
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &Dbmate;

struct Dbmate;

static PROFILE: Profile = Profile {
    key: "dbmate",
    folders: &["db/migrations", "migrations"],
    depth: 1,
    table: HistoryTable {
        schema: None,
        name: "schema_migrations",
        columns: &["version"],
        create: "CREATE TABLE IF NOT EXISTS {table} (version varchar PRIMARY KEY)",
        fields: ["version", "NULL", "NULL", "true", "NULL", "NULL"],
        rows: "{table}",
        beside: &[],
    },
    table_variable: Some("DBMATE_MIGRATIONS_TABLE"),
    without_transaction: "write `-- migrate:up transaction:false`",
    commands: Commands {
        all: "dbmate --migrations-dir {dir} --no-dump-schema migrate",
        back_one: "dbmate --migrations-dir {dir} --no-dump-schema rollback",
        create: "dbmate --migrations-dir {dir} new {name}",
        probe: "dbmate --migrations-dir {dir} status",
        ..Commands::NONE
    },
    ..Profile::SQL
};

impl Tool for Dbmate {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path).ends_with(".sql")
    }

    fn read(&self, mut found: Vec<FoundFile>) -> Folder {
        found.sort_by(|a, b| file_name(&a.path).cmp(file_name(&b.path)));
        let mut folder = Folder::default();
        for file in found {
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            let is = |word| move |line: &str| is_marker(line, word);
            let parts = section::parts(&text, is("migrate:up"), is("migrate:down"));
            let stem = file_name(&file.path).trim_end_matches(".sql").to_owned();
            let Some((version, rest)) = leading_digits(&stem) else {
                folder.misnamed.push((file.path, "dbmate wants a name that begins with digits"));
                continue;
            };
            let times = |word| text.lines().filter(|line| is_marker(line.trim(), word)).count();
            if times("migrate:up") > 1 || times("migrate:down") > 1 {
                folder.misnamed.push((file.path, "it has several parts that lead one way"));
                continue;
            }
            let Some((marker, range)) = parts.up else {
                folder.misnamed.push((file.path, "dbmate wants a line `-- migrate:up` in it"));
                continue;
            };
            let transactional = |line: &str| !line.contains("transaction:false");
            let whole = script_file(self, FoundFile { path: file.path, bytes: file.bytes }, true);
            let up = ScriptFile {
                transactional: transactional(marker.line),
                part: Some(range),
                ..whole.clone()
            };
            let down = parts.down.map(|(marker, range)| ScriptFile {
                transactional: transactional(marker.line),
                part: Some(range),
                ..whole
            });
            folder.migrations.push(Migration {
                version: Version::text(version),
                name: rest.trim_start_matches('_').replace('_', " "),
                up,
                down,
                recorded: Recorded::Nothing,
                detail: String::new(),
            });
        }
        folder
    }

    fn claims(&self, names: &[&Path], first: &dyn Fn(&Path) -> Option<String>) -> Claim {
        let sql = names.iter().find(|name| self.reads(name));
        let marked = |text: String| text.lines().any(|line| is_marker(line.trim(), "migrate:up"));
        Claim::signed_if(sql.and_then(|name| first(name)).is_some_and(marked))
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "INSERT INTO {table} (version) VALUES ({})",
            quote_literal(&migration.version.to_string())
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE version = {}",
            quote_literal(&migration.version.to_string())
        )
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let name = format!("{}_{}.sql", new.free_timestamp(), new.name);
        vec![(name.into(), "-- migrate:up\n\n\n-- migrate:down\n\n".to_owned())]
    }

    fn url(&self, connection: &Connection<'_>) -> String {
        connection.with_search_path(connection.go_url(), "search_path")
    }
}

fn is_marker(line: &str, word: &str) -> bool {
    let after =
        line.strip_prefix("--").map(str::trim_start).and_then(|line| line.strip_prefix(word));
    after.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_holds_both_ways() {
        let text =
            "-- migrate:up transaction:false\nCREATE TABLE t ();\n-- migrate:down\nDROP TABLE t;\n";
        let file = |name: &str| FoundFile { path: name.into(), bytes: text.into() };
        let folder = Dbmate.read(vec![file("9_x.sql"), file("10_y_z.sql"), file("x.sql")]);
        // By file name: 10 comes before 9.
        let versions: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(versions, ["10 y z", "9 x"]);
        let Migration { up, down, .. } = &folder.migrations[0];
        assert_eq!(up.part_of(text.into()).trim_ascii(), b"CREATE TABLE t ();");
        let down = down.as_ref().unwrap();
        assert!(down.transactional && !up.transactional);
        assert!(down.part_of(text.into()).ends_with(b"DROP TABLE t;\n"));
        assert_eq!(folder.misnamed.len(), 1);
    }
}
