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

/// A duration for messages: in whole seconds, or in tenths of a second if it is shorter than one.
pub(crate) fn in_words(waited: Duration) -> String {
    let shown = match waited.as_secs() {
        0 => Duration::from_millis(u64::from(waited.subsec_millis() / 100 * 100)),
        seconds => Duration::from_secs(seconds),
    };
    humantime::format_duration(shown).to_string()
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
