//! Whether somebody still wants the result, for threads that wait without a runtime.

use std::sync::{Arc, Mutex, PoisonError};

type Action = Box<dyn FnOnce() + Send>;

/// Asks a call, or the whole server, to end. Clones are the same one.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<Mutex<CancellationState>>);

#[derive(Default)]
struct CancellationState {
    is_cancelled: bool,
    actions: Vec<Action>,
}

impl Cancellation {
    /// Cancels, and runs the actions that were registered. Only the first call does anything.
    pub fn cancel(&self) {
        let actions = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.is_cancelled = true;
            std::mem::take(&mut state.actions)
        };
        actions.into_iter().for_each(|action| action());
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_cancelled
    }

    /// Runs this when it is cancelled; at once if it is already.
    pub fn on_cancel(&self, action: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_cancelled {
            drop(state);
            action();
        } else {
            state.actions.push(Box::new(action));
        }
    }
}
