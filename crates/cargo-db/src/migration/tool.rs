//! Plans that a migration tool carries out: its commands are run, and the outcome is read from the
//! database, because a tool can report success and still have done something else.

use crate::failure::{Failure, ProgramError, Result};
use crate::migration::applied::AppliedMigration;
use crate::migration::command::{WRITES, commands, run, verify_tool_target};
use crate::migration::files::bytes_as_planned;
use crate::migration::outcome::outcome;
use crate::migration::session::end_sessions_of_killed_runs;
use crate::model::target::Target;
use crate::plan::Plan;
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Lock, Purpose, Session};
use crate::world::tool::Ended;

/// Carries a plan out with the tool's own command.
pub(super) fn carry_out(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    lock: &mut Lock,
) -> Result<Vec<AppliedMigration>> {
    let began = stopwatch();
    verify_tool_target(world, settings, &plan.target)?;
    end_sessions_of_tools(world, &plan.target);
    for line in commands(settings, plan)? {
        lock.check_now()?;
        check_files_unchanged(settings, plan)?;
        // The tool was stopped, but the server may not have noticed yet.
        let ended = run(world, settings, &plan.target, &line, WRITES)
            .inspect_err(|_| end_sessions_of_tools(world, &plan.target))?;
        if !ended.success {
            let Ended { command, status, said, .. } = ended;
            let outcome = outcome(world, settings, plan).unwrap_or_default();
            let failure =
                ProgramError::Failed { command, status, said, differences: outcome.differences };
            return Err(Failure::from(failure).after(outcome.done));
        }
    }
    if let Err(failure) = check_files_unchanged(settings, plan) {
        let known = outcome(world, settings, plan).unwrap_or_default();
        return Err(failure.after(known.done));
    }
    // A tool does not say how long each of them took.
    let count = u32::try_from(plan.migrations().count()).unwrap_or(1).max(1);
    let elapsed = began.elapsed() / count;
    Ok(plan.migrations().map(|migration| AppliedMigration::of(migration, elapsed)).collect())
}

/// Verifies that the files that the tool is about to read, or has just read, are those of the plan.
fn check_files_unchanged(settings: &Settings, plan: &Plan) -> Result<()> {
    let layout = &settings.migrations.layout;
    // Of a tool that is known by its commands only the names are known.
    for file in plan.files().filter(|_| !layout.is_asked()) {
        bytes_as_planned(&settings.root, layout, file)?;
    }
    Ok(())
}

/// Ends sessions that a stopped tool left on the server. The caller holds the lock.
fn end_sessions_of_tools(world: &World, target: &Target) {
    let world = world.uninterrupted();
    if let Ok(mut session) = Session::open(&world, target, Purpose::Write) {
        let _ = end_sessions_of_killed_runs(&world, &mut session);
    }
}
