//! sqlx: `migrations/<version>_<name>.sql`, or `.up.sql` and `.down.sql`; `_sqlx_migrations`.
//!
//! Read in `sqlx-core/src/migrate/{source,migration,migration_type}.rs` and
//! `sqlx-postgres/src/migrate.rs` of sqlx 0.9.

use std::path::{Path, PathBuf};

use ring::digest::{SHA384, digest};
use serde::Deserialize;

use crate::command::Commands;
use crate::migration::{Checksum, Migration, MigrationFolder, Recorded, ScriptFile, Version};
use crate::naming::{DOWN, NewMigration, UP, file_name};
use crate::profile::{
    Confidence, HistoryEntry, HistoryTable, LockPlace, NoTransactionForm, Profile,
};
use crate::tool::{FoundFile, Tool, ToolSettings, rekeyed, script_file, without_bom};
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &Sqlx;

struct Sqlx;

static PROFILE: Profile = Profile {
    key: "sqlx",
    folders: &["migrations"],
    depth: 1,
    table: HistoryTable {
        schema: None,
        name: "_sqlx_migrations",
        columns: &[
            "version",
            "description",
            "installed_on",
            "success",
            "checksum",
            "execution_time",
        ],
        create: "CREATE TABLE IF NOT EXISTS {table} (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
    success BOOLEAN NOT NULL,
    checksum BYTEA NOT NULL,
    execution_time BIGINT NOT NULL
)",
        fields: [
            "version",
            "description",
            "extract(epoch FROM installed_on)::bigint",
            "success",
            "encode(checksum, 'hex')",
            "NULL",
        ],
        rows: "{table}",
        companions: &[],
    },
    marks: &["sqlx.toml", ".sqlx"],
    language: &["Cargo.toml"],
    dependencies: &[("Cargo.toml", "sqlx")],
    settings_file: Some("sqlx.toml"),
    without_transaction: "begin the file with `-- no-transaction`",
    commands: Commands {
        all: "sqlx migrate run --source {dir}",
        next: "sqlx migrate run --source {dir} --target-version {last}",
        back: "sqlx migrate revert --source {dir} --target-version {newest}",
        nothing: "0",
        create: "sqlx migrate add -r --source {dir} {name}",
        probe: "sqlx migrate info --source {dir}",
        ..Commands::NONE
    },
    no_transaction: NoTransactionForm::FirstLine("-- no-transaction"),
    ..Profile::SQL
};

/// The relevant content of `[migrate]` in `sqlx.toml`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct SqlxMigrate {
    table_name: Option<String>,
    migrations_dir: Option<PathBuf>,
    ignored_chars: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SqlxToml {
    migrate: SqlxMigrate,
}

/// What a file name says.
#[derive(Debug, PartialEq, Eq)]
enum FileName {
    Up(Version, String),
    Down(Version),
    Misnamed,
    /// Not a migration at all: a README, an editor's backup.
    Foreign,
}

