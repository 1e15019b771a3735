//! Trying again: after a wait for a lock that took too long, and only so often.

use std::time::Duration;

use postgres::error::SqlState;

use crate::failure::{DatabaseError, Failure, Kind, LockError, Result};
use crate::model::event::Event;
use crate::settings::Limits;
use crate::world::World;
use crate::world::clock::{now, pause};

/// Why a migration is retried after a lock conflict.
pub(super) const WAITED_FOR_LOCK: &str = "waited too long for a lock";

/// How often one more try is worth it, and after which pause.
pub(super) struct RetryBudget {
    /// What is tried.
    subject: String,
    attempt: u32,
    attempts: u32,
    wait: Duration,
}

impl RetryBudget {
    pub(super) fn new(limits: &Limits, subject: &str) -> RetryBudget {
        let (attempts, wait) = (limits.attempts.value, Duration::from_millis(200));
        RetryBudget { subject: subject.to_owned(), attempt: 1, attempts, wait }
    }

    /// Waits and says whether to try again.
    pub(super) fn again(&mut self, world: &World, why: &'static str) -> Result<bool> {
        if self.attempt >= self.attempts {
            return Ok(false);
        }
        self.attempt += 1;
        let (subject, attempt, attempts) = (self.subject.clone(), self.attempt, self.attempts);
        world.emit(Event::Retrying { subject, why, attempt, attempts, pause: self.wait });
        // Two runs that are in each other's way should not come back at the same moment.
        pause(world, self.wait.mul_f64(1.0 + jitter() / 2.0))?;
        self.wait = (self.wait * 2).min(Duration::from_secs(5));
        Ok(true)
    }
}

/// Anything from 0 to 1.
fn jitter() -> f64 {
    f64::from(now().nanosecond() % 1000) / 1000.0
}

/// Whether a run failed because it waited for a lock for too long, or others waited for it.
pub(super) fn waited_for_lock(failure: &Failure) -> bool {
    match failure.kind() {
        Kind::Database(DatabaseError::Statement { statement, .. }) => {
            statement.server.is(&SqlState::LOCK_NOT_AVAILABLE)
        }
        Kind::Database(DatabaseError::Sql { server, .. }) => {
            server.is(&SqlState::LOCK_NOT_AVAILABLE)
        }
        Kind::Lock(LockError::OthersWaited { .. }) => true,
        _ => false,
    }
}
