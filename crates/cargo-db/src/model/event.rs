//! What happens while a plan is carried out. The world and the executors say it, `ui` shows it.

use std::sync::Arc;
use std::time::Duration;

/// Something that a person who waits wants to know.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The private server is being made or started.
    ServerStarting {
        /// Whether its cluster has to be made first.
        first_time: bool,
    },
    /// Somebody else holds the lock, and we wait.
    LockHeld {
        by: String,
        since: Option<String>,
    },
    /// The run that left a session behind is dead; its session was ended.
    SessionOfKilledRunEnded {
        pid: i32,
    },
    /// A step begins. `subject` names it.
    Started {
        doing: &'static str,
        subject: String,
    },
    /// The step that began last consists of so many tables or parts.
    Expected {
        count: u64,
        of: &'static str,
    },
    /// One more of them is done.
    Counted,
    /// A client found no connection; it is tried again.
    Reconnecting {
        subject: String,
        attempt: u32,
        attempts: u32,
        pause: Duration,
    },
    /// So much of the step that began last has passed.
    Passed {
        bytes: u64,
    },
    /// A step is done.
    Finished {
        done: &'static str,
        subject: String,
        elapsed: Duration,
    },
    /// A statement waited too long for its lock; the migration is tried again.
    Retrying {
        subject: String,
        attempt: u32,
        attempts: u32,
        pause: Duration,
    },
    /// A failed concurrent build left an index that nothing can use; it was dropped.
    /// Somebody waits for what a migration holds.
    Blocking {
        who: String,
    },
    /// How far an index is built.
    Building {
        phase: String,
        percent: Option<u8>,
    },
    InvalidIndexRemoved {
        index: String,
    },
    /// A tool that runs printed a line.
    ToolSaid {
        line: String,
    },
    /// The server said something.
    Notice {
        severity: String,
        message: String,
    },
}

/// Where events go. Shared with the thread that hears the server's notices.
pub(crate) type Events = Arc<dyn Fn(Event) + Send + Sync>;
