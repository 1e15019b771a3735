//! `cargo db snapshot`.

mod drop;
mod list;
mod names;
mod restore;
mod save;

use clap::Args;

use crate::verb::declare::{Verb, verbs};

/// Save the state of the database, and go back to it
#[derive(Debug, Args)]
pub(crate) struct SnapshotArgs {
    #[command(subcommand)]
    action: Action,
}

impl SnapshotArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        self.action.verb()
    }
}

verbs! {
    /// What to do with the snapshots.
    Action {
        Save(save::SaveSnapshotArgs),
        Restore(restore::RestoreSnapshotArgs),
        List(list::ListSnapshotsArgs),
        Drop(drop::DropSnapshotsArgs),
    }
}
