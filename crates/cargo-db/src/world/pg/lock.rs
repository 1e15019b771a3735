//! The lock of a run: advisory locks on a separate connection.
//!
//! They are polled for and never waited for. A session that waits inside `pg_advisory_lock` holds a
//! snapshot, and `CREATE INDEX CONCURRENTLY` of the run that holds the lock would wait for that
//! snapshot: a deadlock that ends with an invalid index.

use std::time::{Duration, Instant};

use postgres::error::SqlState;

use crate::failure::{CausedBy, ConnectionError, Failure, Kind, LockError, Result};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::{in_words, pause, stopwatch};
use crate::world::pg::pin::Purpose;
use crate::world::pg::session::Session;

/// The key of our own lock: `cargo-db` in ASCII.
pub(crate) const OWN_KEY: i64 = i64::from_be_bytes(*b"cargo-db");

/// The lock, held until it is dropped, or until its connection is lost.
pub(crate) struct Lock {
    session: Session,
    /// When it was last checked; `None` if the next check must not be skipped.
    looked: Option<Instant>,
}

/// Shorter waits are not reported: the server may still be ending the connection of a finished run.
const TOLD_AFTER: Duration = Duration::from_millis(500);

impl Lock {
    /// Takes all `keys` in the target's database, or fails when `timeout` has passed.
    pub(crate) fn acquire(
        world: &World,
        target: &Target,
        keys: &[i64],
        timeout: Duration,
    ) -> Result<Lock> {
        let began = stopwatch();
        // Behind a pooler the lock would be none.
        Session::refuse_pooler(world, target)?;
        loop {
            let left = timeout.saturating_sub(began.elapsed());
            match Lock::take(world, target, keys, left) {
                Ok(mut lock) => {
                    if lock.is_of(target) {
                        return Ok(lock);
                    }
                }
                // A swap ends the sessions that wait, and another database has the name then.
                Err(failure) if is_ended(&failure) && !left.is_zero() => {}
                Err(failure) => return Err(failure),
            }
            pause(world, Duration::from_millis(100))?;
        }
    }

    /// Whether the database of the lock still has the name: one that was swapped out has another.
    fn is_of(&mut self, target: &Target) -> bool {
        let name = self.session.value("read the name", "SELECT pg_catalog.current_database()");
        name.is_ok_and(|name| name.as_deref() == Some(target.database.as_str()))
    }

    fn take(world: &World, target: &Target, keys: &[i64], timeout: Duration) -> Result<Lock> {
        let mut session = Session::open(world, target, Purpose::Lock)?;
        let began = stopwatch();
        let mut told = false;
        let mut wait = Duration::from_millis(20);
        for key in keys {
            while !try_lock(&mut session, *key)? {
                let holder = holder(&mut session, *key)?;
                if began.elapsed() >= timeout {
                    return Err(busy(target, holder.as_ref(), began.elapsed()));
                }
                let is_news = !told && began.elapsed() >= TOLD_AFTER;
                if let Some(holder) = holder.filter(|_| is_news) {
                    world.emit(Event::LockHeld { by: holder.by, since: holder.since });
                    told = true;
                }
                pause(world, wait)?;
                wait = (wait * 2).min(Duration::from_millis(250));
            }
        }
        Ok(Lock { session, looked: Some(stopwatch()) })
    }

    /// Makes the lock's session report what the server counts of it.
    pub(crate) fn report_statistics(&mut self) {
        // Servers without this function are not checked in this way.
        let _ = self.session.batch_execute("SELECT pg_stat_force_next_flush()");
    }

    /// Verifies, at most once a second, that the lock is still held: if its connection was lost,
    /// another run may have started.
    pub(crate) fn check(&mut self) -> Result<()> {
        if self.looked.is_some_and(|looked| looked.elapsed() < Duration::from_secs(1)) {
            return Ok(());
        }
        self.check_now()
    }

    /// Makes the next check happen, however recent the last one was.
    pub(crate) fn force_check(&mut self) {
        self.looked = None;
    }

    /// Makes sure that the lock's session and the one that works are two, and each stays itself: a
    /// pooler may have come between.
    pub(crate) fn is_apart_from(&mut self, working: &mut Session) -> Result<()> {
        self.session.is_apart_from(working)
    }

    /// Makes sure that the lock is still there, at once.
    pub(crate) fn check_now(&mut self) -> Result<()> {
        self.looked = Some(stopwatch());
        let target = self.session.target.to_string();
        let Err(error) = self.session.batch_execute("") else { return Ok(()) };
        let why = self.session.describe(&error);
        Err(LockError::Lost { target, why }.caused_by(error))
    }
}

/// Whether the session was terminated or its connection lost.
fn is_ended(failure: &Failure) -> bool {
    failure.is(&SqlState::ADMIN_SHUTDOWN)
        || matches!(failure.kind(), Kind::Connection(ConnectionError::Lost { .. }))
}

fn busy(target: &Target, holder: Option<&Holder>, waited: Duration) -> Failure {
    let holder =
        holder.map_or_else(|| "held by a session that just ended".to_owned(), Holder::sentence);
    let waited = in_words(waited);
    LockError::Busy { target: target.to_string(), holder, waited }.into()
}

struct Holder {
    by: String,
    since: Option<String>,
}

impl Holder {
    fn sentence(&self) -> String {
        let since = self.since.as_ref().map(|since| format!(" since {since}"));
        format!("held by {}{}", self.by, since.unwrap_or_default())
    }
}

fn try_lock(session: &mut Session, key: i64) -> Result<bool> {
    let sql = format!("SELECT pg_try_advisory_lock({key}) AS taken");
    session.one("take the lock", &sql)?.flag("taken")
}

fn holder(session: &mut Session, key: i64) -> Result<Option<Holder>> {
    let sql = format!(include_str!("sql/lock_holder.sql"), key = key);
    let rows = session.rows("find the holder of the lock", &sql)?;
    let Some(row) = rows.first() else { return Ok(None) };
    // Some servers do not show which user a foreign session belongs to.
    let text = |column| Ok::<_, Failure>(row.optional_text(column)?.unwrap_or("?"));
    let (program, role) = (text("program")?, text("role")?);
    let by = format!("{program} as {role} from {} (pid {})", text("machine")?, text("pid")?);
    Ok(Some(Holder { by, since: row.optional_text("since")?.map(str::to_owned) }))
}
