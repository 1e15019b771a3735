//! The outcome of a plan: whoever ran it, the history is compared with the plan.

use std::collections::BTreeSet;

use crate::failure::{Failure, HistoryError, ProgramError, Result};
use crate::migration::facts::gather;
use crate::model::history::History;
use crate::model::migration::{Migration, Version};
use crate::plan::{MigrationFacts, Plan, Step};
use crate::settings::Settings;
use crate::world::World;

/// Fails if the history differs from the plan, which this tool carried out, or cargo db itself.
pub(super) fn verify_outcome(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    tool: Option<&str>,
) -> Result<()> {
    let PlanOutcome { differences, done } = outcome(world, settings, plan)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(match tool {
        Some(tool) => {
            let who = tool.to_owned();
            Failure::from(ProgramError::OtherState { who, differences }).after(done)
        }
        None => {
            let target = plan.target.to_string();
            let changed = HistoryError::ChangedMeanwhile { target, changes: differences };
            // Every step was committed, whatever became of its record.
            Failure::from(changed).after(plan.steps.iter().filter_map(done_line))
        }
    })
}

/// What a plan came to.
#[derive(Default)]
pub(super) struct PlanOutcome {
    /// In what the history differs from what the plan says that it is afterwards.
    pub(super) differences: Vec<String>,
    /// What of the plan the history has.
    pub(super) done: Vec<String>,
}

/// Reads the outcome of a plan from the database.
pub(super) fn outcome(world: &World, settings: &Settings, plan: &Plan) -> Result<PlanOutcome> {
    let facts = gather(world, settings, &plan.target)?;
    let applied: BTreeSet<&Version> =
        facts.history.applied.iter().filter(|row| row.success).map(|row| &row.version).collect();
    let is_applied = |migration: &Migration| applied.contains(&migration.version);
    let is_done = |step: &&Step| match step {
        Step::Apply { migration, .. }
        | Step::Record { migration }
        | Step::RecordNew { migration, .. } => is_applied(migration),
        Step::Revert { migration, .. } => !is_applied(migration),
        _ => false,
    };
    let done = plan.steps.iter().filter(is_done).filter_map(done_line);
    let missed =
        plan.steps.iter().filter_map(|step| missing_effect(step, &applied, &facts.history));
    let mut differences: Vec<String> = missed.collect();
    differences.extend(unplanned_changes(plan, &facts, &applied));
    Ok(PlanOutcome { differences, done: done.collect() })
}

/// A step that is done, in words.
fn done_line(step: &Step) -> Option<String> {
    let (done, migration) = match step {
        Step::Apply { migration, .. } => ("Applied", migration),
        Step::Record { migration } | Step::RecordNew { migration, .. } => ("Recorded", migration),
        Step::Revert { migration, .. } => ("Reverted", migration),
        Step::Rerecord { migration } => ("Corrected", migration),
        Step::ClearFailed { migration } => ("Cleared", migration),
        _ => return None,
    };
    Some(format!("{done} {}", migration.title()))
}

/// What a step should have done and has not.
fn missing_effect(step: &Step, applied: &BTreeSet<&Version>, history: &History) -> Option<String> {
    let is_applied = |migration: &Migration| applied.contains(&migration.version);
    let (migration, what) = match step {
        Step::Apply { migration, .. }
        | Step::Record { migration }
        | Step::RecordNew { migration, .. }
            if !is_applied(migration) =>
        {
            (migration, "is not applied")
        }
        Step::Revert { migration, .. } if is_applied(migration) => (migration, "is still applied"),
        Step::Rerecord { migration } => {
            let row = history.applied.iter().find(|row| row.version == migration.version);
            let stored = row.and_then(|row| row.checksum.as_ref());
            if stored.is_some_and(|stored| migration.is_recorded_as(stored)) {
                return None;
            }
            (migration, "still has a different checksum")
        }
        Step::ClearFailed { migration }
            if history
                .applied
                .iter()
                .any(|row| row.version == migration.version && !row.success) =>
        {
            (migration, "is still recorded as failed")
        }
        _ => return None,
    };
    Some(format!("{} {what}", migration.quoted()))
}

/// What happened to migrations that the plan does not mention.
fn unplanned_changes(
    plan: &Plan,
    facts: &MigrationFacts,
    applied: &BTreeSet<&Version>,
) -> Vec<String> {
    let planned: BTreeSet<&Version> =
        plan.migrations().map(|migration| &migration.version).collect();
    let before: BTreeSet<&Version> = plan.applied.iter().collect();
    let name_of = |version: &Version| {
        let file = facts.folder.migrations.iter().find(|file| file.version == *version);
        file.map_or_else(|| format!("`{version}`"), Migration::quoted)
    };
    let gone = before.difference(applied).filter(|version| !planned.contains(*version));
    let came = applied.difference(&before).filter(|version| !planned.contains(*version));
    let gone = gone.map(|version| format!("{} was applied, but no longer is", name_of(version)));
    let came = came.map(|version| format!("{} was applied, but was not planned", name_of(version)));
    gone.chain(came).collect()
}
