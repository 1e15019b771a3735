//! A statement that the server rejected: its position, and the server's error.

use std::path::{Path, PathBuf};

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

    /// The extension whose files the server does not have. Before PostgreSQL 15, it names the file.
    pub(crate) fn missing_extension(&self) -> Option<&str> {
        let name = self.quoted_name()?;
        match self.code.as_deref()? {
            "0A000" if self.message.ends_with("is not available") => {
                self.message.starts_with("extension ").then_some(name)
            }
            "58P01" if self.message.starts_with("could not open extension control file") => {
                Path::new(name).file_stem()?.to_str()
            }
            _ => None,
        }
    }

    /// Whether the server gave this reason.
    pub(crate) fn is(&self, state: &SqlState) -> bool {
        self.code.as_deref() == Some(state.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_names_the_extension_that_it_lacks() {
        let missing = |code: &str, message: &str| {
            let (code, message) = (Some(code.to_owned()), message.to_owned());
            let server = ServerError { code, message, ..ServerError::default() };
            server.missing_extension().map(str::to_owned)
        };
        let of_14 = "could not open extension control file \
                     \"/usr/share/extension/vector.control\": No such file or directory";
        assert_eq!(missing("58P01", of_14).as_deref(), Some("vector"));
        let newer = "extension \"vector\" is not available";
        assert_eq!(missing("0A000", newer).as_deref(), Some("vector"));
        assert_eq!(missing("0A000", "access method \"x\" is not available"), None);
        assert_eq!(missing("58P01", "could not access file \"x\": No such file"), None);
    }
}
