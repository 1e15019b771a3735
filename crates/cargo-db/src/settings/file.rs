//! `db.toml`: the settings of a repository that everybody who clones it shares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::{CausedBy, Failure, Result, SettingsError};
use crate::model::stray::stray_in_keyword;
use crate::settings::owner::check_owner;
use crate::settings::source::Sources;

/// The whole file. A key that is not here is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DbToml {
    pub(crate) database: DatabaseTable,
    pub(crate) server: ServerTable,
    #[serde(deserialize_with = "with_sets")]
    pub(crate) migrations: MigrationsTable,
    pub(crate) migrate: MigrateTable,
    #[serde(deserialize_with = "with_sets")]
    pub(crate) budget: BudgetTable,
    /// The expectations about migrations, by version, or by set and version.
    pub(crate) expect: BTreeMap<String, ExpectTable>,
    pub(crate) check: CheckTable,
    pub(crate) verify: VerifyTable,
    pub(crate) schema: SchemaTable,
    pub(crate) diagram: DiagramTable,
    pub(crate) seeds: SeedsTable,
    pub(crate) backup: BackupTable,
    pub(crate) snapshot: SnapshotTable,
    pub(crate) hooks: HooksTable,
    pub(crate) notify: NotifyTable,
    pub(crate) environments: BTreeMap<String, EnvironmentTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DatabaseTable {
    pub(crate) name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerTable {
    pub(crate) bin: Option<PathBuf>,
}

/// `[migrations]`, or one of the sets in it, `[migrations.<name>]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct MigrationsTable {
    pub(crate) dir: Option<PathBuf>,
    pub(crate) tool: Option<String>,
    /// `builtin` or `tool`.
    pub(crate) runner: Option<String>,
    /// The history table, if it has another name than the default.
    pub(crate) table: Option<String>,
    /// The variable that names this set's database.
    pub(crate) url: Option<String>,
    /// The sets that are migrated before this one.
    pub(crate) depends_on: Vec<String>,
    pub(crate) status: Option<Vec<String>>,
    pub(crate) apply: Option<Vec<String>>,
    pub(crate) rollback: Option<Vec<String>>,
    pub(crate) create: Option<Vec<String>>,
    pub(crate) generate: Option<Vec<String>>,
    #[serde(skip)]
    pub(crate) sets: BTreeMap<String, MigrationsTable>,
}

/// What a command is for.
pub(super) const PURPOSES: [&str; 5] = ["status", "apply", "rollback", "create", "generate"];

impl MigrationsTable {
    /// What it says to run, by what that is for.
    pub(super) fn commands(&self) -> BTreeMap<&'static str, Vec<String>> {
        let all = [&self.status, &self.apply, &self.rollback, &self.create, &self.generate];
        PURPOSES
            .into_iter()
            .zip(all)
            .filter_map(|(name, words)| Some((name, words.clone()?)))
            .collect()
    }
}

/// A table of settings with tables of the same kind for the sets of migrations.
trait TableOfSets: serde::de::DeserializeOwned {
    fn sets(&mut self) -> &mut BTreeMap<String, Self>;
}

impl TableOfSets for MigrationsTable {
    fn sets(&mut self) -> &mut BTreeMap<String, MigrationsTable> {
        &mut self.sets
    }
}

impl TableOfSets for BudgetTable {
    fn sets(&mut self) -> &mut BTreeMap<String, BudgetTable> {
        &mut self.sets
    }
}

