//! While a migration runs, a second session looks who waits for it. When they have waited for too
//! long, the migration is cancelled: it is tried again as a whole, and they go on meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Result;
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::{Purpose, Row, Session};

/// How often it looks. What takes less is over before anybody minds.
const EVERY: Duration = Duration::from_millis(50);

/// Looks after one run; stops with this value.
pub(super) struct Watchdog(Arc<Shared>);

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    /// The process that runs the migration.
    worker: AtomicU32,
    /// Whether it may be cancelled: what runs outside a transaction would leave a part of itself.
    armed: AtomicBool,
    /// Who had waited for too long when it was cancelled.
    cancelled_for: Mutex<Option<String>>,
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

impl Watchdog {
    /// Watches a run from now on. Without a bound it only tells how far an index is built.
    pub(super) fn begin(
        world: &World,
        target: &Target,
        worker: u32,
        bound: Option<Duration>,
    ) -> Watchdog {
        let shared = Arc::new(Shared::default());
        shared.worker.store(worker, Ordering::SeqCst);
        let (theirs, world, target) = (Arc::clone(&shared), world.clone(), target.clone());
        std::thread::spawn(move || {
            let mut session: Option<Session> = None;
            let mut since: BTreeMap<u32, Instant> = BTreeMap::new();
            while pause(&world, EVERY).is_ok() && !theirs.over.load(Ordering::SeqCst) {
                // Most runs are over before a session is needed.
                let looked = match &mut session {
                    Some(session) => theirs.look(&world, session, bound, &mut since),
                    None => Session::open(&world, &target, Purpose::Read)
                        .map(|opened| session = Some(opened)),
                };
                if looked.is_err() {
                    return;
                }
            }
        });
        Watchdog(shared)
    }

    /// From here on the worker may be cancelled.
    pub(super) fn arm(&self) {
        *self.0.cancelled_for.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.armed.store(true, Ordering::SeqCst);
    }

    /// From here on it may not be cancelled any more.
    pub(super) fn disarm(&self) {
        self.0.armed.store(false, Ordering::SeqCst);
    }

    /// Another session works now.
    pub(super) fn follow(&self, worker: u32) {
        self.0.worker.store(worker, Ordering::SeqCst);
    }

    /// For whom the worker was cancelled, if it was.
    pub(super) fn cancelled_for(&self) -> Option<String> {
        self.0.cancelled_for.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn look(
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
            world.tell(Event::Building { phase: row.text("phase")?.to_owned(), percent });
        }
        let waits = |row: &Row| Ok((row.number("pid")?, row.text("who")?.to_owned()));
        let now: Vec<(u32, String)> = waiting.iter().map(waits).collect::<Result<_>>()?;
        since.retain(|pid, _| now.iter().any(|(waits, _)| waits == pid));
        for (pid, who) in &now {
            let began = *since.entry(*pid).or_insert_with(|| {
                world.tell(Event::Blocking { who: format!("{who} (pid {pid})") });
                stopwatch()
            });
            let too_long = bound.is_some_and(|bound| began.elapsed() >= bound);
            if too_long && self.armed.load(Ordering::SeqCst) {
                let who = format!("{who} (pid {pid})");
                *self.cancelled_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(who);
                session
                    .rows("cancel the migration", &format!("SELECT pg_cancel_backend({worker})"))?;
            }
        }
        Ok(())
    }
}
