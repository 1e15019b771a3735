//! What a server refuses: statements of the user's files, our own, and verifications.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, FINISH_BY_HAND, list_remaining, server_lines};
use crate::model::statement::{ServerError, StatementError};

/// A statement that failed, or that found what should not be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("{}: {}", statement.place(), statement.server.message)]
    Statement { statement: Box<StatementError>, subject: String, command: String },
    #[error("{}: {}", statement.place(), statement.server.message)]
    PartWay {
        statement: Box<StatementError>,
        subject: String,
        /// What was committed, and is not undone.
        stays: Vec<String>,
        command: String,
    },
    #[error("{}:{line}: the statement ended the transaction of {subject}", file.display())]
    Ended {
        file: PathBuf,
        line: usize,
        subject: String,
        /// Whether the history should record what was committed.
        has_history: bool,
        command: String,
    },
    #[error("`{database}` contains text that is not valid UTF-8: {object}")]
    NotText { database: String, object: String },
    #[error("{doing}: {}", server.message)]
    Sql { doing: String, server: Box<ServerError> },
    #[error("{}:{line}: verification failed: {found}", file.display())]
    NotVerified { file: PathBuf, line: usize, found: String, subject: String },
}

impl DatabaseError {
    /// Whether the role lacks a privilege: then the address may name the wrong role.
    pub(super) fn lacks_privilege(&self) -> bool {
        match self {
            DatabaseError::Sql { server, .. } => server.code.as_deref() == Some("42501"),
            DatabaseError::Statement { statement, .. } => {
                statement.server.code.as_deref() == Some("42501")
            }
            _ => false,
        }
    }

    /// The command that is suggested.
    pub(super) fn command_mut(&mut self) -> Option<&mut String> {
        match self {
            DatabaseError::Statement { command, .. }
            | DatabaseError::PartWay { command, .. }
            | DatabaseError::Ended { command, .. } => Some(command),
            _ => None,
        }
    }

    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            DatabaseError::Statement { statement, subject, command } => {
                let failed = Explanation::new("STATEMENT.FAILED", Exit::Failed)
                    .because_of(server_lines(&statement.server))
                    .because_of(statement.note.clone())
                    .because(format!("{subject} was rolled back: the database is unchanged"));
                run_again(failed, statement, subject, command)
            }
            DatabaseError::PartWay { statement, stays, command, .. } => {
                Explanation::new("STATEMENT.PART_WAY", Exit::PartWay)
                    .because_of(server_lines(&statement.server))
                    .because_of(statement.note.clone())
                    .because_of(list_remaining(stays))
                    .run(FINISH_BY_HAND, command)
            }
            DatabaseError::Ended { line, has_history, command, .. } => {
                let ended = Explanation::new("TRANSACTION.ENDED", Exit::PartWay);
                let applied = format!("the statements up to line {line} may be committed");
                match has_history {
                    true => ended
                        .because(format!("{applied}, and the history does not record them"))
                        .run(FINISH_BY_HAND, command),
                    false => ended.because(applied).run(
                        "remove the statement that ends the transaction, and undo the applied \
                         statements yourself; then run",
                        command,
                    ),
                }
            }
            DatabaseError::NotText { .. } => Explanation::new("DATABASE.NOT_TEXT", Exit::Failed)
                .because("a database with the encoding SQL_ASCII accepts any bytes")
                .advise("rename the object: `ALTER … RENAME`"),
            DatabaseError::Sql { server, .. } => {
                let failed = Explanation::new("DATABASE.FAILED", Exit::Failed)
                    .because_of(server_lines(server));
                match self.lacks_privilege() {
                    true => failed.advise(
                        "connect as a role with the privilege, or have the owner grant it to \
                         this role",
                    ),
                    false => failed,
                }
            }
            DatabaseError::NotVerified { subject, .. } if subject.is_empty() => {
                Explanation::new("VERIFY.FAILED", Exit::PartWay).because(
                    "every migration was applied; the result is not what verify.sql expects",
                )
            }
            DatabaseError::NotVerified { subject, .. } => {
                Explanation::new("VERIFY.FAILED", Exit::Failed).because(format!(
                    "the transaction of {subject} was rolled back: the database is unchanged"
                ))
            }
        }
    }
}

