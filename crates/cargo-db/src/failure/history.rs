//! The history of migrations: the table in the database, and what the files say.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, FINISH_BY_HAND, first, list_remaining};
use crate::model::history::{Problem, ProblemKind};

/// A history that cannot be read, trusted or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    #[error("the history of `{target}` and the migration files differ")]
    Inconsistent { target: String, problems: Vec<Problem>, repair: RepairHope },
    #[error("`repair` cannot correct the history of `{target}`")]
    NotRepairable { target: String, problems: Vec<Problem> },
    #[error("the history table `{table}` contains rows that its tool never writes")]
    Unreadable { table: String },
    #[error("the role `{role}` may not read the history table `{table}`")]
    NotReadable { table: String, role: String, owner: String, grants: String },
    #[error("`{table}` is not a history table of {expected}: {}", whose(tool.as_deref()))]
    OtherTool { table: String, tool: Option<String>, expected: String },
    #[error(
        "`{database}` has no history table of {tool}, but it has one of another tool: {foreign}"
    )]
    Foreign { database: String, foreign: String, tool: String },
    #[error("{subject} ran, but could not be recorded in the history")]
    NotRecorded { subject: String, why: String, stays: Vec<String>, command: String },
    #[error("{subject} was stopped before its commit: {what}")]
    Changed { subject: String, file: PathBuf, line: usize, what: String },
    #[error("the history of `{target}` is not as this run left it: {}", first(changes))]
    ChangedMeanwhile { target: String, changes: Vec<String> },
    #[error(
        "the history table of `{database}` is in the schema {schemas}, which is not in the search \
         path"
    )]
    Elsewhere { database: String, schemas: String },
    #[error(
        "`{database}` has two history tables: `{empty}`, which is first in the search path, is \
         empty, and `{full}` is not"
    )]
    EmptyBeside { database: String, empty: String, full: String },
    #[error(
        "no schema of the search path exists in `{database}`, so the history table cannot be \
         created"
    )]
    NoSchema { database: String },
}

/// Whether `repair` may find that only comments of an edited file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepairHope {
    Possible,
    /// Git has no version of the file to compare with.
    Uncommitted,
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
            HistoryError::Inconsistent { problems, repair, .. } => {
                let inconsistent = Explanation::new("HISTORY.INCONSISTENT", Exit::History);
                match repair {
                    RepairHope::Possible => explained(inconsistent, problems, |_| true),
                    RepairHope::Uncommitted => without_repair(inconsistent, problems, &[]),
                }
            }
            HistoryError::NotRepairable { problems, .. } => {
                let not_repairable = Explanation::new("HISTORY.NOT_REPAIRABLE", Exit::History);
                without_repair(not_repairable, problems, &[ProblemKind::Failed])
            }
            HistoryError::Unreadable { .. } => {
                Explanation::new("HISTORY.UNREADABLE", Exit::History)
            }
            HistoryError::NotReadable { owner, grants, .. } => Explanation::new(
                "HISTORY.NOT_READABLE",
                Exit::Failed,
            )
            .advise(format!(
                "to see which migrations are applied, ask the owner, `{owner}`, to run `{grants}`"
            ))
            .advise("to apply migrations, connect as the owner"),
            HistoryError::OtherTool { tool, .. } => {
                let theirs = |tool| {
                    format!(
                        "if the project uses {tool}: `tool = \"{tool}\"` below `[migrations]` in \
                         db.toml"
                    )
                };
                let own = "use another table for the history: `table = \"…\"` below \
                           `[migrations]` in db.toml";
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
            HistoryError::Changed { file, line, .. } => {
                Explanation::new("HISTORY.CHANGED", Exit::Policy)
                    .because(format!("the file: {}:{line}", file.display()))
                    .because("the transaction was rolled back")
                    .advise(KEEP_HISTORY)
            }
            HistoryError::ChangedMeanwhile { changes, .. } => {
                Explanation::new("HISTORY.CHANGED_MEANWHILE", Exit::History)
                    .because_of(changes.iter().skip(1).cloned())
                    .because("another session, or a trigger at the commit, changed it")
                    .suggest_status()
            }
            HistoryError::EmptyBeside { full, .. } => {
                Explanation::new("HISTORY.EMPTY_BESIDE", Exit::History).advise(format!(
                    "choose one: set `table = \"{full}\"` below `[migrations]` in db.toml, or put \
                     its schema into the URL (`?search_path=`)"
                ))
            }
            HistoryError::NoSchema { .. } => Explanation::new("HISTORY.NO_SCHEMA", Exit::Failed)
                .advise(
                    "create the schema, or set another search path, in the URL (`?search_path=`) \
                     or for the role (`ALTER ROLE … SET search_path`)",
                ),
            HistoryError::Elsewhere { .. } => Explanation::new("HISTORY.ELSEWHERE", Exit::History)
                .advise(
                    "put the schema into the search path (`?search_path=` in the URL), or move \
                     the table",
                ),
        }
    }
}

/// What to do about a file that changes the history itself.
pub(crate) const KEEP_HISTORY: &str =
    "remove the statement: `cargo db baseline` and `cargo db repair` change the history";

/// A problem of the history as one line.
pub(crate) fn problem_line(problem: &Problem) -> String {
    format!("{}: {}", problem.trouble.name(), problem.line())
}

fn whose(tool: Option<&str>) -> String {
    tool.map_or_else(|| "its definition differs".to_owned(), |tool| format!("it belongs to {tool}"))
}

