//! From measurements to findings. Pure: what was measured in, what a reviewer should know out.

use std::collections::BTreeMap;
use std::time::Duration;

use pg_sql::lexer::words;

use crate::check::finding;
use crate::model::finding::{Class, Expected, Finding, Severity};
use crate::model::rehearsal::{Guard, Locked, RowChanges, WayBack};
use crate::rehearse::capture::Kept;
use crate::rehearse::fingerprint::Change;
use crate::rehearse::measure::{Lost, Measured};
use crate::rehearse::snapshot::Mode;

/// Work of another kind, while nobody can read a table, is too much from here on.
const WORK_AT_MOST: u64 = 1000;
const WAIT_AT_MOST: Duration = Duration::from_millis(500);
/// As many scans of one table in one statement are a missing index.
const SCANS_AT_MOST: u64 = 20;

/// What one statement did that somebody should know of.
pub(super) fn findings(measured: &Measured) -> Vec<Finding> {
    let mut found = losses(measured);
    found.extend(locked(measured));
    found
}

/// A finding about an object, with the number that an `expect` bounds.
fn about(measured: &Measured, rule: &str, object: &str, rows: u64, evidence: String) -> Finding {
    let object = short(object);
    let mut found = finding(rule, measured.line, &measured.text, evidence);
    if found.class == Class::Loss && found.severity == Severity::Block {
        found.help =
            Some(format!("if that is meant: `-- cargo-db: expect loss {object} <= {rows}`"));
    }
    (found.object, found.rows) = (Some(object.to_owned()), Some(rows));
    found
}

/// Rows and values that go.
fn losses(measured: &Measured) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |rule: &str, object: &str, rows: u64, evidence: String| {
        found.push(about(measured, rule, object, rows, evidence));
    };
    for lost in measured.lost.iter().filter(|lost| lost.rows > 0) {
        let (object, rows) = (lost.object(), grouped(lost.rows));
        if lost.column.is_some() {
            add("values-lost", &object, lost.rows, format!("{rows} values go with the column"));
        } else {
            add("rows-lost", &object, lost.rows, format!("{}, with {rows} rows", lost.how));
        }
    }
    for (table, counts) in &measured.changed {
        if counts.deleted > 0 && !measured.lost.iter().any(|lost| lost.table == *table) {
            add(
                "rows-lost",
                table,
                counts.deleted,
                format!("{} rows deleted", grouped(counts.deleted)),
            );
        }
        if counts.updated > 0 && !measured.captured.contains(table) {
            let evidence = format!(
                "{} rows updated; whether values went is not known",
                grouped(counts.updated)
            );
            add("values-overwritten", table, counts.updated, evidence);
        }
    }
    for kept in &measured.kept {
        match kept {
            Kept::Overwritten { object, values, before, after } if after < before => {
                let (count, before, after) = (grouped(*values), grouped(*before), grouped(*after));
                let evidence =
                    format!("{count} values overwritten: {before} different ones became {after}");
                add("values-lost", object, *values, evidence);
            }
            Kept::Overwritten { object, values, .. } => {
                add(
                    "values-overwritten",
                    object,
                    *values,
                    format!("{} values are others now", grouped(*values)),
                );
            }
            Kept::Retyped { object, values: Some(values) } => {
                let evidence = format!("{} values do not survive the new type", grouped(*values));
                add("values-lost", object, *values, evidence);
            }
            Kept::Retyped { object, values: None } => {
                add(
                    "values-overwritten",
                    object,
                    0,
                    "whether values survive the new type is not known".to_owned(),
                );
            }
        }
    }
    found
}

/// What others have to wait for.
fn locked(measured: &Measured) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |rule: &str, object: &str, rows: u64, evidence: String| {
        found.push(about(measured, rule, object, rows, evidence));
    };
    for (table, rows) in &measured.rewritten {
        add("rewrite", table, *rows, format!("the table is written anew, {} rows", grouped(*rows)));
    }
    for scan in &measured.scans {
        let needs = if scan.is_view { Mode::AccessExclusive } else { Mode::Share };
        let rewritten = measured.rewritten.iter().any(|(table, _)| *table == scan.table);
        if let Some(mode) = scan.under.filter(|mode| *mode >= needs && !rewritten) {
            let who = mode.blocks().unwrap_or_default();
            let evidence = format!("reads {} rows while {who} wait", grouped(scan.rows));
            add("scan-under-lock", &scan.table, scan.rows, evidence);
        }
        if scan.times >= SCANS_AT_MOST {
            let evidence = format!("read whole {} times: an index is missing", grouped(scan.times));
            add("missing-index", &scan.table, scan.rows, evidence);
        }
    }
    let work: u64 = measured
        .changed
        .iter()
        .map(|(_, counts)| counts.inserted + counts.updated + counts.deleted)
        .sum();
    if let Some(table) =
        measured.shut.first().filter(|_| work > WORK_AT_MOST || measured.elapsed > WAIT_AT_MOST)
    {
        let (millis, work_) = (measured.elapsed.as_millis(), grouped(work));
        let evidence = format!(
            "an earlier statement has shut it: {millis} ms and {work_} rows of other work meanwhile"
        );
        add("work-under-lock", table, work, evidence);
    }
    found
}

