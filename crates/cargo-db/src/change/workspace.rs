//! What a verb works with: the workspace, and each database that it uses.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use crate::answer::{CommandView, Outcome};
use crate::audit::{self, Trail, Unsettled};
use crate::change::needs::{DatabaseNeed, Effect, Needs, SetNeed, ToolNeed, TrustNeed};
use crate::cli::{ConsentFlags, Global};
use crate::face::Face;
use crate::failure::{Failure, LocalServerError, Result, RunError, SettingsError};
use crate::migration;
use crate::model::environment::Environment;
use crate::model::target::{Host, Target};
use crate::plan::Plan;
use crate::policy::Policy;
use crate::settings::{
    Caller, Candidate, DatabaseChoice, Flags, Migrations, Program, Settings, Sources, best,
    database_in_variable, guessed_beside, values_of_variables,
};
use crate::world::pg::{Purpose, Session, marker, oid, unread};
use crate::world::server::{self as local, LocalServer};
use crate::world::signal::Interrupt;
use crate::world::{World, files, process};

/// The state that all databases of a run share.
#[derive(Clone)]
pub(crate) struct Workspace {
    pub(crate) ui: Face,
    pub(crate) world: World,
    pub(crate) policy: Policy,
    /// What was agreed to on the command line.
    pub(crate) consent: ConsentFlags,
    /// As resolved for the selected set of migrations, or for none.
    pub(crate) settings: Settings,
    /// The verb that runs.
    pub(crate) verb: &'static str,
    /// What the verb declares that it may do.
    pub(crate) effect: Effect,
    /// Whether this run has notified of what it did, for any set.
    pub(super) is_notified: Arc<AtomicBool>,
    /// The plans that dry runs of this run have shown.
    pub(crate) shown_plans: ShownPlans,
    /// How a command is read from words.
    pub(super) commands: ReadCommand,
    /// The commands of this program, for files that describe them.
    pub(crate) described_commands: fn() -> Vec<CommandView>,
    needs: Needs,
    sources: Sources<'static>,
}

/// A command with its flags, ready to run.
pub(crate) struct TypedCommand {
    pub(crate) global: Global,
    pub(crate) verb: &'static str,
    pub(crate) needs: Needs,
    pub(crate) effect: Effect,
    pub(crate) run: RunCommand,
}

/// Does what a command is for.
pub(crate) type RunCommand = Box<dyn Fn(&Workspace) -> Result<Outcome>>;
/// Reads the words after `cargo db`, if they are a command that makes a plan.
pub(crate) type ReadCommand = fn(&[String]) -> Result<TypedCommand>;

impl fmt::Debug for TypedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedCommand({})", self.verb)
    }
}

/// Plans that were shown and not carried out, each with its command.
#[derive(Clone, Default)]
pub(crate) struct ShownPlans(Arc<Mutex<Vec<(Plan, String)>>>);

impl ShownPlans {
    pub(super) fn add(&self, plan: &Plan, command: &str) {
        let shown = (plan.clone(), command.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(shown);
    }

    /// Those that have something to do.
    pub(crate) fn all(&self) -> Vec<(Plan, String)> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.iter().filter(|(plan, _)| !plan.is_empty()).cloned().collect()
    }
}

/// What is one database's.
pub(crate) struct Database<'w> {
    pub(crate) workspace: &'w Workspace,
    pub(crate) target: Target,
    /// Those of its set of migrations, in the environment that the database itself may have raised.
    pub(crate) settings: Settings,
    /// The plans that were consented to by their id, and are used up by that: those that the
    /// project knows of, and in staging and production those that the database knows of.
    pub(crate) used: Vec<String>,
    /// The identity of the database, if it was queried: the cluster's identifier and the oid.
    pub(crate) identity: Option<String>,
    /// Where what the database says of itself is not what its last change found.
    pub(crate) unsettled: Option<Unsettled>,
    /// Our own tables that the role may not read; if there are any, nothing may be changed.
    pub(crate) unread: Vec<String>,
}

