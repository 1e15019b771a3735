//! One file a verb: facts, plan, consent, deed, report, in that order.

mod backup;
mod backups;
mod baseline;
mod check;
pub(crate) mod consent;
mod create;
mod env;
mod generate;
mod history;
mod init;
mod migrate;
mod policy;
mod proof;
mod rehearse;
mod repair;
mod reset;
mod restore;
mod rollback;
mod seed;
mod server;
mod status;

use std::path::PathBuf;

use crate::audit::{self, About, Trail};
use crate::backup::{self as backing, BackupRequest, Folder};
use crate::cli::{Command, StatusArgs};
use crate::failure::{Exit, Failure, Kind, Result};
use crate::migration;
use crate::model::audit::Record;
use crate::model::backup::{Compression, Format};
use crate::model::consent::Consent;
use crate::model::environment::Marker;
use crate::model::target::{Host, Target};
use crate::plan::{Plan, Step, Verb};
use crate::policy::{Judgement, Policy, Terms};
use crate::settings::{Migrations, Place, Settings};
use crate::ui::Ui;
use crate::world::World;
use crate::world::pg::{Purpose, Session, marker};
use crate::world::server::{self as local, LocalServer};
use db_tools::ProjectTool;

/// What a verb works with.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) ui: Ui,
    pub(crate) world: World,
    pub(crate) settings: Settings,
    /// What was agreed to on the command line.
    pub(crate) agreed: consent::Agreed,
    pub(crate) policy: Policy,
    /// The plans on this target that were consented to by their id, and are used up by that.
    pub(crate) used: Vec<String>,
}

impl Context {
    /// The database that is meant; the local server is started if it is that one's.
    fn target(&self) -> Result<Target> {
        match &self.settings.place.value {
            Place::Named(target) => Ok(target.as_ref().clone()),
            Place::Local { database } => {
                let environment = &self.settings.environment;
                if !environment.environment.is_own() {
                    let signals = environment.signals.iter().map(ToString::to_string).collect();
                    return Err(
                        Kind::NoTarget { environment: environment.environment, signals }.into()
                    );
                }
                let running = self.local_server().ensure_running(&self.world)?;
                Ok(local::target(&running, database))
            }
        }
    }

    /// A plan about backups or about the local server, for which no server is asked or started.
    fn plan_without_server(&self, verb: Verb, steps: Vec<Step>) -> Result<Plan> {
        let target = match &self.settings.place.value {
            Place::Named(target) => target.as_ref().clone(),
            Place::Local { database } => Target {
                host: Host::Socket(self.local_server().base().to_owned()),
                database: database.clone(),
                ..Target::nowhere()
            },
        };
        let environment = self.settings.environment.environment;
        self.seal(Plan::from_basis(verb, &target, environment, steps, String::new()))
    }

    /// Decides between tools that the files look like: the one whose history the database has.
    fn with_the_tool(mut self) -> Result<Context> {
        let migrations = &self.settings.migrations;
        if migrations.candidates.is_empty() {
            return Ok(self);
        }
        let target = self.target()?;
        let session = migration::connect_or_none(&self.world, &self.settings, &target)?;
        let histories =
            session.map(|mut session| migration::histories(&mut session)).transpose()?;
        let known =
            |layout: &ProjectTool| histories.iter().flatten().any(|(tool, _)| tool == layout.key());
        let first = (migrations.layout.clone(), migrations.dir.value.clone());
        let candidates = std::iter::once(first).chain(migrations.candidates.clone());
        let (mut known, unknown): (Vec<_>, Vec<_>) =
            candidates.partition(|(layout, _)| known(layout));
        if known.len() != 1 {
            return Err(self.several_tools(known.iter().chain(&unknown)));
        }
        let (layout, dir) = known.remove(0);
        self.settings.migrations.choose(&self.settings.root, layout, dir);
        Ok(self)
    }

