//! golang-migrate: `<number>_<name>.up.sql` and `.down.sql`; `schema_migrations` with one row, the
//! newest version.
//!
//! Read in `database/postgres/postgres.go`, `database/util.go` and `source/parse.go` of
//! golang-migrate 4. It sends a file in one message, and records nothing about versions below the
//! newest.

use std::path::{Path, PathBuf};

use crate::command::Commands;
use crate::history::{Applied, History};
use crate::migration::{Migration, MigrationFolder, Recorded, ScriptFile, Version};
use crate::naming::{DOWN, NewMigration, UP, file_name};
use crate::profile::{
    Confidence, HistoryEntry, HistoryTable, LockPlace, NoTransactionForm, Profile,
};
use crate::tool::{FoundFile, Tool, query_file};
use crate::variables::Connection;

pub(super) static TOOL: &dyn Tool = &GolangMigrate;

struct GolangMigrate;

static PROFILE: Profile = Profile {
    key: "golang-migrate",
    folders: &["migrations", "db/migrations"],
    depth: 1,
    table: HistoryTable {
        schema: None,
        name: "schema_migrations",
        columns: &["version", "dirty"],
        create: "CREATE TABLE IF NOT EXISTS {table} \
            (version bigint not null primary key, dirty boolean not null)",
        fields: ["version", "NULL", "NULL", "NOT dirty", "NULL", "NULL"],
        // A version below zero says that nothing is applied, and may have failed to become so.
        rows: "(SELECT * FROM {table} WHERE version >= 0 OR dirty) AS rows",
        companions: &[],
    },
    language: &["go.mod"],
    dependencies: &[("go.mod", "github.com/golang-migrate/migrate")],
    takes_own_lock: true,
    without_transaction: "let it be the only statement of its file",
    commands: Commands {
        all: "migrate -path {dir} -database {url} up",
        next: "migrate -path {dir} -database {url} up {count}",
        back: "migrate -path {dir} -database {url} down {count}",
        create: "migrate create -ext sql -dir {dir} {name}",
        ..Commands::NONE
    },
    no_transaction: NoTransactionForm::Alone,
    ..Profile::SQL
};

impl Tool for GolangMigrate {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path).ends_with(".sql")
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        let mut downs: Vec<(Version, ScriptFile)> = Vec::new();
        for file in found {
            let Some((version, name, is_up)) = parse(file_name(&file.path)) else {
                folder
                    .misnamed
                    .push((file.path, "golang-migrate wants a name `<number>_<name>.up.sql`"));
                continue;
            };
            let script = query_file(self, file);
            if !is_up {
                downs.push((version, script));
                continue;
            }
            let (recorded, detail) = (Recorded::Nothing, String::new());
            folder.migrations.push(Migration {
                version,
                name,
                up: script,
                down: None,
                recorded,
                detail,
            });
        }
        folder.migrations.sort_by(|a, b| (&a.version, &a.up.path).cmp(&(&b.version, &b.up.path)));
        // What is the newest once a migration is taken back.
        for index in 1..folder.migrations.len() {
            folder.migrations[index].detail = folder.migrations[index - 1].version.to_string();
        }
        folder.join_downs(downs);
        folder
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::fits_if(names.iter().any(|name| parse(file_name(name)).is_some()))
    }

    fn version(&self, text: &str) -> Option<Version> {
        Version::number(text)
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "TRUNCATE {table}; INSERT INTO {table} (version, dirty) VALUES ({}, false)",
            migration.version
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        match migration.detail.as_str() {
            "" => format!("TRUNCATE {table}"),
            before => {
                format!(
                    "TRUNCATE {table}; \
                     INSERT INTO {table} (version, dirty) VALUES ({before}, false)"
                )
            }
        }
    }

    /// The version before it is the newest one that is whole.
    fn clear_failed(&self, entry: &HistoryEntry<'_>) -> Option<String> {
        Some(self.erase(entry))
    }

    /// Everything up to the one row is applied.
    fn complete(&self, history: &mut History, folder: &MigrationFolder) {
        let Some(newest) = history.applied.pop() else { return };
        let earlier = folder.migrations.iter().filter(|file| file.version < newest.version);
        history.applied = earlier
            .map(|file| Applied { success: true, ..newest.of_version(&file.version) })
            .collect();
        history.applied.push(newest);
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let stem = format!("{}_{}", new.free_number(), new.name);
        let mut files = vec![(format!("{stem}.up.sql").into(), UP.to_owned())];
        if new.reversible {
            files.push((format!("{stem}.down.sql").into(), DOWN.to_owned()));
        }
        files
    }

    fn lock_key(&self, place: &LockPlace<'_>) -> Option<i64> {
        let text = [place.schema, place.table, place.database].join("\0");
        Some(i64::from(crc32fast::hash(text.as_bytes()).wrapping_mul(1_486_364_155)))
    }

    fn url(&self, connection: &Connection<'_>) -> String {
        connection.go_url()
    }
}

fn parse(file: &str) -> Option<(Version, String, bool)> {
    let (number, rest) = file.split_once('_')?;
    let version =
        Version::number(number).filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (name, is_up) = match rest.strip_suffix(".up.sql") {
        Some(name) => (name, true),
        None => (rest.strip_suffix(".down.sql")?, false),
    };
    Some((version, name.replace('_', " "), is_up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_stands_for_all_before_it() {
        let file = |name: &str| FoundFile { path: name.into(), bytes: vec![] };
        let folder = GolangMigrate
            .read(["1_a.up.sql", "2_b.up.sql", "10_c.up.sql", "2_b.down.sql"].map(file).into());
        let row = Applied {
            version: Version::Number(2),
            name: String::new(),
            installed_on: None,
            success: false,
            checksum: None,
            detail: String::new(),
        };
        let mut history = History { applied: vec![row], ..History::default() };
        GolangMigrate.complete(&mut history, &folder);
        let rows: Vec<(String, bool)> =
            history.applied.iter().map(|row| (row.version.to_string(), row.success)).collect();
        assert_eq!(rows, [("1".to_owned(), true), ("2".to_owned(), false)]);
        assert_eq!(folder.migrations[2].detail, "2");
        assert!(folder.migrations[1].down.is_some());
    }
}
