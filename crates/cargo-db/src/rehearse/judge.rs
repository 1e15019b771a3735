//! Turns measurements into findings. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pg_sql::lexer::words;

use crate::check::finding;
use crate::failure::Result;
use crate::model::finding::{Class, Expected, Finding, Severity};
use crate::model::rehearsal::{Guard, LockWork, LockedTable, RowChanges};
use crate::rehearse::capture::CaptureOutcome;
use crate::rehearse::measured::{Measured, Scanned, StatementLoss};
use crate::rehearse::partitions::Partitions;
use crate::rehearse::schema_facts::CatalogChange;
use crate::rehearse::snapshot::{Counts, LockMode, Oid};
use pg_sql::name::short;

/// The amount of other work that is too much while a table cannot be read.
const WORK_AT_MOST: u64 = 1000;
const WAIT_AT_MOST: Duration = Duration::from_millis(500);
/// As many scans of one table in one statement are a missing index.
const SCANS_AT_MOST: u64 = 20;

/// The findings about one statement.
pub(super) fn findings(measured: &Measured) -> Vec<Finding> {
    let mut found = losses(measured);
    found.extend(uncounted(measured));
    found.extend(locked(measured));
    found
}

/// A finding about an object, with the number that an `expect` bounds.
fn about(measured: &Measured, rule: &str, object: &str, rows: u64, evidence: String) -> Finding {
    let mut found = finding(rule, measured.line, &measured.text, evidence);
    (found.object, found.rows) = (Some(short(object).to_owned()), Some(rows));
    found
}

/// Rows and values that go.
fn losses(measured: &Measured) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |rule: &str, object: &str, rows: u64, evidence: String| {
        found.push(about(measured, rule, object, rows, evidence));
    };
    for lost in &measured.lost {
        let Some(count) = lost.rows.filter(|rows| *rows > 0) else { continue };
        let (object, rows) = (lost.object(), grouped(count));
        if lost.column.is_some() {
            let values = if count == 1 { "value is" } else { "values are" };
            add("values-lost", &object, count, format!("{rows} {values} lost with the column"));
        } else {
            add("rows-lost", &object, count, format!("{}, with {rows} rows", lost.how));
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
                "{} rows were updated; it is unknown whether values were lost",
                grouped(counts.updated)
            );
            add("values-overwritten", table, counts.updated, evidence);
        }
    }
    for kept in &measured.kept {
        let (rule, object, rows, evidence) = of_values(kept);
        add(rule, object, rows, evidence);
    }
    found
}

/// Losses and changes that could not be counted.
fn uncounted(measured: &Measured) -> Vec<Finding> {
    let not_counted = |object: &str, evidence: String| {
        let mut found = finding("not-counted", measured.line, &measured.text, evidence);
        found.object = Some(short(object).to_owned());
        found
    };
    let lost = measured.lost.iter().filter(|lost| lost.rows.is_none()).map(|lost| {
        let what = if lost.column.is_some() { "values" } else { "rows" };
        not_counted(&lost.object(), format!("{}; it is unknown how many {what} are lost", lost.how))
    });
    let hidden = measured.hidden.iter().map(|object| {
        let why = "not all of its rows are visible: the effect of the statement is unknown";
        not_counted(object, why.to_owned())
    });
    lost.chain(hidden).collect()
}

/// What became of values that were kept aside: the rule, the column, how many, and in words.
fn of_values(kept: &CaptureOutcome) -> (&'static str, &str, u64, String) {
    match kept {
        CaptureOutcome::Overwritten { object, values, before, after } if after < before => {
            let (count, before, after) = (grouped(*values), grouped(*before), grouped(*after));
            let evidence = format!(
                "{count} values were overwritten: {before} different values became {after}"
            );
            ("values-lost", object, *values, evidence)
        }
        CaptureOutcome::Overwritten { object, values, .. } => {
            let evidence = format!("{} values were changed", grouped(*values));
            ("values-overwritten", object, *values, evidence)
        }
        CaptureOutcome::Rekeyed { object, rows } => {
            let evidence = format!("the primary keys of {} rows changed", grouped(*rows));
            ("keys-changed", object, *rows, evidence)
        }
        CaptureOutcome::Retyped { object, values: Some(values) } => {
            let evidence = format!("{} values do not fit the new type", grouped(*values));
            ("values-lost", object, *values, evidence)
        }
        CaptureOutcome::Retyped { object, values: None } => {
            let evidence = "it is unknown whether the values fit the new type".to_owned();
            ("values-overwritten", object, 0, evidence)
        }
    }
}

