//! What was done, as the audit trail has it.

use serde::Serialize;

use crate::answer::text::plural;
use crate::answer::{Answer, Style};
use crate::model::audit::{By, Phase, Record};

/// What was done.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AuditTrail {
    pub(crate) records: Vec<Record>,
}

impl AuditTrail {
    fn outcome(&self, intent: &Record) -> &str {
        let is_outcome =
            |record: &&Record| record.run == intent.run && record.phase == Phase::Outcome;
        let ended = self.records.iter().find(is_outcome);
        ended.map_or("no outcome recorded (killed or still running)", |record| {
            record.result.as_deref().unwrap_or_default()
        })
    }

    fn line(&self, intent: &Record) -> String {
        let moment = intent.when.get(..19).unwrap_or(&intent.when).replace('T', " ");
        let By { user, host, kind, .. } = &intent.by;
        let removes = intent.removes.iter().map(|what| format!("\n      removes {what}"));
        format!(
            "{:>4}  {moment}  {} on {} ({}) by {user}@{host}, {kind}: {}{}",
            intent.sequence,
            intent.verb,
            intent.target,
            intent.environment,
            self.outcome(intent),
            removes.collect::<String>()
        )
    }
}

impl Answer for AuditTrail {
    fn text(&self, _: &Style) -> String {
        if self.records.is_empty() {
            return "no recorded operations".to_owned();
        }
        let intents = self.records.iter().filter(|record| record.phase == Phase::Intent);
        intents.map(|intent| self.line(intent)).collect::<Vec<_>>().join("\n")
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
