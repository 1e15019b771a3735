//! Answers, failures and events for programs. The schemas stand in `docs/schema/`; a field that
//! is added or changed raises [`SCHEMA`].

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::migration::AppliedMigration;
use crate::model::backup::{Backup, Verification};
use crate::model::environment::{Environment, Resolved, Signal};
use crate::model::event::Event;
use crate::model::history::{Problem, Standing};
use crate::model::migration::Migration;
use crate::plan::{Batch, Loss, Plan, Step, Verdict};
use crate::settings::{Migrations, Runner};
use crate::ui::report::{Report, StatusReport};
use crate::ui::{findings, rehearsal};

/// The version of all documents.
const SCHEMA: u32 = 1;

/// An answer as one document.
pub(super) fn report(verb: &str, report: &Report<'_>) -> String {
    let mut document = document(verb, true);
    let body = match report {
        Report::Status(report) => status(report),
        Report::StatusOfSets(sets) => {
            json!({ "sets": sets.iter().map(status).collect::<Vec<_>>() })
        }
        Report::DryRun { plan, .. } => with_plan(plan, json!({ "dry_run": true })),
        Report::Foreseen { plan, foresight, .. } => with_plan(
            plan,
            json!({ "dry_run": true, "foresight": rehearsal::foresight_json(plan, foresight) }),
        ),
        Report::Migrated { plan, deeds } => {
            with_plan(plan, json!({ "done": deeds.iter().map(deed).collect::<Vec<_>>() }))
        }
        Report::Seeded { plan, rows } => {
            let tables: Vec<Value> =
                rows.iter().map(|(name, rows)| json!({ "name": name, "rows": rows })).collect();
            with_plan(plan, json!({ "tables": tables }))
        }
        Report::Created { files } => json!({ "files": files }),
        Report::BackedUp { path, backup: taken, removed } => {
            json!({ "path": path, "backup": backup(taken), "removed": removed })
        }
        Report::Backups { found, folder } => json!({
            "folder": folder,
            "backups": found.backups.iter().map(backup).collect::<Vec<_>>(),
            "broken": found.broken.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect::<Vec<_>>(),
        }),
        Report::Backup { backup: one } => {
            json!({ "backup": backup(one), "manifest": one.manifest })
        }
        Report::Verified { verifications } => {
            let one = |(name, verification): &(String, Verification)| json!({ "name": name, "ok": verification.ok, "level": verification.level, "problems": verification.problems });
            json!({ "verified": verifications.iter().map(one).collect::<Vec<_>>() })
        }
        Report::Pruned { verdicts, plan, dry_run } => {
            let one = |verdict: &Verdict| json!({ "name": verdict.name, "kept": !verdict.reasons.is_empty(), "reasons": verdict.reasons });
            let backups: Vec<Value> = verdicts.iter().map(one).collect();
            with_plan(plan, json!({ "dry_run": dry_run, "backups": backups }))
        }
        Report::Restored { target, what, kept } => {
            json!({ "target": target.to_string(), "restored": what.unwrap_or("everything"), "kept": kept })
        }
        Report::Rehearsed { target, rehearsal, receipt, .. } => {
            rehearsal::json(target, rehearsal, receipt)
        }
        Report::Checked { checked } => {
            json!({ "migrations": checked.iter().map(findings::checked_json).collect::<Vec<_>>() })
        }
        Report::Policy { environments, rows, agent } => json!({
            "agent": agent,
            "policy": rows.iter().flat_map(|row| {
                environments.iter().zip(&row.cells).map(|(environment, (terms, tightened))| {
                    json!({ "verb": row.verb, "environment": environment.name(), "needs": terms, "tightened": tightened })
                })
            }).collect::<Vec<_>>(),
        }),
        Report::Environment { target, environment, marker } => json!({
            "target": target.to_string(),
            "environment": environment.environment.name(),
            "signals": signals(environment),
            "copy_of": environment.copy_of.map(Environment::name),
            "marker": marker.map(|marker| json!({ "environment": marker.environment.name(), "genuine": marker.genuine })),
        }),
        Report::History { records } => json!({ "records": records }),
        Report::TrailSound { records } => json!({ "records": records }),
        Report::Reset { target, migrations, rows, backup } => {
            json!({ "target": target.to_string(), "migrations": migrations, "rows": rows, "backup": backup })
        }
        Report::Server(server) => json!({
            "server": { "folder": server.folder, "major": server.major, "pid": server.pid, "url": server.url },
        }),
        Report::Line(line) => json!({ "url": line }),
    };
    if let Value::Object(body) = body {
        document.extend(body);
    }
    Value::Object(document).to_string()
}

