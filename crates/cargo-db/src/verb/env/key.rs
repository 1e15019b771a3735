//! `cargo db env key`.

use clap::Args;

use crate::answer::{AcceptedKeys, DryRun, Outcome};
use crate::change::{Change, Database, Effect, Ending, Mode, Workspace, lock_database, perform};
use crate::failure::{KeyError, Result};
use crate::model::environment::{Environment, Marker};
use crate::model::key::PublicKey;
use crate::plan::{Operation, Plan, Step};
use crate::verb::declare::{Verb, verbs};
use crate::world::pg::{Lock, Purpose, Session, marker};

/// List or change the keys whose receipts the database accepts
///
/// In production, `migrate` and `rollback` run only with a receipt that is signed with one of these
/// keys.
#[derive(Debug, Args)]
pub(crate) struct EnvKeyArgs {
    #[command(subcommand)]
    action: Action,
}

impl EnvKeyArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        self.action.verb()
    }
}

verbs! {
    /// What to do with the list.
    Action { Add(AddKeyArgs), Remove(RemoveKeyArgs), List(ListKeysArgs), }
}

/// Accept receipts that are signed with this key
#[derive(Debug, Args)]
#[command(after_help = Effect::ChangesData.help())]
pub(crate) struct AddKeyArgs {
    /// The public key, as `cargo db key show` prints it
    #[arg(value_name = "PUBLIC KEY")]
    key: String,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Stop accepting receipts that are signed with this key
#[derive(Debug, Args)]
#[command(after_help = Effect::ChangesData.help())]
pub(crate) struct RemoveKeyArgs {
    /// The public key, as `cargo db env key list` prints it
    #[arg(value_name = "PUBLIC KEY")]
    key: String,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// List the accepted keys
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct ListKeysArgs {}

impl Verb for AddKeyArgs {
    fn name(&self) -> &'static str {
        "env key add"
    }

    fn effect(&self) -> Effect {
        Effect::ChangesData
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        Listing { key: public(&self.key)?, accepted: true }.run(workspace, Mode::of(self.dry_run))
    }
}

impl Verb for RemoveKeyArgs {
    fn name(&self) -> &'static str {
        "env key remove"
    }

    fn effect(&self) -> Effect {
        Effect::ChangesData
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        Listing { key: public(&self.key)?, accepted: false }.run(workspace, Mode::of(self.dry_run))
    }
}

impl Verb for ListKeysArgs {
    fn name(&self) -> &'static str {
        "env key list"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        list(&workspace.database()?)
    }
}

/// What was typed, as a key. It may be the private half by mistake, so it is not said again.
fn public(typed: &str) -> Result<PublicKey> {
    typed.parse().map_err(|why| KeyError::NotPublic { why }.into())
}

fn list(database: &Database<'_>) -> Result<Outcome> {
    let Database { workspace, target, .. } = database;
    let mut session = Session::open(&workspace.world, target, Purpose::Read)?;
    let accepted = marker::accepted_keys(&mut session)?;
    Ok(Outcome::done(AcceptedKeys::of(target, database.environment(), accepted)))
}

/// A key, about to be put on the list of a database, or taken off it.
struct Listing {
    key: PublicKey,
    accepted: bool,
}

impl Listing {
    fn run(&mut self, workspace: &Workspace, mode: Mode) -> Result<Outcome> {
        let database = workspace.database()?;
        if let Some(agent) = database.settings.agent.known_by(Environment::Production)
            && mode == Mode::Run
        {
            let (agent, command) = (agent.to_owned(), workspace.consent.command.clone());
            return Err(KeyError::ByAgent { agent, command }.into());
        }
        match perform(&database, mode, self)? {
            Ending::DryRun(plan) => Ok(Outcome::done(DryRun::of(&plan))),
            Ending::Nothing(_) | Ending::Done { .. } => list(&database),
        }
    }
}

impl Change for Listing {
    type Held = Lock;
    type Done = ();

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let target = &database.target;
        let mut session = Session::open(&database.workspace.world, target, Purpose::Read)?;
        let marker = marker::read(&mut session)?.filter(|marker| marker.genuine);
        let known = marker.as_ref().map(|marker| marker.keys.as_slice()).unwrap_or_default();
        let (key, accepted) = (self.key.clone(), self.accepted);
        if !accepted && !known.contains(&key) {
            let (database, key) = (target.database.clone(), key.to_string());
            return Err(KeyError::NotAccepted { database, key }.into());
        }
        let environment = database.environment();
        let mut steps = Vec::new();
        if !(accepted && known.contains(&key)) {
            if marker.is_none() {
                steps.push(Step::Mark { environment: Some(environment) });
            }
            steps.push(Step::Key { key, accepted });
        }
        let listed: Vec<String> = known.iter().map(ToString::to_string).collect();
        let basis = listed.join(" ");
        Ok(Plan::from_basis(Operation::Key, target, environment, steps, basis))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_database(database)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<()> {
        let (world, target) = (&database.workspace.world, &database.target);
        let mut session = Session::open(world, target, Purpose::Write)?;
        let there = marker::read(&mut session)?.filter(|marker| marker.genuine);
        let mut marker = there.unwrap_or_else(|| Marker::of(plan.environment));
        marker.keys.retain(|known| *known != self.key);
        if self.accepted {
            marker.keys.push(self.key.clone());
        }
        marker::write(&mut session, &marker)
    }
}
