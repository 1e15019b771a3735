//! The run itself: a signal, a feature that was not built, and our own bugs.

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, committed};

/// A run that did not complete.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("stopped by a signal")]
    Interrupted { terminated: bool },
    #[error("could not check {unseen} after {done}: {failure}")]
    NotLookedAt { done: String, unseen: String, failure: String, why: Vec<String> },
    #[error("the operating system returned no random bytes")]
    NoRandomBytes,
    #[error("this `cargo-db` was built without the feature `ci`, which writes `{format}`")]
    FormatNotBuilt { format: String },
    #[error("this `cargo-db` was built without the feature `mcp`, which `cargo db mcp` needs")]
    ProtocolNotBuilt,
    #[error("cannot serve tools: {why}")]
    NotServed { why: String },
    #[error("{what}")]
    Bug { what: String },
}

impl RunError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            RunError::Interrupted { terminated: false } => {
                Explanation::new("SIGNAL.INTERRUPTED", Exit::Interrupted).suggest_status()
            }
            RunError::Interrupted { terminated: true } => {
                Explanation::new("SIGNAL.TERMINATED", Exit::Terminated).suggest_status()
            }
            RunError::NotLookedAt { unseen, why, .. } => {
                Explanation::new("RUN.NOT_LOOKED_AT", Exit::PartWay)
                    .because_of(why.clone())
                    .because_of(committed(unseen))
                    .suggest_status()
            }
            RunError::NoRandomBytes => Explanation::new("RUN.NO_RANDOM_BYTES", Exit::Failed)
                .because("its random number generator failed; without it, a key could be guessed"),
            RunError::FormatNotBuilt { .. } => {
                with_feature(Explanation::new("RUN.FORMAT_NOT_BUILT", Exit::Usage), "ci")
            }
            RunError::ProtocolNotBuilt => {
                with_feature(Explanation::new("RUN.PROTOCOL_NOT_BUILT", Exit::Usage), "mcp")
            }
            RunError::NotServed { .. } => Explanation::new("RUN.NOT_SERVED", Exit::Failed)
                .because("`cargo db mcp` is for programs that speak the Model Context Protocol")
                .advise("docs/mcp.md shows how to register it in an agent"),
            RunError::Bug { .. } => Explanation::new("BUG", Exit::Bug)
                .advise("this is a bug in cargo db: please report it"),
        }
    }
}

/// How to build `cargo-db` with a feature.
fn with_feature(explanation: Explanation, feature: &str) -> Explanation {
    explanation
        .run(
            "in a clone of cargo db",
            format!("cargo install --locked --features {feature} --path crates/cargo-db"),
        )
        .advise(format!("or add `features = [\"{feature}\"]` where `cargo-db` is a dependency"))
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<RunError> {
    vec![
        RunError::Interrupted { terminated: false },
        RunError::Interrupted { terminated: true },
        RunError::NotLookedAt {
            done: "cargo db applied all migrations (2)".to_owned(),
            unseen: "the history".to_owned(),
            failure: "cannot read the history: permission denied".to_owned(),
            why: vec!["SQLSTATE 42501".to_owned()],
        },
        RunError::NoRandomBytes,
        RunError::FormatNotBuilt { format: "sarif".to_owned() },
        RunError::ProtocolNotBuilt,
        RunError::NotServed { why: "the client did not open the protocol".to_owned() },
        RunError::Bug { what: "unexpected result for `SHOW server_version`".to_owned() },
    ]
}
