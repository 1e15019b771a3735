//! The audit trail.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A trail that does not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("the audit trail is broken at record {sequence}")]
    Broken { sequence: u64, why: String },
}

impl AuditError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            AuditError::Broken { why, .. } => {
                Explanation::new("AUDIT.BROKEN", Exit::Finding).because(why)
            }
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<AuditError> {
    vec![AuditError::Broken { sequence: 7, why: "its digest is another".to_owned() }]
}
