//! Handles Ctrl-C and similar signals: running statements are cancelled, so that the database rolls
//! back and the run ends in the ordinary way. A second signal ends the process at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Exit, Result, RunError};

type Cancel = Box<dyn Fn() + Send>;

/// The signal that came last to this process, for what waits without a world to ask.
static LAST: AtomicI32 = AtomicI32::new(0);

/// Whether a signal arrives during a long operation. An earlier signal does not count, because
/// cleaning up after it has to complete.
pub(crate) struct SignalWatch(bool);

impl SignalWatch {
    /// Begins now.
    pub(crate) fn begin() -> SignalWatch {
        SignalWatch(LAST.load(Ordering::SeqCst) == 0)
    }

    /// Fails if a signal came since.
    pub(crate) fn check(&self) -> Result<()> {
        match LAST.load(Ordering::SeqCst) {
            signal if self.0 && signal != 0 => {
                Err(RunError::Interrupted { terminated: signal != SIGINT }.into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a signal has arrived, and what to cancel then.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<SignalState>);

#[derive(Default)]
struct SignalState {
    signal: AtomicI32,
    next: AtomicU64,
    cancels: Mutex<BTreeMap<u64, Cancel>>,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Interrupt> {
        let interrupt = Interrupt::default();
        let failed = |error: std::io::Error| RunError::Bug {
            what: format!("cannot listen to signals: {error}"),
        };
        let again = Arc::new(AtomicBool::new(false));
        for (signal, exit) in
            [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated), (SIGHUP, Exit::Terminated)]
        {
            // In this order: the first signal only arms the second.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                exit as i32,
                Arc::clone(&again),
            )
            .map_err(failed)?;
            signal_hook::flag::register(signal, Arc::clone(&again)).map_err(failed)?;
        }
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
        let shared = Arc::clone(&interrupt.0);
        std::thread::spawn(move || {
            for signal in signals.forever() {
                LAST.store(signal, Ordering::SeqCst);
                shared.signal.store(signal, Ordering::SeqCst);
                let cancels = shared.cancels.lock().unwrap_or_else(PoisonError::into_inner);
                cancels.values().for_each(|cancel| cancel());
            }
        });
        Ok(interrupt)
    }

    /// Fails if a signal came.
    pub(crate) fn check(&self) -> Result<()> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => Err(RunError::Interrupted { terminated: signal != SIGINT }.into()),
        }
    }

    /// Has `cancel` called when a signal comes, until the guard is dropped.
    pub(crate) fn on_signal(&self, cancel: impl Fn() + Send + 'static) -> CancelGuard {
        let id = self.0.next.fetch_add(1, Ordering::SeqCst);
        self.0.cancels.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Box::new(cancel));
        CancelGuard { interrupt: self.clone(), id }
    }
}

/// Removes the cancel function when dropped.
pub(crate) struct CancelGuard {
    interrupt: Interrupt,
    id: u64,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.interrupt.0.cancels.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
