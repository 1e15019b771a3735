//! diesel: `migrations/<version>_<name>/{up,down}.sql`, `__diesel_schema_migrations`.
//!
//! Read in `diesel_migrations/src/file_based_migrations.rs`, `migrations_internals/src/lib.rs` and
//! `diesel/src/migration/setup_migration_table.sql` of diesel 2.3. It stores no checksum.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::command::Commands;
use crate::migration::{Migration, MigrationFolder, Recorded, Version};
use crate::naming::{DOWN, NewMigration, UP, file_name, folder_name};
use crate::profile::{
    Confidence, HistoryEntry, HistoryTable, NoTransactionForm, Profile, Renumbering,
};
use crate::tool::{FoundFile, Tool, rekeyed, script_file};
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &Diesel;

struct Diesel;

static PROFILE: Profile = Profile {
    key: "diesel",
    folders: &["migrations"],
    depth: 2,
    renumbering: Renumbering::Folders,
    table: HistoryTable {
        schema: None,
        name: "__diesel_schema_migrations",
        columns: &["version", "run_on"],
        create: "CREATE TABLE IF NOT EXISTS {table} (
       version VARCHAR(50) PRIMARY KEY NOT NULL,
       run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
)",
        fields: ["version", "NULL", "extract(epoch FROM run_on)::bigint", "true", "NULL", "NULL"],
        rows: "{table}",
        companions: &[],
    },
    marks: &["diesel.toml"],
    language: &["Cargo.toml"],
    dependencies: &[("Cargo.toml", "diesel"), ("Cargo.toml", "diesel_migrations")],
    without_transaction: "say `run_in_transaction = false` in a metadata.toml beside it",
    commands: Commands {
        all: "diesel migration run --migration-dir {dir}",
        back: "diesel migration revert --migration-dir {dir} --number {count}",
        create: "diesel migration generate --migration-dir {dir} {name}",
        generate: "diesel migration generate --migration-dir {dir} {name} --diff-schema",
        probe: "diesel migration pending --migration-dir {dir}",
        ..Commands::NONE
    },
    no_transaction: NoTransactionForm::File("metadata.toml", "run_in_transaction = false\n"),
    ..Profile::SQL
};

impl Tool for Diesel {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        path.components().count() == 2
            && matches!(file_name(path), "up.sql" | "down.sql" | "metadata.toml")
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folders: BTreeMap<PathBuf, [Option<FoundFile>; 3]> = BTreeMap::new();
        for file in found {
            let slot = match file_name(&file.path) {
                "up.sql" => 0,
                "down.sql" => 1,
                _ => 2,
            };
            let parent = file.path.parent().unwrap_or(Path::new("")).to_owned();
            folders.entry(parent).or_default()[slot] = Some(file);
        }
        let mut folder = MigrationFolder::default();
        for (path, [up, down, metadata]) in folders {
            // For diesel, a metadata file without this setting means `false`.
            let transactional = metadata.is_none_or(|metadata| {
                let text = String::from_utf8_lossy(&metadata.bytes).into_owned();
                // A file that is not TOML has no effect.
                toml::from_str::<toml::Table>(&text).map_or(true, |table| {
                    table.get("run_in_transaction").and_then(toml::Value::as_bool).unwrap_or(false)
                })
            });
            let name = file_name(&path).to_owned();
            if name.starts_with('.') {
                continue;
            }
            let is_dated = name.starts_with(|c: char| c.is_ascii_digit());
            let (version, name) = name.split_once('_').unwrap_or((&name, ""));
            let version = Version::Text(version.replace('-', ""));
            let Some(up) = up else {
                match down {
                    Some(down) => folder.orphans.push(down.path),
                    None => folder.misnamed.push((path, "there is no up.sql in it")),
                }
                continue;
            };
            if !is_dated {
                let why = format!(
                    "the name of its folder does not begin with a version, so that diesel takes \
                     `{version}` for it"
                );
                folder.unversioned.push((version.clone(), up.path.clone(), why));
            }
            folder.migrations.push(Migration {
                version,
                name: name.replace('_', " "),
                up: script_file(self, up, transactional),
                down: down.map(|down| script_file(self, down, transactional)),
                recorded: Recorded::Nothing,
                detail: String::new(),
            });
        }
        folder.migrations.sort_by(|a, b| a.version.cmp(&b.version));
        folder
    }

    /// A folder with a down.sql or a metadata.toml counts as a migration too.
    fn lacks(&self, names: &[&str]) -> Option<&'static str> {
        let known = ["up.sql", "down.sql", "metadata.toml"];
        (!names.iter().any(|name| known.contains(name))).then_some("there is no up.sql in it")
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::fits_if(
            names.iter().any(|name| file_name(name) == "up.sql" && !folder_name(name).is_empty()),
        )
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

    fn version_in(&self, name: &str) -> Option<Range<usize>> {
        Some(0..name.find('_').unwrap_or(name.len()))
    }

    /// `2026-01-31-235959`, or as the newest folder has it: newer versions of the tool add
    /// `-0000`.
    fn new_version(&self, new: &NewMigration<'_>) -> String {
        let number = new.free_number();
        let mut dated = new.folder.migrations.iter().map(|one| folder_name(&one.up.path));
        let style = dated.rfind(|name| !name.starts_with("0000")).unwrap_or("-");
        let end = if has_counter(style) { "-0000" } else { "" };
        match number.split_at_checked(8) {
            Some((date, time)) if number.len() == 14 && style.contains('-') => {
                format!("{}-{}-{}-{time}{end}", &date[..4], &date[4..6], &date[6..])
            }
            _ => number,
        }
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let folder = PathBuf::from(format!("{}_{}", self.new_version(new), new.name));
        let mut files = vec![(folder.join("up.sql"), UP.to_owned())];
        if new.reversible {
            files.push((folder.join("down.sql"), DOWN.to_owned()));
        }
        files
    }
}

