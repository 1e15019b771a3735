//! What every verb understands on the command line. The doc comments are the help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::failure::RetainedFlag;
use crate::model::consent::Consent;
use crate::plan::AtMost;

/// What every verb understands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The environment: development, test, staging or production
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// URL of the database; must not contain a password; overrides DATABASE_URL
    #[arg(short = 'D', long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Read variables from this file instead of `.env`; may be repeated, the last one wins
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Do not read a `.env` file
    #[arg(long, global = true)]
    pub(crate) no_dotenv: bool,
    /// The folder of the migrations
    #[arg(long, global = true, value_name = "DIR", visible_alias = "source")]
    pub(crate) migrations_dir: Option<PathBuf>,
    /// The set of migrations, if db.toml has several
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) set: Option<String>,
    /// How long to wait for another run to finish
    #[arg(long, global = true, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) lock_timeout: Option<Duration>,
    /// How long a statement waits for a PostgreSQL lock before it is retried
    #[arg(long, global = true, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) ddl_lock_timeout: Option<Duration>,
    /// How long a statement with CONCURRENTLY waits for other transactions
    #[arg(long, global = true, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) concurrently_timeout: Option<Duration>,
    /// Answer yes to confirmation prompts
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Consent by name: the name of the database
    #[arg(long, global = true, value_name = "DATABASE")]
    pub(crate) confirm: Option<String>,
    /// Consent to exactly the plan with this id, as shown by `--dry-run`
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) plan: Option<String>,
    /// Allow at most this many rows of each object to be lost, as shown by `--dry-run`; may be
    /// repeated
    #[arg(long, global = true, value_name = "OBJECT=ROWS,...", value_parser = AtMost::read)]
    pub(crate) lose_at_most: Vec<AtMost>,
    /// Print the result as one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How to show progress on stderr
    #[arg(long, global = true, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) progress: ProgressMode,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: When,
    /// Show what a migration tool prints while it runs
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Print only results, warnings and errors, and the plan before a prompt
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

impl Global {
    /// The flags that select the database and the files.
    pub(crate) fn kept(&self) -> Vec<RetainedFlag> {
        let text = |path: &PathBuf| path.display().to_string();
        let no_dotenv = self.no_dotenv.then(|| "--no-dotenv".to_owned());
        vec![
            RetainedFlag::new(&["--env", "-e"], &self.env),
            RetainedFlag::new(&["-D", "--database-url"], &self.database_url),
            RetainedFlag::new(&["--env-file"], self.env_file.iter().map(text)),
            RetainedFlag { names: &["--no-dotenv"], words: no_dotenv.unwrap_or_default() },
            RetainedFlag::new(
                &["--migrations-dir", "--source"],
                self.migrations_dir.iter().map(text),
            ),
            RetainedFlag::new(&["--set"], &self.set),
        ]
    }
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A progress bar on a terminal, otherwise plain lines
    #[default]
    Auto,
    /// Plain lines
    Plain,
    /// One JSON object per line
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// Only on a terminal, and not if NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

/// The consent flags, with their value in the same word.
const VALUES: [&str; 3] = ["--confirm=", "--plan=", "--lose-at-most="];

/// What the command line agrees to.
#[derive(Clone)]
pub(crate) struct ConsentFlags {
    pub(crate) yes: bool,
    pub(crate) name: Option<String>,
    pub(crate) plan: Option<String>,
    /// How much of what may go.
    pub(crate) at_most: AtMost,
    /// The command itself, without any of these.
    pub(crate) command: String,
}

impl ConsentFlags {
    /// The consent that these flags give. A verb can have its own flag for `--yes`.
    pub(crate) fn new(flags: &Global, says_yes: bool, typed: &[String]) -> ConsentFlags {
        let mut command = vec!["cargo".to_owned(), "db".to_owned()];
        let mut typed = typed.iter();
        while let Some(word) = typed.next() {
            match word.as_str() {
                "--confirm" | "--plan" | "--lose-at-most" => drop(typed.next()),
                "--yes" | "-y" | "--force" | "--dry-run" => {}
                word if VALUES.iter().any(|flag| word.starts_with(flag)) => {}
                word => command.push(word.to_owned()),
            }
        }
        ConsentFlags {
            yes: flags.yes || says_yes,
            name: flags.confirm.clone(),
            plan: flags.plan.clone(),
            at_most: flags.lose_at_most.iter().fold(AtMost::default(), AtMost::and),
            command: shell_words::join(command),
        }
    }

    /// The kind of consent that they are, if name and plan are the right ones.
    pub(crate) fn kind(&self) -> Consent {
        match (self.name.is_some(), self.plan.is_some(), self.yes) {
            (true, true, _) => Consent::ToPlan,
            (true, false, _) => Consent::ByName,
            (false, _, true) => Consent::Confirm,
            (false, _, false) => Consent::Free,
        }
    }
}
