//! A tool as one project uses it: perhaps with another history table, and with characters that
//! make no difference to a checksum.

use std::fmt;
use std::path::{Path, PathBuf};

use pg_sql::name::TableName;
use pg_sql::quote::{quote_identifier, quote_literal};
use time::OffsetDateTime;

use crate::command::{Task, ToolFolder};
use crate::error::ToolError;
use crate::history::{Applied, History};
use crate::migration::{Checksum, Migration, MigrationFolder};
use crate::naming::{NewMigration, UP};
use crate::profile::{
    Confidence, HistoryEntry, HistoryTable, LockPlace, Profile, RollbackSupport, ToolKind,
};
use crate::recognition::doubt;
use crate::section::FormatProblem;
use crate::tool::{FoundFile, Tool, ToolSettings};
use crate::tools::{plain, supported, unsupported};
use crate::variables::{Connection, Variable};
use crate::written::{self, NewStatements};

/// A migration tool, as this project uses it.
#[derive(Clone)]
pub struct ProjectTool {
    tool: &'static dyn Tool,
    /// The name of the table, if the project configured another one.
    table: Option<TableName>,
    /// Characters that make no difference to a checksum, where the project has chosen any.
    ignored: String,
}

impl fmt::Debug for ProjectTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProjectTool({})", self.key())
    }
}

impl ProjectTool {
    fn of(tool: &'static dyn Tool) -> ProjectTool {
        ProjectTool { tool, table: None, ignored: String::new() }
    }

