//! What this run has proved of the tools that it calls: that they connect to the server that they
//! are given.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What was proved of a tool: that it connects to the server that it is given.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ToolProof {
    /// The database, as a URL without a password.
    pub(crate) target: String,
    pub(crate) tool: &'static str,
    /// The set of migrations, if there are several: each may have its own commands.
    pub(crate) set: Option<String>,
}

/// What was proved in this run. All copies of a world know the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToolProofs(Arc<Mutex<BTreeSet<ToolProof>>>);

impl ToolProofs {
    /// Whether it was proved already.
    pub(crate) fn hold(&self, proof: &ToolProof) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(proof)
    }

    /// Remembers a proof until the run ends.
    pub(crate) fn remember(&self, proof: ToolProof) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(proof);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_of_one_target_one_tool_and_one_set() {
        let proof = |target: &str, tool, set: Option<&str>| ToolProof {
            target: target.to_owned(),
            tool,
            set: set.map(str::to_owned),
        };
        let proofs = ToolProofs::default();
        proofs.clone().remember(proof("a", "goose", Some("x")));
        assert!(proofs.hold(&proof("a", "goose", Some("x"))));
        for other in [
            proof("b", "goose", Some("x")),
            proof("a", "dbmate", Some("x")),
            proof("a", "goose", Some("y")),
            proof("a", "goose", None),
        ] {
            assert!(!proofs.hold(&other), "{other:?}");
        }
        assert!(!ToolProofs::default().hold(&proof("a", "goose", Some("x"))));
    }
}
