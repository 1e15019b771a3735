//! The settings from flags, the environment, `.env` files, `db.toml` and defaults, in that order,
//! resolved once into [`Settings`]. Each value records its source.
//!
//! Nothing here accesses the process environment or the disk: [`Sources`] supplies both, with a
//! function that reads a file.

mod after;
mod budget;
mod connection;
mod dotenv;
mod duration;
mod expect;
mod file;
mod owner;
mod recognise;
mod root;
mod schema;
mod sets;
mod source;
mod tightened;
mod tool;
mod trust;
mod trusted;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::failure::{Result, SettingsError};
use crate::model::agent::Agent;
use crate::model::audit::Actor;
use crate::model::environment::{Environment, Resolved, Signal};
use crate::model::key::{KeyPlaces, VARIABLE};
use crate::model::target::{Host, Secret, Target};

pub(crate) use after::{AfterStep, NotifySettings, Webhook};
pub(crate) use budget::Budget;
pub(crate) use connection::DatabaseChoice;
use duration::parse_duration;
pub(crate) use expect::Expectations;
use file::DbToml;
pub(crate) use file::{DiagramView, NotifyFormat};
pub(crate) use recognise::{Candidate, best, configured, guessed_beside, others_of, survey};
pub(crate) use schema::SchemaSettings;
pub(crate) use source::{Caller, FileOwner, Flags, Origin, Program, Setting, Sources};
pub(crate) use tightened::Tightened;
use tightened::tightened;
use tool::OtherSet;
pub(crate) use tool::{Migrations, Runner};
pub(crate) use trust::{Guarded, Trust, TrustBasis};
pub(crate) use trusted::{TrustRecord, folder as trust_folder, record_in as trust_record};
use variables::Variables;

/// Variables in which other tools keep the environment, in the order in which they are read.
const ENVIRONMENT_VARIABLES: &[&str] = &[
    "APP_ENV",
    "APP_ENVIRONMENT",
    "LOCO_ENV",
    "RAILS_ENV",
    "RUN_MODE",
    "RUST_ENV",
    "ENVIRONMENT",
    "NODE_ENV",
];

/// Limits for the statements of a migration.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How long to wait for another run.
    pub(crate) lock_timeout: Setting<Duration>,
    /// PostgreSQL's `lock_timeout`.
    pub(crate) ddl_lock_timeout: Setting<Duration>,
    /// How long a statement with `CONCURRENTLY` may wait for other transactions; no `lock_timeout`
    /// applies to it.
    pub(crate) concurrently_timeout: Setting<Duration>,
    /// How often a migration that waited too long for a lock is tried.
    pub(crate) attempts: Setting<u32>,
    /// PostgreSQL's `statement_timeout`, if one is set.
    pub(crate) statement_timeout: Option<Setting<Duration>>,
    /// How long other sessions may wait for a migration before it is cancelled and retried.
    pub(crate) max_blocking: Option<Setting<Duration>>,
}