/// The strongest lock on each table that others wait for, and how long it was held: from the
/// statement that took it to the end of the transaction.
pub(super) fn locks(measured: &[Measured], inside: bool) -> Vec<Locked> {
    let mut locks: Vec<(Mode, usize, Locked)> = Vec::new();
    for (index, statement) in measured.iter().enumerate() {
        for (table, mode) in &statement.taken {
            let Some(blocks) = mode.blocks() else { continue };
            let from = locks
                .iter()
                .find(|(_, _, lock)| lock.table == short(table))
                .map_or(index, |(_, from, _)| *from);
            locks.retain(|(_, _, lock)| lock.table != short(table));
            let until = if inside { measured.len() } else { index + 1 };
            let held = measured[from..until].iter().map(|statement| statement.elapsed).sum();
            let (table, mode_) = (short(table).to_owned(), format!("{mode:?}Lock"));
            let locked =
                Locked { table, mode: mode_, blocks, line: statement.line, held, estimated: None };
            locks.push((*mode, from, locked));
        }
    }
    locks.sort_by(|a, b| (b.0, &a.2.table).cmp(&(a.0, &b.2.table)));
    locks.into_iter().map(|(_, _, lock)| lock).collect()
}

/// Locks that were held for long, whatever was done meanwhile.
pub(super) fn held_long(locks: &[Locked], found: &[Finding]) -> Vec<Finding> {
    let known = |table: &str| {
        found
            .iter()
            .any(|finding| finding.class == Class::Lock && finding.object.as_deref() == Some(table))
    };
    let long = locks.iter().filter(|lock| lock.held > WAIT_AT_MOST && !known(&lock.table));
    let held = |lock: &Locked| {
        let evidence = format!("{} wait for {} ms", lock.blocks, lock.held.as_millis());
        let mut found = finding("work-under-lock", lock.line, "", evidence);
        (found.object, found.rows) = (Some(lock.table.clone()), Some(0));
        found
    };
    long.map(held).collect()
}

/// What the statements did to the rows of each table.
pub(super) fn row_changes(measured: &[Measured]) -> BTreeMap<String, RowChanges> {
    let mut rows: BTreeMap<String, RowChanges> = BTreeMap::new();
    for (table, counts) in measured.iter().flat_map(|statement| &statement.changed) {
        let sum = rows.entry(short(table).to_owned()).or_default();
        sum.inserted += counts.inserted;
        sum.updated += counts.updated;
        sum.deleted += counts.deleted;
    }
    rows
}

/// What is left of the static findings once it was measured: locks and losses were measured, and
/// whether it can run; names were not.
pub(super) fn beside_measurement(found: Vec<Finding>) -> Vec<Finding> {
    let answered = [
        "syntax",
        "enum-value-in-same-transaction",
        "concurrently-in-transaction",
        "dynamic-execute",
    ];
    let stays = |finding: &Finding| match finding.class {
        Class::Form => !answered.contains(&finding.rule.as_str()),
        Class::Compatibility => true,
        Class::Loss | Class::Lock => false,
    };
    found.into_iter().filter(stays).collect()
}

/// A name that programs use and that is another one now.
pub(super) fn changed(change: Change, line: usize) -> Finding {
    let object = Some(short(&change.object).to_owned());
    Finding { object, ..finding(change.rule, line, "", change.evidence) }
}

/// Whether a finding is of rows or values that are gone.
pub(super) fn is_lost(finding: &Finding) -> bool {
    finding.class == Class::Loss && finding.severity == Severity::Block
}

/// What a down migration is, by what was lost there and back, and what is different afterwards.
pub(super) fn way_back(there: &[Finding], back: &[Finding], difference: &[String]) -> WayBack {
    if !difference.is_empty() {
        return WayBack::Wrong(difference.to_vec());
    }
    let line = |finding: &Finding| {
        format!("{}: {}", finding.object.as_deref().unwrap_or_default(), finding.evidence)
    };
    let lost: Vec<String> =
        there.iter().chain(back).filter(|finding| is_lost(finding)).map(line).collect();
    if lost.is_empty() { WayBack::Proved } else { WayBack::Lossy(lost) }
}

/// The line of the first statement that names an object, as far as that can be told.
pub(super) fn line_naming(object: &str, measured: &[Measured]) -> usize {
    let last = object.rsplit('.').next().unwrap_or(object).trim_matches('"');
    let names = |statement: &&Measured| words(&statement.text).iter().any(|word| word == last);
    measured.iter().find(names).map_or(1, |statement| statement.line)
}

/// The losses that the file expects, which are counted again just before the real run: what goes as
/// a whole can be counted before it goes.
pub(super) fn guards(measured: &[Measured], expected: &[Expected]) -> Vec<Guard> {
    let lost = measured.iter().flat_map(|statement| &statement.lost);
    let guard = |lost: &Lost| {
        let object = lost.object();
        let names = |expected: &&Expected| {
            expected.hazard == "loss" && short(&expected.object) == short(&object)
        };
        let bound = expected.iter().find(names)?.bound;
        let (table, column) = lost.was.clone()?;
        Some(Guard { table, column, bound })
    };
    lost.filter_map(guard).collect()
}

/// Whether nothing but locks and time stand in the way.
pub(crate) fn only_locks(findings: &[Finding]) -> bool {
    let mut blocks = findings.iter().filter(|finding| finding.severity == Severity::Block);
    blocks.all(|finding| finding.class == Class::Lock)
}

/// A name without the schema that everybody expects.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("public.").unwrap_or(name)
}

/// A number that can be read: `18,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
