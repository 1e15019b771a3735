//! Which applied migrations are not on the branch that is checked out, and go.

use crate::model::history::{Applied, MigrationStatus, ProblemKind};
use crate::model::migration::{Migration, Version};
use crate::plan::{Loss, MigrationFacts, Operation, Plan, Step};

/// The records of the applied migrations that the folder lacks, or has with another content.
pub(crate) fn departed(facts: &MigrationFacts) -> Vec<Applied> {
    let status = MigrationStatus::compare(&facts.folder, &facts.history);
    let differs = |row: &Applied| {
        status.problems.iter().any(|problem| {
            matches!(problem.trouble, ProblemKind::Missing | ProblemKind::Edited)
                && problem.version.as_ref() == Some(&row.version)
        })
    };
    let rows = status.applied.iter().map(|(row, _)| *row);
    // What runs again is never rolled back.
    let rows = rows.filter(|row| !matches!(row.version, Version::Repeated(_)));
    rows.filter(|row| row.success && differs(row)).cloned().collect()
}

/// The facts as if the folder had these migrations, as they were applied.
pub(crate) fn with_departed(facts: &MigrationFacts, departed: &[Migration]) -> MigrationFacts {
    let mut facts = facts.clone();
    let migrations = &mut facts.folder.migrations;
    let is_other = |one: &Migration| departed.iter().all(|gone| gone.version != one.version);
    migrations.retain(is_other);
    for one in departed {
        let place = migrations.partition_point(|there| there.version < one.version);
        migrations.insert(place, one.clone());
    }
    facts
}

/// Plans to roll back what is not on this branch, with these losses. `places` says where it is.
pub(crate) fn switch(
    facts: &MigrationFacts,
    reverted: Vec<(Migration, Vec<Loss>)>,
    places: Vec<String>,
) -> Plan {
    let reverts =
        reverted.into_iter().map(|(migration, losses)| Step::Revert { migration, losses });
    let mut plan = facts.plan(Operation::Switch, reverts.collect());
    plan.skipped = places;
    plan
}