impl Workspace {
    /// Resolves the settings for a verb that declares these needs, and this effect.
    pub(crate) fn open(
        global: &Global,
        program: Program,
        (verb, needs, effect): (&'static str, Needs, Effect),
        consent: ConsentFlags,
        face: &Face,
    ) -> Result<Workspace> {
        let process = process::environment();
        let sources = Sources {
            flags: Flags { command: consent.command.clone(), ..flags(global, needs) },
            caller: Caller {
                uid: process::uid(),
                program,
                state: process::state_folder(&process),
                config: process::config_folder(&process),
                trusted: files::listed_folders(process.get("CARGO_DB_TRUST")),
            },
            process,
            cwd: files::current_dir()?,
            read: &files::read_if_there,
            exists: &|path| path.exists(),
            list: &files::listed_files,
            owner: &files::ownership,
        };
        let world = World::new(face.events(), Interrupt::listen()?);
        Workspace::resolved(sources, (verb, needs, effect), consent, (face.clone(), world))
    }

    /// The same for a verb that carries out other commands, which the first function reads, or that
    /// describes them.
    pub(crate) fn with_commands(
        self,
        commands: ReadCommand,
        described_commands: fn() -> Vec<CommandView>,
    ) -> Workspace {
        Workspace { commands, described_commands, ..self }
    }

    /// The workspace of another command that this run carries out.
    pub(crate) fn of_call(
        &self,
        global: &Global,
        (verb, needs, effect): (&'static str, Needs, Effect),
        mut consent: ConsentFlags,
    ) -> Result<Workspace> {
        if self.sources.flags.select_something() {
            let what = "a kept plan has the database, the environment and the set of its command; \
                        no flag can name others";
            return Err(SettingsError::Usage { what: what.to_owned() }.into());
        }
        consent.plan_file.clone_from(&self.consent.plan_file);
        let flags = Flags { command: consent.command.clone(), ..flags(global, needs) };
        let sources = Sources { flags, ..self.sources.clone() };
        let shared = (self.ui.clone(), self.world.clone());
        Workspace::resolved(sources, (verb, needs, effect), consent, shared)
    }

    /// The same workspace for a command whose plan is kept.
    pub(crate) fn planning(&self, command: String, effect: Effect) -> Workspace {
        let consent = self.consent.keeping_plan_of(command);
        Workspace { consent, effect, shown_plans: ShownPlans::default(), ..self.clone() }
    }

    fn resolved(
        sources: Sources<'static>,
        (verb, needs, effect): (&'static str, Needs, Effect),
        consent: ConsentFlags,
        (ui, world): (Face, World),
    ) -> Result<Workspace> {
        let settings = Settings::resolve(&sources)?;
        let consent = match needs.set == SetNeed::Each && settings.migrations.sets.len() > 1 {
            true => consent,
            false => consent.of_one()?,
        };
        let policy = Policy::new(&settings.tightened, settings.agent.clone())?;
        Ok(Workspace {
            ui,
            world,
            policy,
            consent,
            settings,
            verb,
            effect,
            is_notified: Arc::default(),
            shown_plans: ShownPlans::default(),
            commands: |_| Err(RunError::Bug { what: "nothing reads commands".to_owned() }.into()),
            described_commands: Vec::new,
            needs,
            sources,
        })
    }

    /// The selected database; the local server is started if it is on that one.
    pub(crate) fn target(&self) -> Result<Target> {
        self.target_of(&self.settings)
    }

    /// The same, by the settings of a set.
    pub(crate) fn target_of(&self, settings: &Settings) -> Result<Target> {
        match &settings.place.value {
            DatabaseChoice::Named(target) => Ok(target.as_ref().clone()),
            DatabaseChoice::Local { database } => {
                let environment = &settings.environment;
                if !environment.environment.is_disposable() {
                    let signals = environment.signals.iter().map(ToString::to_string).collect();
                    return Err(SettingsError::NoDatabase {
                        environment: environment.environment,
                        signals,
                    }
                    .into());
                }
                if self.needs.database == DatabaseNeed::Running {
                    let running = self.local_server().running();
                    let running = running.ok_or_else(|| LocalServerError::Absent {
                        problem: "no database is named, and the private server is not running"
                            .to_owned(),
                    })?;
                    return Ok(local::target(&running, database));
                }
                self.is_for_a_project(settings)?;
                let running = self.local_server().ensure_running(&self.world)?;
                Ok(local::target(&running, database))
            }
        }
    }

    /// The same, if no server has to be started for it.
    pub(crate) fn target_without_start(&self, settings: &Settings) -> Option<Target> {
        match &settings.place.value {
            DatabaseChoice::Named(target) => Some(target.as_ref().clone()),
            DatabaseChoice::Local { database } => {
                Some(local::target(&self.local_server().running()?, database))
            }
        }
    }

    /// Fails if a server would be created for a folder that is not a project: the command was
    /// probably run in the wrong folder.
    fn is_for_a_project(&self, settings: &Settings) -> Result<()> {
        if migration::is_project(settings) || files::exists(self.local_server().base()) {
            return Ok(());
        }
        let (folder, above) = (settings.root.clone(), settings.project.clone());
        Err(LocalServerError::NoProject { folder, above }.into())
    }

    /// What `CARGO_DB_TRUST` lists.
    pub(crate) fn trusted_by_variable(&self) -> Vec<String> {
        self.sources.caller.trusted.iter().map(|root| root.display().to_string()).collect()
    }

    /// The private server of this project.
    pub(crate) fn local_server(&self) -> LocalServer {
        let Settings { root, state, .. } = &self.settings;
        LocalServer::of(root, self.settings.pg_bin(), state.as_deref())
    }

    /// The database of the verb, with the facts that the verb needs.
    pub(crate) fn database(&self) -> Result<Database<'_>> {
        self.database_of(self.settings_with_tool()?)
    }

    /// The same, by the settings of a set.
    pub(crate) fn database_of(&self, settings: Settings) -> Result<Database<'_>> {
        if self.needs.database.is_used() {
            let database = Database::marked(self, settings)?;
            unread::warn_about_unread(&self.world, &database.target.user, &database.unread);
            if let Some(copied) = database.settings.environment.copy_of {
                let name = &database.target.database;
                self.ui.note(&format!("{name} is a copy of {copied}"));
            }
            return Ok(database);
        }
        let target = match &settings.place.value {
            DatabaseChoice::Named(target) => target.as_ref().clone(),
            DatabaseChoice::Local { database } => Target {
                host: Host::Socket(self.local_server().base().to_owned()),
                database: database.clone(),
                ..Target::without_server()
            },
        };
        Ok(Database::named(self, target, settings))
    }

    /// The database whose URL is in a variable; `None` if there is no such variable.
    pub(crate) fn database_in_variable(&self, name: &str) -> Result<Option<Target>> {
        database_in_variable(&self.sources, &self.settings, name)
    }

    /// Every value that a variable has, with the name of the variable.
    pub(crate) fn values_of_variables(&self) -> Result<Vec<(String, String)>> {
        values_of_variables(&self.sources, &self.settings)
    }

    /// The settings, after the migration tool was determined.
    pub(crate) fn settings_with_tool(&self) -> Result<Settings> {
        self.choose_tool(self.settings.clone())
    }

    /// The settings of every set of migrations, or of the one that was selected, by name or because
    /// the command was started in its folder.
    pub(crate) fn sets(&self) -> Vec<(Option<String>, Result<Settings>)> {
        self.selected_sets(self.settings.migrations.set_here.as_ref())
    }

    /// The same without regard to the folder in which the command was started.
    pub(crate) fn sets_of_files(&self) -> Vec<(Option<String>, Result<Settings>)> {
        self.selected_sets(None)
    }

    /// For each selected set, the workspace of a command that was started for it alone.
    pub(crate) fn of_each_set(&self) -> Result<Vec<(Option<String>, Result<Workspace>)>> {
        let sets = self.sets();
        let all: Vec<Option<String>> = sets.iter().map(|(set, _)| set.clone()).collect();
        let of_set = |(set, settings): (Option<String>, Result<Settings>)| {
            let consent = match all.len() {
                1 => self.consent.of_one()?,
                _ => self.consent.of_set(set.as_deref(), &all)?,
            };
            let workspace =
                settings.map(|settings| Workspace { consent, settings, ..self.clone() });
            Ok((set, workspace))
        };
        sets.into_iter().map(of_set).collect()
    }

    fn selected_sets(&self, set_here: Option<&String>) -> Vec<(Option<String>, Result<Settings>)> {
        let Migrations { sets, set, .. } = &self.settings.migrations;
        if set.is_some() || sets.len() <= 1 {
            return vec![(None, self.settings_with_tool())];
        }
        let here = set_here.map(|set| vec![Some(set.clone())]);
        if here.is_none() && self.names_one_database() {
            return vec![(None, Err(self.several_sets()))];
        }
        let of_set = |set: &Option<String>| {
            let flags = Flags { set: set.clone(), ..self.sources.flags.clone() };
            let settings = Settings::resolve(&self.sources.with_flags(flags));
            (set.clone(), settings.and_then(|settings| self.choose_tool(settings)))
        };
        here.as_ref().unwrap_or(sets).iter().map(of_set).collect()
    }

    /// Whether the command names a folder or a database that cannot be that of every set.
    fn names_one_database(&self) -> bool {
        let Flags { migrations_dir, database_url, .. } = &self.sources.flags;
        let has_several_urls = self.settings.migrations.has_several_urls;
        let is_elsewhere = database_url.is_some() && has_several_urls;
        migrations_dir.is_some() || is_elsewhere && self.needs.database != DatabaseNeed::Irrelevant
    }

    fn several_sets(&self) -> Failure {
        let sets = self.settings.migrations.sets.iter().flatten().cloned().collect();
        SettingsError::SeveralSets { sets, command: self.consent.command.clone() }.into()
    }

    fn choose_tool(&self, mut settings: Settings) -> Result<Settings> {
        let candidates = settings.migrations.candidates.clone();
        if candidates.is_empty() || self.needs.tool == ToolNeed::Irrelevant {
            return Ok(settings);
        }
        let histories = match self.needs.tool {
            ToolNeed::ByHistory => self.histories_of(&settings)?,
            _ => Vec::new(),
        };
        // A history decides, and where none does, what the project says of itself.
        let is_known = |one: &Candidate| histories.iter().any(|tool| tool == one.layout.key());
        let (known, unknown): (Vec<_>, Vec<_>) = candidates.into_iter().partition(is_known);
        let by_history = !known.is_empty();
        let left = if by_history { known } else { unknown };
        let Some(chosen) = best(&left).cloned() else {
            return Err(several_tools(&settings, &left));
        };
        let others = guessed_beside(&chosen, &left);
        if !by_history && !others.is_empty() {
            self.ui.note(&guess(&settings, &chosen, &others));
        }
        settings.migrations.choose(chosen);
        Ok(settings)
    }

    /// The tools that have a history in the database.
    fn histories_of(&self, settings: &Settings) -> Result<Vec<String>> {
        let target = self.target_of(settings)?;
        let session = migration::connect_or_none(&self.world, settings, &target)?;
        let histories =
            session.map(|mut session| migration::histories(&mut session)).transpose()?;
        Ok(histories.into_iter().flatten().map(|(tool, _)| tool).collect())
    }
}

impl Database<'_> {
    /// Reads the marker and the trail of the database. Only a database that does not exist has
    /// none: one that cannot be queried may be production.
    fn marked(workspace: &Workspace, mut settings: Settings) -> Result<Database<'_>> {
        let target = workspace.target_of(&settings)?;
        let mut session = match Session::open(&workspace.world, &target, Purpose::Read) {
            Err(failure) if failure.is_no_database() => None,
            opened => Some(opened?),
        };
        if let Some(session) = &mut session
            && let Some(marker) = marker::read(session)?
        {
            settings.environment = settings.environment.raised_by(&marker);
        }
        let unread = session.as_mut().map(unread::unread).transpose()?.unwrap_or_default();
        let may_read = !unread.iter().any(|table| table == "audit");
        let identity = session.as_mut().map(oid::identity).transpose()?;
        let trail = Trail::of(&settings.root);
        // Fail before anything is done if it cannot be read.
        let mut used = trail.used().unwrap_or_default();
        let mut unsettled = None;
        if let Some(session) = session.as_mut().filter(|_| may_read) {
            let mut records = Vec::new();
            let is_disposable = settings.environment.environment.is_disposable();
            if !is_disposable || workspace.consent.plan.is_some() {
                records = match audit::in_database(session) {
                    Err(_) if workspace.effect == Effect::Reads => Vec::new(),
                    found => found?,
                };
            }
            unsettled = Unsettled::of(session, &trail, &target, &records)?;
            used.extend(audit::used(records.into_iter()));
        }
        if let Some(marker) = unsettled.as_ref().and_then(Unsettled::marker) {
            settings.environment = settings.environment.raised_by_previous(marker);
        }
        Ok(Database { workspace, target, settings, used, identity, unsettled, unread })
    }

    /// A database that need not be queried.
    fn named(workspace: &Workspace, target: Target, settings: Settings) -> Database<'_> {
        let used = Trail::of(&settings.root).used().unwrap_or_default();
        let (identity, unsettled, unread) = (None, None, Vec::new());
        Database { workspace, target, settings, used, identity, unsettled, unread }
    }

    /// The same with current facts: its marker, and the used plans.
    pub(crate) fn again(&self) -> Result<Database<'_>> {
        let Database { workspace, target, settings, .. } = self;
        if workspace.needs.database.is_used() {
            return Database::marked(workspace, settings.clone());
        }
        Ok(Database::named(workspace, target.clone(), settings.clone()))
    }

    /// The environment of this database.
    pub(crate) fn environment(&self) -> Environment {
        self.settings.environment.environment
    }
}