    /// The same without a database to ask.
    fn with_one_tool(self) -> Result<Context> {
        let Migrations { layout, dir, candidates, .. } = &self.settings.migrations;
        if candidates.is_empty() {
            return Ok(self);
        }
        let first = (layout.clone(), dir.value.clone());
        Err(self.several_tools(std::iter::once(&first).chain(candidates)))
    }

    fn several_tools<'a>(
        &self,
        candidates: impl Iterator<Item = &'a (ProjectTool, PathBuf)>,
    ) -> Failure {
        let root = &self.settings.root;
        let shown = |(layout, dir): &(ProjectTool, PathBuf)| {
            format!("{} in `{}`", layout.key(), dir.strip_prefix(root).unwrap_or(dir).display())
        };
        Kind::SeveralTools { candidates: candidates.map(shown).collect() }.into()
    }

    /// Knows which plans were carried out, by the project's own trail.
    fn with_the_trail(mut self) -> Result<Context> {
        self.used = Trail::of(&self.settings.root).used()?;
        Ok(self)
    }

    /// Lets the database itself say which environment it is, and what was done to it. Only one that does
    /// not exist says nothing: one that cannot be asked may be production's.
    fn with_the_word_of_the_database(mut self) -> Result<Context> {
        let target = self.target()?;
        let mut session = match Session::open(&self.world, &target, Purpose::Read) {
            Err(failure) if failure.is_no_database() => None,
            opened => Some(opened?),
        };
        if let Some(session) = &mut session
            && let Some(marker) = marker::read(session)?
        {
            self.settings.environment = self.settings.environment.raised_by(&marker);
        }
        if let Some(copied) = self.settings.environment.copy_of {
            self.ui.note(&format!("{} is a copy of {copied}", target.database));
        }
        self.used = match session {
            Some(mut session) if !self.settings.environment.environment.is_own() => {
                audit::used(audit::in_database(&mut session)?.into_iter())
            }
            _ => Trail::of(&self.settings.root).used()?,
        };
        Ok(self)
    }

    /// Makes a plan ready to be shown: with the backup that the policy asks for, its terms, and the
    /// number of those before it.
    fn seal(&self, mut plan: Plan) -> Result<Plan> {
        let judgement = self.policy.judge(&plan);
        plan.terms = judgement.describe();
        plan.used = self.used.len();
        if matches!(plan.verb, Verb::Migrate | Verb::Rollback) {
            plan.commands = migration::commands_of(&self.settings, &plan)?;
        }
        let wants_backup = matches!(judgement, Judgement::Allowed(Terms { backup: true, .. }));
        if wants_backup && !plan.is_empty() && !plan.takes_backup() {
            let session = migration::connect_or_none(&self.world, &self.settings, &plan.target)?;
            if session.is_some_and(|mut session| {
                migration::holds_rows(&mut session, &self.settings.migrations.layout)
                    .unwrap_or(true)
            }) {
                plan.steps.insert(0, Step::Backup);
            } else {
                plan.skipped.push("no backup: the database holds no rows".to_owned());
            }
        }
        Ok(plan)
    }

    /// Takes the backup of a plan, if it has one, and removes what the retention does not keep. If it
    /// fails, nothing else happens.
    fn back_up(&self, plan: &Plan) -> Result<Option<String>> {
        if !plan.takes_backup() {
            return Ok(None);
        }
        let folder = Folder::of(&self.settings);
        let request = BackupRequest {
            format: Format::Sql,
            compression: Compression::Gzip(6),
            name: None,
            selection: Vec::new(),
            jobs: 2,
            read_back: true,
            event: plan.verb.key().to_owned(),
        };
        let taken = backing::take(&self.world, &self.settings, &plan.target, &folder, &request)?;
        // What is about to be restored is not removed for it.
        if plan.verb != Verb::RestoreInPlace {
            backups::prune(self, &folder)?;
        }
        Ok(Some(taken.manifest.name))
    }

    /// Does what was agreed to, between two records of the audit trail.
    fn carry_out<T>(
        &self,
        plan: &Plan,
        consent: Consent,
        backup: Option<String>,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let (agent, in_ci) = (self.settings.agent.is_some(), self.settings.in_ci);
        let about = About {
            by: audit::by(&plan.target.user, agent, in_ci),
            consent: consent.word().to_owned(),
            backup,
            in_database: plan.verb.changes_a_database() && !plan.environment.is_own(),
        };
        let trail = Trail::of(&self.settings.root);
        let deed = trail.begin(&self.world, plan, about)?;
        let outcome = work();
        if let Err(failure) = deed.end(&outcome) {
            self.ui.warning(&format!("the audit trail does not know the outcome: {failure}"));
        }
        outcome
    }

    fn local_server(&self) -> LocalServer {
        LocalServer::of(&self.settings.root, self.settings.pg_bin())
    }
}

