//! `cargo db snapshot drop`.

use clap::Args;

use crate::answer::{DryRun, Outcome, SnapshotsDropped};
use crate::change::{
    Change, Database, DatabaseNeed, Effect, Ending, Mode, Needs, Workspace, lock_server, perform,
};
use crate::failure::Result;
use crate::plan::{Operation, Plan};
use crate::snapshot::{self, KeptSnapshot};
use crate::verb::declare::Verb;
use crate::verb::snapshot::names::refresh_names;
use crate::world::pg::Lock;

const EFFECT: Effect = Effect::Destroys;

/// Drop a snapshot, or all that have expired
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct DropSnapshotsArgs {
    /// Name of the snapshot
    #[arg(required_unless_present = "expired")]
    name: Option<String>,
    /// Drop the expired snapshots of the database
    #[arg(long, conflicts_with = "name")]
    expired: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for DropSnapshotsArgs {
    fn name(&self) -> &'static str {
        "snapshot drop"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Marked, ..Needs::WORKSPACE }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let mut change = Dropping { name: self.name.as_deref(), chosen: Vec::new() };
        let dropped = match perform(&database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) => return Ok(Outcome::done(DryRun::of(&plan))),
            Ending::Nothing(_) => Vec::new(),
            Ending::Done { done, .. } => done,
        };
        refresh_names(&database);
        Ok(Outcome::done(SnapshotsDropped::of(&database.target, dropped)))
    }
}

/// Snapshots about to be dropped.
struct Dropping<'a> {
    /// Its name; `None` for the expired ones.
    name: Option<&'a str>,
    chosen: Vec<KeptSnapshot>,
}

impl Change for Dropping<'_> {
    type Held = Lock;
    type Done = Vec<String>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let (world, target) = (&database.workspace.world, &database.target);
        self.chosen = match self.name {
            Some(_) => vec![snapshot::find(world, target, self.name)?],
            None => snapshot::expired(world, target, snapshot::snapshots(world, target)?),
        };
        let is_expired = self.name.is_none();
        let steps = self.chosen.iter().map(|one| one.dropping(is_expired)).collect();
        let basis = self.chosen.iter().map(KeptSnapshot::basis).collect::<Vec<_>>().join("\n");
        let (operation, environment) = (Operation::SnapshotDrop, database.environment());
        Ok(Plan::from_basis(operation, target, environment, steps, basis))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_server(database)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        _: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<Vec<String>> {
        snapshot::drop_all(&database.workspace.world, &database.target, &self.chosen)
    }
}
