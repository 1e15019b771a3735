//! What can be said of a tool without a file: one constant table a tool.

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
    /// Where its files are if nobody says otherwise, the customary place first.
    pub folders: &'static [&'static str],
    /// How many levels of folders hold files.
    pub depth: usize,
    /// How many folders its project stands above that of the migrations, if not by the
    /// customary path.
    pub project_levels: Option<usize>,
    /// Files or folders in a project's root that only this tool has.
    pub marks: &'static [&'static str],
    /// Packages that a project's `package.json` depends on where it uses this tool.
    pub packages: &'static [&'static str],
    /// What stands in the root of a project in its language; it decides between tools whose
    /// files look alike.
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
    /// Whether what is read of it is certain. Best effort is said.
    pub is_certain: bool,
    /// Whether the program takes its lock itself. One of ours would be in its way.
    pub takes_own_lock: bool,
    /// Whether it creates the schema that the URL names, or `public`, if that is missing.
    pub creates_schema: bool,
    /// Whether it refuses to go on once something was applied out of order.
    pub is_strict: bool,
    /// Whether it puts everything that is pending into one transaction.
    pub is_one_transaction: bool,
    /// How a migration asks to run outside a transaction.
    pub without_transaction: &'static str,
    /// How it rolls back.
    pub rollback: RollbackSupport,
    /// Whether its client cannot connect to a unix socket.
    pub needs_tcp: bool,
    /// How it is called.
    pub commands: Commands,
    /// What comes of its command that generates a migration.
    pub generated: Generated,
}

impl Profile {
    /// What most tools have whose migrations are SQL.
    pub const SQL: Profile = Profile {
        key: "",
        kind: ToolKind::Sql,
        folders: &["migrations"],
        depth: 1,
        project_levels: None,
        marks: &[],
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
        rollback: RollbackSupport::InOrder,
        needs_tcp: false,
        commands: Commands::NONE,
        generated: Generated::Files,
    };

    /// What most tools have whose migrations are programs.
    pub const PROGRAMS: Profile = Profile {
        kind: ToolKind::Programs,
        is_certain: false,
        takes_own_lock: true,
        marks_suffice: true,
        ..Profile::SQL
    };
}

/// What the migrations of a tool are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolKind {
    /// SQL, which whoever knows the tool's rules can run.
    Sql,
    /// Programs, which only the tool can run.
    Programs,
    /// Nothing is known of them: only the project's own commands know what is applied.
    Commands,
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

/// What comes of a tool's command that generates a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// It compares with the database, and writes files.
    Files,
    /// It works out by itself what its migrations come to, and prints SQL; where nothing is to
    /// do, it prints this.
    Sql {
        /// A part of what it prints then.
        nothing: &'static str,
    },
}

/// A history table.
#[derive(Debug)]
pub struct HistoryTable {
    /// The schema of its own, where it has one.
    pub schema: Option<&'static str>,
    /// Its name.
    pub name: &'static str,
    /// The columns that distinguish it from another tool's table of the same name.
    pub columns: &'static [&'static str],
    /// Creates it as the tool does; `{table}` stands for its name.
    pub create: &'static str,
    /// What to read of a row: version, name, seconds since 1970, success, checksum, and what the
    /// tool alone understands.
    pub fields: [&'static str; 6],
    /// The rows that count; `{table}` stands for its name.
    pub rows: &'static str,
    /// Further tables that the tool makes for itself.
    pub companions: &'static [&'static str],
}

/// A table with fewer columns than this is known by its name alone.
const MIN_SIGNATURE: usize = 3;

impl HistoryTable {
    /// A table of which every row counts.
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

/// How much some files look like a tool's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// They do not.
    No,
    /// Their names fit, and may fit others as well.
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
