//! What came of a plan: whoever ran it, the history is compared with what the plan leads to.

use std::collections::BTreeSet;

use crate::failure::{Failure, Kind, Result};
use crate::migration::facts::gather;
use crate::model::migration::{Migration, Version};
use crate::plan::{Plan, Step};
use crate::settings::Settings;
use crate::world::World;

/// Asks the database what a plan came to: whoever ran it, the history must be the one that it leads to.
pub(super) fn verify_outcome(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    who: &str,
) -> Result<()> {
    let Outcome { differences, done } = outcome(world, settings, plan)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::from(Kind::OtherState { who: who.to_owned(), differences }).after(done))
}

/// What a plan came to.
#[derive(Default)]
pub(super) struct Outcome {
    /// In what the history differs from what the plan says that it is afterwards.
    pub(super) differences: Vec<String>,
    /// What of the plan the history has.
    pub(super) done: Vec<String>,
}

pub(super) fn outcome(world: &World, settings: &Settings, plan: &Plan) -> Result<Outcome> {
    let facts = gather(world, settings, &plan.target)?;
    let applied: BTreeSet<&Version> =
        facts.history.applied.iter().filter(|row| row.success).map(|row| &row.version).collect();
    let mut differences = Vec::new();
    let done = plan.steps.iter().filter_map(|step| match step {
        Step::Apply { migration } if applied.contains(&migration.version) => {
            Some(format!("Applied {}", migration.title()))
        }
        Step::Revert { migration, .. } if !applied.contains(&migration.version) => {
            Some(format!("Reverted {}", migration.title()))
        }
        _ => None,
    });
    let done = done.collect();
    for step in &plan.steps {
        match step {
            Step::Apply { migration } | Step::Record { migration }
                if !applied.contains(&migration.version) =>
            {
                differences.push(format!("{} is not applied", migration.title()));
            }
            Step::Revert { migration, .. } if applied.contains(&migration.version) => {
                differences.push(format!("{} is still applied", migration.title()));
            }
            Step::Rerecord { migration } => {
                let row = facts.history.applied.iter().find(|row| row.version == migration.version);
                let holds = row
                    .and_then(|row| row.checksum.as_ref())
                    .is_some_and(|stored| migration.is_recorded_as(stored));
                differences.extend(
                    (!holds).then(|| format!("{} has another checksum still", migration.title())),
                );
            }
            Step::ClearFailed { migration } => {
                let failed = facts
                    .history
                    .applied
                    .iter()
                    .any(|row| row.version == migration.version && !row.success);
                differences.extend(
                    failed.then(|| format!("{} counts as failed still", migration.title())),
                );
            }
            _ => {}
        }
    }
    let touched: BTreeSet<&Version> =
        plan.migrations().map(|migration| &migration.version).collect();
    let before: BTreeSet<&Version> = plan.applied.iter().collect();
    let name_of = |version: &Version| {
        let file = facts.folder.migrations.iter().find(|file| file.version == *version);
        file.map_or_else(|| version.to_string(), Migration::title)
    };
    let gone =
        before.iter().filter(|version| !touched.contains(*version) && !applied.contains(*version));
    differences.extend(
        gone.map(|version| format!("{} was applied, and is not any more", name_of(version))),
    );
    let came =
        applied.iter().filter(|version| !touched.contains(*version) && !before.contains(*version));
    differences.extend(
        came.map(|version| format!("{} is applied, which nobody asked for", name_of(version))),
    );
    Ok(Outcome { differences, done })
}
