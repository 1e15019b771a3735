//! The names of the snapshots, as they are completed.

use crate::change::Database;
use crate::snapshot;

/// Updates the names that are completed. The snapshots themselves do not depend on it.
pub(super) fn refresh_names(database: &Database<'_>) {
    let Database { workspace, settings, target, .. } = database;
    let written = snapshot::write_index(&workspace.world, &settings.root, target);
    if let Err(failure) = written {
        let ui = &workspace.ui;
        ui.warning(&format!("the names of the snapshots are not completed: {failure}"));
    }
}
