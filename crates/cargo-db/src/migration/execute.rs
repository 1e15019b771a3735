//! Carries out a plan about migrations by ourselves, without a tool.

use crate::failure::{MigrationError, Result};
use crate::migration::applied::AppliedMigration;
use crate::migration::files::{empty_down_file, read_script, without_statement};
use crate::migration::run::Run;
use crate::migration::step::MigrationStep;
use crate::model::direction::Direction;
use crate::model::event::Event;
use crate::plan::Plan;
use crate::settings::{Runner, Settings};
use crate::world::World;

/// Carries out the plan in this run. A failure names what was done before it.
pub(super) fn carry_out(mut run: Run<'_>, plan: &Plan) -> Result<Vec<AppliedMigration>> {
    let steps: Vec<MigrationStep<'_>> = plan.steps.iter().filter_map(MigrationStep::of).collect();
    if plan.is_one_transaction() {
        return run.all_in_one_transaction(&steps);
    }
    run.find_history()?;
    run.one_by_one(&steps)
}

/// Checks every file of a plan before the first one runs. An empty up file is suspicious, and an
/// empty down file is an error: only the history would change. An empty migration has nothing to
/// undo.
pub(crate) fn check_files(world: &World, settings: &Settings, plan: &Plan) -> Result<()> {
    if settings.migrations.runner == Runner::Tool {
        return Ok(());
    }
    for step in plan.steps.iter().filter_map(MigrationStep::of) {
        let file = step.file()?;
        if !read_script(settings, file)?.is_empty() {
            continue;
        }
        let message = without_statement(settings, file, step.direction);
        if step.direction == Direction::Down {
            if empty_down_file(settings, step.migration).is_some() {
                let (subject, empty) = (step.subject.clone(), message);
                return Err(MigrationError::EmptyDown { subject, empty }.into());
            }
        // The warning may have been shown with the plan already.
        } else if !plan.warnings.contains(&message) {
            world.emit(Event::Notice { severity: "warning".to_owned(), message });
        }
    }
    Ok(())
}