fn document(verb: &str, ok: bool) -> Map<String, Value> {
    let pairs = [("schema", json!(SCHEMA)), ("verb", json!(verb)), ("ok", json!(ok))];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn status(report: &StatusReport<'_>) -> Value {
    let settings: Vec<Value> = report
        .settings
        .iter()
        .map(|setting| json!({ "name": setting.name, "value": setting.value, "origin": setting.origin }))
        .collect();
    let found = report.found;
    let tables = found.map(|(_, database)| database.tables.as_slice()).unwrap_or_default();
    json!({
        "target": report.target.to_string(),
        "environment": report.environment.environment.name(),
        "signals": signals(&report.environment),
        "copy_of": report.environment.copy_of.map(Environment::name),
        "server": found.map(|(server, _)| json!({
            "version": server.version,
            "user": server.user,
            "superuser": server.superuser,
            "tls": server.tls,
            "in_recovery": server.in_recovery,
        })),
        "database": {
            "name": report.target.database,
            "exists": found.is_some(),
            "bytes": found.map(|(_, database)| database.bytes),
        },
        "tool": tool(report.migrations),
        "migrations": standing(&report.standing),
        "tables": tables
            .iter()
            .map(|table| json!({ "name": table.name, "rows": table.rows, "bytes": table.bytes }))
            .collect::<Vec<_>>(),
        "settings": settings,
    })
}

fn signals(environment: &Resolved) -> Vec<Value> {
    let one = |signal: &Signal| json!({ "source": signal.source, "said": signal.said, "environment": signal.environment.name() });
    environment.signals.iter().map(one).collect()
}

fn tool(migrations: &Migrations) -> Value {
    json!({
        "name": migrations.layout.key(),
        "runner": if migrations.runner == Runner::Tool { "tool" } else { "builtin" },
        "set": migrations.set,
        "certain": migrations.layout.profile().is_certain,
    })
}

fn standing(standing: &Standing<'_>) -> Value {
    json!({
        "total": standing.total,
        "executed": standing.applied.len(),
        "pending": standing.pending.iter().map(|file| migration(file)).collect::<Vec<_>>(),
        "problems": standing.problems.iter().map(problem).collect::<Vec<_>>(),
        "last": standing.last().map(|last| json!({
            "version": last.version.to_string(),
            "name": last.name,
            "installed_on": last.installed_on
                .and_then(|when| when.format(&time::format_description::well_known::Rfc3339).ok()),
        })),
    })
}

fn backup(backup: &Backup) -> Value {
    let manifest = &backup.manifest;
    json!({
        "name": manifest.name,
        "format": manifest.format,
        "compression": manifest.compression,
        "database": manifest.database.name,
        "environment": manifest.environment,
        "finished": manifest.finished.format(&time::format_description::well_known::Rfc3339).ok(),
        "bytes": backup.bytes(),
        "verified": backup.is_verified(),
        "tables": manifest.tables.len(),
        "rows": manifest.tables.values().map(|table| table.rows).sum::<u64>(),
        "files": manifest.files.iter().map(|file| json!({ "path": file.path, "bytes": file.bytes })).collect::<Vec<_>>(),
    })
}

fn migration(migration: &Migration) -> Value {
    json!({ "version": migration.version.to_string(), "name": migration.name })
}

fn problem(problem: &Problem) -> Value {
    json!({
        "state": problem.trouble.name(),
        "version": problem.version.as_ref().map(ToString::to_string),
        "name": problem.name,
        "explanation": problem.explanation,
    })
}

fn deed(deed: &AppliedMigration) -> Value {
    json!({ "version": deed.version.to_string(), "name": deed.name, "duration_ms": deed.elapsed.as_millis() })
}

fn with_plan(plan: &Plan, more: Value) -> Value {
    let mut body = json!({
        "target": plan.target.to_string(),
        "environment": plan.environment.name(),
        "plan": {
            "id": plan.id().to_string(),
            "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
            "skipped": plan.skipped,
            "commands": plan.commands,
            "warnings": plan.warnings,
        },
    });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

fn step(step: &Step) -> Value {
    let losses = |losses: &[Loss]| -> Vec<Value> {
        losses.iter().map(|loss| json!({ "object": loss.object, "rows": loss.rows })).collect()
    };
    match step {
        Step::CreateDatabase { name } => json!({ "kind": "create-database", "name": name }),
        Step::CreateHistory { table } => json!({ "kind": "create-history", "name": table }),
        Step::Apply { migration } => json!({
            "kind": "apply",
            "version": migration.version.to_string(),
            "name": migration.name,
            "file": migration.up.path,
            "transaction": migration.up.transactional,
        }),
        Step::Revert { migration, losses: lost } => json!({
            "kind": "revert",
            "version": migration.version.to_string(),
            "name": migration.name,
            "file": migration.down.as_ref().map(|down| &down.path),
            "losses": losses(lost),
        }),
        Step::Record { migration: one } => {
            json!({ "kind": "record", "version": one.version.to_string(), "name": one.name })
        }
        Step::Rerecord { migration: one } => {
            json!({ "kind": "rerecord", "version": one.version.to_string(), "name": one.name })
        }
        Step::ClearFailed { migration: one } => {
            json!({ "kind": "clear-failed", "version": one.version.to_string(), "name": one.name })
        }
        Step::Clear { tables } => json!({ "kind": "clear", "losses": losses(tables) }),
        Step::Load { seed } => json!({ "kind": "load", "name": seed.path }),
        Step::Run { command } => json!({ "kind": "run", "command": command }),
        Step::Backup => json!({ "kind": "backup" }),
        Step::AllOrNothing { how } => json!({
            "kind": "all-or-nothing",
            "how": match how {
                Batch::OneTransaction => "one transaction",
                Batch::SwapBack { .. } => "the backup is swapped back in",
            },
        }),
        Step::BuildEmpty => json!({ "kind": "build-empty" }),
        Step::Mark { environment } => {
            json!({ "kind": "mark", "environment": environment.map(Environment::name) })
        }
        Step::Build { backup } => json!({ "kind": "build", "backup": backup }),
        Step::CreateRoles { names } => json!({ "kind": "create-roles", "names": names }),
        Step::Replace { what, backup, loses } => {
            json!({ "kind": "replace", "what": what, "backup": backup, "losses": losses(loses) })
        }
        Step::Swap { name, keeps_old, loses } => {
            json!({ "kind": "swap", "name": name, "keeps_old": keeps_old, "losses": losses(loses) })
        }
        Step::PutBack { kept, name } => json!({ "kind": "put-back", "kept": kept, "name": name }),
        Step::Remove { what } => json!({ "kind": "remove", "what": what }),
        Step::Name { name } => json!({ "kind": "name", "name": name }),
    }
}

/// A failure as one document.
pub(super) fn failure(verb: &str, failure: &Failure) -> String {
    let next: Vec<Value> = failure
        .hints()
        .into_iter()
        .map(|hint| json!({ "label": hint.label, "command": hint.command }))
        .collect();
    let mut document = document(verb, false);
    let error = json!({
        "code": failure.code(),
        "exit": failure.exit() as u8,
        "summary": failure.to_string(),
        "why": failure.why(),
        "done": failure.done(),
        "next": next,
    });
    document.insert("error".to_owned(), error);
    Value::Object(document).to_string()
}

/// A warning as one line.
pub(super) fn warning(text: &str) -> String {
    json!({ "event": "warning", "message": text }).to_string()
}

/// A command line that cannot be read, as one document.
pub(super) fn usage(summary: &str) -> String {
    let mut document = document("", false);
    let error = json!({
        "code": "USAGE", "exit": 2, "summary": summary, "why": [], "done": [],
        "next": [{ "label": "see the help", "command": "cargo db --help" }],
    });
    document.insert("error".to_owned(), error);
    Value::Object(document).to_string()
}

/// An event as one line.
pub(super) fn event(event: &Event) -> String {
    let value = match event {
        Event::ServerStarting { first_time } => {
            json!({ "event": "server-starting", "first_time": first_time })
        }
        Event::LockHeld { by, since } => json!({ "event": "lock-held", "by": by, "since": since }),
        Event::SessionOfKilledRunEnded { pid } => json!({ "event": "session-ended", "pid": pid }),
        Event::Started { doing, subject } => {
            json!({ "event": "started", "doing": doing, "subject": subject })
        }
        Event::Expected { count, of } => json!({ "event": "expected", "count": count, "of": of }),
        Event::Counted => json!({ "event": "counted" }),
        Event::Reconnecting { subject, attempt, attempts, pause } => json!({
            "event": "reconnecting", "subject": subject, "attempt": attempt, "attempts": attempts, "pause_ms": pause.as_millis(),
        }),
        Event::Passed { bytes } => json!({ "event": "passed", "bytes": bytes }),
        Event::Finished { done, subject, elapsed } => {
            json!({ "event": "finished", "done": done, "subject": subject, "duration_ms": elapsed.as_millis() })
        }
        Event::Retrying { subject, attempt, attempts, pause } => json!({
            "event": "retrying", "subject": subject, "attempt": attempt, "attempts": attempts, "pause_ms": pause.as_millis(),
        }),
        Event::Blocking { who } => json!({ "event": "blocking", "who": who }),
        Event::Building { phase, percent } => {
            json!({ "event": "building", "phase": phase, "percent": percent })
        }
        Event::InvalidIndexRemoved { index } => {
            json!({ "event": "invalid-index-removed", "index": index })
        }
        Event::ToolSaid { line } => json!({ "event": "tool-said", "line": line }),
        Event::Notice { severity, message } => {
            json!({ "event": "notice", "severity": severity, "message": message })
        }
    };
    value.to_string()
}
