//! The lock of a run, and the locks that a migration takes.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A lock that was not had, was lost, or was held for too long.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error("another run holds the lock on `{target}`: {holder}")]
    Busy { target: String, holder: String, waited: String },
    #[error("{table} cannot be read: it is locked by {holder}")]
    TableHeld { table: String, holder: String, waited: String },
    #[error("{subject} was cancelled because other sessions waited for it too long")]
    OthersWaited { subject: String, who: String },
    #[error("the connection that held the lock on `{target}` was lost")]
    Lost { target: String, why: String },
}

impl LockError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            LockError::Busy { waited, .. } => Explanation::new("LOCK.BUSY", Exit::LockBusy)
                .because(format!("waited {waited}"))
                .advise("wait longer with `--lock-timeout 10m`, or try again later"),
            LockError::TableHeld { waited, .. } => {
                Explanation::new("LOCK.TABLE_HELD", Exit::LockBusy)
                    .because(format!("waited {waited}"))
                    .advise("wait longer with `--lock-timeout 10m`, or try again later")
            }
            LockError::OthersWaited { who, .. } => {
                Explanation::new("LOCK.OTHERS_WAITED", Exit::Failed)
                    .because(format!("the last session that waited: {who}"))
                    .because("its transaction was rolled back: the database is unchanged")
                    .advise(
                        "retry when the database is less busy, or allow a longer wait: \
                         `max-blocking = \"2s\"` below `[migrate]`",
                    )
            }
            LockError::Lost { why, .. } => Explanation::new("LOCK.LOST", Exit::Failed)
                .because(why)
                .because("another run may have started, so nothing more was done")
                .suggest_status(),
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<LockError> {
    let text = str::to_owned;
    let target = text("me@h:5432/school");
    vec![
        LockError::Busy { target: target.clone(), holder: text("pid 7"), waited: text("5s") },
        LockError::TableHeld {
            table: text("public.pupils"),
            holder: text("pid 7, psql as ada"),
            waited: text("5s"),
        },
        LockError::OthersWaited {
            subject: text("migration `1 a`"),
            who: text("ada, with a SELECT"),
        },
        LockError::Lost { target, why: text("reset by peer") },
    ]
}
