//! What was done, as the audit trail has it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use crate::answer::text::{NARROW, elapsed, fitted, fitted_if_narrow, on_lines, plural, wrapped};
use crate::answer::{Answer, BOLD, Style};
use crate::model::audit::{By, Phase, Record};

/// What was done.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AuditTrail {
    records: Vec<NumberedRecord>,
}

/// A record, with the number of its operation.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct NumberedRecord {
    /// As `audit show` takes it.
    operation: usize,
    #[serde(flatten)]
    record: Record,
}

/// The runs that these records are about, in their order: operations are numbered from 1, and each
/// has two records.
fn runs(records: &[Record]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let runs = records.iter().map(|record| record.run.as_str());
    runs.filter(|run| seen.insert(*run)).collect()
}

impl AuditTrail {
    /// All records of a trail, the oldest first.
    pub(crate) fn of(records: Vec<Record>) -> AuditTrail {
        let numbers: BTreeMap<String, usize> =
            (1..).zip(runs(&records)).map(|(number, run)| (run.to_owned(), number)).collect();
        let numbered = |record: Record| NumberedRecord { operation: numbers[&record.run], record };
        AuditTrail { records: records.into_iter().map(numbered).collect() }
    }

    /// The records of only the newest operations.
    pub(crate) fn newest(mut self, count: usize) -> AuditTrail {
        let last = self.records.iter().map(|one| one.operation).max().unwrap_or_default();
        let older = last.saturating_sub(count);
        self.records.retain(|one| one.operation > older);
        self
    }

    /// One operation: what was done and with what result, followed by details.
    fn operation(&self, one: &NumberedRecord, style: &Style) -> String {
        let NumberedRecord { operation, record: intent } = one;
        let mut records = self.records.iter().map(|one| &one.record);
        let outcome = records.find(|record| record.run == intent.run && is_outcome(record));
        let moment = intent.when.get(..19).unwrap_or(&intent.when).replace('T', " ");
        let (server, database) = intent.target.rsplit_once('/').unwrap_or(("", &intent.target));
        let line = format!(
            "{operation:>4}  {moment}  {} {} {database} ({}): {}",
            intent.verb,
            joint(intent),
            intent.environment,
            ended(outcome)
        );
        let mut lines = vec![fitted_if_narrow(line, style.width)];
        let indent = if style.width < NARROW { NUMBER } else { INDENT };
        let removes = intent.removes.iter().map(|what| format!("removes {what}"));
        for detail in details(intent, server).into_iter().chain(removes) {
            let wrapped = wrapped(&detail, style.width, indent);
            lines.extend(wrapped.iter().map(|line| format!("{:indent$}{line}", "")));
        }
        lines.join("\n")
    }
}

/// The indentation of the details, which are printed below the verb.
const INDENT: usize = 27;

/// The same in a narrow terminal, where the details are printed below the time.
const NUMBER: usize = 6;

/// The result of an operation, and how long it took.
fn ended(outcome: Option<&Record>) -> String {
    let Some(outcome) = outcome else {
        return "no outcome recorded (killed or still running)".to_owned();
    };
    let took = outcome.duration_ms.map(Duration::from_millis).map(elapsed).unwrap_or_default();
    match outcome.result.as_deref() {
        Some("done") => format!("done in {took}"),
        code => format!("failed after {took}: {}", code.unwrap_or_default()),
    }
}

/// The details of an operation, other than its result.
fn details(intent: &Record, server: &str) -> Vec<String> {
    let By { user, host, kind, .. } = &intent.by;
    let migrations = match intent.migrations.as_slice() {
        [] => None,
        [one] => Some(format!("migration {one}")),
        [first, .., last] if intent.migrations.len() > SHOWN => {
            let count = intent.migrations.len();
            Some(format!("{}, {first} to {last}", plural(count, "migration")))
        }
        several => Some(format!("migrations {}", several.join(", "))),
    };
    let backup = intent.backup.as_ref().map(|backup| format!("backup {backup}"));
    let agreed = format!("plan {}, {}", intent.plan, intent.consent);
    let agreed = Some(agreed).filter(|_| !intent.plan.is_empty());
    let by = format!("by {user}@{host} ({kind}), as the role {server}");
    let deeds = several(&intent.deeds);
    let all = migrations.into_iter().chain(deeds).chain(backup).chain(agreed);
    all.chain([by]).collect()
}

