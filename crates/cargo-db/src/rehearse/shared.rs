//! Objects shared by all databases of the server, before and after a statement that commits by
//! itself: changes to them cannot be undone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::failure::Result;
use crate::world::clock::stopwatch;
use crate::world::pg::{Session, only_row};

/// A session that has just reported its statistics keeps the next ones for itself for this long.
const UNREPORTED: Duration = Duration::from_millis(500);

/// Roles, memberships, tablespaces, and the owners, privileges and settings of databases.
pub(super) struct SharedObjects {
    /// The digest of each.
    objects: BTreeMap<String, String>,
    /// How many of these the session has written and not reported yet.
    written: u64,
    /// Since when the session has reported no statistics; `None` if the server has no function for
    /// that.
    since: Option<Instant>,
}

/// Has the session report all of its statistics, which it then counts from nothing. False before
/// PostgreSQL 15, which has no function for that.
pub(super) fn report_statistics(session: &mut Session) -> Result<bool> {
    if session.server_major()? < 15 {
        return Ok(false);
    }
    session.run("report statistics", "SELECT pg_catalog.pg_stat_force_next_flush()")?;
    Ok(true)
}

impl SharedObjects {
    /// Reads it. For a moment, the session knows itself which rows it writes.
    pub(super) fn read(session: &mut Session) -> Result<SharedObjects> {
        let since = report_statistics(session)?.then(stopwatch);
        Ok(SharedObjects { since, ..SharedObjects::now(session)? })
    }

    fn now(session: &mut Session) -> Result<SharedObjects> {
        let doing = "read what all databases share";
        let [objects, written] = session.sets(doing, include_str!("sql/shared.sql"))?;
        let pairs = objects
            .iter()
            .map(|row| Ok((row.text("what")?.to_owned(), row.text("digest")?.to_owned())));
        let objects = pairs.collect::<Result<_>>()?;
        let written = only_row(doing, written)?.number("written")?;
        Ok(SharedObjects { objects, written, since: None })
    }

    /// Whether what the session has written since is still known to it.
    pub(super) fn is_known(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() < UNREPORTED)
    }

    /// The changes since then, except those known to be made by other sessions.
    pub(super) fn changed(&self, session: &mut Session) -> Result<Vec<String>> {
        let now = SharedObjects::now(session)?;
        let is_of_others = self.is_known() && now.written <= self.written;
        Ok(if is_of_others { Vec::new() } else { self.differences(&now) })
    }

    fn differences(&self, now: &SharedObjects) -> Vec<String> {
        let all = self.objects.keys().chain(now.objects.keys());
        let differs = |what: &&String| {
            let (was, is) = (self.objects.get(*what), now.objects.get(*what));
            let is_of_others = what.starts_with("database ") && (was.is_none() || is.is_none());
            was != is && !is_of_others
        };
        let mut names: Vec<String> = all.filter(differs).cloned().collect();
        names.sort();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(objects: &[(&str, &str)]) -> SharedObjects {
        let objects = objects.iter().map(|(what, digest)| (what.to_string(), digest.to_string()));
        SharedObjects { objects: objects.collect(), written: 0, since: None }
    }

    #[test]
    fn what_came_went_or_changed_differs_except_for_databases_that_came_or_went() {
        let was =
            shared(&[("role a", "1"), ("role b", "1"), ("database a", "1"), ("database b", "1")]);
        let now =
            shared(&[("role a", "2"), ("role c", "1"), ("database a", "2"), ("database c", "1")]);
        assert_eq!(was.differences(&now), ["database a", "role a", "role b", "role c"]);
        assert_eq!(was.differences(&was), Vec::<String>::new());
    }
}