/// The locks that block other sessions.
fn locked(measured: &Measured) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |rule: &str, object: &str, rows: u64, evidence: String| {
        let one = about(measured, rule, object, rows, evidence);
        let severity = if is_slight(measured, rows) { Severity::Warn } else { one.severity };
        found.push(Finding { severity, ..one });
    };
    for (table, rows) in &measured.rewritten {
        add("rewrite", table, *rows, format!("the table is rewritten, {} rows", grouped(*rows)));
    }
    for scan in &measured.scans {
        let rewritten = measured.rewritten.iter().any(|(table, _)| *table == scan.table);
        if let Some(mode) = blocking_lock(scan).filter(|_| !rewritten) {
            let who = mode.blocks().unwrap_or_default();
            let evidence = format!("scans {} rows while {who} wait", grouped(scan.rows));
            add("scan-under-lock", &scan.table, scan.rows, evidence);
        }
        if scan.times >= SCANS_AT_MOST {
            let evidence = format!("scanned {} times: an index is missing", grouped(scan.times));
            add("missing-index", &scan.table, scan.rows, evidence);
        }
    }
    let work = written(measured);
    if let Some(table) = measured.shut.first().filter(|_| is_too_much_work(measured)) {
        let (millis, work_) = (measured.elapsed.as_millis(), grouped(work));
        let evidence = format!(
            "an earlier statement locked it; meanwhile, other work took {millis} ms and processed \
             {work_} rows"
        );
        add("work-under-lock", table, work.max(measured.shut_rows), evidence);
    }
    found
}

/// Whether other clients hardly notice the statement's work on this many rows.
pub(super) fn is_slight(measured: &Measured, rows: u64) -> bool {
    work(measured, "", LockMode::AccessExclusive, rows).is_minor()
}

/// Whether a statement does more than other sessions should wait for.
pub(super) fn is_too_much_work(measured: &Measured) -> bool {
    written(measured) > WORK_AT_MOST || measured.elapsed > WAIT_AT_MOST
}

/// How many rows a statement has written, in all tables.
fn written(measured: &Measured) -> u64 {
    let of_table = |counts: &Counts| counts.inserted + counts.updated + counts.deleted;
    measured.changed.iter().map(|(_, counts)| of_table(counts)).sum()
}

/// The lock under which a scan blocks other sessions.
fn blocking_lock(scan: &Scanned) -> Option<LockMode> {
    let needs = if scan.is_view { LockMode::AccessExclusive } else { LockMode::Share };
    scan.under.filter(|mode| *mode >= needs)
}

fn work(measured: &Measured, table: &str, mode: LockMode, rows: u64) -> LockWork {
    let ms = u64::try_from(measured.elapsed.as_millis()).unwrap_or(u64::MAX);
    let (table, mode) = (table.to_owned(), mode.server_name());
    LockWork { table, mode, locked: None, rows, ms, bound: None }
}

/// The scans of a statement that writes about as many rows as it reads, while a table is locked by
/// an earlier statement.
fn scans_under_lock(measured: &Measured) -> Vec<LockWork> {
    let Some(locked) = measured.shut.first() else { return Vec::new() };
    let written = written(measured);
    let grows = |scan: &&Scanned| written > 0 && written >= scan.rows / 2;
    let of_scan = |scan: &Scanned| {
        let rows = scan.rows.max(written);
        let work = work(measured, &scan.table, LockMode::AccessExclusive, rows);
        LockWork { locked: Some(locked.clone()), ..work }
    };
    measured.scans.iter().filter(grows).map(of_scan).collect()
}

/// The work on all rows of a table that the statements did while they blocked other sessions, with
/// the bound that the author expects.
pub(super) fn lock_work(
    measured: &[Measured],
    partitions: &Partitions,
    expected: &[Expected],
) -> Vec<LockWork> {
    let of_one = |one: &Measured| {
        let rewritten = one.rewritten.iter();
        let rewritten =
            rewritten.map(|(table, rows)| work(one, table, LockMode::AccessExclusive, *rows));
        let scanned = one
            .scans
            .iter()
            .filter_map(|scan| Some(work(one, &scan.table, blocking_lock(scan)?, scan.rows)));
        let works = rewritten.chain(scanned).chain(scans_under_lock(one)).collect();
        partitions.sum(works, &one.text)
    };
    let bound = |work: &LockWork| {
        let of_lock = expected.iter().filter(|expected| expected.hazard == "lock");
        let of_it = of_lock.filter(|expected| short(&expected.object) == short(work.locked()));
        of_it.map(|expected| expected.bound).max()
    };
    let all = measured.iter().flat_map(of_one);
    all.map(|work| LockWork { bound: bound(&work), ..work }).collect()
}

