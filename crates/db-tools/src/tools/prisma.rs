//! Prisma 6 and 7: `prisma/migrations/<name>/migration.sql`, `_prisma_migrations`.
//!
//! Read in `flavour/postgres.rs` and `sql_migration_persistence.rs` of the crate
//! `sql-schema-connector`, and in `checksum.rs` and `migrations_directory.rs` of
//! `schema-connector`, in prisma-engines. The checksum is SHA-256 in hexadecimal digits; with other
//! ends of lines, and without leading zeros, it is the same.

use std::path::{Path, PathBuf};

use crate::command::{Commands, Task, ToolFolder};
use crate::migration::{Checksum, Migration, MigrationFolder, Recorded, Version};
use crate::naming::{NewMigration, UP, file_name, folder_name};
use crate::profile::{
    Confidence, Generated, HistoryEntry, HistoryTable, LockPlace, Profile, Renumbering,
    RollbackSupport,
};
use crate::tool::{FoundFile, Tool, query_file, rekeyed, sha256};
use crate::variables::{Connection, Variable};
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &Prisma;

struct Prisma;

static PROFILE: Profile = Profile {
    key: "prisma",
    folders: &["prisma/migrations", "migrations"],
    depth: 2,
    home: &["prisma.config.ts", "prisma/schema.prisma"],
    table: HistoryTable {
        schema: None,
        name: "_prisma_migrations",
        columns: &[
            "id",
            "checksum",
            "finished_at",
            "migration_name",
            "logs",
            "rolled_back_at",
            "started_at",
            "applied_steps_count",
        ],
        create: "CREATE TABLE {table} (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)",
        fields: [
            "migration_name",
            "NULL",
            "extract(epoch FROM finished_at)::bigint",
            "finished_at IS NOT NULL",
            "checksum",
            "NULL",
        ],
        // One migration can have several rows: those that were rolled back count no more.
        rows: "(SELECT DISTINCT ON (migration_name) * FROM {table} WHERE rolled_back_at IS NULL \
            ORDER BY migration_name, finished_at DESC NULLS FIRST) AS rows",
        companions: &[],
    },
    marks: &["prisma/schema.prisma", "prisma.config.ts"],
    takes_own_lock: true,
    creates_schema: true,
    rollback: RollbackSupport::Never,
    renumbering: Renumbering::Folders,
    generated: Generated::Sql { nothing: "This is an empty migration" },
    without_transaction: "let it be the only statement of its file",
    commands: Commands {
        all: "prisma migrate deploy",
        generate: "prisma migrate diff --from-migrations {dir} {to-schema} {schema} --script",
        probe: "prisma migrate status",
        ..Commands::NONE
    },
    ..Profile::SQL
};