/// What `[seeds]` says.
#[derive(Clone, Debug)]
pub(crate) struct SeedSettings {
    pub(crate) dir: Setting<PathBuf>,
    /// Program and arguments; empty if there is none.
    pub(crate) command: Guarded<Vec<String>>,
    /// Patterns of each group.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

/// What `[backup]` says, and its variables.
#[derive(Clone, Debug)]
pub(crate) struct BackupSettings {
    pub(crate) dir: Setting<PathBuf>,
    /// `MAX_BACKUPS`, or else what `db.toml` says.
    pub(crate) keep_last: usize,
    pub(crate) keep_daily: usize,
    pub(crate) keep_weekly: usize,
    pub(crate) keep_monthly: usize,
    /// `BACKUP_RETENTION_DAYS`, or else what `db.toml` says.
    pub(crate) keep_within: Duration,
    /// The same without the variables.
    pub(crate) shared_last: usize,
    pub(crate) shared_within: Duration,
    /// How old the newest verified backup may be at a deployment.
    pub(crate) max_age: Option<Duration>,
    /// `SKIP_BACKUP_PROMPT`.
    pub(crate) skip_prompt: bool,
    /// Why backups are taken: the event that CI reports, or `manual`.
    pub(crate) event: String,
}

/// Everything that was settled before a verb runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The folder that relative paths of `db.toml` start from.
    pub(crate) root: PathBuf,
    /// The repository that it is in, or the same: programs of the project come from nowhere above.
    pub(crate) repository: PathBuf,
    /// The nearest folder at or above the root that looks like a project, in any language.
    pub(crate) project: Option<PathBuf>,
    pub(crate) environment: Resolved,
    pub(crate) place: Setting<DatabaseChoice>,
    pub(crate) migrations: Migrations,
    /// `[check] postgres`: the server's major version.
    pub(crate) server_major: Option<u32>,
    /// The expectations in `[expect]` and in the files in `expect/`.
    pub(crate) expected: Expectations,
    pub(crate) limits: Limits,
    /// `[budget]`, of the set.
    pub(crate) budget: Budget,
    /// `[schema]`.
    pub(crate) schema: SchemaSettings,
    /// `[diagram.views]`.
    pub(crate) diagram_views: BTreeMap<String, DiagramView>,
    pub(crate) seeds: SeedSettings,
    pub(crate) backup: BackupSettings,
    /// `[snapshot] keep`.
    pub(crate) keep_snapshots: Duration,
    /// `[hooks] after-migrate`.
    pub(crate) after_migrate: Vec<AfterStep>,
    /// `[notify]`.
    pub(crate) notify: NotifySettings,
    /// `CARGO_DB_PG_BIN`, or `[server] bin`.
    pub(crate) pg_bin: Option<Setting<PathBuf>>,
    /// `[verify] sql`: patterns of files with queries that must return nothing.
    pub(crate) verify: Vec<String>,
    /// `[migrate] all-or-nothing`.
    pub(crate) all_or_nothing: Option<bool>,
    /// `CARGO_DB_REHEARSE`, or `[migrate] rehearse`; `false` has an effect in development only.
    pub(crate) rehearse: bool,
    /// What `[environments.<name>]` requires beyond the built-in policy.
    pub(crate) tightened: BTreeMap<Environment, Tightened>,
    /// The AI agent that runs us, if one does.
    pub(crate) agent: Agent,
    /// Whether the programs that the repository names may run.
    pub(crate) trust: Arc<Trust>,
    /// The user's state folder.
    pub(crate) state: Option<PathBuf>,
    /// Where the key may be that signs receipts.
    pub(crate) signing: KeyPlaces,
    /// Whether a CI runs us.
    pub(crate) in_ci: bool,
    /// The name of the database on the local server, even if another database is selected.
    pub(crate) local_database: String,
}

impl Settings {
    /// The configured folder of PostgreSQL's programs.
    pub(crate) fn pg_bin(&self) -> Option<&Path> {
        self.pg_bin.as_ref().map(|bin| bin.value.as_path())
    }

    /// Who runs us.
    pub(crate) fn actor(&self) -> Actor {
        match (self.agent.known_by(self.environment.environment), self.in_ci) {
            (Some(_), _) => Actor::Agent,
            (None, true) => Actor::Ci,
            (None, false) => Actor::Human,
        }
    }

