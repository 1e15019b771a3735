//! Migration tools' files and history tables, as facts: no file is opened here and no query is sent.
//!
//! One file a tool, each a [`Convention`]. What is in them was read in the tools' sources, which each
//! file names, and is held against the real tools by `scripts/test --tools`.

mod code;
mod dbmate;
mod diesel;
mod drizzle;
mod flyway;
mod golang_migrate;
mod goose;
mod graphile;
mod naming;
mod node_pg_migrate;
mod prisma;
mod refinery;
mod section;
mod sqlx;
mod supabase;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pg_sql::quote::{quote_identifier, quote_literal};
use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

use crate::model::history::{Applied, History};
use crate::model::migration::{Checksum, Folder, Migration, ScriptFile, Version};

pub(crate) use naming::NewMigration;
use naming::{DOWN, UP, file_name, folder_name, has_extension, leading_digits, milliseconds};

/// Every tool that is known, those whose migrations are SQL first.
static ALL: [&dyn Convention; 22] = [
    &sqlx::Sqlx,
    &diesel::Diesel,
    &refinery::Refinery,
    &dbmate::Dbmate,
    &prisma::Prisma,
    &drizzle::Drizzle,
    &drizzle::Drizzle1,
    &node_pg_migrate::NodePgMigrate,
    &goose::Goose,
    &golang_migrate::GolangMigrate,
    &flyway::Flyway,
    &supabase::Supabase,
    &graphile::GraphileMigrate,
    &code::SEA_ORM,
    &code::TYPEORM,
    &code::ALEMBIC,
    &code::DJANGO,
    &code::KNEX,
    &code::YOYO,
    &code::SQITCH,
    &code::LIQUIBASE,
    &code::OTHER,
];

/// How one tool names its files and keeps its history.
pub(crate) trait Convention: Sync {
    /// What can be said of it without a file.
    fn facts(&self) -> &Facts;

    /// As `[migrations] tool` names it.
    fn key(&self) -> &'static str {
        self.facts().key
    }

    /// How many folders its project stands above that of the migrations, if not by the customary path.
    fn levels(&self) -> Option<usize> {
        None
    }

    /// Whether a file in its folder may matter.
    fn reads(&self, path: &Path) -> bool;

    /// Sorts files into migrations.
    fn read(&self, found: Vec<Found>) -> Folder;

    /// Whether these files look like its own: by names for most, by the text of one file for the others.
    fn claims(&self, names: &[&Path], first: &dyn Fn(&Path) -> Option<String>) -> Claim;

    /// Whether something in the project's root is its own.
    fn owns(&self, _root: &Root<'_>) -> bool {
        false
    }

    /// What stands in the root of a project in its language; it decides between tools whose files look
    /// alike.
    fn language(&self) -> &'static [&'static str] {
        &[]
    }

    /// The digest of a file's bytes, by which a change of the file is seen.
    fn digest(&self, bytes: &[u8]) -> Checksum {
        sha256(bytes)
    }

    /// How a version is written in the history.
    fn version(&self, text: &str) -> Option<Version> {
        Some(Version::text(text))
    }

    /// The statement that records a migration as applied.
    fn record(&self, entry: &Entry<'_>) -> String;

    /// The statement that forgets a migration.
    fn erase(&self, entry: &Entry<'_>) -> String;

    /// The statement that clears a row about a failed run away.
    fn clear_failed(&self, _entry: &Entry<'_>) -> Option<String> {
        None
    }

    /// The statement that records the checksum which a migration's file has now.
    fn rerecord(&self, _entry: &Entry<'_>) -> Option<String> {
        None
    }

    /// Makes of the rows what they mean, where that depends on the files.
    fn complete(&self, _history: &mut History, _folder: &Folder) {}

    /// The files of a new migration below the folder, up file first.
    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)>;

    /// The advisory lock that the tool takes for as long as it runs.
    fn lock_key(&self, _place: &LockPlace<'_>) -> Option<i64> {
        None
    }

    /// Whether the program takes its lock itself. One of ours would be in its way.
    fn locks_itself(&self) -> bool {
        false
    }

    /// Whether it refuses to go on once something was applied out of order.
    fn is_strict(&self) -> bool {
        false
    }

    /// How a migration asks to run outside a transaction.
    fn without_transaction(&self) -> &'static str {
        "its tool has no way to run it outside a transaction: do it by hand, and record it with `cargo db baseline`"
    }

    /// Whether it puts everything that is pending into one transaction.
    fn is_one_transaction(&self) -> bool {
        false
    }

    /// Whether it knows a way back.
    fn goes_back(&self) -> bool {
        true
    }

    /// Whether it takes back what it ran last, whatever the order of the files is: the last field of
    /// [`Table::fields`] counts the runs.
    fn goes_back_as_run(&self) -> bool {
        false
    }

    /// Whether its migrations are programs, which only the tool can run.
    fn is_code(&self) -> bool {
        false
    }

    /// Whether what it knows is read with certainty. Best effort is said.
    fn is_certain(&self) -> bool {
        true
    }
}

