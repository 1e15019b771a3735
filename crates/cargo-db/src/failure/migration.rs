//! Migrations: their names and versions, the way down, and what came of going back.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::{
    Explanation, FINISH_BY_HAND, begins_remaining, list_remaining, no_project,
};

/// A migration that cannot be named, found, run or undone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error("`{name}` is not a valid migration name: {why}")]
    Name { name: String, why: &'static str },
    #[error("`{}` contains statements that only {tool} can run", file.display())]
    NotSql { file: PathBuf, tool: String },
    #[error("there is no migration with version {version}")]
    UnknownVersion { version: String },
    #[error("version {version} is not applied")]
    NotApplied { version: String },
    #[error("{} cannot be rolled back: no down file", migrations.join(", "))]
    Irreversible { migrations: Vec<String> },
    #[error("{subject} cannot be rolled back: {empty}")]
    EmptyDown { subject: String, empty: String },
    #[error("`{}` is not a project, so no migration is created in it", folder.display())]
    NoProject { folder: PathBuf, above: Option<PathBuf> },
    #[error("the first migration would fit several tools: {}", tools.join(", "))]
    FitsSeveral { tools: Vec<String>, set: Option<String> },
    #[error("{subject} stopped part-way: {said}")]
    PartWay {
        subject: String,
        said: String,
        why: Vec<String>,
        /// What was committed, and is not undone.
        stays: Vec<String>,
        command: String,
    },
    #[error("{failure}")]
    SwappedBack { failure: String, why: Vec<String>, code: &'static str, exit: Exit },
    #[error("{failure}; the backup `{backup}` was not swapped back in")]
    NotSwappedBack { failure: String, backup: String, doubts: Vec<String>, why: Vec<String> },
}

impl MigrationError {
    /// The command that is suggested.
    pub(super) fn command_mut(&mut self) -> Option<&mut String> {
        match self {
            MigrationError::PartWay { command, .. } => Some(command),
            _ => None,
        }
    }

    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            MigrationError::Name { .. } => Explanation::new("CREATE.NAME", Exit::Usage),
            MigrationError::NotSql { .. } => Explanation::new("MIGRATION.NOT_SQL", Exit::Usage)
                .advise("set `runner = \"tool\"` below `[migrations]` in db.toml"),
            MigrationError::UnknownVersion { .. } => {
                Explanation::new("MIGRATION.UNKNOWN", Exit::Usage).suggest_status()
            }
            MigrationError::NotApplied { .. } => {
                Explanation::new("MIGRATION.NOT_APPLIED", Exit::Usage).suggest_status()
            }
            MigrationError::Irreversible { .. } => {
                Explanation::new("ROLLBACK.IRREVERSIBLE", Exit::Failed).advise(
                    "write a down file or section, or a new migration that reverts this one",
                )
            }
            MigrationError::EmptyDown { .. } => Explanation::new("ROLLBACK.EMPTY", Exit::Failed)
                .advise("write statements that revert the migration, or a new migration that does"),
            MigrationError::NoProject { above, .. } => {
                no_project(Explanation::new("CREATE.NO_PROJECT", Exit::Usage), above.as_deref())
            }
            MigrationError::FitsSeveral { tools, set: Some(set) } => {
                let names = tools.iter().map(|tool| format!("`tool = \"{tool}\"`"));
                let names = names.collect::<Vec<_>>().join(" or ");
                Explanation::new("CREATE.SEVERAL_TOOLS", Exit::Usage)
                    .advise(format!("name one below [migrations.{set}] in db.toml: {names}"))
            }
            MigrationError::FitsSeveral { set: None, .. } => {
                Explanation::new("CREATE.SEVERAL_TOOLS", Exit::Usage)
                    .run("choose one, and write it into db.toml", "cargo db init")
            }
            MigrationError::PartWay { why, stays, command, .. } => {
                Explanation::new("MIGRATION.PART_WAY", Exit::PartWay)
                    .because_of(why.clone())
                    .because_of(list_remaining(stays))
                    .run(FINISH_BY_HAND, command)
            }
            MigrationError::SwappedBack { why, code, exit, .. } => {
                // What stayed for a moment does not stay any more.
                let own = why.iter().take_while(|line| !begins_remaining(line)).cloned();
                Explanation::new(code, *exit)
                    .because_of(own)
                    .because("the backup was swapped back in: the database is unchanged")
            }
            MigrationError::NotSwappedBack { doubts, why, backup, .. } => {
                Explanation::new("MIGRATE.NOT_SWAPPED_BACK", Exit::PartWay)
                    .because_of(why.iter().cloned())
                    .because_of(doubts.iter().cloned())
                    .because("a restore would lose what other sessions have written since")
                    .run("to restore the backup anyway", format!("cargo db restore {backup}"))
            }
        }
    }
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<MigrationError> {
    let text = str::to_owned;
    let failure = text("1_a.sql:1:1: division by zero");
    let why: Vec<String> = std::iter::once(text("SQLSTATE 22012"))
        .chain(list_remaining(&[text("CREATE TABLE a")]))
        .collect();
    vec![
        MigrationError::Name { name: text("a/b"), why: "it contains a slash" },
        MigrationError::NotSql { file: "1_a.js".into(), tool: text("node-pg-migrate") },
        MigrationError::UnknownVersion { version: text("9") },
        MigrationError::NotApplied { version: text("9") },
        MigrationError::Irreversible { migrations: vec![text("`1 a`")] },
        MigrationError::EmptyDown {
            subject: text("migration `1 a`"),
            empty: text("`migrations/1_a.down.sql` contains no statement"),
        },
        MigrationError::NoProject { folder: "/p/app".into(), above: Some("/p".into()) },
        MigrationError::NoProject { folder: "/p".into(), above: None },
        MigrationError::FitsSeveral {
            tools: vec![text("sqlx"), text("golang-migrate")],
            set: Some(text("web")),
        },
        MigrationError::FitsSeveral {
            tools: vec![text("sqlx"), text("golang-migrate")],
            set: None,
        },
        MigrationError::PartWay {
            subject: text("migration `1 a`"),
            said: text("pupils has 5000 rows, and at most 12 may be lost"),
            why: Vec::new(),
            stays: vec![text("CREATE TABLE marks (id int)")],
            command: text("cargo db migrate"),
        },
        MigrationError::SwappedBack {
            failure: failure.clone(),
            why: why.clone(),
            code: "STATEMENT.FAILED",
            exit: Exit::Failed,
        },
        MigrationError::NotSwappedBack {
            failure,
            backup: text("school-1"),
            doubts: vec![text("psql as ada is connected")],
            why,
        },
    ]
}
