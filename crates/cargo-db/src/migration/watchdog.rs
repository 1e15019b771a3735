//! While a migration runs, a second session looks who waits for it. When they have waited for too long,
//! the migration is cancelled: it is tried again as a whole, and they go on meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Result;
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::{Purpose, Session};

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
            let mut since: BTreeMap<String, Instant> = BTreeMap::new();
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
        since: &mut BTreeMap<String, Instant>,
    ) -> Result<()> {
        let worker = self.worker.load(Ordering::SeqCst);
        let sql = format!(
            "SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename, 'somebody') FROM pg_stat_activity a \
             WHERE a.wait_event_type = 'Lock' AND {worker} = ANY (pg_blocking_pids(a.pid)); \
             SELECT phase, CASE WHEN tuples_total > 0 THEN 100 * tuples_done / tuples_total \
                 WHEN blocks_total > 0 THEN 100 * blocks_done / blocks_total END \
             FROM pg_stat_progress_create_index WHERE pid = {worker}"
        );
        let sets = session.result_sets("watch the migration", &sql)?;
        let [waiting, building] = sets.as_slice() else { return Ok(()) };
        for row in building {
            let text = |column: usize| row[column].clone().unwrap_or_default();
            world.tell(Event::Building { phase: text(0), percent: text(1).parse().ok() });
        }
        let now: Vec<(String, String)> = waiting
            .iter()
            .map(|row| (row[0].clone().unwrap_or_default(), row[1].clone().unwrap_or_default()))
            .collect();
        since.retain(|pid, _| now.iter().any(|(waits, _)| waits == pid));
        for (pid, who) in &now {
            let began = *since.entry(pid.clone()).or_insert_with(|| {
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
