//! Dumps that cargo db writes itself, without `pg_dump`.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A dump that is not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DumpError {
    #[error("a dump of `{database}` would leave out objects of unsupported kinds")]
    Uncovered { database: String, objects: Vec<String>, command: String },
    #[error("{why}")]
    Choice { why: String },
    #[error("other objects depend on the excluded objects")]
    Needed { objects: Vec<String> },
    #[error("these objects depend on each other, so none can be created first")]
    Circle { objects: Vec<String> },
    #[error("PostgreSQL {version} is older than version 14, the oldest that can be dumped")]
    TooOld { version: String },
    #[error("`dump` is refused to an AI agent ({agent}) in {environment}")]
    ByAgent { agent: String, environment: String, command: String },
    #[error("`shell` is refused to an AI agent ({agent}) in {environment}")]
    ShellByAgent { agent: String, environment: String, command: String },
    #[error("cannot start `{program}`: {why}")]
    NoShell { program: String, why: String },
}

impl DumpError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            DumpError::Uncovered { objects, command, .. } => {
                let first = objects.first().map(String::as_str).unwrap_or_default();
                let without = format!("{command} --exclude '{}'", first.replace('\'', "'\\''"));
                Explanation::new("DUMP.UNCOVERED", Exit::Backup)
                    .because_of(objects.iter().cloned())
                    .because("nothing was written")
                    .run("use pg_dump, which supports them", "cargo db backup")
                    .run("or leave them out by name", without)
            }
            DumpError::Choice { .. } => Explanation::new("DUMP.CHOICE", Exit::Usage)
                .advise("name an object as in `public.users` or `function public.f(integer)`"),
            DumpError::Needed { objects } => Explanation::new("DUMP.NEEDED", Exit::Usage)
                .because_of(objects.iter().cloned())
                .advise("exclude these objects too"),
            DumpError::Circle { objects } => Explanation::new("DUMP.CIRCLE", Exit::Backup)
                .because_of(objects.iter().cloned())
                .because("nothing was written")
                .advise("exclude one of them with `--exclude`"),
            DumpError::TooOld { .. } => Explanation::new("DUMP.TOO_OLD", Exit::Backup)
                .run("use pg_dump instead", "cargo db backup"),
            DumpError::ByAgent { command, .. } => Explanation::new("DUMP.BY_AGENT", Exit::Policy)
                .because("a dump shows every row of the database to whoever runs it")
                .run("ask a person to run", command),
            DumpError::ShellByAgent { command, .. } => {
                Explanation::new("SHELL.BY_AGENT", Exit::Policy)
                    .because("a shell runs any statement")
                    .run("ask a person to run", command)
            }
            DumpError::NoShell { .. } => Explanation::new("SHELL.NOT_STARTED", Exit::Tool).advise(
                "install the client programs of PostgreSQL, or set CARGO_DB_PG_BIN to their folder",
            ),
        }
    }
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<DumpError> {
    let text = str::to_owned;
    let command = text("cargo db dump");
    vec![
        DumpError::Uncovered {
            database: text("school"),
            objects: vec![text("language plsample")],
            command: command.clone(),
        },
        DumpError::Choice { why: text("there is no object `pupil` in this database") },
        DumpError::Needed { objects: vec![text("view public.v")] },
        DumpError::Circle { objects: vec![text("function public.f()")] },
        DumpError::TooOld { version: text("13.22") },
        DumpError::ByAgent { agent: text("AI_AGENT"), environment: text("production"), command },
        DumpError::ShellByAgent {
            agent: text("AI_AGENT"),
            environment: text("production"),
            command: text("cargo db shell"),
        },
        DumpError::NoShell {
            program: text("/usr/lib/postgresql/18/bin/psql"),
            why: text("No such file or directory (os error 2)"),
        },
    ]
}
