//! The history of migrations: the table in the database, and what the files say.

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, FINISH_BY_HAND, list_remaining};
use crate::model::history::{Problem, ProblemKind};

/// A history that cannot be read, trusted or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    #[error("the history of `{target}` and the migration files differ")]
    Inconsistent { target: String, problems: Vec<Problem> },
    #[error("the history table `{table}` contains rows that its tool never writes")]
    Unreadable { table: String },
    #[error("the role `{role}` may not read the history table `{table}`")]
    NotReadable { table: String, role: String, owner: String, grants: String },
    #[error("`{table}` is not a history of {expected}: {}", whose(tool.as_deref()))]
    OtherTool { table: String, tool: Option<String>, expected: String },
    #[error("`{database}` has no history table of {tool}, but one of another tool: {foreign}")]
    Foreign { database: String, foreign: String, tool: String },
    #[error("{subject} ran, but could not be recorded in the history")]
    NotRecorded { subject: String, why: String, stays: Vec<String>, command: String },
    #[error("the history of `{database}` is in {schemas}, which is not in the search path")]
    Elsewhere { database: String, schemas: String },
    #[error(
        "`{database}` has two histories: `{empty}`, which the search path selects, is empty, and \
         `{full}` is not"
    )]
    EmptyBeside { database: String, empty: String, full: String },
    #[error(
        "no schema of the search path exists in `{database}`, so the history table cannot be \
         created"
    )]
    NoSchema { database: String },
}

impl HistoryError {
    /// The command that is suggested.
    pub(super) fn command_mut(&mut self) -> Option<&mut String> {
        match self {
            HistoryError::NotRecorded { command, .. } => Some(command),
            _ => None,
        }
    }

    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            HistoryError::Inconsistent { problems, .. } => {
                let inconsistent = Explanation::new("HISTORY.INCONSISTENT", Exit::History)
                    .because_of(problems.iter().map(problem_line));
                remedies(problems).fold(inconsistent, |all, (label, command)| match command {
                    "" => all.advise(label),
                    command => all.run(label, command),
                })
            }
            HistoryError::Unreadable { .. } => {
                Explanation::new("HISTORY.UNREADABLE", Exit::History)
            }
            HistoryError::NotReadable { owner, grants, .. } => {
                Explanation::new("HISTORY.NOT_READABLE", Exit::Failed)
                    .advise(format!("to see what is applied: `{owner}` runs `{grants}`"))
                    .advise(format!("to apply migrations: connect as the owner, `{owner}`"))
            }
            HistoryError::OtherTool { tool, .. } => {
                let theirs = |tool| {
                    format!(
                        "if the project uses {tool}: `[migrations] tool = \"{tool}\"` in db.toml"
                    )
                };
                let own = "give the history another table: `[migrations] table = \"…\"` in db.toml";
                let all = tool.iter().map(theirs).chain([own.to_owned()]);
                all.fold(Explanation::new("HISTORY.OTHER_TOOL", Exit::History), Explanation::advise)
            }
            HistoryError::Foreign { .. } => Explanation::new("HISTORY.FOREIGN", Exit::History)
                .advise("set `[migrations] tool` in db.toml to that tool, or `table` to that table")
                .run(
                    "or, if the project no longer uses that tool, record what is applied",
                    "cargo db baseline --dry-run",
                ),
            HistoryError::NotRecorded { why, stays, command, .. } => {
                Explanation::new("HISTORY.NOT_RECORDED", Exit::PartWay)
                    .because(why)
                    .because_of(list_remaining(stays))
                    .run(FINISH_BY_HAND, command)
            }
            HistoryError::EmptyBeside { full, .. } => {
                Explanation::new("HISTORY.EMPTY_BESIDE", Exit::History).advise(format!(
                    "choose one: `[migrations] table = \"{full}\"` in db.toml, or its \
                     schema in the URL (`?search_path=`)"
                ))
            }
            HistoryError::NoSchema { .. } => Explanation::new("HISTORY.NO_SCHEMA", Exit::Failed)
                .advise(
                    "create the schema, or name another one in the URL (`?search_path=`), or for \
                     the role or the database (`ALTER ROLE … SET search_path`)",
                ),
            HistoryError::Elsewhere { .. } => Explanation::new("HISTORY.ELSEWHERE", Exit::History)
                .advise(
                    "put the schema into the search path (`?search_path=` in the URL), or move \
                     the table",
                ),
        }
    }
}

