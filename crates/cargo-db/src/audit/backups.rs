//! Backups that a person took, in the audit trail. They change no database, so they have no plan,
//! and no other record depends on them.

use std::time::Instant;

use crate::audit::{Trail, intent, moment};
use crate::failure::Result;
use crate::model::audit::{By, Phase, Record};
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::world::clock::stopwatch;

/// The verb of such records.
const VERB: &str = "backup";

/// Whether a record is one of a change, on which what is known of a database may be based.
pub(super) fn is_change(record: &Record) -> bool {
    record.verb != VERB
}

/// A backup that is being taken.
pub(crate) struct BackupRun {
    when: String,
    began: Instant,
}

impl BackupRun {
    /// It begins now.
    pub(crate) fn begin() -> BackupRun {
        BackupRun { when: moment(), began: stopwatch() }
    }

    /// Records it, with its name if it was taken. Both records are written at its end: a backup
    /// that was killed left nothing.
    pub(crate) fn record(
        self,
        trail: &Trail,
        (target, environment, by): (&Target, Environment, By),
        taken: Result<&str, &str>,
    ) -> Result<()> {
        let mut intent = Record {
            when: self.when,
            backup: taken.ok().map(str::to_owned),
            ..intent(VERB, target, environment, by)
        };
        trail.append(&mut intent, None)?;
        let mut outcome = Record {
            when: moment(),
            phase: Phase::Outcome,
            result: Some(taken.err().unwrap_or("done").to_owned()),
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).ok(),
            ..intent
        };
        trail.append(&mut outcome, None)
    }
}
