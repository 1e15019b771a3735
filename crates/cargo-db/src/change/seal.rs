//! What the policy adds to a plan and requires before the change.

use crate::backup::{self, BackupFolder, BackupRequest};
use crate::change::retain;
use crate::change::workspace::Database;
use crate::failure::{Failure, Result};
use crate::migration;
use crate::model::backup::{Compression, Format, Reason};
use crate::plan::{APPLY, AtMost, Operation, Plan, Step};
use crate::policy::{Judgement, Terms};

/// Makes a plan ready to be shown: with the backup that the policy asks for, its terms, and an id
/// that is not used up. Nothing more may go than `at_most` says.
pub(super) fn seal(
    database: &Database<'_>,
    mut plan: Plan,
    at_most: impl FnOnce(&Plan) -> AtMost,
) -> Result<Plan> {
    let Database { workspace, settings, .. } = database;
    let judgement = workspace.policy.judge(&plan);
    plan.terms = judgement.describe();
    let limits = &settings.limits;
    // For how long others may have to wait is consented to as well.
    plan.general_terms = format!(
        "{}; {:?}, {:?}",
        workspace.policy.judge_for_anyone(&plan).describe(),
        limits.ddl_lock_timeout.value,
        limits.concurrently_timeout.value
    );
    if let Judgement::Allowed(terms) = judgement {
        (plan.needs, plan.needs_approval) = (terms.consent, terms.approval);
    }
    plan.identity.clone_from(&database.identity);
    match plan.verb {
        Operation::Migrate | Operation::Rollback | Operation::Baseline => {
            plan.commands = migration::commands_of(settings, &plan)?;
        }
        Operation::Rebase | Operation::Switch => {
            let reverts = plan.reverts().map(|reverts| migration::commands_of(settings, &reverts));
            plan.commands = reverts.transpose()?.unwrap_or_default();
        }
        _ => {}
    }
    // To rename files and to move records loses nothing.
    let can_lose = plan.verb != Operation::Rebase || plan.reverts().is_some();
    let wants_backup = matches!(judgement, Judgement::Allowed(Terms { backup: true, .. }));
    if wants_backup && can_lose && !plan.is_empty() && !plan.takes_backup() {
        let holds_rows = migration::holds_rows(&workspace.world, settings, &plan.target)?;
        if holds_rows == Some(true) {
            plan.steps.insert(0, Step::Backup);
        } else {
            plan.skipped.push("no backup: the database has no rows".to_owned());
        }
    }
    let removed = retain::steps(database, &plan)?;
    plan.steps.extend(removed);
    let bounds = at_most(&plan);
    plan.bound(&bounds);
    // Nobody has consented to the same plan a second time.
    while database.used.contains(&plan.id().to_string()) {
        plan.turn += 1;
    }
    let (name, id) = (shell_words::quote(&plan.target.database), plan.id());
    plan.consent = match workspace.consent.keeps_plan {
        true => format!("{APPLY}{id} --confirm {name}"),
        false => {
            let (command, bounds) = (&workspace.consent.command, plan.at_most().flag());
            format!("{command} --confirm {name} --plan {id}{bounds}")
        }
    };
    Ok(plan)
}

/// Why the backup of a plan would fail, as far as that is known in advance.
pub(crate) fn backup_obstacle(database: &Database<'_>, plan: &Plan) -> Result<Option<Failure>> {
    if !plan.takes_backup() {
        return Ok(None);
    }
    let obstacle = backup::hidden_rows(&database.workspace.world, &plan.target)?;
    Ok(obstacle.map(Failure::from))
}

/// An obstacle and what to do about it, in one line.
pub(super) fn warning_of(obstacle: &Failure) -> String {
    let hints = obstacle.hints().into_iter().map(|hint| hint.label);
    let lines = obstacle.why().into_iter().chain(hints);
    let all: Vec<String> =
        [format!("the backup would fail: {obstacle}")].into_iter().chain(lines).collect();
    all.join("; ")
}

/// Takes the backup of a plan, if it has one. If it fails, nothing else happens.
pub(super) fn back_up(database: &Database<'_>, plan: &Plan) -> Result<Option<String>> {
    if !plan.takes_backup() {
        return Ok(None);
    }
    let Database { workspace, settings, .. } = database;
    let folder = BackupFolder::of(settings);
    let request = BackupRequest {
        format: Format::Sql,
        compression: Compression::Gzip(6),
        name: None,
        selection: Vec::new(),
        jobs: 2,
        read_back: true,
        event: plan.verb.key().to_owned(),
        reason: Reason::Policy,
    };
    let taken = backup::take(&workspace.world, settings, &plan.target, &folder, &request)?;
    Ok(Some(taken.manifest.name))
}
