//! What time it is, and waiting.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::failure::Result;
use crate::world::World;

/// The date and time in UTC.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// A moment to measure from.
pub(crate) fn stopwatch() -> Instant {
    Instant::now()
}

/// Waits, unless a signal asks us to stop first.
pub(crate) fn pause(world: &World, duration: Duration) -> Result<()> {
    let end = Instant::now() + duration;
    loop {
        world.interrupt.check()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(20)));
    }
}
