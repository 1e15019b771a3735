//! What happens while a plan is carried out. The world and the executors say it, `face` shows it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Something that a person who waits wants to know.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Event {
    /// The private server is being made or started.
    ServerStarting {
        /// Whether its cluster has to be created first.
        first_time: bool,
    },
    /// Somebody else holds the lock, and we wait.
    LockHeld { by: String, since: Option<String> },
    /// Another session blocks reading a table, and cargo db waits.
    TableHeld { table: String, by: String },
    /// The run that left a session behind is dead; its session was ended.
    #[serde(rename = "session-ended")]
    SessionOfKilledRunEnded { pid: i32 },
    /// A step begins. `subject` names it.
    Started { doing: &'static str, subject: String },
    /// The number of tables or parts of the current step.
    Expected { count: u64, of: &'static str },
    /// One more of them is done.
    Counted,
    /// A client found no connection; it is tried again.
    Reconnecting {
        subject: String,
        attempt: u32,
        attempts: u32,
        #[serde(rename = "pause_ms", serialize_with = "milliseconds")]
        #[cfg_attr(test, schemars(with = "u64"))]
        pause: Duration,
    },
    /// So much of the step that began last has passed.
    Passed { bytes: u64 },
    /// A step is done.
    Finished {
        done: &'static str,
        subject: String,
        #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
        #[cfg_attr(test, schemars(with = "u64"))]
        elapsed: Duration,
    },
    /// A migration, or a statement of it, is tried again.
    Retrying {
        subject: String,
        why: &'static str,
        attempt: u32,
        attempts: u32,
        #[serde(rename = "pause_ms", serialize_with = "milliseconds")]
        #[cfg_attr(test, schemars(with = "u64"))]
        pause: Duration,
    },
    /// A session waits for a lock that the migration holds.
    Blocking { who: String },
    /// A statement waits for the transactions of other sessions, without blocking them.
    Waiting {
        subject: String,
        holders: Vec<String>,
        #[serde(rename = "waited_ms", serialize_with = "milliseconds")]
        #[cfg_attr(test, schemars(with = "u64"))]
        waited: Duration,
        #[serde(rename = "timeout_ms", serialize_with = "milliseconds")]
        #[cfg_attr(test, schemars(with = "u64"))]
        timeout: Duration,
    },
    /// How far an index is built.
    Building { phase: String, percent: Option<u8> },
    /// A failed concurrent build left an index that nothing can use; it was dropped.
    InvalidIndexRemoved { index: String },
    /// A tool that runs printed a line.
    ToolSaid { line: String },
    /// A program of the project's that runs printed a line.
    ProgramSaid { line: String },
    /// Something that the reader should not miss, though it stops nothing.
    Warning { message: String },
    /// The server said something.
    Notice { severity: String, message: String },
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Where events go. Shared with the thread that hears the server's notices.
pub(crate) type Events = Arc<dyn Fn(Event) + Send + Sync>;
