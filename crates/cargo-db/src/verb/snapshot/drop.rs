//! `cargo db snapshot drop`.

use clap::Args;

use crate::answer::{DryRun, Outcome, SnapshotsDropped};
use crate::change::{
    Database, DatabaseNeed, DropKept, Effect, Ending, KeptToDrop, Mode, Needs, Workspace, perform,
};
use crate::failure::Result;
use crate::plan::Operation;
use crate::snapshot::{self, KeptSnapshot};
use crate::verb::declare::Verb;
use crate::verb::snapshot::names::refresh_names;

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
        let find = |database: &Database<'_>| self.to_drop(database);
        let mut change = DropKept::new(Operation::SnapshotDrop, find);
        let dropped = match perform(&database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) => return Ok(Outcome::done(DryRun::of(&plan))),
            Ending::Nothing(_) => Vec::new(),
            Ending::Done { done, .. } => done,
        };
        refresh_names(&database);
        Ok(Outcome::done(SnapshotsDropped::of(&database.target, dropped)))
    }
}

impl DropSnapshotsArgs {
    fn to_drop(&self, database: &Database<'_>) -> Result<Vec<KeptToDrop>> {
        let (world, target) = (&database.workspace.world, &database.target);
        let chosen = match &self.name {
            Some(name) => vec![snapshot::find(world, target, Some(name))?],
            None => snapshot::expired(world, target, snapshot::snapshots(world, target)?),
        };
        let dropping = |one: KeptSnapshot| KeptToDrop {
            step: one.dropping(self.name.is_none()),
            name: one.record.name,
            kept: one.kept,
        };
        Ok(chosen.into_iter().map(dropping).collect())
    }
}
