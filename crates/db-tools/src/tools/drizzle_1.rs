//! Drizzle since 1.0: one folder for each migration; `drizzle.__drizzle_migrations`.
//!
//! Read in `migrator.utils.ts` and `up-migrations/{pg,utils}.ts` of 1.0.0-rc. The tool runs all
//! pending migrations in one transaction. Only the tool can write the snapshot that belongs to a
//! migration.

use std::path::Path;

use crate::command::Commands;
use crate::migration::{MigrationFolder, Version};
use crate::naming::{file_name, folder_name, milliseconds};
use crate::profile::{
    Confidence, HistoryEntry, HistoryTable, Profile, Renumbering, RollbackSupport,
};
use crate::tool::{FoundFile, Tool};
use crate::tools::drizzle::migration;
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &Drizzle1;

struct Drizzle1;

static PROFILE: Profile = Profile {
    key: "drizzle-1",
    folders: &["drizzle", "migrations"],
    depth: 2,
    home: &["drizzle.config.ts", "drizzle.config.js", "drizzle.config.json"],
    table: HistoryTable {
        schema: Some("drizzle"),
        name: "__drizzle_migrations",
        columns: &["id", "hash", "created_at", "name", "applied_at"],
        create: "CREATE TABLE IF NOT EXISTS {table} (
				id SERIAL PRIMARY KEY,
				hash text NOT NULL,
				created_at bigint,
				name text,
				applied_at timestamp with time zone DEFAULT now()
			)",
        fields: ["name", "NULL", "extract(epoch FROM applied_at)::bigint", "true", "hash", "NULL"],
        rows: "{table}",
        companions: &[],
    },
    is_one_transaction: true,
    rollback: RollbackSupport::Never,
    renumbering: Renumbering::Elsewhere(
        "the snapshot of each names the one before it: remove its folder, and write it again with \
         `drizzle-kit generate`",
    ),
    commands: Commands {
        all: "drizzle-kit migrate",
        create: "drizzle-kit generate --custom --name {name}",
        generate: "drizzle-kit generate --name {name}",
        ..Commands::NONE
    },
    ..Profile::SQL
};

impl Tool for Drizzle1 {
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
            let Some(when) = name.get(..14).and_then(milliseconds) else {
                folder.misnamed.push((file.path, "drizzle wants a folder `<14 digits>_<name>`"));
                continue;
            };
            folder.migrations.push(migration(self, file, Version::Text(name), String::new(), when));
        }
        folder.migrations.sort_by(|a, b| a.version.cmp(&b.version));
        folder
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::signed_if(names.iter().any(|name| file_name(name) == "snapshot.json"))
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "INSERT INTO {table} (hash, created_at, name) VALUES ('{}', {}, {})",
            migration.up.checksum,
            migration.detail,
            quote_literal(&migration.version.to_string())
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE name OPERATOR(pg_catalog.=) {}",
            quote_literal(&migration.version.to_string())
        )
    }

    fn rerecord(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> Option<String> {
        let checksum = &migration.up.checksum;
        Some(format!(
            "UPDATE {table} SET hash = '{checksum}' WHERE name = {}",
            quote_literal(&migration.version.to_string())
        ))
    }
}
