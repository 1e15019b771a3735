//! `cargo db snapshot restore`.

use clap::Args;

use crate::answer::Outcome;
use crate::change::{Effect, Mode, Workspace, restore_snapshot};
use crate::failure::Result;
use crate::verb::declare::Verb;

const EFFECT: Effect = Effect::Destroys;

/// Restore the state that a snapshot has
///
/// The server copies the snapshot, which stays, and the copy takes the name of the database. The
/// sessions in the database are ended. The old database is kept under another name, except in the
/// test environment; `cargo db restore --undo` puts it back.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct RestoreSnapshotArgs {
    /// Name of the snapshot (default: the newest one)
    name: Option<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for RestoreSnapshotArgs {
    fn name(&self) -> &'static str {
        "snapshot restore"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        restore_snapshot(&database, Mode::of(self.dry_run), self.name.as_deref())
    }
}
