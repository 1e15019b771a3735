//! Warnings about the audit trail, and reverting what a killed run let happen to the marker and the
//! trail.

use crate::audit::Trail;
use crate::change::workspace::Database;
use crate::failure::Result;
use crate::plan::Plan;

/// Says where the trail does not hold, and what can be done about it.
pub(super) fn say(database: &Database<'_>) -> Result<()> {
    let ui = &database.workspace.ui;
    let trail = Trail::of(&database.settings.root);
    if let Err(broken) = trail.verify()? {
        ui.warning(&format!(
            "the audit trail is broken at record {}: {}; inspect it, then set it aside and start a \
             new one with `{}`",
            broken.sequence,
            broken.why,
            trail.putting_aside()
        ));
    }
    if let Some(unsettled) = &database.unsettled {
        let name = &database.target.database;
        ui.warning(&format!(
            "the marker or audit trail of {name} changed {}",
            unsettled.describe()
        ));
    }
    Ok(())
}

/// Reverts what a killed run let happen, before the facts are gathered again. The caller holds the
/// lock. A change that marks the database accepts the present state.
pub(super) fn revert_interrupted(database: &Database<'_>, plan: &Plan) -> Result<()> {
    let Some(unsettled) = &database.unsettled else { return Ok(()) };
    if plan.verb.changes_the_marker() || !unsettled.killed || plan.target != database.target {
        return Ok(());
    }
    unsettled.put_back(&database.workspace.world, &database.target)?;
    database.workspace.ui.status("Restored", "the marker and the audit trail");
    Ok(())
}
