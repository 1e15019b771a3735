//! Which applied migrations are taken back, newest first.

use std::collections::BTreeSet;

use db_tools::RollbackSupport;

use crate::failure::{HistoryError, MigrationError, ProgramError, RepairHope, Result};
use crate::model::history::{Applied, MigrationStatus, ProblemKind};
use crate::model::migration::{Migration, Version};
use crate::plan::{Loss, MigrationFacts, Operation, Plan, Step};

/// How far back.
#[derive(Clone, Debug)]
pub(crate) enum RollbackRequest {
    /// So many migrations.
    Steps(usize),
    /// All that are later than this version; `0` takes everything back.
    To(String),
    /// These.
    These(BTreeSet<Version>),
}

/// The migrations that `request` rolls back, newest first. All of them have a down file that
/// belongs to the applied version.
pub(crate) fn to_revert(
    facts: &MigrationFacts,
    request: &RollbackRequest,
) -> Result<Vec<Migration>> {
    let standing = MigrationStatus::compare(&facts.folder, &facts.history);
    let newest_first = standing.applied.iter().rev();
    let chosen: Vec<_> = match request {
        RollbackRequest::Steps(steps) => newest_first.take(*steps).collect(),
        RollbackRequest::To(version) => {
            let is_it = |row: &Applied| row.version.to_string() == *version;
            if !facts.history.applied.iter().any(is_it) && version != "0" {
                return Err(MigrationError::NotApplied { version: version.clone() }.into());
            }
            newest_first.take_while(|(row, _)| !is_it(row)).collect()
        }
        RollbackRequest::These(versions) => {
            newest_first.filter(|(row, _)| versions.contains(&row.version)).collect()
        }
    };

    if facts.layout.profile().rollback == RollbackSupport::AsRun {
        check_tool_order(facts, &chosen.iter().map(|(row, _)| *row).collect::<Vec<_>>())?;
    }
    let concerns = |trouble| {
        let versions: Vec<&Version> = chosen.iter().map(|(row, _)| &row.version).collect();
        let of_chosen = standing.problems.iter().filter(move |problem| {
            problem.trouble == trouble
                && problem.version.as_ref().is_some_and(|v| versions.contains(&v))
        });
        of_chosen.cloned().collect::<Vec<_>>()
    };
    let mut blocking = concerns(ProblemKind::Failed);
    blocking.extend(concerns(ProblemKind::Duplicate));
    blocking.extend(concerns(ProblemKind::Missing));
    if !blocking.is_empty() {
        return Err(HistoryError::Inconsistent {
            target: facts.target.to_string(),
            problems: blocking,
            repair: RepairHope::Possible,
        }
        .into());
    }

    let files: Vec<Migration> = chosen.into_iter().filter_map(|(_, file)| file.cloned()).collect();
    let one_way: Vec<&Migration> = files.iter().filter(|file| file.down.is_none()).collect();
    if one_way.is_empty() {
        return Ok(files);
    }
    if !facts.layout.can_roll_back() {
        let doing = "roll back a migration: write a new one that reverts it".to_owned();
        let tool = facts.layout.key().to_owned();
        return Err(ProgramError::Cannot { tool, doing, key: "" }.into());
    }
    let migrations = one_way.iter().map(|file| file.quoted()).collect();
    Err(MigrationError::Irreversible { migrations }.into())
}

/// Fails if the tool would roll back other migrations than the newest ones by their files.
fn check_tool_order(facts: &MigrationFacts, chosen: &[&Applied]) -> Result<()> {
    let run = |row: &Applied| row.detail.parse::<u64>().unwrap_or(0);
    let mut as_run: Vec<&Applied> = facts.history.applied.iter().collect();
    as_run.sort_by_key(|row| std::cmp::Reverse(run(row)));
    let differs = chosen.iter().zip(as_run).find(|(chosen, last)| chosen.version != last.version);
    let Some((chosen, last)) = differs else { return Ok(()) };
    let doing = format!("roll back {} before {}, which it ran later", chosen.version, last.version);
    Err(ProgramError::Cannot { tool: facts.layout.key().to_owned(), doing, key: "" }.into())
}

/// Plans to take back `migrations`, each with what that loses.
pub(crate) fn rollback(facts: &MigrationFacts, migrations: Vec<(Migration, Vec<Loss>)>) -> Plan {
    let steps =
        migrations.into_iter().map(|(migration, losses)| Step::Revert { migration, losses });
    facts.plan(Operation::Rollback, steps.collect())
}
