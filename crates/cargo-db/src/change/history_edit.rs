//! A change of the migrations' history alone: rows are written or cleared, and no migration runs.

use std::time::Duration;

use crate::change::lock::lock_migrations;
use crate::change::perform::Change;
use crate::change::workspace::Database;
use crate::failure::{ProgramError, Result};
use crate::migration::{self, AppliedMigration};
use crate::plan::Plan;
use crate::world::pg::Lock;

/// Such a change; the function gathers the facts and makes the plan.
pub(crate) struct HistoryEdit<F>(pub(crate) F);

impl<F: FnMut(&Database<'_>) -> Result<Plan>> Change for HistoryEdit<F> {
    type Held = Lock;
    type Done = Vec<AppliedMigration>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let layout = &database.settings.migrations.layout;
        if layout.is_code() {
            let doing = "let cargo db write its history: the tool has to".to_owned();
            let tool = layout.key().to_owned();
            return Err(ProgramError::Cannot { tool, doing, key: "" }.into());
        }
        (self.0)(database)
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_migrations(database, &database.target)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        mut lock: Lock,
        _: Option<&str>,
    ) -> Result<Vec<AppliedMigration>> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        migration::write_history(world, settings, plan, &mut lock)?;
        Ok(plan.migrations().map(|one| AppliedMigration::of(one, Duration::ZERO)).collect())
    }
}