impl Tool for Sqlx {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        path.as_os_str().as_encoded_bytes().ends_with(b".sql")
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        let mut downs: Vec<(Version, ScriptFile)> = Vec::new();
        for file in found {
            let transactional = !without_bom(&file.bytes).starts_with(b"-- no-transaction");
            match parse(&file.path) {
                FileName::Foreign => {}
                FileName::Misnamed => {
                    let has_name = file.path.to_string_lossy().contains('_');
                    let why = match has_name {
                        true => "the text before the first `_` is not a version number",
                        false => "sqlx wants a name `<version>_<name>.sql`",
                    };
                    folder.misnamed.push((file.path, why));
                }
                FileName::Down(version) => {
                    downs.push((version, script_file(self, file, transactional)));
                }
                FileName::Up(version, name) => {
                    let up = script_file(self, file, transactional);
                    let (recorded, detail) = (Recorded::Digest, String::new());
                    folder.migrations.push(Migration {
                        version,
                        name,
                        up,
                        down: None,
                        recorded,
                        detail,
                    });
                }
            }
        }
        folder.migrations.sort_by(|a, b| (&a.version, &a.up.path).cmp(&(&b.version, &b.up.path)));
        folder.join_downs(downs);
        folder
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        // A down file whose up file was deleted still shows whose folder it is.
        let is_ours = |name: &&Path| matches!(parse(name), FileName::Up(..) | FileName::Down(..));
        Confidence::fits_if(names.iter().any(is_ours))
    }

    fn digest(&self, bytes: &[u8]) -> Checksum {
        Checksum::of_digest(digest(&SHA384, bytes).as_ref())
    }

    fn version(&self, text: &str) -> Option<Version> {
        Version::number(text)
    }

    /// sqlx stores nanoseconds.
    fn record(&self, HistoryEntry { table, migration, elapsed, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "INSERT INTO {table} (version, description, success, checksum, execution_time) \
             VALUES ({}, {}, TRUE, '\\x{}', {})",
            migration.version,
            quote_literal(&migration.name),
            migration.up.checksum,
            elapsed.as_nanos()
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!("DELETE FROM {table} WHERE version OPERATOR(pg_catalog.=) {}", migration.version)
    }

    fn rerecord(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> Option<String> {
        let (checksum, version) = (&migration.up.checksum, &migration.version);
        Some(format!("UPDATE {table} SET checksum = '\\x{checksum}' WHERE version = {version}"))
    }

    fn clear_failed(
        &self,
        HistoryEntry { table, migration, .. }: &HistoryEntry<'_>,
    ) -> Option<String> {
        Some(format!(
            "DELETE FROM {table} WHERE version OPERATOR(pg_catalog.=) {} AND NOT success",
            migration.version
        ))
    }

    fn move_record(&self, table: &str, from: &Migration, to: &Migration) -> Option<String> {
        Some(rekeyed(table, "version", from, to))
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let stem = format!("{}_{}", new.free_number(), new.name);
        if new.reversible {
            vec![
                (format!("{stem}.up.sql").into(), UP.into()),
                (format!("{stem}.down.sql").into(), DOWN.into()),
            ]
        } else {
            // sqlx refuses to mix migrations with and without a down file in one folder.
            let is_up = |path: &Path| file_name(path).ends_with(".up.sql");
            let has_ups = new.folder.migrations.last().is_some_and(|last| is_up(&last.up.path));
            let end = if has_ups { "up.sql" } else { "sql" };
            vec![(format!("{stem}.{end}").into(), UP.into())]
        }
    }

    /// The library takes it, the command line does not.
    fn lock_key(&self, place: &LockPlace<'_>) -> Option<i64> {
        Some(0x3d32_ad9e * i64::from(crc32fast::hash(place.database.as_bytes())))
    }

    fn settings(&self, text: &str) -> Result<ToolSettings, String> {
        let parsed: Result<SqlxToml, _> = toml::from_str(text);
        let SqlxMigrate { table_name, migrations_dir, ignored_chars } =
            parsed.map_err(|error| error.message().to_owned())?.migrate;
        let ignored_characters = ignored_chars.concat();
        Ok(ToolSettings { table: table_name, dir: migrations_dir, ignored_characters })
    }
}

fn parse(path: &Path) -> FileName {
    let file = file_name(path);
    let Some((number, rest)) = file.split_once('_') else {
        // sqlx ignores a name without `_`; a person who wrote `1.sql` wants to hear of it.
        return if file.ends_with(".sql") { FileName::Misnamed } else { FileName::Foreign };
    };
    if !rest.ends_with(".sql") {
        return FileName::Foreign;
    }
    let Ok(number) = number.parse() else { return FileName::Misnamed };
    let version = Version::Number(number);
    if rest.ends_with(".down.sql") {
        return FileName::Down(version);
    }
    let suffix = if rest.ends_with(".up.sql") { ".up.sql" } else { ".sql" };
    // Like sqlx, which takes off as many as there are.
    let mut name = rest;
    while let Some(shorter) = name.strip_suffix(suffix) {
        name = shorter;
    }
    FileName::Up(version, name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> FileName {
        parse(Path::new(name))
    }

    #[test]
    fn names_are_read_as_sqlx_reads_them() {
        let up = |version, name: &str| FileName::Up(Version::Number(version), name.to_owned());
        assert_eq!(named("1_a_b.sql"), up(1, "a b"));
        assert_eq!(named("0002_x.up.sql"), up(2, "x"));
        assert_eq!(named("3_x.down.sql"), FileName::Down(Version::Number(3)));
        assert_eq!(named("first_x.sql"), FileName::Misnamed);
        assert_eq!(named("README_x.md"), FileName::Foreign);
        assert_eq!(named("12.sql"), FileName::Misnamed);
    }

    #[test]
    fn the_lock_key_is_the_one_that_was_seen_live() {
        // Observed in pg_locks while the sqlx library migrated the database `ext_sqlxlib`.
        assert_eq!(
            Sqlx.lock_key(&LockPlace { database: "ext_sqlxlib", schema: "public", table: "" }),
            Some(950_296_469_053_483_852)
        );
    }

    #[test]
    fn only_the_first_bytes_ask_for_no_transaction() {
        let transactional = |text: &str| {
            let folder = Sqlx.read(vec![FoundFile { path: "1_x.sql".into(), bytes: text.into() }]);
            folder.migrations[0].up.transactional
        };
        assert!(!transactional("-- no-transaction\nSELECT 1"));
        assert!(!transactional("\u{feff}-- no-transaction\nSELECT 1"));
        assert!(transactional("\n-- no-transaction\nSELECT 1"));
    }
}
