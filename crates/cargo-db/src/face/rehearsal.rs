//! A rehearsal, for people, for a pull request, and for programs. What hurts stands first.

use std::path::Path;

use serde_json::{Value, json};

use crate::model::finding::{Finding, Severity};
use crate::model::migration::title;
use crate::model::rehearsal::{Foresight, Locked, Rehearsal, Rehearsed, WayBack};
use crate::model::target::Target;
use crate::plan::Plan;
use crate::ui::findings::{self, finding_json, summary};
use crate::ui::text::{elapsed, size};
use crate::ui::{BOLD, DIM, RED, Ui};

/// How many lines of a difference are shown.
const SHOWN: usize = 8;

/// The report on a terminal.
pub(super) fn text(target: &Target, rehearsal: &Rehearsal, ui: &Ui) -> String {
    let mut lines = vec![heading(target, rehearsal), String::new()];
    for migration in &rehearsal.migrations {
        lines.extend(one(migration, ui));
    }
    for broken in &rehearsal.broken {
        lines.push(format!("{} query {}", ui.out(RED, "BLOCK"), ui.out(BOLD, &broken.query)));
        lines.push(format!("  broken by {}: {}", broken.by, broken.why));
    }
    lines.push(String::new());
    lines.push(counts(rehearsal));
    lines.extend(
        rehearsal.kept.as_ref().map(|kept| format!("the scratch database is kept as {kept}")),
    );
    lines.join("\n")
}

fn heading(target: &Target, rehearsal: &Rehearsal) -> String {
    let what = rehearsal.basis.describe(&target.database);
    format!("Rehearsed on {what}, made in {}", elapsed(rehearsal.copied))
}

fn counts(rehearsal: &Rehearsal) -> String {
    summary(rehearsal.migrations.iter().map(|migration| migration.verdict), "migration")
}

fn one(migration: &Rehearsed, ui: &Ui) -> Vec<String> {
    let name = title(&migration.version, &migration.name);
    let mut lines = vec![format!(
        "{} {}  {}",
        findings::verdict(migration.verdict, ui),
        ui.out(BOLD, &name),
        ui.out(DIM, &facts(migration))
    )];
    lines.extend(migration.findings.iter().flat_map(|found| findings::finding(found, ui)));
    for lock in &migration.locks {
        lines.push(format!("  line {:<4} {}", lock.line, ui.out(DIM, &locked(lock))));
    }
    let details = migration.way_back.details();
    lines.extend(
        details.iter().take(SHOWN).map(|detail| ui.out(DIM, &format!("    way back: {detail}"))),
    );
    if details.len() > SHOWN {
        lines.push(ui.out(DIM, &format!("    way back: and {} more", details.len() - SHOWN)));
    }
    lines
}

fn facts(migration: &Rehearsed) -> String {
    let wal = if migration.wal > 1 << 20 {
        format!(", {} of log", size(migration.wal))
    } else {
        String::new()
    };
    format!("{}{wal}, way back: {}", elapsed(migration.duration), migration.way_back.word())
}

fn locked(lock: &Locked) -> String {
    let estimated =
        lock.estimated.map(|time| format!(", there about {} (an estimate)", elapsed(time)));
    format!(
        "{} wait for {} on {} ({}){}",
        lock.blocks,
        elapsed(lock.held),
        lock.table,
        lock.mode.trim_end_matches("Lock"),
        estimated.unwrap_or_default()
    )
}

/// What is known of the migrations of a plan.
pub(super) fn foresight(plan: &Plan, foresight: &Foresight, ui: &Ui) -> String {
    match foresight {
        Foresight::Rehearsed(rehearsal) => text(&plan.target, rehearsal, ui),
        Foresight::Checked(checked) => findings::checked(checked, ui),
        Foresight::Receipt { when: Some(when), .. } => format!("the receipt of {when} holds"),
        Foresight::Receipt { when: None, objections } => {
            let lines = objections.iter().map(|objection| format!("\n  {objection}"));
            format!("no receipt of a rehearsal holds{}", lines.collect::<String>())
        }
    }
}

