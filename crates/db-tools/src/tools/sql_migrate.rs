//! sql-migrate: `<digits>-<name>.sql` with `-- +migrate Up` and `-- +migrate Down`;
//! `gorp_migrations`.
//!
//! Read in `migrate.go` and `sqlparse/sqlparse.go` of sql-migrate 1. A migration is known by the
//! name of its file, and stores no checksum; names that begin with digits come first, in the order
//! of their numbers. Parts may be there several times and in any order.

use std::path::{Path, PathBuf};

use crate::command::Commands;
use crate::migration::{Migration, MigrationFolder, Recorded, ScriptFile, Version};
use crate::naming::{NewMigration, file_name, has_extension, leading_digits, most_are};
use crate::profile::{Confidence, HistoryEntry, HistoryTable, NoTransactionForm, Profile};
use crate::section::{self, FileSection, Mark, Repeats, Sections};
use crate::tool::{FoundFile, Tool, ToolSettings, script_file};
use crate::variables::Connection;
use crate::written::enclosed;
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &SqlMigrate;

struct SqlMigrate;

static PROFILE: Profile = Profile {
    key: "sql-migrate",
    folders: &["migrations", "db/migrations"],
    depth: 1,
    table: HistoryTable {
        schema: None,
        name: "gorp_migrations",
        columns: &["id", "applied_at"],
        create: "CREATE TABLE IF NOT EXISTS {table} \
            (\"id\" text not null primary key, \"applied_at\" timestamp with time zone)",
        fields: [
            "regexp_replace(id, '[.]sql$', '')",
            "NULL",
            "extract(epoch FROM applied_at)::bigint",
            "true",
            "NULL",
            "NULL",
        ],
        rows: "{table}",
        companions: &[],
    },
    marks: &["dbconfig.yml"],
    home: &["dbconfig.yml"],
    language: &["go.mod"],
    dependencies: &[("go.mod", "github.com/rubenv/sql-migrate")],
    sections: Some(&SECTIONS),
    settings_file: Some("dbconfig.yml"),
    without_transaction: "write `-- +migrate Up notransaction`",
    commands: Commands {
        all: "sql-migrate up",
        next: "sql-migrate up -limit={count}",
        back: "sql-migrate down -limit={count}",
        create: "sql-migrate new {name}",
        probe: "sql-migrate status",
        ..Commands::NONE
    },
    no_transaction: NoTransactionForm::OnMarks("notransaction"),
    ..Profile::SQL
};

static SECTIONS: Sections = Sections {
    words: &["+migrate"],
    near: &["migrate up", "migrate down"],
    mark,
    repeats: Repeats::Any,
    shown: "`-- +migrate Up`, `-- +migrate Down`, `StatementBegin` and `StatementEnd`, \
        in these letters and with one space before the `+`",
};

impl Tool for SqlMigrate {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        has_extension(path, "sql")
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        for file in found {
            let text = file.text();
            let division = match section::divide(&text, "sql-migrate", &SECTIONS) {
                Ok(division) => division,
                Err(problem) => {
                    folder.faulty.push((file.path, problem));
                    continue;
                }
            };
            let Some(up) = division.up() else {
                let why = "sql-migrate wants a line `-- +migrate Up` in it";
                folder.misnamed.push((file.path, why));
                continue;
            };
            let stem = file_name(&file.path).trim_end_matches(".sql").to_owned();
            let whole = script_file(self, file, true);
            let script = |parts: &[FileSection<'_>], ranges| ScriptFile {
                // One part that asks for none speaks for all.
                transactional: !parts.iter().any(|part| part.line.ends_with(" notransaction")),
                has_own_blocks: false,
                part: Some(ranges),
                ..whole.clone()
            };
            let down = division.down().map(|ranges| script(&division.downs, ranges));
            folder.migrations.push(Migration {
                version: Version::Text(stem),
                name: String::new(),
                up: script(&division.ups, up),
                down,
                recorded: Recorded::Nothing,
                detail: String::new(),
            });
        }
        folder.migrations.sort_by_cached_key(|one| order(&one.version.to_string()));
        folder
    }

    fn claims(&self, names: &[&Path], text_of: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::signed_if(most_are(names, text_of, |text| SECTIONS.begin_in(text)))
    }

    /// Its environments each say where files and history are: where all say the same, that counts.
    fn settings(&self, text: &str) -> Result<ToolSettings, String> {
        let said = |key: &str| {
            let values = text.lines().filter_map(|line| {
                let value = line.trim().strip_prefix(key)?.strip_prefix(':')?;
                Some(value.trim().trim_matches(['"', '\'']))
            });
            let mut values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
            values.dedup();
            <[&str; 1]>::try_from(values).ok().map(|[value]| value.to_owned())
        };
        let (table, dir) = (said("table"), said("dir").map(PathBuf::from));
        Ok(ToolSettings { table, dir, ..ToolSettings::default() })
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!("INSERT INTO {table} (id, applied_at) VALUES ({}, pg_catalog.now())", id(migration))
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!("DELETE FROM {table} WHERE id OPERATOR(pg_catalog.=) {}", id(migration))
    }

    fn move_record(&self, table: &str, from: &Migration, to: &Migration) -> Option<String> {
        Some(format!("UPDATE {table} SET id = {} WHERE id = {}", id(to), id(from)))
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let name = format!("{}-{}.sql", new.free_number(), new.name);
        vec![(name.into(), "\n-- +migrate Up\n\n-- +migrate Down\n".to_owned())]
    }

    fn statement(&self, sql: &str) -> String {
        enclosed(sql, "-- +migrate StatementBegin", "-- +migrate StatementEnd")
    }

    fn url(&self, connection: &Connection<'_>) -> String {
        connection.go_url()
    }
}

