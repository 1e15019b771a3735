//! The command line. The doc comments are the help; nothing here does anything.

mod backups;
mod rehearsal;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use backups::{BackupArgs, BackupFormat, BackupsAction, BackupsArgs, RestoreArgs};
pub(crate) use rehearsal::{CheckArgs, CopyFrom, FailOn, RehearseArgs, ReportFormat};

/// Work with the PostgreSQL databases of this workspace
#[derive(Debug, Parser)]
#[command(name = "cargo db", bin_name = "cargo db", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

const EXIT_CODES: &str = "\
Exit codes:
  0   done, or nothing to do
  1   a finding that was asked for (`status --check`, `check`)
  2   usage or settings
  3   declined, or consent missing or not matching
  4   refused by policy
  5   another run holds the lock
  6   cannot connect
  7   failed, and the database is as before
  8   failed part-way; the message says what is left and how to go on
  9   history and files do not agree
  10  a migration tool is missing, failed, or left another state than it claimed
  11  a backup, a restore or a verification failed
  70  a bug of cargo db
  130 interrupted";

/// What every verb understands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The environment: development, test, staging or production
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// The database, without a password; stronger than DATABASE_URL
    #[arg(short = 'D', long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Read variables from this file instead of `.env`; may be repeated, the last one wins
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Read no `.env` file
    #[arg(long, global = true)]
    pub(crate) no_dotenv: bool,
    /// The folder of the migrations
    #[arg(long, global = true, value_name = "DIR", visible_alias = "source")]
    pub(crate) migrations_dir: Option<PathBuf>,
    /// The set of migrations, where db.toml has several
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) set: Option<String>,
    /// How long to wait for another run to finish
    #[arg(long, global = true, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) lock_timeout: Option<Duration>,
    /// How long a statement may wait for a lock of PostgreSQL's before it is tried again
    #[arg(long, global = true, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) ddl_lock_timeout: Option<Duration>,
    /// Agree where a confirmation is asked for
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Agree by the name of the database
    #[arg(long, global = true, value_name = "DATABASE")]
    pub(crate) confirm: Option<String>,
    /// Agree to exactly the plan with this id, as shown by `--dry-run`
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) plan: Option<String>,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How to show progress on stderr
    #[arg(long, global = true, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) progress: Progress,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: When,
    /// Show what a migration tool prints while it runs
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Print the answer, warnings and failures, and nothing else
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Lines, and something that moves on a terminal
    #[default]
    Auto,
    /// Lines only
    Plain,
    /// One JSON object a line
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Status(StatusArgs),
    Create(CreateArgs),
    Migrate(MigrateArgs),
    Rollback(RollbackArgs),
    Baseline(BaselineArgs),
    Repair(RepairArgs),
    Generate(GenerateArgs),
    Init(InitArgs),
    Seed(SeedArgs),
    Reset(ResetArgs),
    Backup(BackupArgs),
    Backups(BackupsArgs),
    Restore(RestoreArgs),
    Check(CheckArgs),
    Rehearse(RehearseArgs),
    Env(EnvArgs),
    /// Print what each verb needs in each environment, and what db.toml tightened
    ///
    /// With `--env` only that environment is printed.
    Policy,
    History(HistoryArgs),
    Server(ServerArgs),
}

/// Show where the database stands
///
/// Connection, environment, migrations, tables and settings, read in a session in which the
/// server refuses every write.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Exit with 1 if a migration is pending or has a problem
    #[arg(long)]
    pub(crate) check: bool,
    /// Wait for the server to come up, for 60 seconds if no number is given
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "60")]
    pub(crate) wait: Option<u64>,
}

/// Create an empty migration and print its path
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What it does, in words: `add users`
    #[arg(required = true)]
    pub(crate) name: Vec<String>,
    /// With a down file (what is done if the folder's migrations have them, or if it is empty)
    #[arg(short, long, conflicts_with = "simple")]
    pub(crate) reversible: bool,
    /// Without a down file
    #[arg(long)]
    pub(crate) simple: bool,
}

