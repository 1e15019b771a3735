//! A migration tool's files and history table, as facts: no file is opened here and no query
//! is sent. Other tools' layouts become further variants beside [`Layout::Sqlx`].
//!
//! The facts about sqlx were read in `sqlx-core/src/migrate/{source,migration,migration_type}.rs`
//! and `sqlx-postgres/src/migrate.rs` of sqlx 0.9, and are held against the real one by tests.

use std::path::{Path, PathBuf};

use ring::digest::{SHA384, digest};
use time::OffsetDateTime;

use crate::model::history::Applied;
use crate::model::migration::{Checksum, Folder, Migration, ScriptFile, Version};

/// Whose files and table these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `migrations/<version>_<name>.sql` or `.up.sql` and `.down.sql`, `_sqlx_migrations`.
    Sqlx,
}

/// A file that was read: where it stands and what it holds.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
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

impl Layout {
    /// The unqualified name of the history table.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Layout::Sqlx => "_sqlx_migrations",
        }
    }

    /// Creates the history table, to the letter as the tool itself does.
    pub(crate) fn create_table(self) -> &'static str {
        match self {
            Layout::Sqlx => {
                "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
    success BOOLEAN NOT NULL,
    checksum BYTEA NOT NULL,
    execution_time BIGINT NOT NULL
)"
            }
        }
    }

    /// Reads the whole history from `table` as one text: records end with ASCII RS, and the fields
    /// version, name, seconds since 1970, success and checksum in hexadecimal have US between
    /// them. One long text costs a client far less than a thousand rows.
    pub(crate) fn select(self, table: &str) -> String {
        match self {
            Layout::Sqlx => format!(
                "SELECT string_agg(concat_ws(E'\\x1f', version, description, extract(epoch FROM installed_on)::bigint, \
                 success, encode(checksum, 'hex')), E'\\x1e') FROM {table}"
            ),
        }
    }

    /// The rows of [`Layout::select`]; `None` where the table holds what its tool never writes.
    pub(crate) fn rows(self, text: &str) -> Option<Vec<Applied>> {
        let rows = cut(text, b'\x1e').into_iter().map(|record| self.row(&cut(record, b'\x1f')));
        let mut rows: Vec<Applied> = rows.collect::<Option<_>>()?;
        rows.sort_by(|a, b| a.version.cmp(&b.version));
        Some(rows)
    }

    fn row(self, fields: &[&str]) -> Option<Applied> {
        let [version, name, seconds, success, checksum] = *fields else { return None };
        Some(Applied {
            version: Version::Number(version.parse().ok()?),
            name: name.to_owned(),
            installed_on: OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok(),
            success: success == "t",
            checksum: Some(Checksum::stored(checksum)),
        })
    }

    /// The statement that records `migration` as applied. sqlx stores nanoseconds.
    pub(crate) fn record(self, table: &str, migration: &Migration, nanoseconds: u128) -> String {
        let Version::Number(version) = migration.version;
        match self {
            Layout::Sqlx => format!(
                "INSERT INTO {table} (version, description, success, checksum, execution_time) \
                 VALUES ({version}, {}, TRUE, '\\x{}', {nanoseconds})",
                quote_literal(&migration.name),
                migration.up.checksum,
            ),
        }
    }

    /// The statement that forgets a version.
    pub(crate) fn erase(self, table: &str, version: &Version) -> String {
        let Version::Number(version) = version;
        match self {
            Layout::Sqlx => format!("DELETE FROM {table} WHERE version = {version}"),
        }
    }

    /// The advisory lock that the tool's own library takes in `database`, for as long as it runs.
    pub(crate) fn lock_key(self, database: &str) -> Option<i64> {
        match self {
            Layout::Sqlx => Some(0x3d32_ad9e * i64::from(crc32fast::hash(database.as_bytes()))),
        }
    }

    /// Sorts files into migrations.
    pub(crate) fn read(self, found: Vec<Found>) -> Folder {
        let mut folder = Folder::default();
        let mut downs: Vec<(Version, ScriptFile)> = Vec::new();
        for file in found {
            match self.file_name(&file.path) {
                FileName::Foreign => {}
                FileName::Misnamed => folder.misnamed.push(file.path),
                FileName::Down(version) => downs.push((version, script_file(file))),
                FileName::Up(version, name) => {
                    folder.migrations.push(Migration { version, name, up: script_file(file), down: None });
                }
            }
        }
        folder.migrations.sort_by(|a, b| (&a.version, &a.up.path).cmp(&(&b.version, &b.up.path)));
        for (version, down) in downs {
            match folder.migrations.binary_search_by(|migration| migration.version.cmp(&version)) {
                Ok(index) => folder.migrations[index].down = Some(down),
                Err(_) => folder.orphans.push(down.path),
            }
        }
        folder
    }

    fn file_name(self, path: &Path) -> FileName {
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { return FileName::Foreign };
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

    /// The paths of a new migration in `folder`, up file first.
    pub(crate) fn new_files(
        self,
        folder: &Path,
        version: &Version,
        name: &str,
        reversible: bool,
    ) -> Vec<PathBuf> {
        let stem = format!("{version}_{name}");
        if reversible {
            vec![folder.join(format!("{stem}.up.sql")), folder.join(format!("{stem}.down.sql"))]
        } else {
            vec![folder.join(format!("{stem}.sql"))]
        }
    }

    /// The digest of a file's bytes as the history stores it.
    pub(crate) fn checksum(self, bytes: &[u8]) -> Checksum {
        match self {
            Layout::Sqlx => Checksum::of_digest(digest(&SHA384, bytes).as_ref()),
        }
    }
}

fn script_file(file: Found) -> ScriptFile {
    ScriptFile {
        checksum: Layout::Sqlx.checksum(&file.bytes),
        transactional: !file.bytes.starts_with(b"-- no-transaction"),
        path: file.path,
    }
}

/// The pieces of a text between separators. A plain loop: it sees every byte of a long history, and
/// a build that is not optimised runs it ten times as fast as iterators.
fn cut(text: &str, separator: u8) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut pieces, mut start, mut at) = (Vec::with_capacity(8), 0, 0);
    while at < bytes.len() {
        if bytes[at] == separator {
            pieces.push(&text[start..at]);
            start = at + 1;
        }
        at += 1;
    }
    pieces.push(&text[start..]);
    pieces
}

/// Text as an SQL literal. Backslashes are safe because every session of ours has
/// `standard_conforming_strings` on.
pub(crate) fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as an SQL identifier, always quoted.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> FileName {
        Layout::Sqlx.file_name(Path::new(name))
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
        assert_eq!(Layout::Sqlx.lock_key("ext_sqlxlib"), Some(950_296_469_053_483_852));
    }

    #[test]
    fn a_description_cannot_leave_its_literal() {
        assert_eq!(quote_literal("it's \\ fine"), "'it''s \\ fine'");
    }

    #[test]
    fn only_the_first_bytes_ask_for_no_transaction() {
        let file = |text: &str| script_file(Found { path: "1_x.sql".into(), bytes: text.into() });
        assert!(!file("-- no-transaction\nSELECT 1").transactional);
        assert!(file("\n-- no-transaction\nSELECT 1").transactional);
    }
}
