//! What the policy wants to know of migrations before they run: a rehearsal, or the receipt of one.

use std::path::PathBuf;

use postgres::error::SqlState;

use crate::change::batch::shares_a_transaction;
use crate::change::expected;
use crate::change::receipts::{RejectedReceipt, accepted_receipts, asked, holding};
use crate::change::workspace::Database;
use crate::failure::{
    CausedBy, ConsentError, DatabaseError, Failure, Kind, ProgramError, RehearsalError, Result,
};
use crate::migration as migrating;
use crate::model::direction::Direction;
use crate::model::environment::Environment;
use crate::model::finding::{Finding, Severity, Verdict};
use crate::model::migration::{Migration, quoted};
use crate::model::rehearsal::{Guard, Rehearsal, RollbackProof};
use crate::plan::Plan;
use crate::policy::Proof;
use crate::rehearse::{self, CopySource, Receipt, Receipts, Request, SchemaState, only_locks};
use crate::settings::Runner;
use crate::world::pg::{Purpose, Session};
use pg_sql::quote::quote_identifier;

/// How the migrations of a plan are proved.
pub(crate) enum Proving<'a> {
    /// They were rehearsed, or need not be.
    Done(Proved),
    /// A receipt has to hold: one of these files, or else of the project's.
    ByReceipt(&'a [PathBuf]),
}

/// What a proof says about the run that it is of.
#[derive(Default)]
pub(crate) struct Proved {
    /// What is to be counted again just before it.
    guards: Vec<Guard>,
    /// The digest of the resulting schema, if known.
    becomes: Option<String>,
}

impl Proved {
    /// Checks whether the schema is the same as on the copy.
    pub(crate) fn hold(&self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        let Some(becomes) = &self.becomes else { return Ok(()) };
        let mut session = Session::open(&database.workspace.world, &plan.target, Purpose::Read)?;
        let migrations = &database.settings.migrations;
        if SchemaState::of(&mut session, &migrations.layout)?.schema == *becomes {
            return Ok(());
        }
        let who = match migrations.runner {
            Runner::Builtin => "cargo db".to_owned(),
            Runner::Tool => migrations.layout.key().to_owned(),
        };
        let differences = vec![
            "every migration is applied, but the schema differs from the one that the rehearsal \
             produced"
                .to_owned(),
            "somebody may have changed it in the meantime, or a migration is not deterministic"
                .to_owned(),
        ];
        Err(ProgramError::OtherState { who, differences }.into())
    }

    /// Counts the expected losses again, while no other run migrates.
    pub(crate) fn count_again(&self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        if self.guards.is_empty() {
            return Ok(());
        }
        let mut session = Session::open(&database.workspace.world, &plan.target, Purpose::Read)?;
        for Guard { table, column, bound } in &self.guards {
            // The name may come from a receipt of another machine; the server resolves it.
            let question = format!("SELECT {}::text", session.table_named(table));
            let known = session.value("find the table", &question)?;
            let Some(known) = known else {
                let object = format!("{table}, which is not there,");
                return Err(
                    RehearsalError::MoreThanExpected { object, found: 0, bound: *bound }.into()
                );
            };
            let what = column.as_deref().map_or_else(|| "*".to_owned(), quote_identifier);
            let sql = format!("SELECT count({what}) AS found FROM {known}");
            let counted = session.one("count what will be lost", &sql);
            let found = counted.map_err(|failure| not_counted(failure, &known, plan))?;
            let found = found.number("found")?;
            if found > *bound {
                let object = column
                    .as_ref()
                    .map_or_else(|| known.clone(), |column| format!("{known}.{column}"));
                return Err(
                    RehearsalError::MoreThanExpected { object, found, bound: *bound }.into()
                );
            }
        }
        Ok(())
    }
}

/// An expected loss that cannot be counted is an error.
fn not_counted(failure: Failure, table: &str, plan: &Plan) -> Failure {
    if !failure.is(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return failure;
    }
    let (object, role) = (table.to_owned(), plan.target.user.clone());
    RehearsalError::NotCounted { object, role }.caused_by(failure)
}

/// Rehearses the migrations of a plan if required, before consent, so that the findings are
/// visible.
pub(crate) fn prove<'a>(
    database: &Database<'_>,
    plan: &Plan,
    receipts: &'a [PathBuf],
) -> Result<Proving<'a>> {
    match asked(database, plan)? {
        Proof::Nothing => unrehearsed(database, plan),
        Proof::Rehearsal if receipts.is_empty() => {
            let rehearsal = match rehearsed(database, plan)? {
                Tried::Rehearsed(rehearsal) => rehearsal,
                Tried::Denied(why) => {
                    database.workspace.ui.warning(&format!("not rehearsed: {why}"));
                    return unrehearsed(database, plan);
                }
                Tried::Spared(why) => {
                    database.workspace.ui.note(&format!("no rehearsal: {why}"));
                    return unrehearsed(database, plan);
                }
            };
            judge(database, plan, &rehearsal)?;
            let becomes = rehearsal.becomes;
            let guards =
                rehearsal.migrations.into_iter().flat_map(|migration| migration.guards).collect();
            Ok(Proving::Done(Proved { guards, becomes }))
        }
        Proof::Rehearsal | Proof::Receipt => Ok(Proving::ByReceipt(receipts)),
    }
}

