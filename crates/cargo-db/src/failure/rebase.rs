//! Rebases: migrations that cannot get other versions.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// Why the migrations of a branch cannot be renumbered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RebaseError {
    #[error("`rebase` cannot renumber the migrations of {tool}: their order is not in their names")]
    OrderElsewhere { tool: String, order: &'static str },
    #[error("`rebase` found no default branch in git, such as `origin/main`")]
    NoBranch,
    #[error("`rebase` cannot give `{}` a later version", file.display())]
    NoVersion { file: PathBuf },
    #[error(
        "the history has version {version}, and {} have it: which one is applied is not recorded",
        listed(files)
    )]
    Ambiguous { version: String, files: Vec<PathBuf> },
    #[error("`{}` exists, so that `{}` cannot be renamed", to.display(), from.display())]
    Taken { from: PathBuf, to: PathBuf },
    #[error("a rebase of `{}` was interrupted, and cannot be finished here: {why}", file.display())]
    Interrupted { file: PathBuf, journal: PathBuf, why: &'static str },
}

fn listed(files: &[PathBuf]) -> String {
    let files = files.iter().map(|file| format!("`{}`", file.display()));
    files.collect::<Vec<_>>().join(" and ")
}

impl RebaseError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            RebaseError::OrderElsewhere { order, .. } => {
                Explanation::new("REBASE.ORDER_ELSEWHERE", Exit::Usage).advise(*order)
            }
            RebaseError::NoBranch => Explanation::new("REBASE.NO_BRANCH", Exit::Usage)
                .advise("name the revision that has the merged migrations: `--onto REV`"),
            RebaseError::NoVersion { .. } => Explanation::new("REBASE.NO_VERSION", Exit::Usage)
                .because("its name has no version that could be replaced")
                .advise("rename it, so that it runs after the merged migrations"),
            RebaseError::Ambiguous { .. } => Explanation::new("REBASE.AMBIGUOUS", Exit::History)
                .advise("roll it back on the branch as it was before the merge")
                .run("or, if the data may go, begin with an empty database", "cargo db reset"),
            RebaseError::Taken { .. } => Explanation::new("REBASE.TAKEN", Exit::Usage)
                .advise("compare the two files, and remove or rename one of them"),
            RebaseError::Interrupted { journal, .. } => {
                Explanation::new("REBASE.INTERRUPTED", Exit::Usage).advise(format!(
                    "finish it there, or remove `{}` if nothing is left to do",
                    journal.display()
                ))
            }
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<RebaseError> {
    let [from, to]: [PathBuf; 2] = ["migrations/4_a.sql", "migrations/6_a.sql"].map(Into::into);
    let files = vec![from.clone(), "migrations/4_b.sql".into()];
    vec![
        RebaseError::OrderElsewhere {
            tool: "alembic".to_owned(),
            order: "each names the one before it as `down_revision`: join the two heads with \
                    `alembic merge heads`",
        },
        RebaseError::NoBranch,
        RebaseError::NoVersion { file: "migrations/a.sql".into() },
        RebaseError::Ambiguous { version: "4".to_owned(), files },
        RebaseError::Taken { from: from.clone(), to },
        RebaseError::Interrupted {
            file: from,
            journal: ".db/rebase.json".into(),
            why: "it began in another database",
        },
    ]
}