impl Tool for Prisma {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path) == "migration.sql" && path.components().count() == 2
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        for file in found {
            let name = folder_name(&file.path).to_owned();
            let accepted = accepted(&file.bytes);
            folder.migrations.push(Migration {
                version: Version::Text(name),
                name: String::new(),
                up: query_file(self, file),
                down: None,
                recorded: Recorded::OneOf(accepted),
                detail: String::new(),
            });
        }
        folder.migrations.sort_by(|a, b| a.version.cmp(&b.version));
        report_undated(&mut folder);
        folder
    }

    /// Prisma reports this as P3015.
    fn lacks(&self, names: &[&str]) -> Option<&'static str> {
        (!names.contains(&"migration.sql")).then_some("there is no migration.sql in it")
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        let is = |wanted: &'static str| names.iter().any(|name| file_name(name) == wanted);
        Confidence::signed_if(is("migration.sql") && !is("snapshot.json"))
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "INSERT INTO {table} (id, checksum, finished_at, migration_name, logs, \
             rolled_back_at, started_at, applied_steps_count) \
             VALUES (pg_catalog.gen_random_uuid()::pg_catalog.text, '{}', \
              pg_catalog.clock_timestamp(), {}, NULL, NULL, pg_catalog.now(), 1)",
            migration.stored_checksum().map(ToString::to_string).unwrap_or_default(),
            quote_literal(&migration.version.to_string())
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE migration_name OPERATOR(pg_catalog.=) {}",
            quote_literal(&migration.version.to_string())
        )
    }

    fn rerecord(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> Option<String> {
        let name = quote_literal(&migration.version.to_string());
        let checksum = migration.stored_checksum()?;
        Some(format!(
            "UPDATE {table} SET checksum = '{checksum}' \
             WHERE migration_name = {name} AND rolled_back_at IS NULL"
        ))
    }

    /// As `migrate resolve --rolled-back` does.
    fn clear_failed(
        &self,
        HistoryEntry { table, migration, .. }: &HistoryEntry<'_>,
    ) -> Option<String> {
        Some(format!(
            "UPDATE {table} SET rolled_back_at = now() \
             WHERE migration_name = {} AND finished_at IS NULL AND rolled_back_at IS NULL",
            quote_literal(&migration.version.to_string())
        ))
    }

    fn move_record(&self, table: &str, from: &Migration, to: &Migration) -> Option<String> {
        Some(rekeyed(table, "migration_name", from, to))
    }

    fn new_version(&self, new: &NewMigration<'_>) -> String {
        new.free_timestamp()
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let folder = PathBuf::from(format!("{}_{}", self.new_version(new), new.name));
        vec![(folder.join("migration.sql"), UP.to_owned())]
    }

    /// The engine's own, a constant.
    fn lock_key(&self, _: &LockPlace<'_>) -> Option<i64> {
        Some(72_707_369)
    }

    fn command_word(&self, word: &str, _: &Task<'_>, folder: &ToolFolder<'_>) -> Option<String> {
        match word {
            "schema" => {
                Some(Path::new(folder.dir).with_file_name("schema.prisma").display().to_string())
            }
            // The option was renamed in 7, which brings a package of this name.
            "to-schema" if (folder.has)("node_modules/@prisma/dev") => {
                Some("--to-schema".to_owned())
            }
            "to-schema" => Some("--to-schema-datamodel".to_owned()),
            _ => None,
        }
    }

    fn url(&self, connection: &Connection<'_>) -> String {
        connection.with_search_path(connection.url.clone(), "schema")
    }

    fn variables(&self, connection: &Connection<'_>) -> Vec<Variable> {
        vec![
            Variable::default("SHADOW_DATABASE_URL", self.url(connection)),
            Variable::new("CHECKPOINT_DISABLE", "1"),
            Variable::new("PRISMA_HIDE_UPDATE_MESSAGE", "1"),
        ]
    }
}

/// The checksums of the file with either kind of line ending.
fn accepted(bytes: &[u8]) -> Vec<Checksum> {
    let text = String::from_utf8_lossy(bytes);
    let mut accepted = vec![sha256(bytes)];
    if text.contains('\r') {
        let unix = text.replace("\r\n", "\n");
        accepted.push(sha256(unix.as_bytes()));
        accepted.push(sha256(unix.replace('\n', "\r\n").as_bytes()));
    } else {
        accepted.push(sha256(text.replace('\n', "\r\n").as_bytes()));
    }
    accepted
}

/// A name without a date beside names with one: Prisma runs it after all of them, and so it is out
/// of order with every later one. Where no name has a date, that is how the project names them.
fn report_undated(folder: &mut MigrationFolder) {
    let is_dated =
        |one: &Migration| one.version.to_string().starts_with(|c: char| c.is_ascii_digit());
    if !folder.migrations.iter().any(is_dated) {
        return;
    }
    let undated = folder.migrations.iter().filter(|one| !is_dated(one)).map(|one| {
        let why = "the name of its folder does not begin with a date, so that Prisma runs it after \
                   all others";
        (one.version.clone(), one.up.path.clone(), why.to_owned())
    });
    folder.unversioned = undated.collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::unpadded;

    #[test]
    fn the_ends_of_lines_make_no_difference() {
        let (unix, dos) =
            (accepted(b"SELECT 1;\nSELECT 2;\n"), accepted(b"SELECT 1;\r\nSELECT 2;\r\n"));
        assert!(unix.contains(&dos[0]) && dos.contains(&unix[0]));
        assert!(!unix.contains(&accepted(b"SELECT 1;\nSELECT 3;\n")[0]));
        let folder = Prisma.read(vec![FoundFile {
            path: "m/1_x/migration.sql".into(),
            bytes: b"SELECT 1;\n".to_vec(),
        }]);
        let old: String = unpadded(&sha256(b"SELECT 1;\n").to_string());
        assert!(folder.migrations[0].is_recorded_as(&Checksum::stored(&old)));
    }
}
