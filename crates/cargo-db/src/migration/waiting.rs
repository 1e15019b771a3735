//! Limits how long a statement waits for the transactions of others. The sessions that it waits for
//! are reported every ten seconds. `lock_timeout` does not apply: no session queues behind such a
//! wait, and an interrupted statement leaves something behind.

use std::time::{Duration, Instant};

use crate::failure::Result;
use crate::model::event::Event;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::Session;

/// How often the blocking sessions are queried.
const EVERY: Duration = Duration::from_millis(200);
/// How long a wait lasts before it is reported, and how often it is reported after that.
const FIRST: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_secs(10);
/// How long a cycle must last before it is reported: a session that waits for our lock may have a
/// timeout.
const CIRCLE: Duration = Duration::from_secs(3);

/// The waiting of one statement.
pub(super) struct Wait {
    subject: String,
    timeout: Duration,
    waited: Duration,
    in_circle: Duration,
    looked: Instant,
    next_words: Duration,
    given_up: Option<AbandonedWait>,
}

/// A statement that was cancelled, because it had waited for too long.
#[derive(Clone, Debug)]
pub(super) struct AbandonedWait {
    pub(super) waited: Duration,
    pub(super) holders: Vec<String>,
    /// Whether the session that it waited for itself waits for the lock of this run: such a wait
    /// never ends.
    pub(super) is_circle: bool,
}

impl Wait {
    pub(super) fn new(subject: &str, timeout: Duration) -> Wait {
        Wait {
            subject: subject.to_owned(),
            timeout,
            waited: Duration::ZERO,
            in_circle: Duration::ZERO,
            looked: stopwatch(),
            next_words: FIRST,
            given_up: None,
        }
    }

    /// Why it was given up, if it was.
    pub(super) fn given_up(&self) -> Option<&AbandonedWait> {
        self.given_up.as_ref()
    }

    /// Queries which sessions the worker waits for, and returns whether to cancel it.
    pub(super) fn check(
        &mut self,
        world: &World,
        session: &mut Session,
        worker: u32,
    ) -> Result<bool> {
        let passed = self.looked.elapsed();
        if passed < EVERY {
            return Ok(false);
        }
        let sql = format!(include_str!("sql/holders.sql"), worker = worker);
        let rows = session.rows("find out what the statement waits for", &sql)?;
        self.looked = stopwatch();
        if rows.is_empty() {
            self.in_circle = Duration::ZERO;
            return Ok(false);
        }
        let mut holders = Vec::new();
        let mut circle = false;
        for row in &rows {
            holders.push(row.text("who")?.to_owned());
            circle |= row.flag("waits_for_us")?;
        }
        self.waited += passed;
        self.in_circle = if circle { self.in_circle + passed } else { Duration::ZERO };
        self.say(world, &holders);
        self.give_up(holders);
        // A cancel that came between two statements hit neither.
        Ok(self.given_up.is_some())
    }

    fn say(&mut self, world: &World, holders: &[String]) {
        if self.waited < self.next_words {
            return;
        }
        self.next_words = self.waited + AGAIN;
        world.emit(Event::Waiting {
            subject: self.subject.clone(),
            holders: holders.to_vec(),
            waited: self.waited,
            timeout: self.timeout,
        });
    }

    fn give_up(&mut self, holders: Vec<String>) {
        let is_circle = self.in_circle >= CIRCLE;
        if self.given_up.is_none() && (is_circle || self.waited >= self.timeout) {
            self.given_up = Some(AbandonedWait { waited: self.waited, holders, is_circle });
        }
    }
}