    pub(crate) fn tool(&self) -> &'static dyn Tool {
        self.tool
    }

    /// The default if nothing else is found: plain SQL files, named as sqlx names them.
    pub fn plain() -> ProjectTool {
        ProjectTool::of(plain())
    }

    /// The tool with this name.
    pub fn named(key: &str) -> Result<ProjectTool, ToolError> {
        if let Some(tool) = supported().find(|tool| tool.profile().key == key) {
            return Ok(ProjectTool::of(tool));
        }
        if let Some(tool) = unsupported().find(|tool| tool.key == key) {
            return Err(ToolError::Unsupported { name: tool.key, title: tool.title });
        }
        let known = supported().map(|tool| tool.profile().key).collect();
        Err(ToolError::Unknown { name: key.to_owned(), known })
    }

    /// Every tool that is known.
    pub fn all() -> impl Iterator<Item = ProjectTool> {
        supported().map(ProjectTool::of)
    }

    /// The same with another history table.
    #[must_use]
    pub fn with_table(mut self, table: Option<TableName>) -> ProjectTool {
        self.table = table.or(self.table);
        self
    }

    /// The same with what the tool's own settings file says.
    #[must_use]
    pub fn with_settings(self, settings: &ToolSettings) -> ProjectTool {
        let ignored = settings.ignored_characters.clone();
        let table = settings.table.as_deref().and_then(TableName::configured);
        ProjectTool { ignored, ..self.with_table(table) }
    }

    /// Facts about the tool that do not depend on a file.
    pub fn profile(&self) -> &'static Profile {
        self.tool.profile()
    }

    /// As `[migrations] tool` names it.
    pub fn key(&self) -> &'static str {
        self.profile().key
    }

    /// Whether its migrations are programs, which only the tool can run.
    pub fn is_code(&self) -> bool {
        self.profile().kind != ToolKind::Sql
    }

    /// Whether it derives its migrations from a model of its own, or writes them as programs, so
    /// that a migration from SQL would contradict it.
    pub fn derives_migrations(&self) -> bool {
        let derives = !self.profile().commands.generate.is_empty();
        // diesel's models follow the schema.
        self.is_code() || derives && self.key() != "diesel"
    }

    /// Whether only the project's own command knows what is applied and what is pending.
    pub fn is_asked(&self) -> bool {
        self.profile().kind == ToolKind::Commands
    }

    /// Whether it is the default that is used if there is no sign of a tool.
    pub fn is_plain(&self) -> bool {
        self.key() == plain().profile().key
    }

    /// Whether it can roll back.
    pub fn can_roll_back(&self) -> bool {
        self.profile().rollback != RollbackSupport::Never
    }

    /// The default folders of its files, the most common one first.
    pub fn folders(&self) -> &'static [&'static str] {
        self.profile().folders
    }

    /// How many levels of folders hold files.
    pub fn depth(&self) -> usize {
        self.profile().depth
    }

    /// How a migration asks to run outside a transaction.
    pub fn without_transaction(&self) -> &'static str {
        self.profile().without_transaction
    }

    /// Whether the tool ignores a new comment in the file of an applied migration.
    pub fn allows_comments(&self) -> bool {
        let [.., checksum, _] = self.table().fields;
        // These tools compare checksums that cargo db does not read.
        let compares_unread = ["liquibase"].contains(&self.key()) || self.is_asked();
        checksum == "NULL" && !compares_unread
    }

    /// What its own settings file says.
    pub fn settings(&self, file: &Path, text: &str) -> Result<ToolSettings, ToolError> {
        let bad = |why| ToolError::BadSettings { file: file.to_owned(), why };
        self.tool.settings(text).map_err(bad)
    }

    /// Whether a manifest says that the project uses the tool: `names` knows whether one names a
    /// package.
    pub fn is_named(&self, names: &dyn Fn(&str, &str) -> bool) -> bool {
        let Profile { packages, dependencies, .. } = self.profile();
        dependencies.iter().any(|(manifest, package)| names(manifest, package))
            || packages.iter().any(|package| names("package.json", package))
    }

    /// Whether something in the project's root is its own: `has` knows the files there,
    /// `depends_on` the packages that its package.json names.
    pub fn owns(&self, has: &dyn Fn(&str) -> bool, depends_on: &dyn Fn(&str) -> bool) -> bool {
        let Profile { marks, packages, .. } = self.profile();
        marks.iter().any(|name| has(name)) || packages.iter().any(|name| depends_on(name))
    }

    /// How well these files match the tool.
    pub fn claims(&self, names: &[&Path], text_of: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        self.tool.claims(names, text_of)
    }

    /// Whether a file in its folder may matter.
    pub fn reads(&self, path: &Path) -> bool {
        self.tool.reads(path)
    }

    /// Why the tool refuses a migration folder with these files; `None` if it accepts it.
    pub fn lacks(&self, names: &[&str]) -> Option<&'static str> {
        self.tool.lacks(names)
    }

    /// Whether the tool would read a file if its name were in lower case.
    pub fn would_read(&self, path: &Path) -> bool {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
        let is_sql = path.extension().is_some_and(|found| found.eq_ignore_ascii_case("sql"));
        let in_small = [path.with_extension("sql"), path.with_file_name(name.to_lowercase())];
        is_sql && !self.reads(path) && in_small.iter().any(|path| self.reads(path))
    }

    /// Sorts files into migrations.
    pub fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let strange = self.doubts(&found);
        let mut folder = self.sorted(found);
        for (path, problem) in strange {
            let is_it = |migration: &&Migration| migration.up.path == path;
            if let Some(migration) = folder.migrations.iter().find(is_it) {
                folder.doubtful.push((migration.version.clone(), path, problem));
            }
        }
        folder
    }

    /// What speaks for another tool in the text of a file.
    fn doubts(&self, found: &[FoundFile]) -> Vec<(PathBuf, FormatProblem)> {
        if self.is_code() {
            return Vec::new();
        }
        let doubt = |file: &FoundFile| {
            let is_sql = file.path.extension().is_some_and(|extension| extension == "sql");
            let text = String::from_utf8_lossy(&file.bytes);
            let problem = is_sql.then(|| doubt(self.profile(), &text)).flatten()?;
            Some((file.path.clone(), problem))
        };
        found.iter().filter_map(doubt).collect()
    }

    fn sorted(&self, found: Vec<FoundFile>) -> MigrationFolder {
        if self.ignored.is_empty() {
            return self.tool.read(found);
        }
        let mut folder = self.tool.read(found.clone());
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
    pub fn digest(&self, bytes: &[u8]) -> Checksum {
        if self.ignored.is_empty() {
            return self.tool.digest(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        let kept: String =
            text.chars().filter(|character| !self.ignored.contains(*character)).collect();
        self.tool.digest(kept.as_bytes())
    }

    /// Whether a checksum is that of a new file in which nothing was written yet.
    pub fn is_of_new_file(&self, stored: &Checksum) -> bool {
        [UP, ""].iter().any(|text| self.digest(text.as_bytes()) == *stored)
    }

    /// The files of a new migration below the folder, up file first; none where only the tool
    /// can write them.
    pub fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        self.tool.new_files(new)
    }

    /// The same files with the statements of the migration.
    pub fn filled_files(
        &self,
        new: &NewMigration<'_>,
        statements: &NewStatements<'_>,
    ) -> Vec<(PathBuf, String)> {
        written::files(self.tool, new, statements)
    }

    /// The application that a new migration belongs to, and how many of the words name it.
    pub fn application(
        &self,
        folder: &MigrationFolder,
        words: &[String],
    ) -> Result<(Option<String>, usize), ToolError> {
        self.tool.application(folder, words)
    }
}

/// Its history.
impl ProjectTool {
    /// The history table, as the tool makes it.
    pub fn table(&self) -> &'static HistoryTable {
        &self.profile().table
    }

    /// The schema that the table is in, where the search path does not say it.
    pub fn schema(&self) -> Option<&str> {
        match self.table.as_ref().and_then(|table| table.schema.as_deref()) {
            Some(schema) => Some(schema),
            None => self.table().schema,
        }
    }

    /// The table's name without its schema.
    pub fn table_name(&self) -> &str {
        self.table.as_ref().map_or(self.table().name, |table| &table.table)
    }

    /// Whether the project configured another name for the table.
    pub fn names_its_table(&self) -> bool {
        self.table.is_some()
    }

    /// The name to look the table up by: with its schema, if it has one.
    pub fn lookup_name(&self) -> String {
        let name = quote_identifier(self.table_name());
        match self.schema() {
            Some(schema) => format!("{}.{name}", quote_identifier(schema)),
            None => name,
        }
    }

    /// A condition on `pg_class c` and `pg_namespace n` that selects the tool's own relations,
    /// which hold no data of the project.
    pub fn own_relations(&self) -> String {
        if let (None, Some(schema)) = (&self.table, self.table().schema) {
            return format!("n.nspname = {}", quote_literal(schema));
        }
        let companions = self.table().companions.iter().copied().chain([self.table_name()]);
        let names: Vec<String> = companions.map(quote_literal).collect();
        // With the sequence that counts its rows.
        let sequence = quote_literal(&format!("{}_id_seq", self.table_name()));
        format!("c.relname IN ({}, {sequence})", names.join(", "))
    }

    /// Whether a table is the tool's own, as [`ProjectTool::own_relations`] asks the server.
    pub fn is_disposable(&self, schema: &str, name: &str) -> bool {
        let own = self.table();
        match (&self.table, own.schema) {
            (None, Some(of_tool)) => schema == of_tool,
            _ => name == self.table_name() || own.companions.contains(&name),
        }
    }

    /// Creates the history table, as the tool itself does.
    pub fn create_table(&self, current_schema: &str) -> String {
        let name = quote_identifier(self.table_name());
        let (schema, made) = match self.schema() {
            Some(schema) => {
                let schema = quote_identifier(schema);
                let made = format!("CREATE SCHEMA IF NOT EXISTS {schema}; ");
                (schema, made)
            }
            None => (quote_identifier(current_schema), String::new()),
        };
        made + &self.table().create.replace("{table}", &format!("{schema}.{name}"))
    }

    /// Reads the whole history from `table` as one text: records end with ASCII RS, and the
    /// fields have US between them. One long text costs a client far less than a thousand rows.
    pub fn select(&self, table: &str) -> String {
        let HistoryTable { fields, rows, .. } = self.table();
        let fields: Vec<String> =
            fields.iter().map(|field| format!("coalesce(({field})::text, '')")).collect();
        format!(
            "SELECT string_agg(concat_ws(E'\\x1f', {}), E'\\x1e') FROM {}",
            fields.join(", "),
            rows.replace("{table}", table)
        )
    }

    /// The rows of [`ProjectTool::select`]; `None` where the table holds what its tool never
    /// writes.
    pub fn rows(&self, text: &str) -> Option<Vec<Applied>> {
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
            version: self.tool.version(version)?,
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

    /// Completes the rows of the history with these files.
    #[must_use]
    pub fn completed(&self, mut history: History, folder: &MigrationFolder) -> History {
        self.tool.complete(&mut history, folder);
        history
    }

    /// The statement that records a migration as applied; empty where only the tool can.
    pub fn record(&self, entry: &HistoryEntry<'_>) -> String {
        self.tool.record(entry)
    }

    /// The statement that forgets a migration; empty where only the tool can.
    pub fn erase(&self, entry: &HistoryEntry<'_>) -> String {
        self.tool.erase(entry)
    }

    /// The statement that clears a row about a failed run away.
    pub fn clear_failed(&self, entry: &HistoryEntry<'_>) -> Option<String> {
        self.tool.clear_failed(entry)
    }

    /// The statement that records the checksum which a migration's file has now.
    pub fn rerecord(&self, entry: &HistoryEntry<'_>) -> Option<String> {
        self.tool.rerecord(entry)
    }

    /// The advisory lock that the tool holds while it runs.
    pub fn lock_key(&self, place: &LockPlace<'_>) -> Option<i64> {
        self.tool.lock_key(place)
    }
}

/// How it is run.
impl ProjectTool {
    /// The command for a task.
    pub fn command(
        &self,
        task: &Task<'_>,
        folder: &ToolFolder<'_>,
    ) -> Result<Vec<String>, ToolError> {
        let commands = &self.profile().commands;
        let meaning = |word: &str| {
            let common = commands.common_word(word, task, folder);
            common.or_else(|| self.tool.command_word(word, task, folder))
        };
        let line = commands.line(task, &meaning);
        let (tool, setting) = (self.key(), task.setting());
        line.ok_or_else(|| ToolError::NoCommand { tool, doing: task.doing(), setting })
    }

    /// The migrations to pass to [`Task::Record`], one after the other, to record all of `chosen`.
    pub fn to_record<'a>(&self, chosen: &[&'a Migration]) -> Vec<&'a Migration> {
        self.tool.to_record(chosen)
    }

    /// The variables that tell it its database, `DATABASE_URL` among them. Those of libpq are for
    /// the caller to add.
    pub fn variables(&self, connection: &Connection<'_>) -> Vec<Variable> {
        let mut variables = self.tool.variables(connection);
        let named = self.profile().table_variable.zip(self.table.as_ref());
        variables.extend(named.map(|(name, table)| Variable::new(name, table.to_string())));
        variables.push(Variable::new("DATABASE_URL", self.tool.url(connection)));
        variables.push(Variable::new("PGAPPNAME", connection.application));
        variables
    }

    /// Fails where its client cannot connect to a unix socket, and the server has only that.
    pub fn can_reach(&self, is_socket: bool) -> Result<(), ToolError> {
        if is_socket && self.profile().needs_tcp {
            return Err(ToolError::NeedsTcp { tool: self.key() });
        }
        Ok(())
    }

    /// The newest migration for the tool after `reverted` is rolled back, out of `left`, which is
    /// sorted by age.
    pub fn newest_left<'a>(
        &self,
        reverted: &str,
        left: impl DoubleEndedIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        left.rev().find(|version| self.tool.can_be_newest_after(version, reverted))
    }
}