/// A problem of the history as one line.
pub(crate) fn problem_line(problem: &Problem) -> String {
    format!("{}: {}", problem.trouble.name(), problem.line())
}

fn whose(tool: Option<&str>) -> String {
    tool.map_or_else(|| "its definition differs".to_owned(), |tool| format!("it is one of {tool}"))
}

/// What to do about each kind of problem, given once however often it occurs, and the command for
/// it, if there is one.
const REMEDIES: &[(ProblemKind, &str, &str)] = &[
    (
        ProblemKind::Edited,
        "edited: restore the file as it was applied, and write the change as a new migration; \
         in development also `cargo db rollback` and `cargo db migrate`; if only comments or \
         white space changed",
        "cargo db repair --dry-run",
    ),
    (
        ProblemKind::Missing,
        "missing: restore the file; if it is on another branch, switch to that, run \
         `cargo db rollback` and switch back, or in development run `cargo db reset`; to continue \
         without it",
        "cargo db migrate --ignore-missing --dry-run",
    ),
    (
        ProblemKind::OutOfOrder,
        "out of order: give it a newer version, or apply it anyway",
        "cargo db migrate --allow-out-of-order --dry-run",
    ),
    (ProblemKind::Duplicate, "duplicate: change the version of one of the two", ""),
    (
        ProblemKind::Failed,
        "failed: check what it left behind, then remove its row",
        "cargo db repair --dry-run",
    ),
    (ProblemKind::Misnamed, "misnamed: rename the file, or move it away", ""),
    (
        ProblemKind::Unreadable,
        "unreadable: correct the line, or move the file away; if it belongs to another tool, name \
         that tool: `[migrations] tool = \"…\"` in db.toml",
        "",
    ),
];

fn remedies(problems: &[Problem]) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_there = |trouble| problems.iter().any(|problem| problem.trouble == trouble);
    let named = REMEDIES.iter().filter(move |(trouble, ..)| is_there(*trouble));
    named.map(|(_, label, command)| (*label, *command))
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<HistoryError> {
    let text = str::to_owned;
    let problem = |trouble: &(ProblemKind, _, _)| Problem {
        trouble: trouble.0,
        version: None,
        name: text("1_a.sql"),
        explanation: text("its checksum differs"),
    };
    let other = |tool| HistoryError::OtherTool {
        table: text("public.history"),
        tool,
        expected: text("sqlx"),
    };
    vec![
        HistoryError::Inconsistent {
            target: text("me@h:5432/school"),
            problems: REMEDIES.iter().map(problem).collect(),
        },
        HistoryError::Unreadable { table: text("public.history") },
        HistoryError::NotReadable {
            table: text("public.history"),
            role: text("app"),
            owner: text("postgres"),
            grants: text("GRANT SELECT ON public.history TO app"),
        },
        HistoryError::NoSchema { database: text("school") },
        other(None),
        other(Some(text("goose"))),
        HistoryError::Foreign {
            database: text("school"),
            foreign: text("goose_db_version"),
            tool: text("sqlx"),
        },
        HistoryError::NotRecorded {
            subject: text("1 a"),
            why: text("reset by peer"),
            stays: vec![text("CREATE INDEX")],
            command: text("cargo db migrate"),
        },
        HistoryError::Elsewhere { database: text("school"), schemas: text("`app`") },
        HistoryError::EmptyBeside {
            database: text("school"),
            empty: text("public._sqlx_migrations"),
            full: text("app._sqlx_migrations"),
        },
    ]
}
