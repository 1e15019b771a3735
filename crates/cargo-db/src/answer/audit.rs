//! What was done, as the audit trail has it.

use std::time::Duration;

use serde::Serialize;

use crate::answer::text::{elapsed, plural, wrapped};
use crate::answer::{Answer, Style};
use crate::model::audit::{By, Phase, Record};

/// What was done.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AuditTrail {
    pub(crate) records: Vec<Record>,
}

impl AuditTrail {
    /// One operation: what was done and with what result, with the details below. Its number is
    /// that of its first record, which is what `verify` names.
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
        let mut lines = vec![line];
        let removes = intent.removes.iter().map(|what| format!("removes {what}"));
        for detail in details(intent, server).into_iter().chain(removes) {
            let wrapped = wrapped(&detail, style.width, INDENT);
            lines.extend(wrapped.iter().map(|line| format!("{:INDENT$}{line}", "")));
        }
        lines.join("\n")
    }
}

/// The indentation of the details, which are printed below the verb.
const INDENT: usize = 27;

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
    let by = format!("by {user}@{host}, {kind}, as {server}");
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
