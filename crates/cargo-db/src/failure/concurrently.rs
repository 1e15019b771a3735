//! Statements with `CONCURRENTLY`: they commit in parts, and may leave something when they stop.

use std::time::Duration;

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, LEFT_BEHIND, list_remaining};

/// Where such a statement stopped, and what it left.
#[derive(Clone, Debug)]
pub(crate) struct Stopped {
    /// File and line.
    pub(crate) place: String,
    /// What the statement has left, each with what that means.
    pub(crate) left: Vec<String>,
    /// The statements of the file that are done, each as its first line.
    pub(crate) stays: Vec<String>,
    /// The command that continues from here.
    pub(crate) command: String,
}

/// A statement that did not complete, or whose result is not valid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConcurrentlyError {
    #[error("{}: gave up after waiting {} for other transactions", at.place, seconds(*waited))]
    TimedOut { at: Stopped, waited: Duration, holders: Vec<String> },
    #[error(
        "{}: gave up: the statement and another session were waiting for each other",
        at.place
    )]
    Circle { at: Stopped, holders: Vec<String> },
    #[error("{}: {message}", at.place)]
    Left { at: Stopped, message: String, why: Vec<String> },
    #[error("{}: the index {index} is not valid", at.place)]
    Invalid { at: Stopped, index: String, builder: Option<String> },
}

impl ConcurrentlyError {
    /// The command that is suggested.
    pub(super) fn command_mut(&mut self) -> &mut String {
        match self {
            ConcurrentlyError::TimedOut { at, .. }
            | ConcurrentlyError::Circle { at, .. }
            | ConcurrentlyError::Left { at, .. }
            | ConcurrentlyError::Invalid { at, .. } => &mut at.command,
        }
    }

    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            ConcurrentlyError::TimedOut { at, holders, .. } => {
                stopped("CONCURRENTLY.TIMED_OUT", at, waited_for(holders)).run(
                    "wait until these transactions have ended, or pass a longer \
                     `--concurrently-timeout`; then run",
                    &at.command,
                )
            }
            ConcurrentlyError::Circle { at, holders } => {
                stopped("CONCURRENTLY.CIRCLE", at, waited_for(holders)).run(
                    "end that session (often an application that migrates at startup), then run",
                    &at.command,
                )
            }
            ConcurrentlyError::Left { at, why, .. } => stopped(
                "CONCURRENTLY.LEFT",
                at,
                why.clone(),
            )
            .run(
                "fix the cause, then run this command, which first removes what was left behind",
                &at.command,
            ),
            ConcurrentlyError::Invalid { at, builder, .. } => {
                let builder = builder.iter().map(|who| format!("{who} is using the index"));
                stopped("INDEX.INVALID", at, builder.collect()).run(
                    "no query can use the index: drop it or rebuild it with REINDEX, then run",
                    &at.command,
                )
            }
        }
    }
}

fn stopped(code: &'static str, at: &Stopped, why: Vec<String>) -> Explanation {
    let stays = (!at.stays.is_empty()).then(|| list_remaining(&at.stays));
    let head = (!at.left.is_empty()).then(|| LEFT_BEHIND.to_owned());
    Explanation::new(code, Exit::PartWay)
        .because_of(why)
        .because_of(stays.into_iter().flatten())
        .because_of(head)
        .because_of(at.left.iter().map(|left| format!("  {left}")))
}

fn waited_for(holders: &[String]) -> Vec<String> {
    holders
        .iter()
        .map(|holder| format!("the statement waited for another session: {holder}"))
        .collect()
}

fn seconds(waited: Duration) -> String {
    // In whole seconds, unless it is shorter than one.
    let whole = Duration::from_secs(waited.as_secs());
    let shown = if whole.is_zero() { Duration::from_millis(100) } else { whole };
    humantime::format_duration(shown).to_string()
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<ConcurrentlyError> {
    let text = str::to_owned;
    let holders = || vec![text("psql as ada (pid 7)")];
    let at = || Stopped {
        place: text("1_a.sql:2"),
        left: vec![text("the invalid index public.cx")],
        stays: vec![text("CREATE TABLE a")],
        command: "cargo db migrate".to_owned(),
    };
    let clean = || Stopped { left: Vec::new(), stays: Vec::new(), ..at() };
    let waited = Duration::from_secs(3600);
    vec![
        ConcurrentlyError::TimedOut { at: at(), waited, holders: holders() },
        ConcurrentlyError::TimedOut { at: clean(), waited, holders: holders() },
        ConcurrentlyError::Circle { at: at(), holders: holders() },
        ConcurrentlyError::Left {
            at: at(),
            message: text("could not create unique index \"cx\""),
            why: vec![text("SQLSTATE 23505")],
        },
        ConcurrentlyError::Invalid { at: at(), index: text("public.cx"), builder: None },
        ConcurrentlyError::Invalid {
            at: clean(),
            index: text("public.cx"),
            builder: Some(text("psql (pid 7)")),
        },
    ]
}
