//! What every verb understands on the command line. The doc comments are the help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::failure::{Result, RetainedFlag, RunError, SettingsError};
use crate::model::consent::Consent;
use crate::model::format::ReportFormat;
use crate::plan::AtMost;
use crate::world::edit;

/// What every verb understands.
#[derive(Clone, Debug, Args)]
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
    /// Consent by name: the name of the database; SET=DATABASE if the command runs for several sets
    #[arg(long, global = true, value_name = "DATABASE")]
    pub(crate) confirm: Vec<String>,
    /// Consent to exactly the plan with this id, as shown by `--dry-run`; SET=ID for several sets
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) plan: Vec<String>,
    /// Allow at most this many rows of each object to be lost, as shown by `--dry-run`; may be
    /// repeated; SET=OBJECT=ROWS,... for several sets
    #[arg(long, global = true, value_name = "OBJECT=ROWS,...", value_parser = bounds)]
    pub(crate) lose_at_most: Vec<String>,
    /// Print the result as one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How to show progress on stderr
    #[arg(long, global = true, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) progress: ProgressMode,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: When,
    /// Show details: long lists and every set in full, and what a migration tool prints while it
    /// runs
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

/// How a verb with findings reports them.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportFlags {
    /// How to print the findings
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, conflicts_with = "json")]
    pub(crate) format: ReportFormat,
    /// Write the report to this file; the file appears when it is complete
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

impl ReportFlags {
    /// Fails if this build cannot write the format, or the file cannot be written.
    pub(crate) fn can_be_written(&self) -> Result<()> {
        if !self.format.is_built_in() {
            return Err(RunError::FormatNotBuilt { format: self.format.name() }.into());
        }
        self.output.as_deref().map_or(Ok(()), edit::can_write_file)
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

/// A revision of git, which no program takes for an option.
pub(crate) fn revision(text: &str) -> Result<String, String> {
    match text.starts_with('-') {
        true => Err("no revision of git begins with `-`".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// Checks that it can be read, also if the name of a set precedes it.
fn bounds(text: &str) -> Result<String, String> {
    AtMost::read(text).map(|_| text.to_owned())
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
    /// Whether the plan is kept, to be carried out by `apply`.
    pub(crate) keeps_plan: bool,
    /// The file of a kept plan, where it is not in its usual place.
    pub(crate) plan_file: Option<PathBuf>,
    /// The command itself, without any of these.
    pub(crate) command: String,
    typed: TypedConsent,
}

/// The values of the consent flags as they were typed.
#[derive(Clone)]
struct TypedConsent {
    names: Vec<String>,
    plans: Vec<String>,
    at_most: Vec<String>,
}

impl ConsentFlags {
    /// The flags of a command. A verb can have its own flag for `--yes`.
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
            name: None,
            plan: None,
            at_most: AtMost::default(),
            keeps_plan: false,
            plan_file: None,
            command: shell_words::join(command),
            typed: TypedConsent {
                names: flags.confirm.clone(),
                plans: flags.plan.clone(),
                at_most: flags.lose_at_most.clone(),
            },
        }
    }

    /// The consent that they give if the command runs for one set of migrations, or for none.
    pub(crate) fn of_one(&self) -> Result<ConsentFlags, SettingsError> {
        let TypedConsent { names, plans, at_most } = &self.typed;
        self.with("", (names.clone(), plans.clone(), at_most.clone()))
    }

    /// The consent that they give to one of several sets.
    pub(crate) fn of_set(
        &self,
        set: Option<&str>,
        all: &[Option<String>],
    ) -> Result<ConsentFlags, SettingsError> {
        let TypedConsent { names, plans, at_most } = &self.typed;
        let own = |flag: &str, values: &[String]| values_of_set(flag, values, (set, all));
        let names = own("--confirm", names)?;
        let own = (names, own("--plan", plans)?, own("--lose-at-most", at_most)?);
        let command = match set {
            Some(set) => format!("{} --set {}", self.command, shell_words::quote(set)),
            None => self.command.clone(),
        };
        let consent = self.with(set.unwrap_or_default(), own)?;
        Ok(ConsentFlags { command, ..consent })
    }

    /// The same for a command whose plan is kept.
    pub(crate) fn keeping_plan_of(&self, command: String) -> ConsentFlags {
        ConsentFlags { command, keeps_plan: true, ..self.clone() }
    }

    fn with(
        &self,
        set: &str,
        (names, plans, at_most): (Vec<String>, Vec<String>, Vec<String>),
    ) -> Result<ConsentFlags, SettingsError> {
        let of_set = if set.is_empty() { String::new() } else { format!(" for the set `{set}`") };
        let only = |flag: &str, values: Vec<String>| match values.len() {
            0 | 1 => Ok(values.into_iter().next()),
            _ => Err(SettingsError::Usage {
                what: format!("`{flag}` was passed more than once{of_set}"),
            }),
        };
        let mut bounds = AtMost::default();
        for typed in at_most {
            let read = AtMost::read(&typed);
            bounds = bounds.and(&read.map_err(|what| SettingsError::Usage { what })?);
        }
        let (name, plan) = (only("--confirm", names)?, only("--plan", plans)?);
        Ok(ConsentFlags { name, plan, at_most: bounds, ..self.clone() })
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

/// The values that belong to a set, as in `SET=VALUE`. A value without the name of a set belongs to
/// the set without a name.
fn values_of_set(
    flag: &str,
    values: &[String],
    (set, all): (Option<&str>, &[Option<String>]),
) -> Result<Vec<String>, SettingsError> {
    let mut own = Vec::new();
    for value in values {
        let named = value.split_once('=');
        let named = named.filter(|(name, _)| all.iter().flatten().any(|known| known == name));
        let (owner, rest) = named.map_or((None, value.as_str()), |(name, rest)| (Some(name), rest));
        if owner.is_none() && !all.contains(&None) {
            let sets: Vec<&str> = all.iter().flatten().map(String::as_str).collect();
            let what = format!(
                "`{flag} {value}` names no set: write `{flag} SET=VALUE`, with one of {}",
                sets.join(", ")
            );
            return Err(SettingsError::Usage { what });
        }
        if owner == set {
            own.push(rest.to_owned());
        }
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_divided_between_sets() {
        let text = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let named = [Some("api".to_owned()), Some("web".to_owned())];
        let values = text(&["api=db", "web=a=3"]);
        let own = |set, all: &[Option<String>]| values_of_set("--plan", &values, (set, all));
        assert_eq!(own(Some("api"), &named).unwrap(), ["db"]);
        assert_eq!(own(Some("web"), &named).unwrap(), ["a=3"]);
        let with_unnamed = [None, Some("web".to_owned())];
        assert_eq!(own(None, &with_unnamed).unwrap(), ["api=db"]);
        let strange = values_of_set("--plan", &text(&["w=1"]), (Some("web"), &named));
        assert!(strange.unwrap_err().to_string().contains("write `--plan SET=VALUE`"));
    }
}
