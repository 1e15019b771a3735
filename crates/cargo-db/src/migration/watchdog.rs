//! While a migration runs, a second session watches for sessions that wait for it. If they have
//! waited too long, the migration is cancelled and retried as a whole, and they can continue in the
//! meantime.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Result;
use crate::migration::waiting::{AbandonedWait, Wait};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::{Purpose, Row, Session};

/// How often it checks; shorter waits do not matter.
const EVERY: Duration = Duration::from_millis(50);
/// How long a statement waits for it to have a session.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looks after one run; stops with this value.
pub(super) struct Watchdog(Arc<WatchdogState>);

#[derive(Default)]
struct WatchdogState {
    over: AtomicBool,
    /// The process that runs the migration.
    worker: AtomicU32,
    /// Whether it may be cancelled: outside a transaction, cancelling would leave a part of the
    /// work.
    armed: AtomicBool,
    /// Who had waited for too long when it was cancelled.
    cancelled_for: Mutex<Option<String>>,
    /// Whether it has its session: not yet, none to be had, or yes.
    sight: AtomicU8,
    /// The wait of a statement that may wait for other transactions.
    wait: Mutex<Option<Wait>>,
}

/// The values of `sight`; initially unknown.
const BLIND: u8 = 1;
const SEES: u8 = 2;

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

impl Watchdog {
    /// Starts watching a run. Without a limit, it only reports the progress of index builds.
    pub(super) fn begin(
        world: &World,
        target: &Target,
        worker: u32,
        bound: Option<Duration>,
    ) -> Watchdog {
        let shared = Arc::new(WatchdogState::default());
        shared.worker.store(worker, Ordering::SeqCst);
        let (theirs, world, target) = (Arc::clone(&shared), world.clone(), target.clone());
        std::thread::spawn(move || theirs.watch(&world, &target, bound));
        Watchdog(shared)
    }

    /// From here on the worker may be cancelled.
    pub(super) fn arm(&self) {
        *self.0.cancelled_for.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.armed.store(true, Ordering::SeqCst);
    }

    /// From here on, it may not be cancelled.
    pub(super) fn disarm(&self) {
        self.0.armed.store(false, Ordering::SeqCst);
    }

    /// Called when a statement begins that may wait for other transactions. False if its wait
    /// cannot be observed.
    pub(super) fn start_watching(&self, world: &World, wait: Wait) -> bool {
        *self.wait() = Some(wait);
        // Its session opens with the first statements of a run.
        let began = stopwatch();
        let sight = || self.0.sight.load(Ordering::SeqCst);
        while sight() == 0 && began.elapsed() < PATIENCE && pause(world, EVERY / 5).is_ok() {}
        sight() == SEES
    }

    /// Why the statement was given up, if it was.
    pub(super) fn given_up(&self) -> Option<AbandonedWait> {
        self.wait().as_ref().and_then(|wait| wait.given_up().cloned())
    }

    /// The statement is over.
    pub(super) fn stop_watching(&self) -> Option<AbandonedWait> {
        self.wait().take().and_then(|wait| wait.given_up().cloned())
    }

    fn wait(&self) -> MutexGuard<'_, Option<Wait>> {
        self.0.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another session works now.
    pub(super) fn follow(&self, worker: u32) {
        self.0.worker.store(worker, Ordering::SeqCst);
    }

    /// The session for which the worker was cancelled, if it was.
    pub(super) fn cancelled_for(&self) -> Option<String> {
        self.0.cancelled_for.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl WatchdogState {
    fn watch(&self, world: &World, target: &Target, bound: Option<Duration>) {
        let mut session: Option<Session> = None;
        let mut since: BTreeMap<u32, Instant> = BTreeMap::new();
        // Most runs are over before a session is needed.
        while pause(world, EVERY).is_ok() && !self.over.load(Ordering::SeqCst) {
            let seen = match &mut session {
                Some(session) => self.poll(world, session, bound, &mut since),
                None => Session::open(world, target, Purpose::Read).map(|one| session = Some(one)),
            };
            self.sight.store(if seen.is_ok() { SEES } else { BLIND }, Ordering::SeqCst);
            // There may be a session to be had in a while.
            if seen.is_err() {
                session = None;
                let _ = pause(world, Duration::from_secs(1));
            }
        }
    }

    /// Checks how long a statement has waited for other transactions.
    fn check_wait(&self, world: &World, session: &mut Session) -> Result<()> {
        let mut wait = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = self.worker.load(Ordering::SeqCst);
        // The guard is held until the cancel request is sent, so that it hits this statement and
        // not a later one.
        if let Some(wait) = wait.as_mut()
            && wait.check(world, session, worker)?
        {
            cancel(session, worker)?;
        }
        Ok(())
    }

    fn poll(
        &self,
        world: &World,
        session: &mut Session,
        bound: Option<Duration>,
        since: &mut BTreeMap<u32, Instant>,
    ) -> Result<()> {
        let worker = self.worker.load(Ordering::SeqCst);
        let sql = format!(include_str!("sql/watch_worker.sql"), worker = worker);
        let [waiting, building] = session.sets("watch the migration", &sql)?;
        for row in &building {
            let percent = row.optional_number("percent")?;
            world.emit(Event::Building { phase: row.text("phase")?.to_owned(), percent });
        }
        let waits = |row: &Row| Ok((row.number("pid")?, row.text("who")?.to_owned()));
        let now: Vec<(u32, String)> = waiting.iter().map(waits).collect::<Result<_>>()?;
        since.retain(|pid, _| now.iter().any(|(waits, _)| waits == pid));
        for (pid, who) in &now {
            let began = *since.entry(*pid).or_insert_with(|| {
                world.emit(Event::Blocking { who: format!("{who} (pid {pid})") });
                stopwatch()
            });
            let too_long = bound.is_some_and(|bound| began.elapsed() >= bound);
            if too_long && self.armed.load(Ordering::SeqCst) {
                let who = format!("{who} (pid {pid})");
                *self.cancelled_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(who);
                cancel(session, worker)?;
            }
        }
        self.check_wait(world, session)
    }
}

fn cancel(session: &mut Session, worker: u32) -> Result<()> {
    let sql = format!("SELECT pg_catalog.pg_cancel_backend({worker})");
    session.rows("cancel the migration", &sql).map(drop)
}
