//! Drizzle, before 1.0 with a journal, and since then with a folder a migration;
//! `drizzle.__drizzle_migrations`.
//!
//! Read in `drizzle-orm/src/{migrator.ts,pg-core/dialect.ts}` of 0.45 and in `migrator.utils.ts` and
//! `up-migrations/{pg,utils}.ts` of 1.0.0-rc. The tool runs everything that is pending in one transaction.
//! Before 1.0 it skips whatever is older than the newest row, without a word: here that is out of order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::layout::{
    Claim, Convention, Entry, Facts, Found, NewMigration, Table, file_name, folder_name,
    has_extension, milliseconds, script_file,
};
use crate::model::migration::{Folder, Migration, Recorded, Version};
use pg_sql::quote::quote_literal;

/// Before 1.0.
pub(super) struct Drizzle;
/// Since 1.0.
pub(super) struct Drizzle1;

static FACTS: Facts = Facts {
    key: "drizzle",
    folders: &["drizzle", "migrations"],
    depth: 2,
    table: Table {
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
        beside: &[],
    },
};

static FACTS_1: Facts = Facts {
    key: "drizzle-1",
    folders: &["drizzle", "migrations"],
    depth: 2,
    table: Table {
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
        beside: &[],
    },
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

impl Convention for Drizzle {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn goes_back(&self) -> bool {
        false
    }

    fn reads(&self, path: &Path) -> bool {
        match path.components().count() {
            1 => has_extension(path, "sql"),
            _ => path == Path::new("meta/_journal.json"),
        }
    }

    fn read(&self, found: Vec<Found>) -> Folder {
        let mut folder = Folder::default();
        let named = |file: Found| (file_name(&file.path).to_owned(), file);
        let mut found: BTreeMap<String, Found> = found.into_iter().map(named).collect();
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
                    folder.migrations.push(migration(self, file, Version::Number(when), tag, when))
                }
                None => {
                    // The journal stands in a folder of its own, below them.
                    let path = journal.path.parent().unwrap_or(Path::new("")).with_file_name(name);
                    folder.misnamed.push((path, "the journal names it, and it is not there"));
                }
            }
        }
        let unnamed = found.into_values().map(|file| (file.path, "the journal does not name it"));
        folder.misnamed.extend(unnamed);
        folder
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Claim {
        Claim::signed_if(names.iter().any(|name| file_name(name) == "_journal.json"))
    }

    fn version(&self, text: &str) -> Option<Version> {
        Version::number(text)
    }

    fn record(&self, Entry { table, migration, .. }: &Entry<'_>) -> String {
        format!(
            "INSERT INTO {table} (hash, created_at) VALUES ('{}', {})",
            migration.up.checksum, migration.detail
        )
    }

    fn erase(&self, Entry { table, migration, .. }: &Entry<'_>) -> String {
        format!("DELETE FROM {table} WHERE created_at = {}", migration.detail)
    }

    fn rerecord(&self, Entry { table, migration, .. }: &Entry<'_>) -> Option<String> {
        let checksum = &migration.up.checksum;
        Some(format!(
            "UPDATE {table} SET hash = '{checksum}' WHERE created_at = {}",
            migration.detail
        ))
    }

    /// Only the tool can write the snapshot that belongs to a migration.
    fn new_files(&self, _: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        Vec::new()
    }

    fn is_one_transaction(&self) -> bool {
        true
    }
}

impl Convention for Drizzle1 {
    fn facts(&self) -> &Facts {
        &FACTS_1
    }

    fn goes_back(&self) -> bool {
        false
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path) == "migration.sql" && path.components().count() == 2
    }

    fn read(&self, found: Vec<Found>) -> Folder {
        let mut folder = Folder::default();
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

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Claim {
        Claim::signed_if(names.iter().any(|name| file_name(name) == "snapshot.json"))
    }

    fn record(&self, Entry { table, migration, .. }: &Entry<'_>) -> String {
        format!(
            "INSERT INTO {table} (hash, created_at, name) VALUES ('{}', {}, {})",
            migration.up.checksum,
            migration.detail,
            quote_literal(&migration.version.to_string())
        )
    }

    fn erase(&self, Entry { table, migration, .. }: &Entry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE name = {}",
            quote_literal(&migration.version.to_string())
        )
    }

    fn rerecord(&self, Entry { table, migration, .. }: &Entry<'_>) -> Option<String> {
        let checksum = &migration.up.checksum;
        Some(format!(
            "UPDATE {table} SET hash = '{checksum}' WHERE name = {}",
            quote_literal(&migration.version.to_string())
        ))
    }

    fn new_files(&self, _: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        Vec::new()
    }

    fn is_one_transaction(&self) -> bool {
        true
    }
}

fn migration(
    convention: &dyn Convention,
    file: Found,
    version: Version,
    name: String,
    when: i64,
) -> Migration {
    let up = script_file(convention, file, true);
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
        let journal = r#"{"entries":[{"idx":0,"when":5000,"tag":"0000_a"},{"idx":1,"when":4000,"tag":"0001_b"},{"idx":2,"when":6000,"tag":"0002_c"}]}"#;
        let file = |path: &str, text: &str| Found { path: path.into(), bytes: text.into() };
        let folder = Drizzle.read(vec![
            file("d/0001_b.sql", ""),
            file("d/meta/_journal.json", journal),
            file("d/0000_a.sql", ""),
            file("d/9_x.sql", ""),
        ]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["5000 0000_a", "4000 0001_b"]);
        assert_eq!(folder.misnamed.len(), 2);
    }
}
