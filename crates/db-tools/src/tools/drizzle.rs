//! Drizzle before 1.0: SQL files with a journal; `drizzle.__drizzle_migrations`.
//!
//! Read in `drizzle-orm/src/{migrator.ts,pg-core/dialect.ts}` of 0.45. The tool runs all pending
//! migrations in one transaction, and silently skips those older than the newest row, which are
//! reported as out of order here. Only the tool can write the snapshot that belongs to a migration.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::command::Commands;
use crate::migration::{Migration, MigrationFolder, Recorded, Version};
use crate::naming::{file_name, has_extension};
use crate::profile::{
    Confidence, HistoryEntry, HistoryTable, Profile, Renumbering, RollbackSupport,
};
use crate::tool::{FoundFile, Tool, script_file};

pub(super) static TOOL: &dyn Tool = &Drizzle;

struct Drizzle;

static PROFILE: Profile = Profile {
    key: "drizzle",
    folders: &["drizzle", "migrations"],
    depth: 2,
    home: &["drizzle.config.ts", "drizzle.config.js", "drizzle.config.json"],
    table: HistoryTable {
        schema: Some("drizzle"),
        name: "__drizzle_migrations",
        columns: &["id", "hash", "created_at"],
        create: "CREATE TABLE IF NOT EXISTS {table} (
				id SERIAL PRIMARY KEY,
				hash text NOT NULL,
				created_at bigint
			)",
        fields: ["created_at", "NULL", "created_at / 1000", "true", "hash", "NULL"],
        rows: "{table}",
        companions: &[],
    },
    is_one_transaction: true,
    rollback: RollbackSupport::Never,
    renumbering: Renumbering::Elsewhere(
        "the snapshot of each names the one before it: remove it with `drizzle-kit drop`, and \
         write it again with `drizzle-kit generate`",
    ),
    commands: Commands {
        all: "drizzle-kit migrate",
        create: "drizzle-kit generate --custom --name {name}",
        generate: "drizzle-kit generate --name {name}",
        ..Commands::NONE
    },
    ..Profile::SQL
};

#[derive(Deserialize)]
struct Journal {
    entries: Vec<JournalEntry>,
}

#[derive(Deserialize)]
struct JournalEntry {
    /// Milliseconds since 1970.
    when: i64,
    /// The file's name without its extension.
    tag: String,
}

impl Tool for Drizzle {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        match path.components().count() {
            1 => has_extension(path, "sql"),
            _ => path == Path::new("meta/_journal.json"),
        }
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        let named = |file: FoundFile| (file_name(&file.path).to_owned(), file);
        let mut found: BTreeMap<String, FoundFile> = found.into_iter().map(named).collect();
        let Some(journal) = found.remove("_journal.json") else {
            let unnamed = found
                .into_values()
                .map(|file| (file.path, "there is no meta/_journal.json that names it"));
            folder.misnamed.extend(unnamed);
            return folder;
        };
        let Ok(entries) = serde_json::from_slice::<Journal>(&journal.bytes) else {
            folder.misnamed.push((journal.path, "it is not a journal of drizzle's"));
            return folder;
        };
        for JournalEntry { when, tag } in entries.entries {
            let name = format!("{tag}.sql");
            match found.remove(&name) {
                Some(file) => {
                    let version = Version::Number(when);
                    folder.migrations.push(migration(self, file, version, tag, when));
                }
                None => {
                    // The journal is in a subfolder of the migrations.
                    let path = journal.path.parent().unwrap_or(Path::new("")).with_file_name(name);
                    folder.misnamed.push((path, "the journal names it, and it is not there"));
                }
            }
        }
        let unnamed = found.into_values().map(|file| (file.path, "the journal does not name it"));
        folder.ignored.extend(unnamed);
        folder
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::signed_if(names.iter().any(|name| file_name(name) == "_journal.json"))
    }

    fn version(&self, text: &str) -> Option<Version> {
        Version::number(text)
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "INSERT INTO {table} (hash, created_at) VALUES ('{}', {})",
            migration.up.checksum, migration.detail
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!("DELETE FROM {table} WHERE created_at OPERATOR(pg_catalog.=) {}", migration.detail)
    }

    fn rerecord(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> Option<String> {
        let checksum = &migration.up.checksum;
        Some(format!(
            "UPDATE {table} SET hash = '{checksum}' WHERE created_at = {}",
            migration.detail
        ))
    }
}

/// A migration that the journal or its folder dates.
pub(super) fn migration(
    tool: &dyn Tool,
    file: FoundFile,
    version: Version,
    name: String,
    when: i64,
) -> Migration {
    let up = script_file(tool, file, true);
    Migration {
        version,
        name,
        up,
        down: None,
        recorded: Recorded::Digest,
        detail: when.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_says_what_there_is() {
        let journal = r#"{"entries":[
            {"idx":0,"when":5000,"tag":"0000_a"},
            {"idx":1,"when":4000,"tag":"0001_b"},
            {"idx":2,"when":6000,"tag":"0002_c"}
        ]}"#;
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let folder = Drizzle.read(vec![
            file("d/0001_b.sql", ""),
            file("d/meta/_journal.json", journal),
            file("d/0000_a.sql", ""),
            file("d/9_x.sql", ""),
        ]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["5000 0000_a", "4000 0001_b"]);
        assert_eq!((folder.misnamed.len(), folder.ignored.len()), (1, 1));
    }
}