/// Apply pending migrations
///
/// Each one runs in a transaction together with its row in the history, unless its file begins
/// with `-- no-transaction`; then it runs statement by statement.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Stop after this version
    #[arg(long, value_name = "VERSION", visible_alias = "target-version")]
    pub(crate) to: Option<String>,
    /// Apply at most so many
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "to")]
    pub(crate) steps: Option<usize>,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show the SQL of the plan too
    #[arg(long)]
    pub(crate) show_sql: bool,
    /// Either all are in, or the database is as before (what is done in staging)
    #[arg(long)]
    pub(crate) all_or_nothing: bool,
    /// The receipt of a rehearsal, from another machine
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
    /// Go on although an applied migration's file is gone
    #[arg(long)]
    pub(crate) ignore_missing: bool,
    /// Apply migrations older than the latest applied one, also where that is refused
    #[arg(long)]
    pub(crate) allow_out_of_order: bool,
}

/// Take back applied migrations, newest first
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Take back so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, conflicts_with = "to")]
    pub(crate) steps: usize,
    /// Take back everything later than this version; 0 takes back all
    #[arg(long, value_name = "VERSION", visible_alias = "target-version")]
    pub(crate) to: Option<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show the SQL of the plan too
    #[arg(long)]
    pub(crate) show_sql: bool,
}

/// Record pending migrations as applied, without running them
///
/// For a database that has what they do already: one that was made in another way, or migrated by
/// another tool.
#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    /// Stop after this version
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Put the history right where that loses nothing
///
/// An applied migration whose file was changed in comments or white space only gets its new checksum;
/// the row of a failed run is cleared away. Everything else is refused, and said.
#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Have the project's tool work out a migration, from its own description of the schema
///
/// It is compared with a scratch database that has all migrations, never with a real one.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// What the migration is called
    #[arg(required = true)]
    pub(crate) name: Vec<String>,
}

/// Look at a repository, and write what cargo db needs in it
///
/// Nothing that is there is changed; what has to be added to a file by hand is said.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Say what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Load seeds
///
/// SQL and CSV files of the seeds folder, in one transaction. What is loaded already is
/// recognised by its content.
#[derive(Debug, Args)]
pub(crate) struct SeedArgs {
    /// Clear the tables that the seeds fill first
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Load only this group or file; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Make the database anew: migrations and seeds from the beginning
///
/// A new database is built beside the old one and swapped in, so a reset whose migrations or seeds
/// fail leaves the old one in place. Before that a backup is taken.
#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// The same as `--yes`
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Load no seeds
    #[arg(long)]
    pub(crate) no_seed: bool,
    /// Afterwards keep only the newest N backups
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<usize>,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Show or change the database's own record of which environment it is
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    #[command(subcommand)]
    pub(crate) action: EnvAction,
}

/// What to do with the marker.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvAction {
    /// Show the environment, and every signal that led to it
    Show,
    /// Mark the database as that of an environment
    Set {
        /// development, test, staging or production
        environment: String,
        /// Show the plan and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove the marker
    Clear {
        /// Show the plan and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Show what was done, by whom, and what came of it
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) action: Option<HistoryAction>,
    /// What the database itself remembers, instead of this project's file
    #[arg(long)]
    pub(crate) database: bool,
}

/// What else to do with the trail.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryAction {
    /// Look for the first record that was changed or taken out
    Verify,
}

/// Look after the private local server
///
/// It is made and started when a verb needs it and no database is named.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    #[command(subcommand)]
    pub(crate) action: ServerAction,
}

/// What to do with the server.
#[derive(Debug, Subcommand)]
pub(crate) enum ServerAction {
    /// Start it, and make it first if need be
    Start {
        /// Listen on this port of 127.0.0.1 too; logins there need a password
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
    },
    /// Stop it; its databases stay
    Stop,
    /// Show whether it runs, and where
    Status,
    /// Print the URL of the project's database
    Url,
    /// Stop it and remove it with every database in it
    Destroy {
        /// Show the plan and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}