/// How much some files look like a tool's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    No,
    /// Their names fit, and may fit others as well.
    Fits,
    /// Only this tool writes them so.
    Signed,
}

impl Claim {
    fn fits_if(fits: bool) -> Claim {
        if fits { Claim::Fits } else { Claim::No }
    }

    fn signed_if(signed: bool) -> Claim {
        if signed { Claim::Signed } else { Claim::No }
    }
}

/// The root of a project, as far as recognising its tool needs it.
pub(crate) struct Root<'a> {
    /// Whether there is such a file or folder.
    pub(crate) has: &'a dyn Fn(&str) -> bool,
    /// Whether its package.json depends on this package.
    pub(crate) depends_on: &'a dyn Fn(&str) -> bool,
}

/// What is the same for every project of a tool.
pub(crate) struct Facts {
    /// As `[migrations] tool` names it.
    pub(crate) key: &'static str,
    /// Where its files are if nobody says otherwise, the customary place first.
    pub(crate) folders: &'static [&'static str],
    /// How many levels of folders hold files.
    pub(crate) depth: usize,
    pub(crate) table: Table,
}

/// A history table.
pub(crate) struct Table {
    /// The schema of its own, where it has one.
    pub(crate) schema: Option<&'static str>,
    pub(crate) name: &'static str,
    /// The columns by which it is told from another tool's table of the same name.
    pub(crate) columns: &'static [&'static str],
    /// Creates it as the tool does; `{table}` stands for its name.
    pub(crate) create: &'static str,
    /// What to read of a row: version, name, seconds since 1970, success, checksum, and what the
    /// layout alone understands.
    pub(crate) fields: [&'static str; 6],
    /// The rows that count; `{table}` stands for its name.
    pub(crate) rows: &'static str,
    /// Further tables that the tool makes for itself.
    pub(crate) beside: &'static [&'static str],
}

/// A migration and its row.
pub(crate) struct Entry<'a> {
    /// The table, qualified.
    pub(crate) table: &'a str,
    pub(crate) migration: &'a Migration,
    pub(crate) elapsed: Duration,
    /// The SQL that ran.
    pub(crate) sql: &'a [u8],
}

/// What a lock may depend on.
pub(crate) struct LockPlace<'a> {
    pub(crate) database: &'a str,
    /// Where the history is.
    pub(crate) schema: &'a str,
    pub(crate) table: &'a str,
}

/// A file that was read: where it stands and what it holds.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// A tool's convention, as this project uses it.
#[derive(Clone)]
pub(crate) struct Layout {
    convention: &'static dyn Convention,
    /// The name of the table, where the project has chosen another one.
    table: Option<String>,
    /// Characters that make no difference to a checksum, where the project has chosen any.
    ignored: String,
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layout({})", self.key())
    }
}

impl std::ops::Deref for Layout {
    type Target = dyn Convention;

    fn deref(&self) -> &Self::Target {
        self.convention
    }
}

impl Layout {
    /// What is there if nothing else is: plain SQL files, as sqlx names them.
    pub(crate) fn plain() -> Layout {
        Layout { convention: &sqlx::Sqlx, table: None, ignored: String::new() }
    }

    /// The tool with this name.
    pub(crate) fn named(key: &str) -> Option<Layout> {
        let convention = ALL.into_iter().find(|convention| convention.key() == key)?;
        Some(Layout { convention, table: None, ignored: String::new() })
    }

    /// Every tool that is known.
    pub(crate) fn all() -> impl Iterator<Item = Layout> {
        ALL.into_iter().map(|convention| Layout { convention, table: None, ignored: String::new() })
    }

    /// The same with another history table: `table` or `schema.table`.
    pub(crate) fn with_table(mut self, table: Option<String>) -> Layout {
        self.table = table.or(self.table);
        self
    }

    /// The table that the project has chosen instead of the customary one.
    pub(crate) fn chosen_table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// The same with characters that make no difference to a checksum.
    pub(crate) fn ignoring(mut self, characters: String) -> Layout {
        self.ignored = characters;
        self
    }

