//! Snapshots that cannot be saved, found or restored.

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, in_backticks};

/// Why a snapshot cannot be saved, restored or dropped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    #[error("`{name}` is not a valid name for a snapshot: {why}")]
    Name { name: String, why: &'static str },
    #[error("`{database}` has a snapshot with the name `{name}`")]
    Taken { name: String, database: String },
    #[error("`{database}` has no snapshot `{name}`")]
    NotFound { name: String, database: String, known: Vec<String> },
    #[error("`{database}` has no snapshot")]
    None { database: String },
    #[error("`{database}` cannot be saved here")]
    CannotSave { database: String, problems: Vec<String> },
    #[error("the snapshot `{name}` cannot be restored here")]
    CannotRestore { name: String, problems: Vec<String> },
    #[error("the snapshot `{name}` cannot be copied: {why}")]
    InUse { name: String, why: String },
}

impl SnapshotError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            SnapshotError::Name { .. } => Explanation::new("SNAPSHOT.NAME", Exit::Usage)
                .advise("choose another name, or none: the branch and the time are the default"),
            SnapshotError::Taken { name, .. } => Explanation::new("SNAPSHOT.TAKEN", Exit::Usage)
                .advise("choose another name")
                .run("or drop that snapshot", format!("cargo db snapshot drop {}", quoted(name))),
            SnapshotError::NotFound { known, .. } => {
                Explanation::new("SNAPSHOT.NOT_FOUND", Exit::Usage)
                    .because(format!("its snapshots are {}", in_backticks(known)))
                    .run("list the snapshots", "cargo db snapshot list")
            }
            SnapshotError::None { .. } => Explanation::new("SNAPSHOT.NONE", Exit::Usage)
                .because("snapshots belong to one database of one server")
                .run("save one", "cargo db snapshot save"),
            SnapshotError::CannotSave { problems, .. } => {
                Explanation::new("SNAPSHOT.CANNOT_SAVE", Exit::Backup)
                    .because_of(problems.iter().cloned())
                    .run("take a backup instead", "cargo db backup")
            }
            SnapshotError::CannotRestore { problems, .. } => {
                Explanation::new("SNAPSHOT.CANNOT_RESTORE", Exit::Backup)
                    .because_of(problems.iter().cloned())
            }
            SnapshotError::InUse { .. } => Explanation::new("SNAPSHOT.IN_USE", Exit::Backup)
                .because("no session may be connected to a database that is copied")
                .advise("end these sessions, then run the command again"),
        }
    }
}

fn quoted(name: &str) -> String {
    shell_words::quote(name).into_owned()
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<SnapshotError> {
    let (name, database) = ("before the import".to_owned(), "school".to_owned());
    let problems = vec!["rights: `ada` may not create databases".to_owned()];
    vec![
        SnapshotError::Name { name: String::new(), why: "it is empty" },
        SnapshotError::Taken { name: name.clone(), database: database.clone() },
        SnapshotError::NotFound {
            name: name.clone(),
            database: database.clone(),
            known: vec!["main".to_owned()],
        },
        SnapshotError::None { database: database.clone() },
        SnapshotError::CannotSave { database, problems: problems.clone() },
        SnapshotError::CannotRestore { name: name.clone(), problems },
        SnapshotError::InUse { name, why: "psql as ada is connected".to_owned() },
    ]
}