/// What helps against a refused statement depends on why it was refused.
fn run_again(
    failed: Explanation,
    statement: &StatementError,
    subject: &str,
    again: &str,
) -> Explanation {
    let line = statement.source_line.to_lowercase();
    let is_temporary = line.split_whitespace().any(|word| word == "temp" || word == "temporary");
    match statement.server.code.as_deref() {
        Some("42P07") if is_temporary => failed.run(
            "an earlier migration of the same session created a temporary table with this name: \
             drop that first, or use another name; then run",
            again,
        ),
        _ if statement.server.missing_extension().is_some() => {
            failed.run("install the extension on the server, then run", again)
        }
        Some("55P03") => failed.run(
            "other sessions have locked the table: retry later, or with a longer \
             `--ddl-lock-timeout`",
            again,
        ),
        Some("57014") => failed.run(
            "the statement took too long: raise `[migrate] statement-timeout`, then run",
            again,
        ),
        Some("25006") => failed.run(
            "transactions of this role or database are read-only: begin the file with `SET \
             TRANSACTION READ WRITE`, or connect as another role; then run",
            again,
        ),
        Some("42501") => failed.run("connect as a role with the privilege, then run", again),
        Some("25001") => failed.run(
            "the statement cannot run in a transaction: see `cargo db check` for how to run the \
             file without one; then run",
            again,
        ),
        Some("42P07" | "42710") => failed.run(
            "if the database already has this change, record it as applied",
            match version_of(subject) {
                Some(version) => format!("cargo db baseline --to {version} --dry-run"),
                None => "cargo db baseline --dry-run".to_owned(),
            },
        ),
        _ => failed.run("fix the file, then run", again),
    }
}

/// The version of the quoted migration that a failure is about, if it needs no shell quoting.
/// Without the version, later migrations would be recorded as well.
fn version_of(subject: &str) -> Option<&str> {
    let version = subject.split('`').nth(1)?.split(' ').next()?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_one = version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(is_part);
    is_one.then_some(version)
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<DatabaseError> {
    let text = str::to_owned;
    let server = |code: &str| ServerError {
        code: Some(text(code)),
        message: text("relation \"pupils\" does not exist"),
        detail: Some(text("it was dropped")),
        hint: Some(text("create it first")),
        context: Some(text("COPY pupils, line 2\nand more")),
        position: Some(1),
    };
    let statement = |code: &str| {
        Box::new(StatementError {
            file: "1_a.sql".into(),
            line: 1,
            column: 1,
            source_line: text("SELECT 1"),
            server: server(code),
            note: None,
        })
    };
    let failed = |code: &&str| DatabaseError::Statement {
        statement: statement(code),
        subject: text("the transaction of migration `1 a`"),
        command: text("cargo db migrate"),
    };
    let ended = |subject, has_history, command| DatabaseError::Ended {
        file: "1_a.sql".into(),
        line: 2,
        subject: text(subject),
        has_history,
        command: text(command),
    };
    let not_verified = |subject: &str| DatabaseError::NotVerified {
        file: "verify.sql".into(),
        line: 3,
        found: text("2 rows"),
        subject: text(subject),
    };
    let mut all: Vec<DatabaseError> =
        ["22012", "55P03", "57014", "25006", "42501", "25001", "42P07"]
            .iter()
            .map(failed)
            .collect();
    all.extend([
        DatabaseError::PartWay {
            statement: statement("22012"),
            subject: text("migration `1 a`"),
            stays: vec![text("CREATE INDEX")],
            command: text("cargo db rollback"),
        },
        ended("migration `1 a`", true, "cargo db migrate"),
        ended("the seed run", false, "cargo db seed"),
        DatabaseError::NotText { database: text("school"), object: text("table public.a\\374") },
        DatabaseError::Sql {
            doing: text("cannot count the rows"),
            server: Box::new(server("42501")),
        },
        not_verified(""),
        not_verified("migration `2 b`"),
    ]);
    all
}
