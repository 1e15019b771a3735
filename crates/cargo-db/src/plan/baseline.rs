//! What the history is to say without anything being run.

use crate::failure::{
    ConnectionError, GenerateError, HistoryError, MigrationError, RepairHope, Result,
};
use crate::model::history::{MigrationStatus, Problem, ProblemKind};
use crate::model::migration::Migration;
use crate::plan::{MigrationFacts, Operation, Plan, Step};

/// The problems with which a history cannot be completed.
const IN_THE_WAY: [ProblemKind; 5] = [
    ProblemKind::Duplicate,
    ProblemKind::Misnamed,
    ProblemKind::Unreadable,
    ProblemKind::Edited,
    ProblemKind::Failed,
];

/// Plans to record the pending migrations up to and including `to` as applied.
pub(crate) fn baseline(facts: &MigrationFacts, to: Option<&str>) -> Result<Plan> {
    refuse_missing_database(facts)?;
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
    refuse_problems(facts, standing.problems, &IN_THE_WAY)?;
    let pending = standing.pending.len();
    let chosen: Vec<Migration> = standing.pending.into_iter().take_while(within).cloned().collect();
    let takes_all_pending = chosen.len() == pending;
    let mut steps = if chosen.is_empty() { Vec::new() } else { facts.creating_history() };
    steps.extend(chosen.into_iter().map(|migration| Step::Record { migration }));
    let mut plan = facts.plan(Operation::Baseline, steps);
    plan.takes_all_pending = takes_all_pending;
    Ok(plan)
}

fn refuse_missing_database(facts: &MigrationFacts) -> Result<()> {
    if facts.database_exists {
        return Ok(());
    }
    let (database, server) = (facts.target.database.clone(), facts.target.server());
    let environment = facts.environment;
    Err(ConnectionError::NoDatabase { database, server, environment }.into())
}

fn refuse_problems(
    facts: &MigrationFacts,
    mut problems: Vec<Problem>,
    kinds: &[ProblemKind],
) -> Result<()> {
    problems.retain(|problem| kinds.contains(&problem.trouble));
    if problems.is_empty() {
        return Ok(());
    }
    let (target, repair) = (facts.target.to_string(), RepairHope::Possible);
    Err(HistoryError::Inconsistent { target, problems, repair }.into())
}

/// Fails if the database is not where the migrations lead, by the migrations themselves.
pub(crate) fn refuse_unapplied(facts: &MigrationFacts) -> Result<()> {
    refuse_missing_database(facts)?;
    let standing = MigrationStatus::compare(&facts.folder, &facts.history);
    let kinds = [&IN_THE_WAY[..], &[ProblemKind::Missing, ProblemKind::Foreign]].concat();
    refuse_problems(facts, standing.problems, &kinds)?;
    let versions: Vec<String> =
        standing.pending.iter().map(|migration| migration.version.to_string()).collect();
    if versions.is_empty() {
        return Ok(());
    }
    Err(GenerateError::Pending { database: facts.target.database.clone(), versions }.into())
}

/// Plans to write new migrations and to record them as applied; each has the digest of its
/// statements.
pub(crate) fn repair_drift(facts: &MigrationFacts, new: Vec<(Migration, String)>) -> Plan {
    let mut steps = if new.is_empty() { Vec::new() } else { facts.creating_history() };
    steps.extend(new.into_iter().map(|(migration, digest)| Step::RecordNew { migration, digest }));
    facts.plan(Operation::RepairDrift, steps)
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
