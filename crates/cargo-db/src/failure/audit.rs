//! The audit trail.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A trail that does not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("the audit trail has no operation {number}")]
    NoOperation { number: usize, count: usize, command: String },
    #[error("the audit trail is broken at record {sequence}")]
    Broken { sequence: u64, why: String },
    #[error("cannot read `{}`, which belongs to the audit trail", path.display())]
    Unreadable {
        path: PathBuf,
        why: String,
        /// The command that sets it aside; nothing for the list of used plans.
        aside: Option<String>,
    },
    #[error("cannot write the audit trail, `{}`", path.display())]
    NotWritable { path: PathBuf, why: String },
    #[error("`cargo_db.{table}` in `{database}` is not the table that cargo db creates")]
    NotOurs { table: &'static str, database: String },
    #[error(
        "the audit trail in the database was tampered with, and this project has no copy of the \
         original records"
    )]
    Lost { verb: String, changes: Vec<String> },
    #[error("{what} was changed while cargo db was writing it")]
    NotKept { what: String },
    #[error("{subject} changes the environment marker or the audit trail, and was rolled back")]
    Touched { subject: String, changes: Vec<String> },
    #[error(
        "`{verb}` changed the environment marker or the audit trail, and the change was reverted"
    )]
    PutBack { verb: &'static str, changes: Vec<String> },
    #[error(
        "`{verb}` changed the environment marker or the audit trail, and the change cannot be \
         reverted"
    )]
    NotPutBack { verb: &'static str, changes: Vec<String>, why: String },
}

impl AuditError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            AuditError::NoOperation { count, command, .. } => {
                Explanation::new("AUDIT.NO_OPERATION", Exit::Usage)
                    .because(match count {
                        1 => "the trail has 1 operation".to_owned(),
                        _ => format!("the trail has {count} operations"),
                    })
                    .run("list the operations with their numbers", command)
            }
            AuditError::Broken { why, .. } => {
                Explanation::new("AUDIT.BROKEN", Exit::Finding).because(why)
            }
            AuditError::NotKept { .. } => Explanation::new("AUDIT.NOT_KEPT", Exit::Failed)
                .because("an event trigger or other code in the database made the change"),
            AuditError::Unreadable { why, aside, .. } => {
                let unreadable =
                    Explanation::new("AUDIT.UNREADABLE", Exit::Failed).because_text(why);
                match aside {
                    Some(aside) => unreadable.run("set it aside and start a new one", aside),
                    None => unreadable.advise(
                        "repair the file: it must be UTF-8 text that lists the ids of the plans \
                         that have already run, one per line",
                    ),
                }
            }
            AuditError::NotWritable { path, why } => {
                Explanation::new("AUDIT.NOT_WRITABLE", Exit::Failed)
                    .because_text(why)
                    .because("cargo db makes no change that it cannot record: nothing was done")
                    .advise(format!(
                        "make sure that this user can write to `{}` and that its file system is \
                         not read-only",
                        path.parent().unwrap_or(path).display()
                    ))
            }
            AuditError::NotOurs { .. } => Explanation::new("AUDIT.NOT_OURS", Exit::Policy)
                .because(
                    "it is a view, has row security, or has columns that cargo db does not know; \
                     cargo db does not read it, because that could run code",
                )
                .advise("ask its owner to inspect it, and to drop or rename it"),
            AuditError::Lost { verb, changes } => Explanation::new("AUDIT.LOST", Exit::Policy)
                .because_of(changes.iter().cloned())
                .because(format!("this happened during an earlier `{verb}`, or after it"))
                .run("show the records that are left", "cargo db audit --database")
                .run(
                    "set the database's environment marker again",
                    "cargo db env set <environment>",
                ),
            AuditError::Touched { changes, .. } => Explanation::new("AUDIT.TOUCHED", Exit::Failed)
                .because_of(changes.iter().cloned())
                .advise(MARKING),
            AuditError::PutBack { changes, .. } => {
                Explanation::new("AUDIT.PUT_BACK", Exit::PartWay)
                    .because_of(changes.iter().cloned())
                    .because("all other changes are kept")
                    .advise(MARKING)
            }
            AuditError::NotPutBack { changes, why, .. } => {
                Explanation::new("AUDIT.NOT_PUT_BACK", Exit::PartWay)
                    .because_of(changes.iter().cloned())
                    .because(format!("cannot revert it: {why}"))
                    .run("show the environment marker", "cargo db env show")
                    .run("set the environment marker again", "cargo db env set <environment>")
            }
        }
    }
}

/// What to do instead of marking a database in a migration.
const MARKING: &str = "migrations and seeds may not change the environment marker or the audit \
                       trail; use `cargo db env set`";

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<AuditError> {
    let why = |why: &str| why.to_owned();
    vec![
        AuditError::NoOperation { number: 9, count: 8, command: why("cargo db audit") },
        AuditError::Broken { sequence: 7, why: why("the record was changed") },
        AuditError::Unreadable {
            path: ".db/audit.jsonl".into(),
            why: why("stream did not contain valid UTF-8"),
            aside: Some(why("mkdir .db/aside && mv .db/audit.jsonl .db/aside")),
        },
        AuditError::Unreadable {
            path: ".db/audit.used".into(),
            why: why("stream did not contain valid UTF-8"),
            aside: None,
        },
        AuditError::NotWritable {
            path: ".db/audit.jsonl".into(),
            why: why("Read-only file system (os error 30)"),
        },
        AuditError::NotOurs { table: "audit", database: why("school") },
        AuditError::Lost {
            verb: why("migrate"),
            changes: vec![why("records of the audit trail were changed or removed")],
        },
        AuditError::NotKept { what: why("the environment marker") },
        AuditError::Touched {
            subject: why("migration `1 a`"),
            changes: vec![why("the environment marker was changed")],
        },
        AuditError::PutBack {
            verb: "seed",
            changes: vec![why("the environment marker was changed")],
        },
        AuditError::NotPutBack {
            verb: "seed",
            changes: vec![why("the environment marker was changed")],
            why: why("permission denied"),
        },
    ]
}