/// Without a rehearsal, only the text of the files is known.
fn unrehearsed<'a>(database: &Database<'_>, plan: &Plan) -> Result<Proving<'a>> {
    warn_of_empty_down_files(database, plan);
    let guards = expected::guards(database, plan)?;
    Ok(Proving::Done(Proved { guards, becomes: None }))
}

impl Proving<'_> {
    /// Makes sure that they are proved. Returns what the proof says.
    pub(crate) fn require(self, database: &Database<'_>, plan: &Plan) -> Result<Proved> {
        let named = match self {
            Proving::Done(proved) => return Ok(proved),
            Proving::ByReceipt(named) => named,
        };
        let receipt = holding(database, plan, named)?;
        is_agreed(plan, &receipt)?;
        warn_of_size(database, plan, &receipt)?;
        database.workspace.ui.status("Proved", &format!("by the rehearsal of {}", receipt.date()));
        let count = plan.migrations().count();
        // If only some of them run, the resulting schema was not observed.
        let becomes = receipt.becomes.filter(|_| receipt.migrations.len() == count);
        let guards =
            receipt.migrations.into_iter().take(count).flat_map(|entry| entry.guards).collect();
        Ok(Proved { guards, becomes })
    }
}

/// Fails where the receipt is not the one that the plan's id is of.
fn is_agreed(plan: &Plan, receipt: &Receipt) -> Result<()> {
    if plan.receipts.as_ref() == Some(&receipt.digest()) {
        return Ok(());
    }
    let (before, now) = (plan.id().to_string(), "a plan with another receipt".to_owned());
    Err(ConsentError::PlanChanged { before, now }.into())
}

/// Whether receipts prove the down migration of each migration of a plan.
pub(crate) fn prove_rollback(database: &Database<'_>, plan: &Plan) -> Result<()> {
    if asked(database, plan)? != Proof::Receipt {
        return Ok(());
    }
    let (receipts, doubted) = accepted_receipts(database, plan)?;
    let proves = |receipt: &&Receipt, migration: &Migration| receipt.proves_rollback(migration);
    let mut objections = Vec::new();
    for migration in plan.migrations() {
        if !receipts.iter().any(|receipt| proves(&receipt, migration)) {
            objections.push(format!(
                "no rehearsal proved that rolling back {} undoes it",
                migration.quoted()
            ));
            let others = doubted.iter().filter(|(receipt, _)| proves(&receipt, migration));
            let doubt =
                |(one, why): &RejectedReceipt| format!("the receipt of {}: {why}", one.date());
            objections.extend(others.map(doubt));
        }
    }
    if objections.is_empty() {
        return Ok(());
    }
    let database = plan.target.database.clone();
    Err(RehearsalError::NoReceipt {
        verb: plan.verb.name(),
        database,
        objections,
        lacks_rows: false,
    }
    .into())
}

/// A rehearsal, or why there is none.
pub(super) enum Tried {
    Rehearsed(Box<Rehearsal>),
    /// There is nothing to measure, or it is turned off.
    Spared(String),
    /// The role may not make a copy.
    Denied(String),
}

/// Rehearses the plan's migrations and writes the receipt, unless there is nothing to measure.
pub(super) fn rehearsed(database: &Database<'_>, plan: &Plan) -> Result<Tried> {
    let settings = &database.settings;
    if plan.environment == Environment::Development && !settings.rehearse {
        return Ok(Tried::Spared("rehearsals are turned off".to_owned()));
    }
    if let Some(why) = skip_reason(database, plan)? {
        return Ok(Tried::Spared(why.to_owned()));
    }
    let migrations: Vec<Migration> = plan.migrations().cloned().collect();
    let request = Request {
        settings,
        migrations: &migrations,
        is_one_transaction: shares_a_transaction(settings, plan),
        keep: false,
        queries: Vec::new(),
    };
    let world = &database.workspace.world;
    let copied = rehearse::copy(world, settings, &plan.target, &CopySource::Auto);
    match copied.and_then(|copy| rehearse::rehearse(world, &request, copy)) {
        Ok((rehearsal, receipt)) => {
            Receipts::of(&settings.root).write(receipt, &settings.signing)?;
            Ok(Tried::Rehearsed(Box::new(rehearsal)))
        }
        // In development a role that may create no database can work all the same.
        Err(failure) if plan.environment.is_disposable() && may_not(&failure) => {
            Ok(Tried::Denied(failure.to_string()))
        }
        Err(failure) => Err(failure),
    }
}