/// The same for programs.
pub(super) fn foresight_json(plan: &Plan, foresight: &Foresight) -> Value {
    match foresight {
        Foresight::Rehearsed(rehearsal) => json!({ "rehearsal": body(&plan.target, rehearsal) }),
        Foresight::Checked(checked) => {
            json!({ "check": checked.iter().map(findings::checked_json).collect::<Vec<_>>() })
        }
        Foresight::Receipt { when, objections } => {
            json!({ "receipt": when, "objections": objections })
        }
    }
}

/// The report as Markdown: a table, and what hurts below it.
pub(super) fn markdown(target: &Target, rehearsal: &Rehearsal) -> String {
    let mut lines = vec![
        format!("**{}**", counts(rehearsal)),
        String::new(),
        format!("{}.", heading(target, rehearsal)),
        String::new(),
        "| | migration | took | way back | locks |".to_owned(),
        "|---|---|--:|---|---|".to_owned(),
    ];
    for migration in &rehearsal.migrations {
        let locks: Vec<String> = migration
            .locks
            .iter()
            .map(|lock| format!("`{}`: {}", lock.table, lock.blocks))
            .collect();
        lines.push(format!(
            "| **{}** | {} {} | {} | {} | {} |",
            migration.verdict.word(),
            migration.version,
            migration.name,
            elapsed(migration.duration),
            migration.way_back.word(),
            locks.join(", ")
        ));
    }
    for migration in rehearsal.migrations.iter().filter(|migration| !migration.findings.is_empty())
    {
        lines.push(format!("\n**{}**\n", title(&migration.version, &migration.name)));
        lines.extend(migration.findings.iter().map(bullet));
        if let WayBack::Lossy(details) | WayBack::Wrong(details) = &migration.way_back {
            lines.extend(details.iter().take(SHOWN).map(|detail| format!("- way back: {detail}")));
        }
    }
    if !rehearsal.broken.is_empty() {
        lines.push("\n**Queries that break**\n".to_owned());
        lines.extend(
            rehearsal
                .broken
                .iter()
                .map(|broken| format!("- `{}`, by {}: {}", broken.query, broken.by, broken.why)),
        );
    }
    lines.join("\n")
}

fn bullet(finding: &Finding) -> String {
    let word = if finding.severity == Severity::Block { "BLOCK" } else { "WARN" };
    let object = finding.object.as_ref().map(|object| format!(" `{object}`:")).unwrap_or_default();
    format!("- {word} line {}, {}:{object} {}", finding.line, finding.rule, finding.evidence)
}

/// The report for programs.
pub(super) fn json(target: &Target, rehearsal: &Rehearsal, receipt: &Path) -> Value {
    let mut report = body(target, rehearsal);
    report["target"] = json!(target.to_string());
    report["receipt"] = json!(receipt);
    report
}

fn body(target: &Target, rehearsal: &Rehearsal) -> Value {
    let one = |migration: &Rehearsed| {
        let lock = |lock: &Locked| {
            json!({
                "table": lock.table,
                "mode": lock.mode,
                "blocks": lock.blocks,
                "line": lock.line,
                "held_ms": milliseconds(lock.held),
                "estimated_ms": lock.estimated.map(milliseconds),
            })
        };
        let rows: Vec<Value> = migration
            .rows
            .iter()
            .map(|(table, rows)| {
                json!({ "table": table, "inserted": rows.inserted, "updated": rows.updated, "deleted": rows.deleted })
            })
            .collect();
        json!({
            "version": migration.version,
            "name": migration.name,
            "file": migration.file,
            "verdict": migration.verdict.word(),
            "findings": migration.findings.iter().map(finding_json).collect::<Vec<_>>(),
            "locks": migration.locks.iter().map(lock).collect::<Vec<_>>(),
            "rows": rows,
            "duration_ms": milliseconds(migration.duration),
            "wal_bytes": migration.wal,
            "way_back": { "is": migration.way_back.word(), "details": migration.way_back.details() },
            "changes": migration.changes,
        })
    };
    let broken: Vec<Value> = rehearsal
        .broken
        .iter()
        .map(|broken| json!({ "query": broken.query, "by": broken.by, "why": broken.why }))
        .collect();
    json!({
        "basis": rehearsal.basis.describe(&target.database),
        "verdict": rehearsal.verdict().word(),
        "copied_ms": milliseconds(rehearsal.copied),
        "migrations": rehearsal.migrations.iter().map(one).collect::<Vec<_>>(),
        "broken_queries": broken,
        "kept": rehearsal.kept,
    })
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