/// The first deeds, and how many more there are.
fn several(deeds: &[String]) -> impl Iterator<Item = String> {
    let more = deeds.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("and {more} more"));
    deeds.iter().take(SHOWN).cloned().chain(more)
}

/// At most this many migrations are named one by one.
const SHOWN: usize = 5;

impl Answer for AuditTrail {
    fn text(&self, style: &Style) -> String {
        if self.records.is_empty() {
            return "no recorded operations".to_owned();
        }
        let intents = self.records.iter().filter(|one| one.record.phase == Phase::Intent);
        let operations = intents.map(|intent| self.operation(intent, style));
        operations.collect::<Vec<_>>().join("\n")
    }
}

/// A verb without a plan changes nothing: a backup *of* a database, a restore *on* one.
fn joint(intent: &Record) -> &'static str {
    if intent.plan.is_empty() { "of" } else { "on" }
}

/// How many operations a trail has.
pub(crate) struct OperationCount(pub(crate) usize);

fn is_outcome(record: &Record) -> bool {
    record.phase == Phase::Outcome
}

/// Everything that is recorded about one operation.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AuditShown {
    /// Its number in the list.
    operation: usize,
    /// Written before it.
    intent: Record,
    /// Written after it; null if it was killed or is still running.
    outcome: Option<Record>,
}

impl AuditShown {
    /// The operation with this number.
    pub(crate) fn of(records: &[Record], number: usize) -> Result<AuditShown, OperationCount> {
        let runs = runs(records);
        let run = number.checked_sub(1).and_then(|at| runs.get(at));
        let run = *run.ok_or(OperationCount(runs.len()))?;
        let mut of_run = records.iter().filter(|record| record.run == run).cloned();
        let outcome = records.iter().find(|record| record.run == run && is_outcome(record));
        // The first records of a trail may be missing.
        let intent = of_run.next().ok_or(OperationCount(runs.len()))?;
        Ok(AuditShown { operation: number, intent, outcome: outcome.cloned() })
    }

    /// Labels and values, for people.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let Record { by, target, .. } = &self.intent;
        let (server, database) = target.rsplit_once('/').unwrap_or(("", target));
        let outcome = self.outcome.as_ref();
        let mut rows = vec![
            ("Operation", format!("{} {} {database}", self.intent.verb, joint(&self.intent))),
            ("Environment", self.intent.environment.clone()),
            ("Server", server.to_owned()),
            ("Started", self.intent.when.clone()),
            ("Ended", outcome.map_or_else(String::new, |outcome| outcome.when.clone())),
            ("Result", ended(outcome)),
            ("By", format!("{}@{}, {}, as role {}", by.user, by.host, by.kind, by.role)),
            ("Plan", self.intent.plan.clone()),
            ("Consent", self.intent.consent.clone()),
            ("Migrations", self.intent.migrations.join(", ")),
            ("Backup", self.intent.backup.clone().unwrap_or_default()),
        ];
        rows.extend(self.intent.deeds.iter().map(|what| ("Step", what.clone())));
        rows.extend(self.intent.removes.iter().map(|what| ("Removes", what.clone())));
        let before = self.intent.before.as_ref();
        let marker = before.and_then(|before| before.marker.as_ref());
        rows.extend(marker.map(|marker| ("Marker", marker.environment.to_string())));
        let trail = before.and_then(|before| before.trail.as_ref());
        rows.extend(trail.map(|trail| {
            let records = plural(usize::try_from(trail.records).unwrap_or(0), "record");
            ("Trail", format!("{records} in the database before it, SHA-256 {}", trail.digest))
        }));
        for record in [Some(&self.intent), outcome].into_iter().flatten() {
            rows.push(("Record", format!("{}, SHA-256 {}", record.sequence, record.hash)));
        }
        rows.retain(|(_, value)| !value.is_empty());
        rows
    }
}

impl Answer for AuditShown {
    fn text(&self, style: &Style) -> String {
        let line = |(label, value): (&str, String)| {
            format!("{}{value}", style.paint(BOLD, &format!("{label:<13}")))
        };
        let lines = on_lines(self.rows().into_iter().map(line).collect());
        fitted(&lines.join("\n"), style.width)
    }
}

/// The audit trail is as it was written.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TrailSound {
    /// How many there are.
    pub(crate) records: u64,
}

impl Answer for TrailSound {
    fn text(&self, _: &Style) -> String {
        let records = plural(usize::try_from(self.records).unwrap_or(0), "record");
        format!("the audit trail is intact, {records}")
    }
}
