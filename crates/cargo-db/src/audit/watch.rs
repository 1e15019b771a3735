//! Watches the marker and the audit trail of a database during a change: foreign SQL and programs
//! may run, and their changes to both are reverted.

use crate::audit::DatabaseIdentity;
use crate::failure::{AuditError, Failure, Result};
use crate::model::audit::{Before, Record, TrailHead};
use crate::model::environment::Marker;
use crate::model::target::Target;
use crate::plan::{Operation, Plan};
use crate::world::World;
use crate::world::pg::{OwnTables, Purpose, Session, TableComparison, marker, own_tables};
use crate::world::records::{is_ours, line_of};

/// The state before a change that must not modify the marker or the trail.
pub(crate) struct TrailWatch {
    target: Target,
    verb: Operation,
    own: OwnTables,
    /// Where the trail ended before the intent was written.
    head: TrailHead,
    identity: DatabaseIdentity,
    /// Another database may have the name afterwards, and another schema.
    oid: String,
}

impl TrailWatch {
    /// Starts watching the database of a plan; `None` if it does not exist or is not changed.
    pub(crate) fn begin(world: &World, plan: &Plan) -> Result<Option<TrailWatch>> {
        if !plan.verb.changes_a_database() {
            return Ok(None);
        }
        let mut session = match Session::open(world, &plan.target, Purpose::Read) {
            Err(failure) if failure.is_no_database() => return Ok(None),
            opened => opened?,
        };
        let own = OwnTables::of(&mut session)?;
        let identity = DatabaseIdentity::of_session(&mut session)?;
        let oid = oid(&mut session)?;
        let (target, verb, head) = (plan.target.clone(), plan.verb, own.trail().clone());
        Ok(Some(TrailWatch { target, verb, own, head, identity, oid }))
    }

    /// Looks again, once the intent is in the database.
    pub(crate) fn begun(&mut self, world: &World) -> Result<()> {
        self.own = OwnTables::of(&mut Session::open(world, &self.target, Purpose::Read)?)?;
        Ok(())
    }

    /// What the intent says of it, for the run after one that was killed.
    pub(crate) fn before(&self) -> Before {
        let trail = self.identity.lines.is_some().then(|| self.head.clone());
        // A change of the marker leaves another marker, even if it is killed.
        let marker = self.marker().filter(|_| !self.verb.changes_the_marker());
        Before { marker, trail }
    }

    /// The marker that the database has to have afterwards.
    fn marker(&self) -> Option<Marker> {
        let is_kept = |marker: &Marker| self.verb != Operation::Reset || marker.genuine;
        self.identity.marker.clone().filter(is_kept)
    }

    /// The outcome of the change, after checking whether it modified the marker or the trail, and
    /// reverting such modifications. `intent` is the record in the database's trail, if it was
    /// written there. Also returns whether the check was possible.
    pub(crate) fn conclude<T>(
        self,
        world: &World,
        intent: Option<&Record>,
        outcome: Result<T>,
        warn: &dyn Fn(&str),
    ) -> (Result<T>, bool) {
        // Putting back has to come through also after a signal.
        let world = &world.uninterrupted();
        let changes = match self.changes(world) {
            Ok(changes) => changes,
            Err(failure) => {
                warn(&format!(
                    "could not check whether the marker or the audit trail changed: {failure}"
                ));
                return (outcome, false);
            }
        };
        if changes.is_empty() {
            return (outcome, true);
        }
        let verb = self.verb.name();
        let failure = match self.put_back(world, intent) {
            Ok(()) => Failure::from(AuditError::PutBack { verb, changes }),
            Err(why) => AuditError::NotPutBack { verb, changes, why: why.to_string() }.into(),
        };
        match outcome {
            Ok(_) => (Err(failure), true),
            Err(first) => {
                let why = failure.why().join("; ");
                warn(&format!("{failure}: {why}"));
                (Err(first), true)
            }
        }
    }

    fn changes(&self, world: &World) -> Result<Vec<String>> {
        let mut session = Session::open(world, &self.target, Purpose::Read)?;
        let is_remade = self.verb == Operation::RestoreInPlace || oid(&mut session)? != self.oid;
        if !is_remade && !self.verb.changes_the_marker() {
            return self.own.changes(&mut session, TableComparison::Alike);
        }
        // If another database or schema replaced the old one, or the marker is changed, the tables
        // need not be the same.
        let mut changes = Vec::new();
        if !self.verb.changes_the_marker() && marker::read(&mut session)? != self.marker() {
            changes.push(own_tables::MARKER.to_owned());
        }
        if own_tables::begins(&mut session, self.own.trail())? {
            return Ok(changes);
        }
        changes.push(own_tables::CUT.to_owned());
        Ok(changes)
    }

    /// Restores the recorded state, together with the intent and records of other runs since then.
    fn put_back(&self, world: &World, intent: Option<&Record>) -> Result<()> {
        let mut session = Session::open(world, &self.target, Purpose::Write)?;
        session.run("begin a transaction", "BEGIN")?;
        let before = self.identity.lines.clone().unwrap_or_default();
        let now = own_tables::lines(&mut session).unwrap_or_default();
        let mut lines = before;
        lines.extend(intent.map(line_of));
        let others = now.into_iter().filter(|line| is_ours(line) && !lines.contains(line));
        let others: Vec<String> = others.collect();
        lines.extend(others);
        let marker = match self.verb.changes_the_marker() {
            true => marker::read(&mut session)?,
            false => self.marker(),
        };
        let keeps_trail = self.identity.lines.is_some() || intent.is_some();
        let lines = keeps_trail.then_some(lines);
        let rights = self.identity.rights.clone();
        let identity = DatabaseIdentity { marker, lines, rights };
        if self.own.has_its_tables(&mut session)? {
            identity.fill(&mut session)?;
        } else {
            identity.write(&mut session)?;
        }
        session.run("commit", "COMMIT")
    }
}

/// The number of the session's database.
fn oid(session: &mut Session) -> Result<String> {
    let sql = "SELECT oid FROM pg_database WHERE datname = current_database()";
    Ok(session.value("ask which database it is", sql)?.unwrap_or_default())
}