    /// Resolves everything once.
    pub(crate) fn resolve(sources: &Sources<'_>) -> Result<Settings> {
        connection::no_password_in_flag(&sources.flags)?;
        let root = root::find(sources)?;
        let toml = file::read(sources, &root)?;
        let mut variables = Variables::gather(sources, &root)?;
        let decisive = decisive_signal(sources, &variables)?;
        let customary = customary_signals(&variables)?;
        let named = named_environment(decisive.as_ref(), &customary);
        if let Some(environment) = named {
            variables.add_environment_file(sources, &root, environment)?;
        }

        let local_database = local_database(&toml, &root, named);
        let pg_bin = pg_bin(&variables, &toml, &root)?;
        let trust = Arc::new(trust(sources, &toml, &root, pg_bin.as_ref())?);
        let mut migrations = tool::resolve(sources, &toml, &root)?;
        migrations.commands = migrations.commands.by(&trust);
        let set = migrations.set.as_ref().and_then(|set| toml.migrations.sets.get(set));
        let url = set.unwrap_or(&toml.migrations).url.as_deref();
        // On the private server, each set has its own database.
        let database_of = |set: Option<&String>| match set {
            Some(set) => format!("{local_database}_{}", set.replace('-', "_")),
            None => local_database.clone(),
        };
        let place =
            connection::place(sources, &variables, url, &database_of(migrations.set.as_ref()))?;
        let place_of = |other: &OtherSet| {
            let database = database_of(other.name.as_ref());
            connection::place(sources, &variables, other.url.as_deref(), &database)
        };
        migrations.others.retain(|other| {
            place_of(other).is_ok_and(|theirs| theirs.value.is_same_database(&place.value))
        });
        if migrations.set.is_some() || !toml.migrations.is_empty() {
            migrations.sharing_none(&place.value, &place_of)?;
        }
        let local_database = database_of(migrations.set.as_ref());
        let is_local = match &place.value {
            DatabaseChoice::Named(target) => target.is_local(),
            DatabaseChoice::Local { .. } => true,
        };
        let patterns = host_signals(&toml, &place.value);
        let environment = Resolved::resolve(decisive, customary, is_local, patterns);
        Ok(Settings {
            server_major: toml.check.postgres,
            expected: Expectations::read(sources, &toml, &root, migrations.set.as_deref())?,
            schema: SchemaSettings::of(&root, &toml, &migrations)?,
            diagram_views: toml.diagram.views.clone(),
            budget: Budget::of(&toml, migrations.set.as_ref())?,
            migrations,
            limits: limits(&sources.flags, &variables, &toml)?,
            seeds: seeds(&toml, &root, &trust)?,
            backup: backup(&variables, &toml, &root)?,
            keep_snapshots: keep_snapshots(&toml)?,
            after_migrate: after::after_migrate(&toml, &trust)?,
            notify: after::notify(&toml, &variables, &trust)?,
            pg_bin,
            verify: toml.verify.sql.clone(),
            all_or_nothing: toml.migrate.all_or_nothing,
            rehearse: match variables.get("CARGO_DB_REHEARSE")? {
                Some(said) => !matches!(said.value.as_str(), "0" | "false"),
                None => toml.migrate.rehearse.unwrap_or(true),
            },
            tightened: tightened(&toml),
            agent: Agent::of(&sources.process),
            trust,
            state: sources.caller.state.clone(),
            signing: signing(sources),
            in_ci: sources
                .process
                .get("CI")
                .is_some_and(|ci| !matches!(ci.as_str(), "" | "0" | "false")),
            environment,
            place,
            local_database,
            repository: root::repository(sources, &root).unwrap_or_else(|| root.clone()),
            project: root::project(sources, &root),
            root,
        })
    }
}

/// Evaluates trust in what the repository configures. This comes first, because PostgreSQL's
/// programs may need trust too.
fn trust(
    sources: &Sources<'_>,
    toml: &DbToml,
    root: &Path,
    pg_bin: Option<&Setting<PathBuf>>,
) -> Result<Trust> {
    let trust = Trust::of(sources, toml, root, pg_bin)?;
    if trust.needs_it_at_once && !sources.flags.gives_trust {
        trust.permits()?;
    }
    Ok(trust)
}

/// The database whose URL is in a variable of the process or of `.env`; `None` if there is no such
/// variable.
pub(crate) fn database_in_variable(
    sources: &Sources<'_>,
    settings: &Settings,
    name: &str,
) -> Result<Option<Target>> {
    let environment = settings.environment.environment;
    let variables = Variables::of_environment(sources, &settings.root, environment)?;
    connection::in_variable(sources, &variables, name)
}

/// Every value that a variable has in the process or in a file, with the name of the variable.
pub(crate) fn values_of_variables(
    sources: &Sources<'_>,
    settings: &Settings,
) -> Result<Vec<(String, String)>> {
    let environment = settings.environment.environment;
    Ok(Variables::of_environment(sources, &settings.root, environment)?.into_values())
}

/// The variable is read from the process alone: a private key has no place in a file of the
/// repository.
fn signing(sources: &Sources<'_>) -> KeyPlaces {
    let variable = sources.process.get(VARIABLE).filter(|value| !value.is_empty());
    KeyPlaces {
        variable: variable.map(Secret::new),
        file: sources.caller.config.as_ref().map(|folder| folder.join("signing-key")),
    }
}

