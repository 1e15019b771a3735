//! A change of the history only: rows are written or removed, and no migration runs. A tool whose
//! migrations are programs writes its history itself.

use std::time::Duration;

use crate::change::lock::lock_migrations;
use crate::change::perform::Change;
use crate::change::workspace::Database;
use crate::failure::{ProgramError, Result, SchemaError};
use crate::migration::{self, AppliedMigration};
use crate::plan::{BaselineComparison, Operation, Plan, Step};
use crate::world::pg::Lock;

/// Such a change; the function gathers the facts and makes the plan.
pub(crate) struct HistoryEdit<F>(pub(crate) F);

impl<F: FnMut(&Database<'_>) -> Result<Plan>> Change for HistoryEdit<F> {
    type Held = Lock;
    type Done = Vec<AppliedMigration>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let layout = &database.settings.migrations.layout;
        let plan = (self.0)(database)?;
        if layout.is_code() && !plan.is_empty() {
            if plan.verb != Operation::Baseline {
                let doing = "change the record of a migration in its history".to_owned();
                let tool = layout.key().to_owned();
                return Err(ProgramError::Cannot { tool, doing, key: "" }.into());
            }
            migration::can_run(&database.settings, &plan)?;
        }
        Ok(plan)
    }

    /// Differences are accepted by a flag, or with the id of a plan that names them.
    fn find_proof(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        let agreed = &database.workspace.consent;
        let different = plan.steps.iter().find_map(|step| match step {
            Step::Compare {
                comparison: BaselineComparison::Different { objects },
                is_accepted: false,
            } => Some(objects),
            _ => None,
        });
        match different.filter(|_| agreed.plan.is_none()) {
            None => Ok(()),
            Some(objects) => Err(SchemaError::NotAsRecorded {
                database: plan.target.database.clone(),
                objects: objects.clone(),
                command: agreed.command.clone(),
            }
            .into()),
        }
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
        if settings.migrations.layout.is_code() {
            migration::carry_out(world, settings, plan, &mut lock)?;
        } else {
            migration::write_history(world, settings, plan, &mut lock)?;
        }
        Ok(plan.migrations().map(|one| AppliedMigration::of(one, Duration::ZERO)).collect())
    }
}