/// Tables inside `[migrations]` or `[budget]` are sets; everything else is a setting.
fn with_sets<'de, D: serde::Deserializer<'de>, T: TableOfSets>(
    deserializer: D,
) -> Result<T, D::Error> {
    let whole = toml::Table::deserialize(deserializer)?;
    let (sets, own): (toml::Table, toml::Table) =
        whole.into_iter().partition(|(_, value)| value.is_table());
    let wrong = |error: toml::de::Error| serde::de::Error::custom(error.message());
    let mut table: T = toml::Value::Table(own).try_into().map_err(wrong)?;
    for (name, set) in sets {
        table.sets().insert(name, set.try_into().map_err(wrong)?);
    }
    Ok(table)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct MigrateTable {
    pub(crate) lock_timeout: Option<String>,
    pub(crate) ddl_lock_timeout: Option<String>,
    pub(crate) concurrently_timeout: Option<String>,
    pub(crate) statement_timeout: Option<String>,
    pub(crate) attempts: Option<u32>,
    pub(crate) all_or_nothing: Option<bool>,
    pub(crate) max_blocking: Option<String>,
    pub(crate) rehearse: Option<bool>,
}

/// `[budget]`, or `[budget.<name>]` for the migrations of a set.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BudgetTable {
    pub(crate) migration: Option<String>,
    pub(crate) statement: Option<String>,
    pub(crate) lock: Option<String>,
    #[serde(skip)]
    pub(crate) sets: BTreeMap<String, BudgetTable>,
}