/// Whether the version of a folder ends with four digits that count within a second.
fn has_counter(folder: &str) -> bool {
    let version = folder.split('_').next().unwrap_or_default();
    version.split('-').count() == 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_lose_their_dashes_and_compare_as_text() {
        let file = |path: &str| FoundFile { path: path.into(), bytes: b"SELECT 1".to_vec() };
        let folder = Diesel.read(vec![
            file("migrations/2024-01-02-030405-0000_x/up.sql"),
            file("migrations/00000000000000_diesel_initial_setup/up.sql"),
            file("migrations/00000000000000_diesel_initial_setup/down.sql"),
            file("migrations/9_later/up.sql"),
            file("migrations/8_lost/down.sql"),
        ]);
        let versions: Vec<String> =
            folder.migrations.iter().map(|one| one.version.to_string()).collect();
        assert_eq!(versions, ["00000000000000", "202401020304050000", "9"]);
        assert!(folder.migrations[0].down.is_some());
        assert_eq!(folder.orphans, [PathBuf::from("migrations/8_lost/down.sql")]);
    }

    #[test]
    fn a_folder_without_a_version_is_reported() {
        let file = |path: &str| FoundFile { path: path.into(), bytes: b"SELECT 1".to_vec() };
        let folder = Diesel.read(vec![file("m/1_x/up.sql"), file("m/add_index/up.sql")]);
        let [(version, path, why)] = folder.unversioned.as_slice() else { panic!("{folder:?}") };
        assert_eq!((version, path), (&Version::text("add"), &PathBuf::from("m/add_index/up.sql")));
        assert!(why.contains("takes `add` for it"), "{why}");
    }

    #[test]
    fn a_new_folder_is_named_as_the_others_are() {
        let now = time::OffsetDateTime::from_unix_timestamp(1_767_225_599).unwrap();
        let next = |folders: &[&str]| {
            let file = |name: &&str| FoundFile {
                path: format!("migrations/{name}/up.sql").into(),
                bytes: b"SELECT 1".to_vec(),
            };
            let folder = Diesel.read(folders.iter().map(file).collect());
            let new = NewMigration { name: "y", now, reversible: false, folder: &folder };
            Diesel.new_files(&new)[0].0.parent().unwrap().display().to_string()
        };
        let setup = "00000000000000_diesel_initial_setup";
        assert_eq!(next(&[]), "2025-12-31-235959_y");
        assert_eq!(next(&[setup]), "2025-12-31-235959_y");
        assert_eq!(next(&[setup, "2025-01-01-000000_x"]), "2025-12-31-235959_y");
        assert_eq!(next(&[setup, "2025-01-01-000000-0000_x"]), "2025-12-31-235959-0000_y");
        assert_eq!(next(&["2030-01-01-000000_x"]), "2030-01-01-000001_y");
        assert_eq!(next(&["20250101000000_x"]), "20251231235959_y");
        assert_eq!(next(&["001_x"]), "002_y");
    }

    #[test]
    fn metadata_without_the_key_means_no_transaction() {
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let transactional = |text| {
            let files = vec![file("m/1_x/up.sql", ""), file("m/1_x/metadata.toml", text)];
            Diesel.read(files).migrations[0].up.transactional
        };
        assert!(!transactional(""));
        assert!(!transactional("run_in_transaction = false"));
        assert!(transactional("run_in_transaction = true"));
    }
}
