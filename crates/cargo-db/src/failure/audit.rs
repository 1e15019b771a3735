//! The audit trail.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A trail that does not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("the audit trail is broken at record {sequence}")]
    Broken { sequence: u64, why: String },
    #[error("the restored database did not keep its marker and audit trail: {why}")]
    NotKept { why: String },
}

impl AuditError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            AuditError::Broken { why, .. } => {
                Explanation::new("AUDIT.BROKEN", Exit::Finding).because(why)
            }
            AuditError::NotKept { .. } => Explanation::new("AUDIT.NOT_KEPT", Exit::Failed).because(
                "code in the backup, such as an event trigger, changed them while it was loaded",
            ),
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<AuditError> {
    let why = |why: &str| why.to_owned();
    vec![
        AuditError::Broken { sequence: 7, why: why("its digest is another") },
        AuditError::NotKept { why: why("its marker is not the one that was written") },
    ]
}
