//! What is typed about checks and rehearsals.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Look through migrations for what may hurt, without a database
///
/// Syntax, what locks and rewrites, what loses rows, what breaks programs that run today, and what
/// git knows of the files. `docs/rules.md` has a page on each rule.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// These files; all migrations if nothing is said
    #[arg(conflicts_with_all = ["staged", "base"])]
    pub(crate) files: Vec<PathBuf>,
    /// What the next commit would bring, as it is staged
    #[arg(long, conflicts_with = "base")]
    pub(crate) staged: bool,
    /// What was added or changed since this revision
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// The least that makes it exit with 1
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    pub(crate) fail_on: FailOn,
}

/// Run pending migrations on a scratch copy and measure what they do
///
/// Each statement is measured: what it locks and for whom, what it writes anew, what is lost. Then
/// each way back is tried. The database itself is only read.
#[derive(Debug, Args)]
pub(crate) struct RehearseArgs {
    /// What the copy is made from; the database as it is, unless it is very large
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) from: Option<CopyFrom>,
    /// The backup, with `--from backup`; the newest if nothing is said
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(crate) backup: Option<String>,
    /// Leave the scratch database where it is, and say its name
    #[arg(long)]
    pub(crate) keep: bool,
    /// Stop after this version
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<String>,
    /// A folder with the application's queries: `.sqlx` or files of SQL
    #[arg(long, value_name = "DIR")]
    pub(crate) queries: Option<PathBuf>,
    /// The queries as they were in this revision of git
    #[arg(long, value_name = "REV", requires = "queries")]
    pub(crate) queries_at: Option<String>,
    /// How to print the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: ReportFormat,
}

/// What a scratch copy is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CopyFrom {
    /// The database as it is
    Live,
    /// A backup
    Backup,
    /// Its schema, with the sizes that the server estimates
    Schema,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a terminal
    #[default]
    Text,
    /// For a pull request
    Markdown,
}

/// From where on a finding is a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    #[default]
    Warn,
    Block,
}
