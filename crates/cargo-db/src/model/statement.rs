//! A statement that the server rejected: its position, and the server's error.

use std::path::PathBuf;

use postgres::error::SqlState;

/// The place in a file that a statement of the user's failed at, and what the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatementError {
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// The line itself.
    pub(crate) source_line: String,
    pub(crate) server: ServerError,
    /// What cargo db adds to the server's message.
    pub(crate) note: Option<String>,
}

/// What a server says when it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerError {
    /// The SQLSTATE, where the server spoke at all.
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    /// What the server was busy with: a line of a COPY, a function.
    pub(crate) context: Option<String>,
    /// Where in the statement, in characters from 1.
    pub(crate) position: Option<u32>,
}

impl StatementError {
    /// The file, line and column, as editors read them.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

impl ServerError {
    /// The first name that the message quotes.
    pub(crate) fn quoted_name(&self) -> Option<&str> {
        self.message.split('"').nth(1)
    }

    /// Whether the server gave this reason.
    pub(crate) fn is(&self, state: &SqlState) -> bool {
        self.code.as_deref() == Some(state.code())
    }
}