/// What the history calls a migration.
fn id(migration: &Migration) -> String {
    quote_literal(&format!("{}.sql", migration.version))
}

/// Those without a number last, then by number, then by name.
fn order(name: &str) -> (bool, u128, String) {
    let number = leading_digits(name).map(|(digits, _)| digits.parse().unwrap_or(u128::MAX));
    (number.is_none(), number.unwrap_or_default(), name.to_owned())
}

fn mark(line: &str) -> Option<Mark> {
    let words: Vec<&str> = line.strip_prefix("-- +migrate ")?.split_whitespace().collect();
    let (command, options) = words.split_first()?;
    let known = options.iter().all(|option| *option == "notransaction");
    match *command {
        "Up" if known => Some(Mark::Up),
        "Down" if known => Some(Mark::Down),
        "StatementBegin" | "StatementEnd" => Some(Mark::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> MigrationFolder {
        let file = |(name, text): &(&str, &str)| FoundFile {
            path: name.into(),
            bytes: text.as_bytes().to_vec(),
        };
        SqlMigrate.read(files.iter().map(file).collect())
    }

    #[test]
    fn names_with_numbers_come_first_and_by_number() {
        let text = "-- +migrate Up\nSELECT 1;\n";
        let folder =
            read(&[("10-b.sql", text), ("9-a.sql", text), ("init.sql", text), ("9_b.sql", text)]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["9-a", "9_b", "10-b", "init"]);
    }

    #[test]
    fn parts_come_in_any_order_and_number() {
        let text = "-- +migrate Down\nSELECT 0;\n-- +migrate Up notransaction\nSELECT 1;\n\
            -- +migrate StatementBegin\nSELECT 2;\n-- +migrate StatementEnd\n\
            -- +migrate Up\nSELECT 3;\n";
        let folder = read(&[("1-a.sql", text)]);
        let Migration { up, down, .. } = &folder.migrations[0];
        let sql = String::from_utf8(up.part_of(text.into())).unwrap();
        let is_code = |line: &&str| !line.trim().is_empty() && !line.starts_with("--");
        assert_eq!(
            sql.lines().filter(is_code).collect::<Vec<_>>(),
            ["SELECT 1;", "SELECT 2;", "SELECT 3;"]
        );
        assert!(!up.transactional && down.as_ref().unwrap().transactional);
    }

    #[test]
    fn what_the_tool_passes_over_is_faulty() {
        for (text, line) in [
            ("SELECT 0;\n-- +migrate Up\nSELECT 1;\n", 1),
            ("-- +migrate Up\nSELECT 1;\n--+migrate Down\nSELECT 2;\n", 3),
            ("-- +migrate Up\nSELECT 1;\n-- +migrate down\nSELECT 2;\n", 3),
            ("-- +migrate Up NoTransaction\nSELECT 1;\n", 1),
        ] {
            assert_eq!(read(&[("1-a.sql", text)]).faulty[0].1.line, line, "{text}");
        }
    }

    #[test]
    fn settings_count_where_all_environments_agree() {
        let read = |text| SqlMigrate.settings(text).unwrap();
        let one = read("development:\n    dialect: postgres\n    dir: db\n    table: 'mine'\n");
        assert_eq!((one.dir, one.table), (Some("db".into()), Some("mine".to_owned())));
        let two = read("development:\n    table: a\nproduction:\n    table: b\n");
        assert_eq!(two.table, None);
    }
}
