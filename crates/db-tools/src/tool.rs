//! What a migration tool is: the one trait that each file of `tools` implements.

use std::ops::Range;
use std::path::{Path, PathBuf};

use pg_sql::quote::quote_literal;
use ring::digest::{SHA256, digest};

use crate::command::{Task, ToolFolder};
use crate::error::ToolError;
use crate::history::History;
use crate::migration::{Checksum, Migration, MigrationFolder, ScriptFile, Version};
use crate::naming::{NewMigration, leading_digits};
use crate::profile::{Confidence, HistoryEntry, LockPlace, Profile};
use crate::section::stands_alone;
use crate::variables::{Connection, Variable};

/// How one tool names its files, keeps its history and is run.
pub trait Tool: Sync {
    /// Facts about the tool that do not depend on a file.
    fn profile(&self) -> &'static Profile;

    /// Whether a file in its folder may matter.
    fn reads(&self, path: &Path) -> bool;

    /// Sorts files into migrations.
    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder;

    /// Why the tool refuses a migration folder with these files; `None` if it accepts it.
    fn lacks(&self, _names: &[&str]) -> Option<&'static str> {
        None
    }

    /// How well these files match the tool: for most tools by their names, for others by all texts.
    /// The names are sorted, and the texts have no byte order mark.
    fn claims(&self, _names: &[&Path], _text_of: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::No
    }

    /// Parses the tool's settings file. Called only for tools that have one.
    fn settings(&self, _text: &str) -> Result<ToolSettings, String> {
        Ok(ToolSettings::default())
    }

    /// The digest of a file's bytes, by which a change of the file is seen.
    fn digest(&self, bytes: &[u8]) -> Checksum {
        sha256(bytes)
    }

    /// How a version is written in the history.
    fn version(&self, text: &str) -> Option<Version> {
        Some(Version::text(text))
    }

    /// The statement that records a migration as applied; empty where only the tool can.
    fn record(&self, _entry: &HistoryEntry<'_>) -> String {
        String::new()
    }

    /// The statement that forgets a migration; empty where only the tool can.
    fn erase(&self, _entry: &HistoryEntry<'_>) -> String {
        String::new()
    }

    /// The statement that clears a row about a failed run away.
    fn clear_failed(&self, _entry: &HistoryEntry<'_>) -> Option<String> {
        None
    }

    /// The statement that records the checksum which a migration's file has now.
    fn rerecord(&self, _entry: &HistoryEntry<'_>) -> Option<String> {
        None
    }

    /// Makes of the rows what they mean, where that depends on the files.
    fn complete(&self, _history: &mut History, _folder: &MigrationFolder) {}

    /// The files of a new migration below the folder, up file first; none where only the tool
    /// can write them.
    fn new_files(&self, _new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        Vec::new()
    }

    /// The version of a new migration, as the names of its files have it.
    fn new_version(&self, new: &NewMigration<'_>) -> String {
        new.free_number()
    }

    /// Where the name of a file has its version, or that of the folder of a migration.
    fn version_in(&self, name: &str) -> Option<Range<usize>> {
        leading_digits(name).map(|(digits, _)| 0..digits.len())
    }

    /// The statement that gives the record of an applied migration the version of `to`, which is
    /// the same migration in renamed files; `None` if the history cannot say that.
    fn move_record(&self, _table: &str, _from: &Migration, _to: &Migration) -> Option<String> {
        None
    }

    /// A new migration with its statements as a file that the tool has committed, if the tool
    /// commits its migrations.
    fn committed(&self, _new: &NewMigration<'_>, _up: &str) -> Option<(PathBuf, String)> {
        None
    }

    /// A statement as the tool's files contain it. It is given without its semicolon.
    fn statement(&self, sql: &str) -> String {
        format!("{sql};\n")
    }

    /// The application that a new migration belongs to, and how many of the words name it.
    fn application(
        &self,
        _folder: &MigrationFolder,
        _words: &[String],
    ) -> Result<(Option<String>, usize), ToolError> {
        Ok((None, 0))
    }

    /// The advisory lock that the tool holds while it runs.
    fn lock_key(&self, _place: &LockPlace<'_>) -> Option<i64> {
        None
    }

    /// The value of a placeholder that only this tool's commands use.
    fn command_word(
        &self,
        _word: &str,
        _task: &Task<'_>,
        _folder: &ToolFolder<'_>,
    ) -> Option<String> {
        None
    }

    /// Whether `version` can be the newest migration for the tool after `reverted` is rolled back.
    fn can_be_newest_after(&self, _version: &str, _reverted: &str) -> bool {
        true
    }

    /// The migrations to name so that the tool records all of `chosen`, which are in order.
    fn to_record<'a>(&self, chosen: &[&'a Migration]) -> Vec<&'a Migration> {
        chosen.last().copied().into_iter().collect()
    }

    /// The URL as its client has to have it.
    fn url(&self, connection: &Connection<'_>) -> String {
        connection.url.clone()
    }

    /// The environment variables that select the database, besides `DATABASE_URL` and those of
    /// libpq.
    fn variables(&self, _connection: &Connection<'_>) -> Vec<Variable> {
        Vec::new()
    }
}

/// A file that was read, with its path.
#[derive(Clone, Debug)]
pub struct FoundFile {
    /// Its path, relative to the migrations folder or as messages show it.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl FoundFile {
    /// What it holds, as text; a byte order mark included.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The relevant content of a tool's settings file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolSettings {
    /// Another name of the history table.
    pub table: Option<String>,
    /// Another folder of the migrations.
    pub dir: Option<PathBuf>,
    /// Characters that make no difference to a checksum.
    pub ignored_characters: String,
}

/// The bytes of a text without its byte order mark.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// A file that runs as a whole.
pub(crate) fn script_file(tool: &dyn Tool, found: FoundFile, transactional: bool) -> ScriptFile {
    let is_code = found.path.extension().is_none_or(|extension| extension != "sql");
    let checksum = tool.digest(&found.bytes);
    let (path, has_own_blocks) = (found.path, false);
    ScriptFile { path, checksum, transactional, has_own_blocks, part: None, is_code }
}

/// A file that the tool sends as one query. A statement that cannot run in a transaction is alone
/// in its file and runs outside one.
pub(crate) fn query_file(tool: &dyn Tool, found: FoundFile) -> ScriptFile {
    let transactional = !stands_alone(&found.bytes);
    ScriptFile { has_own_blocks: transactional, ..script_file(tool, found, transactional) }
}

/// The checksum of most tools.
pub(crate) fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::of_digest(digest(&SHA256, bytes).as_ref())
}

/// The statement that writes another version into the row of a migration, whose key is in this
/// column.
pub(crate) fn rekeyed(table: &str, column: &str, from: &Migration, to: &Migration) -> String {
    let [from, to] = [from, to].map(|one| quote_literal(&one.version.to_string()));
    format!("UPDATE {table} SET {column} = {to} WHERE {column} = {from}")
}