/// The strongest blocking lock on each table, and how long it was held: from the statement that
/// took it to the end of the transaction.
pub(super) fn locks(measured: &[Measured], inside: bool) -> Vec<LockedTable> {
    let mut locks: Vec<(LockMode, usize, LockedTable)> = Vec::new();
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
            let locked = LockedTable {
                table: short(table).to_owned(),
                mode: mode.server_name(),
                blocks,
                line: statement.line,
                held,
                estimated: None,
            };
            locks.push((*mode, from, locked));
        }
    }
    locks.sort_by(|a, b| (b.0, &a.2.table).cmp(&(a.0, &b.2.table)));
    locks.into_iter().map(|(_, _, lock)| lock).collect()
}

/// Locks that were held for long, whatever ran under them, unless another blocking finding is about
/// the table's locks.
///
/// `rows` returns the number of rows of a table.
pub(super) fn held_long(
    locks: &[LockedTable],
    found: &[Finding],
    rows: &mut dyn FnMut(&str) -> Result<u64>,
) -> Result<Vec<Finding>> {
    let known = |table: &str| {
        let mut of_locks = found.iter().filter(|finding| finding.class == Class::Lock);
        of_locks.any(|one| one.severity > Severity::Warn && one.object.as_deref() == Some(table))
    };
    let long = locks.iter().filter(|lock| lock.held > WAIT_AT_MOST && !known(&lock.table));
    let held = |lock: &LockedTable| -> Result<Finding> {
        let evidence = format!("{} wait for {} ms", lock.blocks, lock.held.as_millis());
        let mut found = finding("work-under-lock", lock.line, "", evidence);
        (found.object, found.rows) = (Some(lock.table.clone()), Some(rows(&lock.table)?));
        Ok(found)
    };
    long.map(held).collect()
}