/// The pieces of a text between separators. A plain loop: it sees every byte of a long history,
/// and a build that is not optimised runs it ten times as fast as iterators.
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

    fn connection<'a>(url_of: &'a dyn Fn(&str) -> String) -> Connection<'a> {
        Connection {
            url: "postgres://me:hunter2@db.example/school".to_owned(),
            url_of,
            user: "me",
            password: "hunter2",
            host: Some("db.example"),
            port: 5432,
            database: "school",
            search_path: None,
            is_local: false,
            dir: "migrations",
            application: "cargo-db/0 tool",
        }
    }

    #[test]
    fn no_argument_holds_a_secret() {
        let url_of = |_: &str| String::new();
        for tool in ProjectTool::all() {
            let folder = ToolFolder {
                dir: "migrations",
                url: "postgres://me@db.example/school",
                has: &|_| true,
            };
            let tasks = [
                Task::ApplyAll,
                Task::ApplyNext { count: 1, last: "2" },
                Task::Revert { count: 1, first: "2", newest: Some("1") },
                Task::Create { name: "x", app: None },
                Task::Generate { name: "x" },
            ];
            for task in tasks {
                let line = tool.command(&task, &folder).unwrap_or_default().join(" ");
                assert!(!line.contains("hunter2"), "{line}");
            }
            let variables = tool.variables(&connection(&url_of));
            assert!(variables.iter().any(|variable| variable.value.contains("hunter2")));
        }
    }

    #[test]
    fn what_stands_for_nothing_is_left_out() {
        let line = |key: &str, task: &Task<'_>| {
            let folder = ToolFolder { dir: "db", url: "", has: &|name| name == "ds.js" };
            ProjectTool::named(key).unwrap().command(task, &folder).ok().map(|line| line.join(" "))
        };
        let revert = |count, newest| Task::Revert { count, first: "app.2_b", newest };
        assert_eq!(line("sqitch", &revert(2, None)).unwrap(), "sqitch revert -y");
        assert_eq!(line("sqitch", &revert(1, Some("a"))).unwrap(), "sqitch revert -y --to a");
        assert_eq!(line("alembic", &revert(1, None)).unwrap(), "alembic downgrade base");
        assert_eq!(
            line("django", &revert(1, Some("app.1_a"))).unwrap(),
            "python manage.py migrate --no-input app 1_a"
        );
        assert_eq!(
            line("django", &revert(1, Some("other.1_a"))).unwrap(),
            "python manage.py migrate --no-input app zero"
        );
        assert_eq!(line("knex", &revert(2, None)), None);
        assert_eq!(
            line("typeorm", &Task::Create { name: "x", app: None }).unwrap(),
            "typeorm migration:create db/x -o"
        );
        assert_eq!(line("refinery", &revert(1, None)), None);
    }

    #[test]
    fn there_is_no_command_without_a_word_that_it_needs() {
        let folder = ToolFolder { dir: "db", url: "", has: &|_| false };
        let typeorm = ProjectTool::named("typeorm").unwrap();
        let error = typeorm.command(&Task::ApplyAll, &folder).unwrap_err();
        assert_eq!(error.to_string(), "typeorm has no command to apply migrations");
    }

    #[test]
    fn the_newest_is_one_of_the_same_application() {
        let django = ProjectTool::named("django").unwrap();
        let left = ["app.1_a", "other.1_a", "other.2_b"];
        assert_eq!(django.newest_left("app.2_b", left.into_iter()), Some("app.1_a"));
        assert_eq!(django.newest_left("third.1_a", left.into_iter()), None);
        let alembic = ProjectTool::named("alembic").unwrap();
        assert_eq!(alembic.newest_left("x", ["a", "b"].into_iter()), Some("b"));
    }

    #[test]
    fn a_tool_is_refused_by_its_name() {
        let refused = ProjectTool::named("atlas").unwrap_err();
        assert_eq!(refused, ToolError::Unsupported { name: "atlas", title: "Atlas" });
        let unknown = ProjectTool::named("sqlxx").unwrap_err();
        assert!(unknown.to_string().starts_with("expected one of sqlx, diesel, "), "{unknown}");
    }
}