    /// Where its files are if nobody says otherwise, the customary place first.
    pub(crate) fn folders(&self) -> &'static [&'static str] {
        self.convention.facts().folders
    }

    /// How many levels of folders hold files.
    pub(crate) fn depth(&self) -> usize {
        self.convention.facts().depth
    }

    /// The history table, as the tool makes it.
    pub(crate) fn table(&self) -> &'static Table {
        &self.convention.facts().table
    }

    /// Sorts files into migrations.
    pub(crate) fn read(&self, found: Vec<Found>) -> Folder {
        if self.ignored.is_empty() {
            return self.convention.read(found);
        }
        let mut folder = self.convention.read(found.clone());
        let digest_of = |path: &Path| {
            let file = found.iter().find(|file| file.path == path);
            file.map(|file| self.digest(&file.bytes))
        };
        for migration in &mut folder.migrations {
            for script in std::iter::once(&mut migration.up).chain(&mut migration.down) {
                script.checksum = digest_of(&script.path).unwrap_or(script.checksum.clone());
            }
        }
        folder
    }

    /// The digest of a file's bytes, without what makes no difference.
    pub(crate) fn digest(&self, bytes: &[u8]) -> Checksum {
        if self.ignored.is_empty() {
            return self.convention.digest(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        let kept: String =
            text.chars().filter(|character| !self.ignored.contains(*character)).collect();
        self.convention.digest(kept.as_bytes())
    }

    /// The schema that the table is in, where the search path does not say it.
    pub(crate) fn schema(&self) -> Option<&str> {
        match self.table.as_deref().and_then(|table| table.split_once('.')) {
            Some((schema, _)) => Some(schema),
            None => self.table().schema,
        }
    }

    /// The table's name without its schema.
    pub(crate) fn table_name(&self) -> &str {
        let named = self
            .table
            .as_deref()
            .map(|table| table.split_once('.').map_or(table, |(_, name)| name));
        named.unwrap_or(self.table().name)
    }

    /// The table as it can be looked up: with its schema, where it has one.
    pub(crate) fn lookup_name(&self) -> String {
        let name = quote_identifier(self.table_name());
        match self.schema() {
            Some(schema) => format!("{}.{name}", quote_identifier(schema)),
            None => name,
        }
    }

    /// The condition on `pg_class c` and `pg_namespace n` for what is the tool's own and nobody's data.
    pub(crate) fn own_relations(&self) -> String {
        if let (None, Some(schema)) = (&self.table, self.table().schema) {
            return format!("n.nspname = {}", quote_literal(schema));
        }
        let beside = self.table().beside.iter().copied().chain([self.table_name()]);
        let names: Vec<String> = beside.map(quote_literal).collect();
        // With the sequence that counts its rows.
        let sequence = quote_literal(&format!("{}_id_seq", self.table_name()));
        format!("c.relname IN ({}, {sequence})", names.join(", "))
    }

    /// Whether a table is the tool's own, as [`Layout::own_relations`] asks the server.
    pub(crate) fn is_own(&self, schema: &str, name: &str) -> bool {
        let own = self.table();
        match (&self.table, own.schema) {
            (None, Some(of_tool)) => schema == of_tool,
            _ => name == self.table_name() || own.beside.contains(&name),
        }
    }

    /// Whether only the project's own command knows what is applied and what is pending.
    pub(crate) fn is_asked(&self) -> bool {
        self.key() == code::COMMANDS
    }

    /// Creates the history table, as the tool itself does.
    pub(crate) fn create_table(&self) -> String {
        let schema = self
            .schema()
            .map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {}; ", quote_identifier(schema)));
        let name = if self.table.is_none() && self.schema().is_none() {
            self.table().name.to_owned()
        } else {
            self.lookup_name()
        };
        schema.unwrap_or_default() + &self.table().create.replace("{table}", &name)
    }

    /// Reads the whole history from `table` as one text: records end with ASCII RS, and the fields
    /// have US between them. One long text costs a client far less than a thousand rows.
    pub(crate) fn select(&self, table: &str) -> String {
        let Table { fields, rows, .. } = self.table();
        let fields: Vec<String> =
            fields.iter().map(|field| format!("coalesce(({field})::text, '')")).collect();
        format!(
            "SELECT string_agg(concat_ws(E'\\x1f', {}), E'\\x1e') FROM {}",
            fields.join(", "),
            rows.replace("{table}", table)
        )
    }

    /// The rows of [`Layout::select`]; `None` where the table holds what its tool never writes.
    pub(crate) fn rows(&self, text: &str) -> Option<Vec<Applied>> {
        let rows = cut(text, b'\x1e').into_iter().map(|record| self.row(&cut(record, b'\x1f')));
        let mut rows: Vec<Applied> = rows.collect::<Option<_>>()?;
        if !rows.is_sorted_by(|a, b| a.version <= b.version) {
            rows.sort_by(|a, b| a.version.cmp(&b.version));
        }
        Some(rows)
    }

    fn row(&self, fields: &[&str]) -> Option<Applied> {
        let [version, name, seconds, success, checksum, detail] = *fields else { return None };
        let seconds = seconds.split('.').next().unwrap_or_default();
        Some(Applied {
            version: self.version(version)?,
            name: name.to_owned(),
            installed_on: seconds
                .parse()
                .ok()
                .and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok()),
            success: matches!(success, "t" | "true"),
            checksum: (!checksum.is_empty()).then(|| Checksum::stored(checksum)),
            detail: detail.to_owned(),
        })
    }
}

/// A file that runs as a whole.
fn script_file(convention: &dyn Convention, found: Found, transactional: bool) -> ScriptFile {
    let is_code = found.path.extension().is_none_or(|extension| extension != "sql");
    let checksum = convention.digest(&found.bytes);
    ScriptFile { path: found.path, checksum, transactional, part: None, is_code }
}

fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::of_digest(digest(&SHA256, bytes).as_ref())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_name_of_its_own() {
        let mut keys: Vec<&str> = ALL.iter().map(|convention| convention.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ALL.len());
    }
}