/// The expectations for one migration, or for the migrations of a set.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "write a list of lines, such as `[\"loss users.note <= 18000\"]`, or for a set a \
                 table of such lists"
)]
pub(crate) enum ExpectTable {
    Migration(Vec<String>),
    Set(BTreeMap<String, Vec<String>>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CheckTable {
    /// The server's major version.
    pub(crate) postgres: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VerifyTable {
    pub(crate) sql: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct SchemaTable {
    pub(crate) file: Option<String>,
    /// What the database held before its first migration, or after `base-version`.
    pub(crate) base: Option<String>,
    pub(crate) base_version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DiagramTable {
    pub(crate) views: BTreeMap<String, DiagramView>,
}

/// A part of the database that a diagram shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiagramView {
    /// The tables in its middle.
    pub(crate) around: Vec<String>,
    /// How many foreign keys away other tables may be.
    pub(crate) depth: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SeedsTable {
    pub(crate) dir: Option<PathBuf>,
    pub(crate) command: Option<CommandLine>,
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct BackupTable {
    pub(crate) dir: Option<PathBuf>,
    pub(crate) keep_last: Option<usize>,
    pub(crate) keep_daily: Option<usize>,
    pub(crate) keep_weekly: Option<usize>,
    pub(crate) keep_monthly: Option<usize>,
    pub(crate) keep_within: Option<String>,
    /// How old the newest verified backup may be at a deployment.
    pub(crate) max_age: Option<String>,
}

/// `[snapshot]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SnapshotTable {
    /// How long a snapshot is kept.
    pub(super) keep: Option<String>,
}

/// `[hooks]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct HooksTable {
    pub(super) after_migrate: Vec<AfterStepEntry>,
}

/// One command of `after-migrate`.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "write a command, such as `\"cargo sqlx prepare\"`, or a table, such as \
                 `{ command = \"cargo sqlx prepare\", required = true }`"
)]
pub(crate) enum AfterStepEntry {
    Command(CommandLine),
    Table(AfterStepTable),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterStepTable {
    command: CommandLine,
    #[serde(default)]
    required: bool,
}

impl AfterStepEntry {
    /// Program and arguments.
    pub(super) fn words(&self) -> Result<Vec<String>> {
        match self {
            AfterStepEntry::Command(command)
            | AfterStepEntry::Table(AfterStepTable { command, .. }) => command.words(AFTER_MIGRATE),
        }
    }

    /// Whether the run fails if it fails.
    pub(super) fn is_required(&self) -> bool {
        matches!(self, AfterStepEntry::Table(AfterStepTable { required: true, .. }))
    }
}

/// The settings that name programs or receivers, as `cargo db trust` shows them.
pub(super) const AFTER_MIGRATE: &str = "hooks.after-migrate";
pub(super) const NOTIFY_COMMAND: &str = "notify.command";
pub(super) const NOTIFY_WEBHOOK: &str = "notify.webhook";

/// `[notify]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NotifyTable {
    pub(super) command: Option<CommandLine>,
    /// The variable with the URL, which is a secret.
    pub(super) webhook: Option<String>,
    pub(super) format: NotifyFormat,
}

/// What a webhook expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NotifyFormat {
    #[default]
    Json,
    Slack,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EnvironmentTable {
    pub(crate) hosts: Vec<String>,
    /// Requirements beyond the built-in policy, for each verb.
    pub(crate) policy: BTreeMap<String, String>,
    /// The same for AI agents.
    pub(crate) agents: BTreeMap<String, String>,
}

/// A program and its arguments, written as a shell would read them. No shell runs.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct CommandLine(String);

impl CommandLine {
    /// Program and arguments.
    pub(crate) fn words(&self, key: &str) -> Result<Vec<String>> {
        let words = shell_words::split(&self.0);
        words.map_err(|_| {
            let (source_name, value) = (key.to_owned(), self.0.clone());
            SettingsError::Value { source_name, value, why: "a quote is not closed".to_owned() }
                .into()
        })
    }
}

/// Reads `db.toml` of the project; one that is not there says nothing.
pub(crate) fn read(sources: &Sources<'_>, root: &Path) -> Result<DbToml> {
    let path = root.join("db.toml");
    check_owner(sources, root, &path)?;
    let Some(text) = read_text(sources, &path)? else { return Ok(DbToml::default()) };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let toml: DbToml = toml::from_str(text).map_err(|error| malformed(text, &path, error))?;
    let unknown = toml
        .environments
        .keys()
        .find(|name| crate::model::environment::Environment::named(name).is_none());
    if let Some(name) = unknown {
        let (source_name, value) = ("[environments] in db.toml".to_owned(), name.clone());
        return Err(SettingsError::UnknownEnvironment { source_name, value }.into());
    }
    // A pattern that fits nothing would protect nothing.
    for (name, table) in &toml.environments {
        for pattern in &table.hosts {
            let error = glob::Pattern::new(pattern).err().map(|error| error.msg.to_owned());
            if let Some(why) = error.or_else(|| stray_in_keyword("host", pattern)) {
                let source_name = format!("environments.{name}.hosts in db.toml");
                return Err(
                    SettingsError::Value { source_name, value: pattern.clone(), why }.into()
                );
            }
        }
    }
    Ok(toml)
}

/// The text of a file; `None` if it does not exist.
pub(crate) fn read_text(sources: &Sources<'_>, path: &Path) -> Result<Option<String>> {
    sources.text(path)
}

fn malformed(text: &str, path: &Path, error: toml::de::Error) -> Failure {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.get(..start).unwrap_or("").matches('\n').count() + 1;
    SettingsError::File {
        file: path.to_owned(),
        line: line_of_unknown(text, error.message()).unwrap_or(line),
        why: error.message().lines().next().unwrap_or("not TOML").to_owned(),
        suggestion: suggestion(error.message()),
    }
    .caused_by(error)
}

/// The line of an unknown key. What was first parsed as a table has no position any more.
fn line_of_unknown(text: &str, message: &str) -> Option<usize> {
    let unknown = message.strip_prefix("unknown field `")?.split('`').next()?;
    let is_it = |line: &str| {
        line.trim_start()
            .strip_prefix(unknown)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    Some(text.lines().position(is_it)? + 1)
}

/// serde words an unknown key as ``unknown field `a`, expected `b` or `c` ``: suggests the most
/// similar of the expected ones.
fn suggestion(message: &str) -> Option<String> {
    let mut ticked = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field").then(|| ticked.next())??;
    let near = |name: &&str| strsim::normalized_damerau_levenshtein(unknown, name);
    let best = ticked.max_by(|a, b| near(a).total_cmp(&near(b)))?;
    (near(&best) > 0.5).then(|| best.to_owned())
}