/// What a database says of itself, and no backup may take from it: its own marker, and the audit trail.
struct Word {
    marker: Option<Marker>,
    records: Vec<Record>,
}

impl Word {
    fn of(world: &World, target: &Target) -> Result<Word> {
        let mut session = Session::open(world, target, Purpose::Read)?;
        let marker = marker::read(&mut session)?.filter(|marker| marker.genuine);
        Ok(Word { marker, records: audit::in_database(&mut session)? })
    }

    /// Lets a new database, before it takes the place of the old one, say what the old one says.
    fn succeed(world: &World, old: &Target, new: &Target) -> Result<()> {
        Word::of(world, old)?.pass_on(&mut Session::open(world, new, Purpose::Write)?)
    }

    /// Lets the session's database say the same.
    fn pass_on(&self, session: &mut Session) -> Result<()> {
        if let Some(marker) = &self.marker {
            marker::write(session, marker.environment)?;
        }
        audit::carry_over(session, &self.records)
    }
}

/// Shows where each set of migrations stands. One that cannot be looked at hides none of the others.
pub(crate) fn status_of_sets(
    context: &Context,
    sets: Vec<(Option<String>, Result<Settings>)>,
    args: &StatusArgs,
) -> Result<Exit> {
    let of_set = |(set, settings): (Option<String>, Result<Settings>)| {
        let look = |settings| Context { settings, ..context.clone() }.with_the_tool();
        (set, settings.and_then(look))
    };
    status::run(sets.into_iter().map(of_set).collect(), args)
}

/// Runs a verb.
pub(crate) fn run(context: Context, command: &Command) -> Result<Exit> {
    // What is done to a database, or read from it for keeps, is done with its own word.
    let informed = |context: Context| context.with_the_tool()?.with_the_word_of_the_database();
    match command {
        Command::Status(args) => status::run(vec![(None, Ok(context.with_the_tool()?))], args),
        Command::Create(args) => create::run(&context.with_one_tool()?, args),
        Command::Backups(args) => backups::run(&context.with_the_trail()?, args),
        Command::Server(args) => server::run(&context.with_the_trail()?, args),
        Command::History(args) => history::run(&context, args),
        Command::Check(args) => check::run(&context.with_one_tool()?, args),
        Command::Policy => policy::run(&context),
        Command::Migrate(args) => migrate::run(&informed(context)?, args),
        Command::Baseline(args) => baseline::run(&informed(context)?, args),
        Command::Repair(args) => repair::run(&informed(context)?, args),
        Command::Generate(args) => generate::run(&informed(context)?, args),
        Command::Init(args) => init::run(&context, args),
        Command::Rollback(args) => rollback::run(&informed(context)?, args),
        Command::Seed(args) => seed::run(&informed(context)?, args),
        Command::Reset(args) => reset::run(&informed(context)?, args),
        Command::Backup(args) => backup::run(&informed(context)?, args),
        Command::Restore(args) => restore::run(&informed(context)?, args),
        Command::Rehearse(args) => rehearse::run(&informed(context)?, args),
        Command::Env(args) => env::run(&informed(context)?, args),
    }
}
