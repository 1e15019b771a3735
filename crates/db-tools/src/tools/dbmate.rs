//! dbmate: `db/migrations/<digits>_<name>.sql` with `-- migrate:up` and `-- migrate:down`;
//! `schema_migrations`.
//!
//! Read in `pkg/dbmate/{db,migration}.go` and `pkg/driver/postgres/postgres.go` of dbmate 2.36. It
//! runs migrations in the order of their file names and stores no checksum. Several pairs of parts
//! run in the order in which they are written, also for a rollback.

use std::path::{Path, PathBuf};

use crate::command::Commands;
use crate::migration::{Migration, MigrationFolder, Recorded, ScriptFile, Version};
use crate::naming::{NewMigration, file_name, leading_digits, most_are};
use crate::profile::{Confidence, HistoryEntry, HistoryTable, NoTransactionForm, Profile};
use crate::section::{self, DividedFile, FileSection, FormatProblem, Mark, Repeats, Sections};
use crate::tool::{FoundFile, Tool, rekeyed, script_file};
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
        companions: &[],
    },
    sections: Some(&SECTIONS),
    table_variable: Some("DBMATE_MIGRATIONS_TABLE"),
    without_transaction: "write `-- migrate:up transaction:false`",
    commands: Commands {
        all: "dbmate --migrations-dir {dir} --no-dump-schema migrate",
        back_one: "dbmate --migrations-dir {dir} --no-dump-schema rollback",
        create: "dbmate --migrations-dir {dir} new {name}",
        probe: "dbmate --migrations-dir {dir} status",
        ..Commands::NONE
    },
    no_transaction: NoTransactionForm::OnMarks("transaction:false"),
    ..Profile::SQL
};

static SECTIONS: Sections = Sections {
    words: &["migrate:up", "migrate:down"],
    near: &["migrate:"],
    mark,
    repeats: Repeats::Pairs,
    shown: "`-- migrate:up` and `-- migrate:down`",
};

impl Tool for Dbmate {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path).ends_with(".sql")
    }

    fn read(&self, mut found: Vec<FoundFile>) -> MigrationFolder {
        found.sort_by(|a, b| file_name(&a.path).cmp(file_name(&b.path)));
        let mut folder = MigrationFolder::default();
        for file in found {
            let text = file.text();
            let stem = file_name(&file.path).trim_end_matches(".sql").to_owned();
            let Some((version, rest)) = leading_digits(&stem) else {
                folder.misnamed.push((file.path, "dbmate wants a name that begins with digits"));
                continue;
            };
            let divided = section::divide(&text, "dbmate", &SECTIONS).and_then(of_one_kind);
            let division = match divided {
                Ok(division) => division,
                Err(problem) => {
                    folder.faulty.push((file.path, problem));
                    continue;
                }
            };
            let Some(up) = division.up() else {
                folder.misnamed.push((file.path, "dbmate wants a line `-- migrate:up` in it"));
                continue;
            };
            let whole = script_file(self, file, true);
            let script = |parts: &[FileSection<'_>], ranges| ScriptFile {
                transactional: parts.first().is_none_or(is_transactional),
                has_own_blocks: false,
                part: Some(ranges),
                ..whole.clone()
            };
            let up = script(&division.ups, up);
            let down = division.down().map(|ranges| script(&division.downs, ranges));
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

    fn claims(&self, names: &[&Path], text_of: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::signed_if(most_are(names, text_of, |text| SECTIONS.begin_in(text)))
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "INSERT INTO {table} (version) VALUES ({})",
            quote_literal(&migration.version.to_string())
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE version OPERATOR(pg_catalog.=) {}",
            quote_literal(&migration.version.to_string())
        )
    }

    fn move_record(&self, table: &str, from: &Migration, to: &Migration) -> Option<String> {
        Some(rekeyed(table, "version", from, to))
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let name = format!("{}_{}.sql", new.free_number(), new.name);
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

fn mark(line: &str) -> Option<Mark> {
    let is = |word| is_marker(line, word);
    is("migrate:up").then_some(Mark::Up).or(is("migrate:down").then_some(Mark::Down))
}

fn is_transactional(part: &FileSection<'_>) -> bool {
    !part.line.contains("transaction:false")
}

/// Fails if only some of the parts run in a transaction.
fn of_one_kind(division: DividedFile<'_>) -> Result<DividedFile<'_>, FormatProblem> {
    for parts in [&division.ups, &division.downs] {
        let first = parts.first().is_none_or(is_transactional);
        if let Some(other) = parts.iter().find(|part| is_transactional(part) != first) {
            let why = "of the parts before it, one runs in a transaction where this one does not, \
                or the other way round: write them as migrations of their own";
            return Err(FormatProblem::at(other.number, why));
        }
    }
    Ok(division)
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

    #[test]
    fn several_pairs_are_one_migration() {
        let pair = |name: &str| {
            format!("-- migrate:up\nCREATE TABLE {name} ()\n-- migrate:down\nDROP TABLE {name}\n")
        };
        let read = |text: &str| {
            Dbmate.read(vec![FoundFile { path: "1_x.sql".into(), bytes: text.into() }])
        };
        let text = pair("a") + &pair("b");
        let folder = read(&text);
        let migration = &folder.migrations[0];
        let sql = |script: &ScriptFile| {
            let text = String::from_utf8(script.part_of(text.clone().into())).unwrap();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(sql(&migration.up), "CREATE TABLE a () ; CREATE TABLE b ()");
        assert_eq!(sql(migration.down.as_ref().unwrap()), "DROP TABLE a ; DROP TABLE b");
        let mixed = pair("a") + &pair("b").replace("migrate:up", "migrate:up transaction:false");
        assert_eq!(read(&mixed).faulty[0].1.line, 5);
    }
}