/// Why a rehearsal would measure nothing, if so.
fn skip_reason(database: &Database<'_>, plan: &Plan) -> Result<Option<&'static str>> {
    let world = &database.workspace.world;
    let holds_rows = migrating::holds_rows(world, &database.settings, &plan.target)?;
    Ok(match holds_rows {
        None => Some("the database does not exist yet"),
        Some(false) => Some("the database has no rows"),
        Some(true) => None,
    })
}

fn may_not(failure: &Failure) -> bool {
    matches!(failure.kind(), Kind::Database(DatabaseError::Sql { server, .. })
        if server.is(&SqlState::INSUFFICIENT_PRIVILEGE))
}

/// Says which migrations a rollback would not undo: it is known before they are applied, and found
/// out when it is too late.
fn warn_of_wrong_down_files(database: &Database<'_>, rehearsal: &Rehearsal) {
    for migration in &rehearsal.migrations {
        if let RollbackProof::Wrong(details) = &migration.rollback {
            let subject = quoted(&migration.version, &migration.name);
            let down = migration.down.as_deref().unwrap_or("its down migration");
            let first = details.first().map(|detail| format!(": {detail}")).unwrap_or_default();
            database.workspace.ui.warning(&format!("{down} does not undo {subject}{first}"));
        }
    }
}

/// Warns about down files that undo nothing, which needs no rehearsal to find.
fn warn_of_empty_down_files(database: &Database<'_>, plan: &Plan) {
    let settings = &database.settings;
    if settings.migrations.runner == Runner::Tool {
        return;
    }
    for migration in plan.migrations() {
        let Some(down) = migrating::empty_down_file(settings, migration) else { continue };
        database.workspace.ui.warning(&format!(
            "{} cannot be rolled back: {}",
            migration.quoted(),
            migrating::without_statement(settings, down, Direction::Down)
        ));
    }
}

/// Shows the findings, and stops if the migration must not run.
fn judge(database: &Database<'_>, plan: &Plan, rehearsal: &Rehearsal) -> Result<()> {
    let failing = rehearsal
        .migrations
        .iter()
        .find_map(|migration| Some((migration, migration.failure.clone()?)));
    if let Some((migration, mut statement)) = failing {
        let fails = migration.findings.iter().find(|found| found.rule == "fails");
        let help = fails.and_then(|found| found.help.clone());
        // The server's own hint is shown anyway.
        let help = help.filter(|help| statement.server.hint.as_ref() != Some(help));
        statement.note = statement.note.or(help);
        let subject = format!("the rehearsal of {}", quoted(&migration.version, &migration.name));
        let command = database.workspace.consent.command.clone();
        return Err(DatabaseError::Statement { statement, subject, command }.into());
    }
    let verdict = rehearsal.verdict();
    if verdict == Verdict::Pass {
        let subject = rehearsal.basis.describe(&plan.target.database);
        database.workspace.ui.status("Rehearsed", &format!("on {subject}: PASS"));
        warn_of_wrong_down_files(database, rehearsal);
        return Ok(());
    }
    database.workspace.ui.rehearsal(&plan.target, rehearsal);
    let findings: Vec<_> =
        rehearsal.migrations.iter().flat_map(|migration| migration.findings.clone()).collect();
    let unmeasured =
        rehearsal.migrations.iter().any(|migration| migration.verdict == Verdict::Unmeasured);
    if unmeasured && !plan.environment.is_disposable() {
        let findings = lines(&findings, Severity::Unmeasured);
        return Err(RehearsalError::Blocked { findings }.into());
    }
    if verdict != Verdict::Block {
        return Ok(());
    }
    if plan.environment.is_disposable() && only_locks(&findings) {
        database
            .workspace
            .ui
            .warning("this would block a busy database (allowed in development and test)");
        return Ok(());
    }
    Err(RehearsalError::Blocked { findings: lines(&findings, Severity::Block) }.into())
}

/// The findings that are as bad as this, or worse.
fn lines(findings: &[Finding], least: Severity) -> Vec<String> {
    let worse = findings.iter().filter(|finding| finding.severity >= least);
    worse.map(Finding::summary).collect()
}

/// Warns where far fewer rows were there when it was rehearsed.
pub(super) fn warn_of_size(database: &Database<'_>, plan: &Plan, receipt: &Receipt) -> Result<()> {
    let mut session = Session::open(&database.workspace.world, &plan.target, Purpose::Read)?;
    let (there, here) = (receipt.rows, rehearse::estimated_rows(&mut session)?);
    if here > 10 * there.max(1) {
        database.workspace.ui.warning(&format!(
            "the rehearsal had about {there} rows; this database has about {here}"
        ));
    }
    Ok(())
}
