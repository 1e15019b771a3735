//! The verbs, one file each: what is typed (the doc comments are the help), what it needs, what it may
//! do, and the run. A new verb is a file, and a line in the registry below.

mod audit;
mod backup;
mod backups;
mod baseline;
mod check;
mod create;
mod env;
mod generate;
mod init;
mod migrate;
mod policy;
mod rehearse;
mod repair;
mod reset;
mod restore;
mod rollback;
mod seed;
mod server;
mod status;

use clap::Parser;

use crate::answer::Outcome;
use crate::change::{Effect, Needs, Workspace};
use crate::cli::Global;
use crate::failure::Result;

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

/// What can be typed after `cargo db`. Implemented by the arguments themselves.
pub(crate) trait Verb {
    /// As it is typed, and as JSON documents name it.
    fn name(&self) -> &'static str;

    /// What it may do, at most, as it is called here.
    fn effect(&self) -> Effect;

    /// What has to be known before it runs.
    fn needs(&self) -> Needs {
        Needs::DATABASE
    }

    /// Whether a flag of its own means the same as `--yes`.
    fn says_yes(&self) -> bool {
        false
    }

    /// Does it.
    fn run(&self, workspace: &Workspace) -> Result<Outcome>;

    /// The verb that was typed. A group of verbs has a method of this name that looks further.
    fn verb(&self) -> &dyn Verb
    where
        Self: Sized,
    {
        self
    }
}

/// Verbs, and the way from what was typed to the one that was meant.
macro_rules! verbs {
    ($(#[$about:meta])* $name:ident { $($(#[$attribute:meta])* $variant:ident($args:ty),)* }) => {
        $(#[$about])*
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum $name {
            $($(#[$attribute])* $variant($args),)*
        }

        impl $name {
            /// The verb that was typed.
            pub(crate) fn verb(&self) -> &dyn $crate::verb::Verb {
                match self {
                    $($name::$variant(args) => args.verb(),)*
                }
            }
        }
    };
}
use verbs;

verbs! {
    /// The registry: one line a verb, in the order of the help.
    Command {
        Status(status::Status),
        Create(create::Create),
        Migrate(migrate::Migrate),
        Rollback(rollback::Rollback),
        Baseline(baseline::Baseline),
        Repair(repair::Repair),
        Generate(generate::Generate),
        Init(init::Init),
        Seed(seed::Seed),
        Reset(reset::Reset),
        Backup(backup::TakeBackup),
        Backups(backups::Backups),
        Restore(restore::Restore),
        Check(check::Check),
        Rehearse(rehearse::Rehearse),
        Env(env::Env),
        Policy(policy::Policy),
        #[command(alias = "history")]
        Audit(audit::Audit),
        Server(server::Server),
    }
}