/// The problems with their remedies, as far as the command of a remedy is of use.
fn explained(
    explanation: Explanation,
    problems: &[Problem],
    is_of_use: impl Fn(ProblemKind) -> bool,
) -> Explanation {
    let explanation = explanation.because_of(problems.iter().map(problem_line));
    let useful = remedies(problems).filter(|(kind, ..)| is_of_use(*kind));
    useful.fold(explanation, |all, (_, label, command)| match command {
        "" => all.advise(label),
        command => all.run(label, command),
    })
}

/// The problems with their remedies, where `repair` would refuse an edited file, and also these
/// kinds.
fn without_repair(
    explanation: Explanation,
    problems: &[Problem],
    refused: &[ProblemKind],
) -> Explanation {
    let is_there = |kind| problems.iter().any(|problem| problem.trouble == kind);
    let is_of_use = |kind: ProblemKind| kind != ProblemKind::Edited && !refused.contains(&kind);
    let all = explained(explanation, problems, is_of_use);
    if is_there(ProblemKind::Edited) { all.advise(RESTORE_EDITED) } else { all }
}

/// What to do about a file that was edited, and not only in its comments.
const RESTORE_EDITED: &str =
    "edited: restore the file as it was applied, and write the change as a new migration";

/// What to do about each kind of problem, given once however often it occurs, and the command for
/// it, if there is one.
const REMEDIES: &[(ProblemKind, &str, &str)] = &[
    (
        ProblemKind::Edited,
        "edited: restore the file as it was applied, and write the change as a new migration. If \
         only comments or white space changed",
        "cargo db repair --dry-run",
    ),
    (
        ProblemKind::Missing,
        "missing: restore the file. If it is on another branch, `cargo db switch` rolls it back in \
         development; `cargo db reset` also works. To continue without the file",
        "cargo db migrate --ignore-missing --dry-run",
    ),
    (
        ProblemKind::OutOfOrder,
        "out of order: give the file a newer version, as `cargo db rebase` does on the branch that \
         has it, or apply it anyway",
        "cargo db migrate --allow-out-of-order --dry-run",
    ),
    (
        ProblemKind::Duplicate,
        "duplicate: change the version of one of the two, as `cargo db rebase` does with those \
         that are not merged",
        "",
    ),
    (
        ProblemKind::Failed,
        "failed: check what the migration left behind, then remove its row from the history",
        "cargo db repair --dry-run",
    ),
    (ProblemKind::Misnamed, "misnamed: rename the file or its folder, or move it away", ""),
    (
        ProblemKind::Unreadable,
        "unreadable: correct the line, or move the file away; if it belongs to another tool, name \
         that tool: `tool = \"…\"` below `[migrations]` in db.toml",
        "",
    ),
];

fn remedies(
    problems: &[Problem],
) -> impl Iterator<Item = (ProblemKind, &'static str, &'static str)> {
    let is_there = |trouble| problems.iter().any(|problem| problem.trouble == trouble);
    REMEDIES.iter().copied().filter(move |(trouble, ..)| is_there(*trouble))
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<HistoryError> {
    let text = str::to_owned;
    let explained = |trouble| match trouble {
        ProblemKind::Edited => "it is applied, and the file was changed since",
        ProblemKind::Missing => "it is applied, and its file is gone",
        ProblemKind::OutOfOrder => "it is pending, and a later one is applied",
        ProblemKind::Duplicate => "`1_a.sql` and `1_b.sql` have the same version",
        ProblemKind::Failed => "the history says that it failed half-way",
        ProblemKind::Misnamed => "its name is not UTF-8",
        _ => "line 3: there is SQL outside the parts",
    };
    let problem = |trouble: &(ProblemKind, _, _)| {
        let (trouble, name, explanation) = (trouble.0, text("1_a.sql"), explained(trouble.0));
        Problem { trouble, recorded: None, version: None, name, explanation: text(explanation) }
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
            repair: RepairHope::Possible,
        },
        HistoryError::Inconsistent {
            target: text("me@h:5432/school"),
            problems: vec![problem(&REMEDIES[0])],
            repair: RepairHope::Uncommitted,
        },
        HistoryError::NotRepairable {
            target: text("me@h:5432/school"),
            problems: vec![Problem {
                explanation: text("no version of this file in git has the applied checksum"),
                ..problem(&REMEDIES[0])
            }],
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
            foreign: text("`goose_db_version` is a history of goose"),
            tool: text("sqlx"),
        },
        HistoryError::NotRecorded {
            subject: text("migration `1 a`"),
            why: text("reset by peer"),
            stays: vec![text("CREATE INDEX")],
            command: text("cargo db migrate"),
        },
        HistoryError::Changed {
            subject: text("migration `2 b`"),
            file: PathBuf::from("migrations/2_b.sql"),
            line: 3,
            what: text("history-changed _sqlx_migrations: it removes 1 from the history"),
        },
        HistoryError::ChangedMeanwhile {
            target: text("me@h:5432/school"),
            changes: vec![
                text("`1 a` was applied, but no longer is"),
                text("`7` was applied, but was not planned"),
            ],
        },
        HistoryError::Elsewhere { database: text("school"), schemas: text("`app`") },
        HistoryError::EmptyBeside {
            database: text("school"),
            empty: text("public._sqlx_migrations"),
            full: text("app._sqlx_migrations"),
        },
    ]
}