/// What was said to cargo db itself: a word that is not an environment is a mistake. The variables
/// of other programs may have words of their own, which count as production.
fn decisive_signal(sources: &Sources<'_>, variables: &Variables) -> Result<Option<Signal>> {
    let (source_name, value) = match (&sources.flags.environment, variables.get("CARGO_DB_ENV")?) {
        (Some(word), _) => ("--env".to_owned(), word.clone()),
        (None, Some(found)) => (found.origin.to_string(), found.value.clone()),
        (None, None) => return Ok(None),
    };
    if Environment::named(&value).is_none() {
        return Err(SettingsError::UnknownEnvironment { source_name, value }.into());
    }
    Ok(Some(Signal::word(source_name, &value)))
}

fn customary_signals(variables: &Variables) -> Result<Vec<Signal>> {
    let mut signals = Vec::new();
    for name in ENVIRONMENT_VARIABLES {
        let found = variables.get(name)?;
        signals.extend(found.map(|found| Signal::word(found.origin.to_string(), &found.value)));
    }
    Ok(signals)
}

fn named_environment(decisive: Option<&Signal>, customary: &[Signal]) -> Option<Environment> {
    let decided = decisive.map(|signal| signal.environment);
    decided.or_else(|| customary.iter().map(|signal| signal.environment).max())
}

/// `[environments.<name>] hosts` can only raise the environment.
fn host_signals(toml: &DbToml, place: &DatabaseChoice) -> Vec<Signal> {
    let DatabaseChoice::Named(target) = place else { return Vec::new() };
    let host = &target.host;
    let of_table = |(name, table): (&String, &file::EnvironmentTable)| {
        let pattern = table.hosts.iter().find(|pattern| host.fits(pattern))?;
        let mut signal = Signal::word(format!("environments.{name}.hosts in db.toml"), name);
        let shown = match host {
            Host::Name(name) => name.clone(),
            Host::Socket(folder) => folder.display().to_string(),
        };
        signal.said = format!("{shown} matches {pattern}");
        Some(signal)
    };
    toml.environments.iter().filter_map(of_table).collect()
}

/// The folder's name where `db.toml` has none; a test database never shares a name with the
/// working one.
fn local_database(toml: &DbToml, root: &Path, environment: Option<Environment>) -> String {
    let folder = root.file_name().and_then(|name| name.to_str()).unwrap_or("app");
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name =
        toml.database.name.clone().unwrap_or_else(|| folder.chars().map(safe).take(40).collect());
    match environment {
        Some(Environment::Test) => format!("{name}_test"),
        _ => name,
    }
}

fn limits(flags: &Flags, variables: &Variables, toml: &DbToml) -> Result<Limits> {
    let migrate = &toml.migrate;
    let duration = |flag: Option<Duration>, name, text: &Option<String>, key, otherwise| {
        let from_toml = text.as_deref().map(|text| parse_duration(text, key)).transpose()?;
        Ok::<_, crate::failure::Failure>(match (flag, from_toml) {
            (Some(value), _) => Setting { value, origin: Origin::Flag(name) },
            (None, Some(value)) => Setting { value, origin: Origin::DbToml(key) },
            (None, None) => Setting::default(otherwise),
        })
    };
    let seconds = Duration::from_secs;
    let optional = |text: &Option<String>, key| {
        let parsed = text.as_deref().map(|text| parse_duration(text, key)).transpose()?;
        Ok::<_, crate::failure::Failure>(
            parsed.map(|value| Setting { value, origin: Origin::DbToml(key) }),
        )
    };
    let statement_timeout = optional(&migrate.statement_timeout, "migrate.statement-timeout")?;
    let max_blocking = optional(&migrate.max_blocking, "migrate.max-blocking")?;
    Ok(Limits {
        lock_timeout: duration(
            flags.lock_timeout,
            "--lock-timeout",
            &migrate.lock_timeout,
            "migrate.lock-timeout",
            seconds(300),
        )?,
        ddl_lock_timeout: duration(
            flags.ddl_lock_timeout,
            "--ddl-lock-timeout",
            &migrate.ddl_lock_timeout,
            "migrate.ddl-lock-timeout",
            seconds(2),
        )?,
        concurrently_timeout: match concurrently_timeout(flags, variables)? {
            Some(named) => named,
            None => duration(
                None,
                "--concurrently-timeout",
                &migrate.concurrently_timeout,
                "migrate.concurrently-timeout",
                seconds(3600),
            )?,
        },
        attempts: match migrate.attempts {
            Some(value) => {
                Setting { value: value.max(1), origin: Origin::DbToml("migrate.attempts") }
            }
            None => Setting::default(5),
        },
        statement_timeout,
        max_blocking,
    })
}

