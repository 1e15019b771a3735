//! Facts about a tool that do not depend on a file: one constant table for each tool.

use std::time::Duration;

use crate::command::Commands;
use crate::migration::Migration;
use crate::section::Sections;

/// What is the same for every project of a tool.
#[derive(Debug)]
pub struct Profile {
    /// As `[migrations] tool` names it.
    pub key: &'static str,
    /// What its migrations are.
    pub kind: ToolKind,
    /// The default folders of its files, the most common one first.
    pub folders: &'static [&'static str],
    /// How many levels of folders hold files.
    pub depth: usize,
    /// How many levels the project root is above the migrations folder, if the folder is not the
    /// default one.
    pub project_levels: Option<usize>,
    /// Files or folders in a project's root that only this tool has.
    pub marks: &'static [&'static str],
    /// Files in the folder that the tool is run in, where the default folder of its migrations does
    /// not show which one that is.
    pub home: &'static [&'static str],
    /// Packages in `package.json` that show that a project uses this tool.
    pub packages: &'static [&'static str],
    /// Files in the root of a project in the tool's language. They decide between tools whose files
    /// look alike.
    pub language: &'static [&'static str],
    /// Whether it runs in a project of its language only.
    pub needs_language: bool,
    /// What names it in the manifest of a project that uses it: the manifest, and the package.
    pub dependencies: &'static [(&'static str, &'static str)],
    /// The comments by which it divides its files, if it does.
    pub sections: Option<&'static Sections>,
    /// Whether any file in its folder is a migration where a mark says that the tool is here.
    pub marks_suffice: bool,
    /// The tool's own settings file, where some of it matters here.
    pub settings_file: Option<&'static str>,
    /// Its history.
    pub table: HistoryTable,
    /// The variable by which the tool learns that its history has another name.
    pub table_variable: Option<&'static str>,
    /// Whether reading its state is exact. If not, the output says that it is best effort.
    pub is_certain: bool,
    /// Whether the program takes its own lock, so that ours would block it.
    pub takes_own_lock: bool,
    /// Whether it creates the schema that the URL names, or `public`, if that is missing.
    pub creates_schema: bool,
    /// Whether it refuses to go on once something was applied out of order.
    pub is_strict: bool,
    /// Whether it runs all pending migrations in one transaction.
    pub is_one_transaction: bool,
    /// How a migration asks to run outside a transaction.
    pub without_transaction: &'static str,
    /// How a new migration is written that has to run outside a transaction.
    pub no_transaction: NoTransactionForm,
    /// How it rolls back.
    pub rollback: RollbackSupport,
    /// How its migrations get other versions.
    pub renumbering: Renumbering,
    /// Whether its client cannot connect to a unix socket.
    pub needs_tcp: bool,
    /// How it is called.
    pub commands: Commands,
    /// What its command for generating a migration produces.
    pub generated: Generated,
}

impl Profile {
    /// The defaults for tools whose migrations are SQL.
    pub const SQL: Profile = Profile {
        key: "",
        kind: ToolKind::Sql,
        folders: &["migrations"],
        depth: 1,
        project_levels: None,
        marks: &[],
        home: &[],
        packages: &[],
        language: &[],
        needs_language: false,
        dependencies: &[],
        sections: None,
        marks_suffice: false,
        settings_file: None,
        table: HistoryTable::NONE,
        table_variable: None,
        is_certain: true,
        takes_own_lock: false,
        creates_schema: false,
        is_strict: false,
        is_one_transaction: false,
        without_transaction: "its tool has no way to run it outside a transaction: \
            do it by hand, and record it with `cargo db baseline`",
        no_transaction: NoTransactionForm::Never,
        rollback: RollbackSupport::InOrder,
        renumbering: Renumbering::Files,
        needs_tcp: false,
        commands: Commands::NONE,
        generated: Generated::Files,
    };

    /// The defaults for tools whose migrations are programs.
    pub const PROGRAMS: Profile = Profile {
        kind: ToolKind::Programs,
        is_certain: false,
        takes_own_lock: true,
        marks_suffice: true,
        renumbering: Renumbering::Elsewhere("only the tool knows their order"),
        ..Profile::SQL
    };
}

