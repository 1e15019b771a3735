//! The fingerprint of the schema that a change leaves behind.

use crate::change::workspace::Database;
use crate::failure::{Failure, Result};
use crate::migration;
use crate::plan::{Operation, Plan, Step};
use crate::schema::{Drift, Glance, SchemaBefore};

/// The drift of a database; `None` if it is not examined, of which the reason is a warning.
pub(crate) fn drift_of(database: &Database<'_>) -> Result<Option<Drift>> {
    let Database { workspace, settings, target, .. } = database;
    let layout = &settings.migrations.layout;
    let not_examined = |why: &str| {
        workspace.ui.warning(&format!("drift was not examined: {why}"));
        Ok(None)
    };
    if layout.is_asked() {
        return not_examined(&format!("{} reports the history itself", layout.key()));
    }
    let facts = migration::gather(&workspace.world, settings, target)?;
    if facts.history.applied.is_empty() {
        return not_examined(&format!("no migration is applied to `{}`", target.database));
    }
    let glance = Glance::take(&workspace.world, &settings.root, target, database.environment())?;
    glance.drift(&settings.migrations, &facts.history)
}

/// The schema before the change, if the change can affect it or the history.
pub(super) fn before(database: &Database<'_>, plan: &Plan) -> Option<SchemaBefore> {
    let settings = &database.settings;
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
        | Operation::Repair
        | Operation::RepairDrift
        | Operation::Rebase
        | Operation::Switch => read(database, plan),
        Operation::Restore | Operation::RestoreInPlace => {
            plan.steps.iter().find_map(|step| match step {
                Step::Build { .. } | Step::Replace { is_whole: true, .. } => {
                    Some(SchemaBefore::Restored)
                }
                Step::PutBack { .. } => Some(SchemaBefore::PutBack),
                _ => None,
            })
        }
        Operation::SnapshotRestore => Some(SchemaBefore::Restored),
        Operation::Reset => Some(SchemaBefore::Rebuilt),
        _ => None,
    }
}

/// The same for a part that is replaced, which is locked from before the backup on.
pub(super) fn before_locks(database: &Database<'_>, plan: &Plan) -> Option<SchemaBefore> {
    let is_part = |step: &Step| matches!(step, Step::Replace { is_whole: false, .. });
    let is_asked = database.settings.migrations.layout.is_asked();
    (!is_asked && plan.steps.iter().any(is_part)).then(|| read(database, plan)).flatten()
}

fn read(database: &Database<'_>, plan: &Plan) -> Option<SchemaBefore> {
    let Database { workspace, settings, .. } = database;
    let before = SchemaBefore::read(&workspace.world, settings, &plan.target);
    before.map_err(|failure| warn(database, &failure)).ok()
}

/// Writes the fingerprint. After a change that failed, parts of it may have been applied.
pub(super) fn after(
    database: &Database<'_>,
    plan: &Plan,
    before: Option<SchemaBefore>,
    is_done: bool,
) {
    let Database { workspace, settings, .. } = database;
    let Some(before) = before.filter(|before| is_done || before.outlasts_failure()) else { return };
    let before = match plan.verb {
        // The database is said to have what the recorded migrations do.
        Operation::Baseline if is_done => before.accepted(),
        Operation::RepairDrift if is_done => before.adopted(),
        _ => before,
    };
    if let Err(failure) = before.advance(&workspace.world, settings, &plan.target) {
        warn(database, &failure);
    }
}

fn warn(database: &Database<'_>, failure: &Failure) {
    let warning =
        format!("there will be no fingerprint of the schema, so drift is unknown: {failure}");
    database.workspace.ui.warning(&warning);
}
