//! Detects whether other sessions may have written to a database since a moment. If none did, a
//! backup of that moment can be swapped back in without losing their work.
//!
//! The server counts the sessions of each database (`pg_stat_database.sessions`, since PostgreSQL
//! 14; since 15, a session can be made to report at once). If no other session is connected at both
//! ends, and no session was opened in between but ours, no other session wrote.

use crate::failure::Result;
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Lock, Purpose, Session, others_connected};

/// Watches a database from one moment on.
pub(crate) struct Witness {
    session: Session,
    sessions: Option<u64>,
    own: u64,
}

impl Witness {
    /// Begins to watch; `lock` is the one other session that may stay.
    pub(crate) fn begin(world: &World, target: &Target, lock: &mut Lock) -> Result<Witness> {
        let mut session = Session::open(world, target, Purpose::Read)?;
        lock.report_statistics();
        report_statistics(&mut session);
        let others = remaining_writers(world, &mut session)?;
        let sessions = if others.is_empty() { count_sessions(&mut session)? } else { None };
        Ok(Witness { session, sessions, own: world.sessions.opened(target) })
    }

    /// Reasons why other sessions may have written; empty if none did.
    pub(crate) fn doubts(&mut self, world: &World) -> Result<Vec<String>> {
        let others = remaining_writers(world, &mut self.session)?;
        let now = count_sessions(&mut self.session)?;
        let own = world.sessions.opened(&self.session.target) - self.own;
        Ok(match (others.as_slice(), self.sessions, now) {
            ([], Some(before), Some(now)) if now <= before + own => Vec::new(),
            ([], Some(_), Some(_)) => vec!["another session was connected meanwhile".to_owned()],
            ([], ..) => {
                vec!["it is unknown whether another session was connected meanwhile".to_owned()]
            }
            (others, ..) => others.iter().map(|other| format!("{other} is connected")).collect(),
        })
    }
}

fn remaining_writers(world: &World, session: &mut Session) -> Result<Vec<String>> {
    let database = session.target.database.clone();
    others_connected(world, session, &database)
}

fn count_sessions(session: &mut Session) -> Result<Option<u64>> {
    let sql = "SELECT pg_stat_clear_snapshot(); \
               SELECT sessions FROM pg_stat_database WHERE datname = current_database()";
    // Before PostgreSQL 15, the number is delayed and proves nothing.
    if !report_statistics(session) {
        return Ok(None);
    }
    session.number("count sessions", sql).map(Some)
}

/// Makes a session report at once; false where the server does not know how.
fn report_statistics(session: &mut Session) -> bool {
    session.run("report", "SELECT pg_stat_force_next_flush()").is_ok()
}
