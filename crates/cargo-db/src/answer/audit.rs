//! What was done, as the audit trail has it.

use std::time::Duration;

use serde::Serialize;

use crate::answer::text::{NARROW, elapsed, fitted, fitted_if_narrow, on_lines, plural, wrapped};
use crate::answer::{Answer, BOLD, Style};
use crate::model::audit::{By, Phase, Record};

/// What was done.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AuditTrail {
    pub(crate) records: Vec<Record>,
}

impl AuditTrail {
    /// One operation: what was done and with what result, followed by details. Its number is that
    /// of its first record, which `verify` uses too.
    fn operation(&self, intent: &Record, style: &Style) -> String {
        let is_outcome =
            |record: &&Record| record.run == intent.run && record.phase == Phase::Outcome;
        let outcome = self.records.iter().find(is_outcome);
        let moment = intent.when.get(..19).unwrap_or(&intent.when).replace('T', " ");
        let (server, database) = intent.target.rsplit_once('/').unwrap_or(("", &intent.target));
        let line = format!(
            "{:>4}  {moment}  {} on {database} ({}): {}",
            intent.sequence,
            intent.verb,
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
    let by = format!("by {user}@{host} ({kind}), as the role {server}");
    migrations.into_iter().chain(backup).chain([agreed, by]).collect()
}

/// At most this many migrations are named one by one.
const SHOWN: usize = 5;

impl Answer for AuditTrail {
    fn text(&self, style: &Style) -> String {
        if self.records.is_empty() {
            return "no recorded operations".to_owned();
        }
        let intents = self.records.iter().filter(|record| record.phase == Phase::Intent);
        let operations = intents.map(|intent| self.operation(intent, style));
        operations.collect::<Vec<_>>().join("\n")
    }
}

/// Everything that is recorded about one operation.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AuditShown {
    /// Written before it.
    intent: Record,
    /// Written after it; null if it was killed or is still running.
    outcome: Option<Record>,
}

impl AuditShown {
    /// The operation to which the record with this number belongs.
    pub(crate) fn of(records: &[Record], number: u64) -> Option<AuditShown> {
        let named = records.iter().find(|record| record.sequence == number)?;
        let of_run = |phase| {
            let is_it = |record: &&Record| record.run == named.run && record.phase == phase;
            records.iter().find(is_it).cloned()
        };
        // The first records of a trail may be missing.
        let intent = of_run(Phase::Intent).unwrap_or_else(|| named.clone());
        Some(AuditShown { intent, outcome: of_run(Phase::Outcome) })
    }

    /// Labels and values, for people.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let Record { by, target, .. } = &self.intent;
        let (server, database) = target.rsplit_once('/').unwrap_or(("", target));
        let outcome = self.outcome.as_ref();
        let mut rows = vec![
            ("Operation", format!("{} on {database}", self.intent.verb)),
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
