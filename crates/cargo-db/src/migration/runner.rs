//! Carries out a plan: cargo db itself, or the project's tool. In either case the outcome is read
//! from the database afterwards.

use crate::failure::{MigrationError, Result};
use crate::migration::applied::AppliedMigration;
use crate::migration::run::Run;
use crate::migration::{command, execute, outcome, tool};
use crate::plan::{Operation, Plan};
use crate::settings::{Runner, Settings};
use crate::world::World;
use crate::world::pg::Lock;

/// Checks that a plan can be carried out: its files are SQL, or the program that runs them exists.
pub(crate) fn can_run(settings: &Settings, plan: &Plan) -> Result<()> {
    if settings.migrations.runner == Runner::Tool {
        command::can_reach(settings, &plan.target)?;
        return command::program_exists(settings, plan);
    }
    match plan.files().find(|file| file.is_code) {
        None => Ok(()),
        Some(file) => {
            let (file, tool) = (file.path.clone(), settings.migrations.layout.key().to_owned());
            Err(MigrationError::NotSql { file, tool }.into())
        }
    }
}

/// Carries out a plan, by ourselves or with the project's tool, and then asks the database what
/// came of it. The caller holds the lock, and has made sure that the plan still fits.
pub(crate) fn carry_out(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    lock: &mut Lock,
) -> Result<Vec<AppliedMigration>> {
    let (applied, tool) = match settings.migrations.runner {
        Runner::Builtin => {
            execute::check_files(world, settings, plan)?;
            let run = Run::open(world, settings, plan, lock)?;
            (execute::carry_out(run, plan)?, None)
        }
        Runner::Tool => {
            let tool = settings.migrations.layout.key();
            (tool::carry_out(world, settings, plan, lock)?, Some(tool))
        }
    };
    let done = committed(plan, tool.unwrap_or("cargo db"));
    outcome::verify_outcome(world, settings, plan, tool)
        .map_err(|failure| failure.afterwards(&done, "the history"))?;
    Ok(applied)
}

/// A description of what was committed, for a failure after the last commit.
fn committed(plan: &Plan, who: &str) -> String {
    let done = match plan.verb {
        Operation::Rollback => "rolled back",
        Operation::Baseline => "recorded",
        _ => "applied",
    };
    match plan.migrations().count() {
        1 => format!("{who} {done} 1 migration"),
        count => format!("{who} {done} all migrations ({count})"),
    }
}
