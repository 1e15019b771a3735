//! `cargo db env`.

mod key;

use clap::Args;

use crate::answer::{DryRun, EnvironmentReport, Outcome};
use crate::change::{Change, Database, Effect, Ending, Mode, Workspace, lock_database, perform};
use crate::failure::{Result, SettingsError};
use crate::model::environment::{Environment, Marker};
use crate::plan::{self, Plan, Step};
use crate::verb::declare::{Verb, verbs};
use crate::world::pg::{Lock, Purpose, Session, marker};

/// Show or change the environment marker of the database
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    #[command(subcommand)]
    action: Action,
}

impl EnvArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        self.action.verb()
    }
}

verbs! {
    /// What to do with the marker.
    Action { Show(ShowEnvArgs), Set(SetEnvArgs), Clear(ClearEnvArgs), Key(key::EnvKeyArgs), }
}

/// Show the environment and how it was determined
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct ShowEnvArgs {}

/// Mark the database with an environment
#[derive(Debug, Args)]
#[command(after_help = Effect::ChangesData.help())]
pub(crate) struct SetEnvArgs {
    /// development, test, staging or production
    environment: String,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Remove the marker
#[derive(Debug, Args)]
#[command(after_help = Effect::ChangesData.help())]
pub(crate) struct ClearEnvArgs {
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for ShowEnvArgs {
    fn name(&self) -> &'static str {
        "env show"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        show(&workspace.database()?)
    }
}

impl Verb for SetEnvArgs {
    fn name(&self) -> &'static str {
        "env set"
    }

    fn effect(&self) -> Effect {
        Effect::ChangesData
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let environment = Environment::named(&self.environment).ok_or_else(|| {
            let (source_name, value) = ("the argument".to_owned(), self.environment.clone());
            SettingsError::UnknownEnvironment { source_name, value }
        })?;
        mark(&workspace.database()?, Mode::of(self.dry_run), Some(environment))
    }
}

impl Verb for ClearEnvArgs {
    fn name(&self) -> &'static str {
        "env clear"
    }

    fn effect(&self) -> Effect {
        Effect::ChangesData
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        mark(&workspace.database()?, Mode::of(self.dry_run), None)
    }
}

fn show(database: &Database<'_>) -> Result<Outcome> {
    let Database { workspace, target, settings, .. } = database;
    let mut session = Session::open(&workspace.world, target, Purpose::Read)?;
    let marker = marker::read(&mut session)?;
    let environment = settings.environment.clone().marked_anew(marker.as_ref());
    Ok(Outcome::done(EnvironmentReport::of(target, environment, marker)))
}

/// Sets or removes the marker of the database, and shows the resulting environment.
fn mark(database: &Database<'_>, mode: Mode, environment: Option<Environment>) -> Result<Outcome> {
    match perform(database, mode, &mut Marking { environment })? {
        Ending::DryRun(plan) => Ok(Outcome::done(DryRun::of(&plan))),
        Ending::Nothing(_) | Ending::Done { .. } => show(database),
    }
}

/// A marker, about to be written, or removed.
struct Marking {
    environment: Option<Environment>,
}

impl Change for Marking {
    type Held = Lock;
    type Done = ();

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let target = &database.target;
        // One that does not exist has no marker: what can be shown of the plan is shown.
        let there = match Session::open(&database.workspace.world, target, Purpose::Read) {
            Err(failure) if failure.is_no_database() => None,
            opened => marker::read(&mut opened?)?,
        };
        let basis = there.map(|marker| format!("{} {}", marker.environment, marker.genuine));
        let verb = if self.environment.is_some() {
            plan::Operation::Mark
        } else {
            plan::Operation::Unmark
        };
        // Marking a database as production is as weighty as anything that is done in it.
        let here = database.environment();
        let judged_in = self.environment.map_or(here, |marked| marked.max(here));
        let steps = vec![Step::Mark { environment: self.environment }];
        Ok(Plan::from_basis(verb, target, judged_in, steps, basis.unwrap_or_default()))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_database(database)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        _: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<()> {
        let (world, target) = (&database.workspace.world, &database.target);
        let mut session = Session::open(world, target, Purpose::Write)?;
        match self.environment {
            Some(environment) => {
                // Which keys it accepts is another matter.
                let keys = marker::accepted_keys(&mut session)?;
                marker::write(&mut session, &Marker { keys, ..Marker::of(environment) })
            }
            None => marker::clear(&mut session),
        }
    }
}