/// All tables that the statements touched; `None` if that is unknown for one of them.
pub(super) fn touched(measured: &[Measured]) -> Option<BTreeSet<Oid>> {
    let all: Option<Vec<&BTreeSet<Oid>>> =
        measured.iter().map(|statement| statement.touched.as_ref()).collect();
    Some(all?.into_iter().flatten().copied().collect())
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
pub(super) fn unmeasured_findings(found: Vec<Finding>) -> Vec<Finding> {
    let answered = [
        "syntax",
        "enum-value-in-same-transaction",
        "concurrently-in-transaction",
        "dynamic-execute",
    ];
    let stays = |finding: &Finding| match finding.class {
        Class::Form => !answered.contains(&finding.rule.as_str()),
        Class::Compatibility => true,
        Class::Loss | Class::Integrity | Class::Lock => false,
    };
    found.into_iter().filter(stays).collect()
}

/// A name that programs use and that has changed.
pub(super) fn changed(change: CatalogChange, line: usize) -> Finding {
    let object = Some(short(&change.object).to_owned());
    Finding { object, ..finding(change.rule, line, "", change.evidence) }
}

/// Whether a finding is about rows or values that are lost, or may be.
pub(super) fn is_lost(finding: &Finding) -> bool {
    finding.class == Class::Loss && finding.severity > Severity::Warn
}

/// The line of the first statement that names an object, as far as that can be determined.
pub(super) fn line_naming(object: &str, measured: &[Measured]) -> usize {
    let last = object.rsplit('.').next().unwrap_or(object).trim_matches('"');
    let names = |statement: &&Measured| words(&statement.text).iter().any(|word| word == last);
    measured.iter().find(names).map_or(1, |statement| statement.line)
}

/// The losses that the file expects and that are counted again just before the real run: only
/// complete losses can be counted in advance. Those of partitions may be expected of their table.
pub(super) fn guards(
    measured: &[Measured],
    partitions: &Partitions,
    expected: &[Expected],
) -> Vec<Guard> {
    let bound = |object: &str| {
        let names = |expected: &&Expected| {
            expected.hazard == "loss" && short(&expected.object) == short(object)
        };
        expected.iter().filter(names).map(|expected| expected.bound).max()
    };
    let guard = |lost: &StatementLoss| {
        let (table, column) = lost.was.clone()?;
        if let Some(bound) = bound(&lost.object()) {
            return Some(Guard { table, column, bound });
        }
        let table = partitions.root_of(&lost.table)?.to_owned();
        let whole = StatementLoss { table: table.clone(), ..lost.clone() };
        Some(Guard { table, column, bound: bound(&whole.object())? })
    };
    let mut guards: Vec<Guard> = Vec::new();
    for guard in measured.iter().flat_map(|statement| &statement.lost).filter_map(guard) {
        if !guards.contains(&guard) {
            guards.push(guard);
        }
    }
    guards
}

/// Whether the only blocking findings are about locks and durations.
pub(crate) fn only_locks(findings: &[Finding]) -> bool {
    let mut blocks = findings.iter().filter(|finding| finding.severity > Severity::Warn);
    blocks.all(|finding| finding.class == Class::Lock)
}

/// A number that can be read: `18,000`.
pub(super) fn grouped(number: u64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(elapsed: u64) -> Measured {
        Measured { line: 3, elapsed: Duration::from_millis(elapsed), ..Measured::default() }
    }

    fn lost(column: Option<&str>, rows: u64) -> StatementLoss {
        let (how, table) = ("table dropped", "public.a".to_owned());
        let (column, rows) = (column.map(str::to_owned), Some(rows));
        StatementLoss { how, table, column, rows, is_empty: false, was: None }
    }

    fn scan(rows: u64, times: u64, under: Option<LockMode>, is_view: bool) -> Scanned {
        Scanned { table: "public.a".to_owned(), rows, times, under, is_view }
    }

    /// Rule, object, rows and evidence of each finding.
    fn told(found: &[Finding]) -> Vec<String> {
        let line = |found: &Finding| {
            let object = found.object.as_deref().unwrap_or("-");
            let rows = found.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
            format!("{} {object} {rows}: {}", found.rule, found.evidence)
        };
        found.iter().map(line).collect()
    }

    #[test]
    fn dropped_rows_and_values_are_losses_unless_there_are_none() {
        let all = vec![lost(None, 18_000), lost(Some("x"), 7), lost(None, 0)];
        let found = findings(&Measured { lost: all, ..measured(1) });
        assert_eq!(
            told(&found),
            [
                "rows-lost a 18000: table dropped, with 18,000 rows",
                "values-lost a.x 7: 7 values are lost with the column",
            ]
        );
        assert_eq!(found[0].expectation().as_deref(), Some("loss a <= 18000"));
        assert_eq!(found[0].line, 3);
        assert!(found.iter().all(is_lost));
    }

    #[test]
    fn rows_of_a_dropped_table_are_reported_once() {
        let counts = Counts { deleted: 5, ..Counts::default() };
        let changed = vec![("public.a".to_owned(), counts), ("s.b".to_owned(), counts)];
        let found = findings(&Measured { lost: vec![lost(None, 5)], changed, ..measured(1) });
        assert_eq!(
            told(&found),
            ["rows-lost a 5: table dropped, with 5 rows", "rows-lost s.b 5: 5 rows deleted"]
        );
    }

    #[test]
    fn updated_rows_are_reported_unless_their_values_were_stored() {
        let counts = Counts { updated: 2, ..Counts::default() };
        let changed = vec![("public.a".to_owned(), counts)];
        let mut measured = Measured { changed, ..measured(1) };
        let why =
            "values-overwritten a 2: 2 rows were updated; it is unknown whether values were lost";
        assert_eq!(told(&findings(&measured)), [why]);
        measured.captured.push("public.a".to_owned());
        assert_eq!(told(&findings(&measured)), Vec::<String>::new());
    }

    #[test]
    fn fewer_different_values_are_lost_and_others_only_overwritten() {
        let object = "public.a.x".to_owned();
        let kept = vec![
            CaptureOutcome::Overwritten { object: object.clone(), values: 9, before: 4, after: 1 },
            CaptureOutcome::Overwritten { object: object.clone(), values: 9, before: 4, after: 4 },
            CaptureOutcome::Retyped { object: object.clone(), values: Some(2) },
            CaptureOutcome::Retyped { object, values: None },
        ];
        assert_eq!(
            told(&findings(&Measured { kept, ..measured(1) })),
            [
                "values-lost a.x 9: 9 values were overwritten: 4 different values became 1",
                "values-overwritten a.x 9: 9 values were changed",
                "values-lost a.x 2: 2 values do not fit the new type",
                "values-overwritten a.x 0: it is unknown whether the values fit the new type",
            ]
        );
    }

    #[test]
    fn a_scan_is_reported_if_it_blocks_other_sessions() {
        let of = |scans: Vec<Scanned>| told(&findings(&Measured { scans, ..measured(1) }));
        let writes = "scan-under-lock a 10: scans 10 rows while writes wait";
        assert_eq!(of(vec![scan(10, 1, Some(LockMode::Share), false)]), [writes]);
        assert_eq!(
            of(vec![scan(10, 1, Some(LockMode::RowExclusive), false)]),
            Vec::<String>::new()
        );
        // Nobody writes to a materialized view.
        assert_eq!(of(vec![scan(10, 1, Some(LockMode::Share), true)]), Vec::<String>::new());
        let missing = "missing-index a 10: scanned 20 times: an index is missing";
        assert_eq!(of(vec![scan(10, 20, None, false)]), [missing]);
        assert_eq!(of(vec![scan(10, 19, None, false)]), Vec::<String>::new());
    }

    #[test]
    fn a_lock_of_a_small_table_for_a_moment_is_a_warning() {
        let severity = |rows: u64, elapsed: u64| {
            let scans = vec![scan(rows, 1, Some(LockMode::Share), false)];
            let found = findings(&Measured { scans, ..measured(elapsed) });
            found.iter().map(|one| one.severity).collect::<Vec<_>>()
        };
        assert_eq!(severity(9_999, 49), [Severity::Warn]);
        assert_eq!(severity(10_000, 1), [Severity::Block]);
        assert_eq!(severity(2, 50), [Severity::Block]);
        let rewritten = vec![("public.a".to_owned(), 2)];
        let found = findings(&Measured { rewritten, ..measured(1) });
        assert_eq!(found[0].severity, Severity::Warn);
        // A loss blocks, however few rows are lost.
        let found = findings(&Measured { lost: vec![lost(None, 2)], ..measured(1) });
        assert_eq!(found[0].severity, Severity::Block);
    }

    #[test]
    fn work_under_locks_is_recorded_with_what_the_file_expects() {
        let scans = vec![scan(20_000, 1, Some(LockMode::Share), false), scan(5, 1, None, false)];
        let rewritten = vec![("s.b".to_owned(), 3)];
        let all = [Measured { scans, rewritten, ..measured(7) }];
        let expected =
            Expected { line: 1, hazard: "lock".to_owned(), object: "a".to_owned(), bound: 9 };
        // Of several expectations, the largest counts, as it does for findings.
        let works = lock_work(
            &all,
            &Partitions::default(),
            &[Expected { bound: 7, ..expected.clone() }, expected],
        );
        let told: Vec<_> = works
            .iter()
            .map(|work| (work.table.as_str(), work.mode.as_str(), work.rows, work.ms, work.bound))
            .collect();
        let of_b = ("s.b", "AccessExclusiveLock", 3, 7, None);
        assert_eq!(told, [of_b, ("public.a", "ShareLock", 20_000, 7, Some(9))]);
    }

    #[test]
    fn work_on_all_rows_while_another_table_is_shut_is_recorded_too() {
        let works = |updated: u64| {
            let counts = Counts { updated, ..Counts::default() };
            let changed = vec![("public.a".to_owned(), counts)];
            let shut = vec!["s.b".to_owned()];
            let scans = vec![scan(600, 1, Some(LockMode::RowExclusive), false)];
            lock_work(
                &[Measured { changed, shut, scans, ..measured(7) }],
                &Partitions::default(),
                &[],
            )
        };
        let all = works(500);
        let [work] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((work.table.as_str(), work.locked(), work.rows), ("public.a", "s.b", 600));
        // A few rows that were searched for are not more in a larger table.
        assert_eq!(works(3), []);
    }

    #[test]
    fn work_while_a_table_is_shut_counts_by_rows_and_by_time() {
        let shut = |elapsed: u64, inserted: u64| {
            let counts = Counts { inserted, ..Counts::default() };
            let changed = vec![("s.b".to_owned(), counts)];
            let shut = vec!["public.a".to_owned()];
            findings(&Measured { shut, shut_rows: 7, changed, ..measured(elapsed) })
        };
        assert_eq!(told(&shut(500, 1000)), Vec::<String>::new());
        let why = |millis: &str, rows: &str| {
            format!("other work took {millis} ms and processed {rows} rows")
        };
        let slow = format!(
            "work-under-lock a 7: an earlier statement locked it; meanwhile, {}",
            why("501", "0")
        );
        assert_eq!(told(&shut(501, 0)), [slow]);
        let much = format!(
            "work-under-lock a 1001: an earlier statement locked it; meanwhile, {}",
            why("1", "1,001")
        );
        assert_eq!(told(&shut(1, 1001)), [much]);
    }

    #[test]
    fn a_lock_is_held_to_the_end_of_the_transaction() {
        let taking = |mode: LockMode, elapsed: u64| Measured {
            taken: vec![("public.a".to_owned(), mode)],
            ..measured(elapsed)
        };
        let all =
            [taking(LockMode::Share, 100), taking(LockMode::AccessExclusive, 20), measured(3)];
        let inside = locks(&all, true);
        let [lock] = inside.as_slice() else { panic!("{inside:?}") };
        assert_eq!((lock.table.as_str(), lock.mode.as_str()), ("a", "AccessExclusiveLock"));
        // It is as old as the weaker lock that it grew from.
        assert_eq!(lock.held, Duration::from_millis(123));
        let alone = locks(&all[..1], false);
        assert_eq!(alone[0].held, Duration::from_millis(100));
        assert!(locks(&[taking(LockMode::RowExclusive, 9)], true).is_empty());
    }

    #[test]
    fn a_long_lock_is_reported_unless_another_finding_covers_its_table() {
        let lock = |held: u64| LockedTable {
            table: "a".to_owned(),
            mode: "ShareLock".to_owned(),
            blocks: "writes",
            line: 2,
            held: Duration::from_millis(held),
            estimated: None,
        };
        let why = "work-under-lock a 7: writes wait for 501 ms";
        let held = |locks: &[LockedTable], found: &[Finding]| {
            held_long(locks, found, &mut |_| Ok(7)).unwrap()
        };
        let found = held(&[lock(501), lock(500)], &[]);
        assert_eq!(told(&found), [why]);
        assert!(held(&[lock(501)], &found).is_empty());
    }

    #[test]
    fn an_expected_loss_is_guarded_by_the_name_that_it_has_before() {
        let expected =
            Expected { line: 1, hazard: "loss".to_owned(), object: "a.x".to_owned(), bound: 5 };
        let mut one = lost(Some("x"), 3);
        one.was = Some(("public.old".to_owned(), Some("y".to_owned())));
        let of = |lost: StatementLoss| {
            let all = [Measured { lost: vec![lost], ..measured(1) }];
            guards(&all, &Partitions::default(), std::slice::from_ref(&expected))
        };
        let guard =
            Guard { table: "public.old".to_owned(), column: Some("y".to_owned()), bound: 5 };
        assert_eq!(of(one), [guard]);
        // What these migrations have made is not there before.
        assert_eq!(of(lost(Some("x"), 3)), []);
        assert_eq!(of(lost(None, 3)), []);
    }

    #[test]
    fn what_was_measured_replaces_what_was_guessed() {
        let all = ["truncate", "drop-cascade", "syntax", "identifier-too-long", "renaming-column"];
        let all = all.map(|rule| finding(rule, 1, "", String::new())).to_vec();
        let left: Vec<String> = unmeasured_findings(all).into_iter().map(|one| one.rule).collect();
        assert_eq!(left, ["identifier-too-long", "renaming-column"]);
    }

    #[test]
    fn only_locks_block_if_no_other_finding_does() {
        let of = |rules: &[&str]| -> Vec<Finding> {
            rules.iter().map(|rule| finding(rule, 1, "", String::new())).collect()
        };
        assert!(only_locks(&of(&["rewrite", "values-overwritten"])));
        assert!(!only_locks(&of(&["rewrite", "rows-lost"])));
    }

    #[test]
    fn numbers_are_grouped_and_names_are_short() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((short("public.a"), short("s.a")), ("a", "s.a"));
    }
}
