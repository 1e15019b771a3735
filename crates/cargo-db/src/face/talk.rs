//! Events in words, for who reads lines.

use crate::answer::text::elapsed;
use crate::model::event::Event;

/// The text of an event.
pub(super) enum EventText {
    /// A line such as `   Applied 20260101 users`.
    Status(&'static str, String),
    Warning(String),
    /// A notice of the server's.
    Notice(String),
    /// What a tool printed.
    Tool(String),
    /// What a program of the project's printed.
    Program(String),
    /// There is nothing to say: something moves, at most.
    None,
}

impl From<&Event> for EventText {
    fn from(event: &Event) -> EventText {
        match event {
            Event::Finished { done, subject, elapsed: took } => {
                EventText::Status(done, format!("{subject} in {}", elapsed(*took)))
            }
            Event::ServerStarting { first_time: true } => EventText::Status(
                "Making",
                "a private PostgreSQL server for this project".to_owned(),
            ),
            Event::LockHeld { by, since } => {
                let since =
                    since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
                EventText::Status("Waiting", format!("for the lock, held by {by}{since}"))
            }
            Event::TableHeld { table, by } => {
                EventText::Status("Waiting", format!("for {table}, which is locked by {by}"))
            }
            Event::Retrying { subject, why, attempt, attempts, pause } => {
                let pause = elapsed(*pause);
                let text = format!("{subject}: {why}; try {attempt} of {attempts} in {pause}");
                EventText::Status("Retrying", text)
            }
            Event::Reconnecting { subject, attempt, attempts, pause } => {
                let (why, pause) = ("the server had no connection", elapsed(*pause));
                let text = format!("{subject}: {why}; try {attempt} of {attempts} in {pause}");
                EventText::Status("Retrying", text)
            }
            Event::Blocking { who } => {
                EventText::Status("Blocking", format!("{who} waits for this migration"))
            }
            Event::Waiting { subject, holders, waited, timeout } => {
                let (waited, timeout) = (elapsed(*waited), elapsed(*timeout));
                let text = format!("{subject} for {}", holders.join("; for "));
                EventText::Status("Waiting", format!("{text} ({waited} of at most {timeout})"))
            }
            Event::SessionOfKilledRunEnded { pid } => EventText::Warning(format!(
                "ended a session (pid {pid}) that a killed run left behind"
            )),
            Event::InvalidIndexRemoved { index } => EventText::Warning(format!(
                "dropped the invalid index {index}, which a failed build left behind"
            )),
            Event::Warning { message } => EventText::Warning(message.clone()),
            Event::Notice { severity, message } => {
                EventText::Notice(format!("{:>12} {message}", severity.to_lowercase()))
            }
            Event::ToolSaid { line } => EventText::Tool(line.clone()),
            Event::ProgramSaid { line } => EventText::Program(line.clone()),
            Event::Started { .. }
            | Event::ServerStarting { first_time: false }
            | Event::Expected { .. }
            | Event::Counted
            | Event::Passed { .. }
            | Event::Building { .. } => EventText::None,
        }
    }
}
