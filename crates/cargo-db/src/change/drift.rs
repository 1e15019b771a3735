//! The fingerprint of the schema that a change leaves behind.

use crate::change::workspace::Database;
use crate::failure::Result;
use crate::migration;
use crate::plan::{Operation, Plan};
use crate::schema::{Drift, Glance, SchemaBefore};

/// The drift of a database; `None` if nothing is applied, or if a tool reports the history itself.
pub(crate) fn drift_of(database: &Database<'_>) -> Result<Option<Drift>> {
    let Database { workspace, settings, target, .. } = database;
    let layout = &settings.migrations.layout;
    if layout.is_asked() {
        return Ok(None);
    }
    let facts = migration::gather(&workspace.world, settings, target)?;
    if facts.history.applied.is_empty() {
        return Ok(None);
    }
    Glance::take(&workspace.world, &settings.root, target)?.drift(layout, &facts.history)
}

/// The schema before the change, if the change can affect it or the history.
pub(super) fn before(database: &Database<'_>, plan: &Plan) -> Option<SchemaBefore> {
    let Database { workspace, settings, target, .. } = database;
    // A tool that is asked for its history is slow, and runs the migrations in its own way.
    if settings.migrations.layout.is_asked() {
        return None;
    }
    match plan.verb {
        Operation::Migrate
        | Operation::Rollback
        | Operation::Seed
        | Operation::SeedFresh
        | Operation::Baseline
        | Operation::Repair => SchemaBefore::read(&workspace.world, settings, target).ok(),
        Operation::Reset => Some(SchemaBefore::irrelevant()),
        _ => None,
    }
}

/// Writes the fingerprint, also after a change that failed: parts of it may have been applied.
pub(super) fn after(database: &Database<'_>, before: Option<SchemaBefore>, is_done: bool) {
    let Database { workspace, settings, target, .. } = database;
    let advanced = before.map(|before| before.advance(&workspace.world, settings, target));
    if let (Some(Err(failure)), true) = (advanced, is_done) {
        let warning = format!("the fingerprint of the schema was not written: {failure}");
        workspace.ui.warning(&warning);
    }
}
