//! `cargo db snapshot list`.

use clap::Args;

use crate::answer::{Outcome, SnapshotList};
use crate::change::{DatabaseNeed, Effect, Needs, Workspace};
use crate::failure::Result;
use crate::snapshot;
use crate::verb::declare::Verb;
use crate::world::clock::now;

const EFFECT: Effect = Effect::Reads;

/// List the snapshots of the database, newest first
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct ListSnapshotsArgs {}

impl Verb for ListSnapshotsArgs {
    fn name(&self) -> &'static str {
        "snapshot list"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Marked, ..Needs::WORKSPACE }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let found = snapshot::snapshots(&workspace.world, &database.target)?;
        Ok(Outcome::done(SnapshotList::of(&database.target, &found, now())))
    }
}
