//! What is typed about backups.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::model::backup::Level;

/// Take a backup
///
/// Everything from one snapshot, written under a temporary name and read back; only then it gets
/// its own name and a manifest. Afterwards old backups are removed as the retention says.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// What it is on disk
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: BackupFormat,
    /// How a file of SQL is compressed: gzip, with a level if wanted (`gzip:9`), or zstd (`zstd:3`),
    /// which is a cargo feature of `cargo-db`
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "gzip", conflicts_with = "no_compress")]
    pub(crate) compress: Option<String>,
    /// Do not compress
    #[arg(long)]
    pub(crate) no_compress: bool,
    /// The name of the file or folder, in the backup folder
    #[arg(short, long, value_name = "NAME")]
    pub(crate) output: Option<String>,
    /// Ask nothing (as in CI, and without a terminal)
    #[arg(long)]
    pub(crate) auto: bool,
    /// Only this schema; may be repeated
    #[arg(long, value_name = "SCHEMA")]
    pub(crate) schema: Vec<String>,
    /// Only this table; may be repeated
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Vec<String>,
    /// Not this table; may be repeated
    #[arg(long, value_name = "TABLE")]
    pub(crate) exclude_table: Vec<String>,
    /// Not the rows of this table; may be repeated
    #[arg(long, value_name = "TABLE")]
    pub(crate) exclude_table_data: Vec<String>,
    /// Without who owns what
    #[arg(long)]
    pub(crate) no_owner: bool,
    /// Tables or parts at once, in the formats that are folders
    #[arg(short, long, value_name = "N", default_value_t = 2)]
    pub(crate) jobs: usize,
    /// Do not read it back; the manifest says so
    #[arg(long)]
    pub(crate) no_verify: bool,
}

/// What a backup is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackupFormat {
    /// One file of SQL, compressed with gzip unless told otherwise
    #[default]
    Sql,
    /// pg_dump's custom format
    Custom,
    /// pg_dump's directory format
    Directory,
    /// A folder with a dump of everything, one of each schema, the roles, and SQL of each table
    Set,
}

/// Look after the backups
#[derive(Debug, Args)]
pub(crate) struct BackupsArgs {
    #[command(subcommand)]
    pub(crate) action: BackupsAction,
}

/// What to do with the backups.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupsAction {
    /// List them, the newest first
    List,
    /// Show all that is known of one
    Show {
        /// Its name; the newest of the database without one
        name: Option<String>,
    },
    /// Verify one, or all
    Verify {
        /// Its name; the newest of the database without one
        name: Option<String>,
        /// The newest of the database
        #[arg(long, conflicts_with = "name")]
        latest: bool,
        /// All of them
        #[arg(long, conflicts_with_all = ["name", "latest"])]
        all: bool,
        /// How much to look at
        #[arg(long, value_enum, default_value = "full")]
        level: Level,
        /// Fail if the newest verified backup of the database is older
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        max_age: Option<Duration>,
    },
    /// Remove what the retention does not keep
    Prune {
        /// Show what stays and what goes, and why, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Restore a backup
///
/// A new database is built beside the old one, compared with the manifest row by row, and swapped
/// in. The old one is kept under another name; `--undo` swaps back.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// A backup's name, or any file or folder that pg_dump wrote
    pub(crate) backup: Option<String>,
    /// The newest backup of the database
    #[arg(long, conflicts_with = "backup")]
    pub(crate) latest: bool,
    /// The same as naming it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["backup", "latest"])]
    pub(crate) file: Option<String>,
    /// Restore into this new database and leave the old one alone
    #[arg(long, value_name = "DATABASE")]
    pub(crate) into: Option<String>,
    /// Replace only this schema, in the database itself and in one transaction
    #[arg(long, value_name = "SCHEMA", conflicts_with_all = ["into", "clean"])]
    pub(crate) schema: Option<String>,
    /// Replace only this table (`users`, `sales.orders`), in the same way
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["into", "clean"])]
    pub(crate) table: Option<String>,
    /// Replace everything in the database itself, in one transaction; no old database is kept
    #[arg(long, conflicts_with = "into")]
    pub(crate) clean: bool,
    /// Create the roles of a set that the server does not have, without passwords
    #[arg(long)]
    pub(crate) roles: bool,
    /// Tables at once, where the format allows it; as many as there are processors if nothing is said
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Swap back what the last restore kept
    #[arg(long, conflicts_with_all = ["backup", "latest", "file", "into", "schema", "table", "clean", "roles", "drop_previous"])]
    pub(crate) undo: bool,
    /// Remove the databases that restores kept
    #[arg(long, conflicts_with_all = ["backup", "latest", "file", "into", "schema", "table", "clean", "roles"])]
    pub(crate) drop_previous: bool,
}
