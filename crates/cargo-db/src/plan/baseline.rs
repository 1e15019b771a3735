//! What the history is to say without anything being run.

use crate::failure::{ConnectionError, HistoryError, MigrationError, RepairHope, Result};
use crate::model::history::{MigrationStatus, Problem, ProblemKind};
use crate::model::migration::Migration;
use crate::plan::{MigrationFacts, Operation, Plan, Step};

/// Plans to record the pending migrations up to and including `to` as applied.
pub(crate) fn baseline(facts: &MigrationFacts, to: Option<&str>) -> Result<Plan> {
    if !facts.database_exists {
        let (database, server) = (facts.target.database.clone(), facts.target.server());
        return Err(ConnectionError::NoDatabase {
            database,
            server,
            environment: facts.environment,
        }
        .into());
    }
    let standing = MigrationStatus::compare(&facts.folder, &facts.history);
    let last = match to {
        None => None,
        Some(to) => {
            let known =
                facts.folder.migrations.iter().position(|file| file.version.to_string() == to);
            Some(known.ok_or_else(|| MigrationError::UnknownVersion { version: to.to_owned() })?)
        }
    };
    let within = |file: &&Migration| {
        last.is_none_or(|last| {
            facts.folder.migrations[..=last].iter().any(|one| one.version == file.version)
        })
    };
    let in_the_way = |problem: &Problem| {
        matches!(
            problem.trouble,
            ProblemKind::Duplicate
                | ProblemKind::Misnamed
                | ProblemKind::Unreadable
                | ProblemKind::Edited
                | ProblemKind::Failed
        )
    };
    let problems: Vec<Problem> = standing.problems.into_iter().filter(in_the_way).collect();
    if !problems.is_empty() {
        return Err(HistoryError::Inconsistent {
            target: facts.target.to_string(),
            problems,
            repair: RepairHope::Possible,
        }
        .into());
    }
    let pending = standing.pending.len();
    let chosen: Vec<Migration> = standing.pending.into_iter().take_while(within).cloned().collect();
    let takes_all_pending = chosen.len() == pending;
    let mut steps = if chosen.is_empty() { Vec::new() } else { facts.creating_history() };
    steps.extend(chosen.into_iter().map(|migration| Step::Record { migration }));
    let mut plan = facts.plan(Operation::Baseline, steps);
    plan.takes_all_pending = takes_all_pending;
    Ok(plan)
}

/// Plans to repair the history: `harmless` are applied migrations whose files differ only in
/// comments and white space, `failed` those that the history records as failed.
pub(crate) fn repair(
    facts: &MigrationFacts,
    harmless: Vec<Migration>,
    failed: Vec<Migration>,
) -> Plan {
    let cleared = failed.into_iter().map(|migration| Step::ClearFailed { migration });
    let rerecorded = harmless.into_iter().map(|migration| Step::Rerecord { migration });
    let mut plan = facts.plan(Operation::Repair, cleared.chain(rerecorded).collect());
    let clears = plan.steps.iter().any(|step| matches!(step, Step::ClearFailed { .. }));
    plan.warnings.extend(clears.then(|| {
        "the changes of the failed migration remain: make sure that it can run again".to_owned()
    }));
    plan
}