/// What the migrations of a tool are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolKind {
    /// SQL that cargo db can run itself, following the tool's rules.
    Sql,
    /// Programs, which only the tool can run.
    Programs,
    /// An unknown tool: only the project's own commands know what is applied.
    Commands,
}

/// How a new migration is written that has to run outside a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTransactionForm {
    /// It cannot be.
    Never,
    /// Its files begin with this line.
    FirstLine(&'static str),
    /// Its marks end with this word.
    OnMarks(&'static str),
    /// Its only statement is alone in its file.
    Alone,
    /// A file with this name and text is beside the others.
    File(&'static str, &'static str),
}

/// How a tool rolls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackSupport {
    /// It does not.
    Never,
    /// The newest version first.
    InOrder,
    /// What it ran last, whatever the order of the files is: the last field of
    /// [`HistoryTable::fields`] counts the runs.
    AsRun,
}

/// How the migrations of a tool get other versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renumbering {
    /// Their files are renamed: the names begin with the version.
    Files,
    /// The folder of each is renamed.
    Folders,
    /// Their order is written elsewhere. In words, where, and what to do there.
    Elsewhere(&'static str),
}

/// What a tool's command for generating a migration produces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// It compares with the database, and writes files.
    Files,
    /// It replays its migrations itself and prints SQL, or a message if there is nothing to do.
    Sql {
        /// Part of that message.
        nothing: &'static str,
    },
}

/// A history table.
#[derive(Debug)]
pub struct HistoryTable {
    /// The tool's own schema, if it has one.
    pub schema: Option<&'static str>,
    /// Its name.
    pub name: &'static str,
    /// The columns that distinguish it from another tool's table of the same name.
    pub columns: &'static [&'static str],
    /// The statement with which the tool creates the table; `{table}` is replaced by its name.
    pub create: &'static str,
    /// What to read of a row: version, name, seconds since 1970, success, checksum, and what the
    /// tool alone understands.
    pub fields: [&'static str; 6],
    /// A query for the rows of applied migrations; `{table}` is replaced by the table's name.
    pub rows: &'static str,
    /// Further tables that the tool makes for itself.
    pub companions: &'static [&'static str],
}

/// A table with fewer columns than this is known by its name alone.
const MIN_SIGNATURE: usize = 3;

impl HistoryTable {
    /// A table in which every row is an applied migration.
    pub const NONE: HistoryTable = HistoryTable {
        schema: None,
        name: "",
        columns: &[],
        create: "",
        fields: ["NULL", "NULL", "NULL", "true", "NULL", "NULL"],
        rows: "{table}",
        companions: &[],
    };

    /// The columns in the order of their names, if there are enough of them to know the table
    /// by them.
    pub fn signature(&self) -> Option<String> {
        (self.columns.len() >= MIN_SIGNATURE).then(|| self.sorted_columns())
    }

    /// The columns in the order of their names.
    pub fn sorted_columns(&self) -> String {
        let mut columns = self.columns.to_vec();
        columns.sort_unstable();
        columns.join(" ")
    }
}

/// A migration and its row.
pub struct HistoryEntry<'a> {
    /// The table, qualified.
    pub table: &'a str,
    /// The migration.
    pub migration: &'a Migration,
    /// How long it took.
    pub elapsed: Duration,
    /// The SQL that ran.
    pub sql: &'a [u8],
}

/// What a lock may depend on.
pub struct LockPlace<'a> {
    /// The database's name.
    pub database: &'a str,
    /// Where the history is.
    pub schema: &'a str,
    /// What it is called.
    pub table: &'a str,
}

/// How well files match a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// They do not.
    No,
    /// The names match, but may match other tools as well.
    Fits,
    /// Only this tool writes them so.
    Signed,
}

impl Confidence {
    /// [`Confidence::Fits`] or none.
    pub fn fits_if(fits: bool) -> Confidence {
        if fits { Confidence::Fits } else { Confidence::No }
    }

    /// [`Confidence::Signed`] or none.
    pub fn signed_if(signed: bool) -> Confidence {
        if signed { Confidence::Signed } else { Confidence::No }
    }
}