/// What a flag or a variable says about it: both are stronger than `db.toml`.
fn concurrently_timeout(flags: &Flags, variables: &Variables) -> Result<Option<Setting<Duration>>> {
    if let Some(value) = flags.concurrently_timeout {
        return Ok(Some(Setting { value, origin: Origin::Flag("--concurrently-timeout") }));
    }
    let Some(said) = variables.get("CARGO_DB_CONCURRENTLY_TIMEOUT")? else { return Ok(None) };
    let value = parse_duration(&said.value, &said.origin.to_string())?;
    Ok(Some(Setting { value, origin: said.origin }))
}

fn seeds(toml: &DbToml, root: &Path, trust: &Arc<Trust>) -> Result<SeedSettings> {
    let dir = match &toml.seeds.dir {
        Some(dir) => Setting { value: root.join(dir), origin: Origin::DbToml("seeds.dir") },
        None => Setting::default(root.join("seeds")),
    };
    let command = match &toml.seeds.command {
        Some(command) => command.words("seeds.command")?,
        None => Vec::new(),
    };
    let command = Guarded::new(command).by(trust);
    Ok(SeedSettings { dir, command, groups: toml.seeds.groups.clone() })
}

fn backup(variables: &Variables, toml: &DbToml, root: &Path) -> Result<BackupSettings> {
    let table = &toml.backup;
    let dir = match (variables.get("BACKUP_DIR")?, &table.dir) {
        (Some(found), _) => Setting { value: root.join(found.value), origin: found.origin },
        (None, Some(dir)) => {
            Setting { value: root.join(dir), origin: Origin::DbToml("backup.dir") }
        }
        (None, None) => Setting::default(root.join("backups")),
    };
    let number = |name: &str| -> Result<Option<u64>> {
        let Some(found) = variables.get(name)? else { return Ok(None) };
        let bad = |_| {
            let (source_name, value) = (found.origin.to_string(), found.value.clone());
            SettingsError::Value { source_name, value, why: "it is not a number".to_owned() }
        };
        Ok(Some(found.value.parse().map_err(bad)?))
    };
    let parsed = |text: &Option<String>, key| {
        text.as_deref().map(|text| parse_duration(text, key)).transpose()
    };
    let within = parsed(&table.keep_within, "backup.keep-within")?;
    let day = 24 * 3600;
    let days = number("BACKUP_RETENTION_DAYS")?;
    let days = days.map(|days| Duration::from_secs(days.saturating_mul(day)));
    let shared_within = within.unwrap_or(Duration::from_secs(30 * day));
    let shared_last = table.keep_last.unwrap_or(0);
    let most = number("MAX_BACKUPS")?.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
    Ok(BackupSettings {
        dir,
        keep_last: most.unwrap_or(shared_last),
        keep_within: days.unwrap_or(shared_within),
        max_age: parsed(&table.max_age, "backup.max-age")?,
        shared_last,
        shared_within,
        keep_daily: table.keep_daily.unwrap_or(0),
        keep_weekly: table.keep_weekly.unwrap_or(0),
        keep_monthly: table.keep_monthly.unwrap_or(0),
        skip_prompt: variables
            .get("SKIP_BACKUP_PROMPT")?
            .is_some_and(|found| found.value != "0" && found.value != "false"),
        event: variables
            .get("GITHUB_EVENT_NAME")?
            .map_or_else(|| "manual".to_owned(), |found| found.value),
    })
}

fn keep_snapshots(toml: &DbToml) -> Result<Duration> {
    let keep = toml.snapshot.keep.as_deref();
    let keep = keep.map(|text| parse_duration(text, "snapshot.keep")).transpose()?;
    Ok(keep.unwrap_or(Duration::from_secs(14 * 24 * 3600)))
}

fn pg_bin(variables: &Variables, toml: &DbToml, root: &Path) -> Result<Option<Setting<PathBuf>>> {
    if let Some(found) = variables.get("CARGO_DB_PG_BIN")? {
        return Ok(Some(Setting { value: PathBuf::from(found.value), origin: found.origin }));
    }
    let in_toml = |bin| Setting { value: root.join(bin), origin: Origin::DbToml("server.bin") };
    Ok(toml.server.bin.as_ref().map(in_toml))
}

#[cfg(test)]
mod tests;
