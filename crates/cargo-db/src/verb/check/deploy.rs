//! Whether the migrations can be deployed: what their files, the database and the receipts say.

use std::path::PathBuf;
use std::time::Duration;

use crate::answer::{
    ConnectionsView, DeployFacts, DeployReport, NewestBackup, PendingReport, ReceiptView,
};
use crate::backup::BackupFolder;
use crate::change::{Database, ReceiptState, Workspace, batched, drift_of, wants_all_or_nothing};
use crate::failure::{Exit, Result, problem_line};
use crate::migration;
use crate::model::finding::{Finding, Verdict};
use crate::model::history::MigrationStatus;
use crate::plan::{self, MigrateRequest, Plan};
use crate::policy::Judgement;
use crate::rehearse::MigrationEstimate;
use crate::settings::Budget;
use crate::verb::check::budget::{not_measured, over_budget};
use crate::world::clock::now;
use crate::world::pg::{FreeConnections, Purpose, Session};

/// How many sessions `migrate` has at the same time: the lock, the migration and its watchdog, or
/// the lock and those of a backup.
const SESSIONS: u64 = 3;

/// Looks at the database and its pending migrations. Writes nothing, and starts no server.
pub(super) fn check_deploy(
    workspace: &Workspace,
    (receipts, fails_from): (&[PathBuf], Verdict),
) -> Result<(DeployReport, Exit)> {
    let database = &workspace.database()?;
    let facts = migration::gather(&workspace.world, &database.settings, &database.target)?;
    let mut status = MigrationStatus::compare(&facts.folder, &facts.history);
    migration::name_branches(&mut status.problems, &database.settings);
    let is_known = !facts.layout.is_asked() && !facts.history.applied.is_empty();
    let drift = if is_known { drift_of(database)? } else { None };
    let mut found = DeployFacts {
        target: &database.target,
        environment: database.environment(),
        pending: status.pending.iter().map(|one| PendingReport::of(one)).collect(),
        drift: drift.as_ref(),
        receipt: None,
        backup: None,
        connections: None,
        findings: status
            .problems
            .iter()
            .map(|one| of_database("history", problem_line(one)))
            .collect(),
        fails_from,
    };
    if status.problems.is_empty() && !status.pending.is_empty() {
        let plan = plan::migrate(&facts, &MigrateRequest::default())?;
        let plan = batched(database, plan, wants_all_or_nothing(database, false)?)?;
        plan.warnings.iter().for_each(|warning| workspace.ui.warning(warning));
        add_receipts(database, &plan, (receipts, &mut found))?;
        add_backup(database, &plan, &mut found)?;
        if facts.database_exists {
            add_connections(database, &mut found)?;
        }
    }
    let report = DeployReport::from(found);
    let exit = report.exit();
    Ok((report, exit))
}

/// A finding about the database as a whole.
fn of_database(rule: &str, evidence: String) -> Finding {
    Finding::of_whole(rule, evidence)
}

/// Adds whether the receipts cover the plan, and compares what they measured with the budget.
fn add_receipts(
    database: &Database<'_>,
    plan: &Plan,
    (named, found): (&[PathBuf], &mut DeployFacts<'_>),
) -> Result<()> {
    let ui = &database.workspace.ui;
    let ReceiptState { is_required, holding, objections } =
        ReceiptState::of(database, plan, named)?;
    let budget = &database.settings.budget;
    let rehearse = ui.command("cargo db rehearse");
    if is_required && holding.is_none() {
        let why = objections.iter().map(|why| format!("; {why}")).collect::<String>();
        let help = format!(
            "run `{rehearse} --receipt-to FILE` where a copy of the database exists, and pass the \
             file: `--receipt FILE`"
        );
        found.findings.push(Finding {
            help: Some(help),
            ..of_database("no-receipt", format!("no receipt of a rehearsal is valid{why}"))
        });
    } else {
        let count = plan.migrations().count();
        let estimates = match &holding {
            Some(receipt) => {
                let world = &database.workspace.world;
                receipt.estimates(&mut Session::open(world, &plan.target, Purpose::Read)?, count)?
            }
            None => vec![MigrationEstimate::default(); count],
        };
        let why = match holding {
            Some(_) => "the rehearsal did not measure it",
            None => "no receipt of a rehearsal is valid",
        };
        let help = format!("`{rehearse}` measures it on a copy with rows");
        for (pending, estimate) in found.pending.iter_mut().zip(estimates) {
            pending.add(compare(&estimate, budget, (why, &help)), &estimate);
        }
    }
    let rehearsed = holding.map(|receipt| receipt.date());
    found.receipt = Some(ReceiptView { is_required, rehearsed, objections });
    Ok(())
}

/// What the budget says about a migration.
fn compare(
    estimate: &MigrationEstimate,
    budget: &Budget,
    (why, help): (&str, &str),
) -> Vec<Finding> {
    match &estimate.costs {
        _ if budget.is_empty() => Vec::new(),
        Some(costs) => over_budget(costs, budget),
        None => vec![not_measured(why, help.to_owned())],
    }
}

/// Adds the newest verified backup, if the policy wants one before the migrations run.
fn add_backup(database: &Database<'_>, plan: &Plan, found: &mut DeployFacts<'_>) -> Result<()> {
    let is_required = match database.workspace.policy.judge(plan) {
        Judgement::Allowed(terms) => terms.backup,
        Judgement::Never => true,
    };
    let (world, settings) = (&database.workspace.world, &database.settings);
    if !is_required || migration::holds_rows(world, settings, &plan.target)? != Some(true) {
        return Ok(());
    }
    let name = &plan.target.database;
    let (newest, others) = BackupFolder::of(settings).newest_verified(name)?;
    let max_age = settings.backup.max_age;
    let age = newest
        .as_ref()
        .map(|newest| Duration::try_from(now() - newest.manifest.finished).unwrap_or_default());
    let shown = |age: Duration| humantime::format_duration(Duration::from_secs(age.as_secs()));
    if let Some(max_age) = max_age.filter(|max_age| age.is_none_or(|age| age > *max_age)) {
        let limit = shown(max_age);
        let others = others.iter().map(|why| format!("; {why}")).collect::<String>();
        let evidence = match (&newest, age) {
            (Some(newest), Some(age)) => format!(
                "the newest verified backup, {}, is {} old, and `max-age` is {limit}",
                newest.manifest.name,
                shown(age)
            ),
            _ => format!("`{name}` has no verified backup, and `max-age` is {limit}{others}"),
        };
        let take = database.workspace.ui.command("cargo db backup");
        let help = Some(format!("take one: `{take}`"));
        found.findings.push(Finding { help, ..of_database("old-backup", evidence) });
    }
    found.backup =
        Some(NewestBackup { name: newest.map(|newest| newest.manifest.name), age, max_age });
    Ok(())
}

/// Adds how many connections are free for the run.
fn add_connections(database: &Database<'_>, found: &mut DeployFacts<'_>) -> Result<()> {
    let world = &database.workspace.world;
    let mut session = Session::open(world, &database.target, Purpose::Read)?;
    let FreeConnections { free, limit, limited_by } = FreeConnections::of(&mut session)?;
    if free < SESSIONS {
        let evidence = format!(
            "{free} of {limit} connections are free ({limited_by} limits them), and `migrate` \
             needs {SESSIONS}"
        );
        found.findings.push(of_database("few-connections", evidence));
    }
    found.connections = Some(ConnectionsView { free, limit, limited_by, needed: SESSIONS });
    Ok(())
}
