//! Detects what a killed run let happen to the marker and the trail: its intent recorded their
//! state before the run, and the next run compares.

use crate::audit::{DatabaseIdentity, Trail};
use crate::failure::{AuditError, Result};
use crate::model::audit::{Before, Phase, Record};
use crate::model::environment::Marker;
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Session, marker, own_tables};
use crate::world::records::head_of;

/// The last change of a database whose marker or trail is not in the recorded state.
#[derive(Clone, Debug)]
pub(crate) struct Unsettled {
    intent: Record,
    before: Before,
    /// Whether its run has no outcome: it was killed, or still runs.
    pub(crate) killed: bool,
    pub(crate) changes: Vec<String>,
    /// Lines of the file that may be those that the database has lost.
    known: Vec<String>,
}

impl Unsettled {
    /// Compares the session's database with what its last intents say. `in_database` are the
    /// records that it holds itself.
    pub(crate) fn of(
        session: &mut Session,
        trail: &Trail,
        target: &Target,
        in_database: &[Record],
    ) -> Result<Option<Unsettled>> {
        // An unreadable file is reported by the code that writes to it.
        let here = trail.lines_of(&target.to_string()).unwrap_or_default();
        let (known, here): (Vec<String>, Vec<Record>) = here.into_iter().unzip();
        let Some((intent, before, killed)) = last_of(&here).or_else(|| last_of(in_database)) else {
            return Ok(None);
        };
        let mut unsettled = Unsettled { intent, before, killed, changes: Vec::new(), known };
        unsettled.changes = unsettled.compare(session)?;
        Ok((!unsettled.changes.is_empty()).then_some(unsettled))
    }

    fn compare(&self, session: &mut Session) -> Result<Vec<String>> {
        let mut changes = Vec::new();
        if let (true, Some(before)) = (self.killed, &self.before.marker)
            && marker::read(session)?.as_ref() != Some(before)
        {
            changes.push(own_tables::MARKER.to_owned());
        }
        if let Some(head) = &self.before.trail
            && !own_tables::begins(session, head)?
        {
            changes.push(own_tables::CUT.to_owned());
        }
        Ok(changes)
    }

    /// The marker that the database had, where that counts still.
    pub(crate) fn marker(&self) -> Option<&Marker> {
        self.before.marker.as_ref().filter(|_| self.killed)
    }

    /// In one sentence.
    pub(crate) fn describe(&self) -> String {
        let when = self.intent.when.get(..19).unwrap_or(&self.intent.when);
        let ended = if self.killed { "which was killed" } else { "which ended" };
        let (verb, changes) = (&self.intent.verb, self.changes.join(", "));
        format!("since the {verb} of {when}, {ended}: {changes}")
    }

    /// Restores the recorded state. The caller holds the lock, so that no run is active.
    pub(crate) fn put_back(&self, world: &World, target: &Target) -> Result<()> {
        let mut session = Session::open(world, target, Purpose::Write)?;
        if self.compare(&mut session)?.is_empty() {
            return Ok(());
        }
        let lines = own_tables::lines(&mut session).unwrap_or_default();
        let cut = match &self.before.trail {
            Some(head) => !own_tables::begins(&mut session, head)?,
            None => false,
        };
        let lines = if cut { self.rebuilt(&lines)? } else { lines };
        session.run("begin a transaction", "BEGIN")?;
        let identity = DatabaseIdentity::without_trail(&mut session)?;
        let marker = self.marker().or(identity.marker.as_ref()).cloned();
        let keeps = !lines.is_empty() || self.before.trail.is_some();
        let lines = keeps.then_some(lines);
        DatabaseIdentity { marker, lines, ..identity }.put_back(&mut session)?;
        session.run("commit", "COMMIT")
    }

    /// The trail as it was, from this project's file, with what came to it since.
    fn rebuilt(&self, now: &[String]) -> Result<Vec<String>> {
        let Some(head) = &self.before.trail else { return Ok(now.to_vec()) };
        let count = usize::try_from(head.records).unwrap_or(usize::MAX);
        let lost =
            || AuditError::Lost { verb: self.intent.verb.clone(), changes: self.changes.clone() };
        let first = self.known.get(..count).ok_or_else(lost)?;
        if head_of(first) != *head {
            return Err(lost().into());
        }
        let mut lines = self.known.clone();
        lines.extend(now.iter().filter(|line| !self.known.contains(line)).cloned());
        Ok(lines)
    }
}

/// The last change in these records: its intent, the recorded state, and whether it has no outcome
/// that checked the state.
fn last_of(records: &[Record]) -> Option<(Record, Before, bool)> {
    let at = records.iter().rposition(|record| record.phase == Phase::Intent)?;
    let intent = &records[at];
    let before = intent.before.clone()?;
    let is_outcome = |record: &Record| record.run == intent.run && record.before.is_none();
    let killed = !records[at + 1..].iter().any(is_outcome);
    Some((intent.clone(), before, killed))
}