/// Says that a tool was guessed, and how to correct the guess.
fn guess(settings: &Settings, chosen: &Candidate, others: &[&str]) -> String {
    let dir = chosen.dir.strip_prefix(&settings.root).unwrap_or(&chosen.dir).display();
    let table = match &settings.migrations.set {
        Some(set) => format!("[migrations.{set}]"),
        None => "[migrations]".to_owned(),
    };
    format!(
        "{} is guessed for `{dir}` from the language of the project: the files also fit {}. Name \
         the right one in db.toml, for example: `tool = \"{}\"` below `{table}`",
        chosen.layout.key(),
        others.join(", "),
        others.first().unwrap_or(&"sqlx")
    )
}

fn several_tools(settings: &Settings, candidates: &[Candidate]) -> Failure {
    let shown = |one: &Candidate| {
        let dir = one.dir.strip_prefix(&settings.root).unwrap_or(&one.dir);
        (one.layout.key().to_owned(), dir.display().to_string())
    };
    let set = settings.migrations.set.clone();
    SettingsError::SeveralTools { candidates: candidates.iter().map(shown).collect(), set }.into()
}

fn flags(global: &Global, needs: Needs) -> Flags {
    Flags {
        environment: global.env.clone(),
        database_url: global.database_url.clone(),
        env_files: global.env_file.clone(),
        no_dotenv: global.no_dotenv,
        migrations_dir: global.migrations_dir.clone(),
        set: global.set.clone(),
        any_set: needs.set != SetNeed::One,
        samples_files: needs.tool == ToolNeed::BySample,
        without_database: needs.database == DatabaseNeed::Irrelevant,
        gives_trust: needs.trust == TrustNeed::Gives,
        lock_timeout: global.lock_timeout,
        ddl_lock_timeout: global.ddl_lock_timeout,
        concurrently_timeout: global.concurrently_timeout,
        command: String::new(),
    }
}
