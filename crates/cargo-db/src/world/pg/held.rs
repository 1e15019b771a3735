//! Tables that another session has locked so strongly that they cannot be read: which session that
//! is, and how long to wait for it.

use std::time::Duration;

use postgres::error::SqlState;

use crate::failure::{LockError, Result};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::{in_words, pause, stopwatch};
use crate::world::pg::pin::Purpose;
use crate::world::pg::row::Row;
use crate::world::pg::session::Session;

/// How long a read waits for a lock before the holder is looked up.
const PROBE: Duration = Duration::from_millis(100);

/// Waits until every table of the target can be read, and reports the session that it waits for.
/// Fails after `timeout`, or else returns the time that is left of it.
pub(crate) fn wait_for_tables(
    world: &World,
    target: &Target,
    timeout: Duration,
) -> Result<Duration> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let (began, mut told) = (stopwatch(), None);
    loop {
        let held = session.rows("find locked tables", include_str!("sql/held_tables.sql"))?;
        let Some(row) = held.first() else { return Ok(timeout.saturating_sub(began.elapsed())) };
        let (table, holder) = (row.text("name")?.to_owned(), holder(row)?);
        if began.elapsed() >= timeout {
            let waited = in_words(began.elapsed());
            return Err(LockError::TableHeld { table, holder, waited }.into());
        }
        // Each holder is reported once, and only if it holds the lock for more than a moment.
        if told.as_ref() != Some(&holder) && began.elapsed() > Duration::from_millis(200) {
            world.emit(Event::TableHeld { table, by: holder.clone() });
            told = Some(holder);
        }
        pause(world, Duration::from_millis(100))?;
    }
}

/// Runs a read that may be repeated. If a table is locked, waits like [`wait_for_tables`].
pub(crate) fn wait_to_read<T>(
    world: &World,
    session: &mut Session,
    timeout: Duration,
    mut read: impl FnMut(&mut Session) -> Result<T>,
) -> Result<T> {
    let mut left = timeout;
    let limit = format!("SET lock_timeout = {}", PROBE.as_millis());
    session.run("limit the wait for locks", &limit)?;
    let target = session.target.clone();
    let done = loop {
        match read(session) {
            Err(failure) if failure.is(&SqlState::LOCK_NOT_AVAILABLE) => {
                left = match wait_for_tables(world, &target, left) {
                    Ok(left) => left,
                    Err(failure) => break Err(failure),
                };
            }
            done => break done,
        }
    };
    session.run("wait without a limit again", "SET lock_timeout = 0")?;
    done
}

/// Describes the holder: `pid 71, psql as ada, whose query began at 12:30:01`.
fn holder(row: &Row) -> Result<String> {
    let Some(pid) = row.optional_text("pid")? else {
        return Ok("a prepared transaction".to_owned());
    };
    // The server hides details of other roles' sessions from a role without privileges.
    let who = [row.optional_text("program")?, row.optional_text("role")?];
    let [program, role] = who.map(|text| text.unwrap_or("?"));
    let since = row.optional_text("since")?;
    let since = since.map_or_else(String::new, |since| format!(", whose query began at {since}"));
    let waits = if row.flag("granted")? { "" } else { ", which waits for its own lock" };
    Ok(format!("pid {pid}, {program} as {role}{since}{waits}"))
}
