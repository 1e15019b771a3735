//! Keys that sign receipts, and those that production accepts.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A key that is missing, cannot be used, or is not one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the signing key in {place} cannot be used: {why}")]
    Unusable { place: String, why: String },
    #[error("there is already a signing key in {place}")]
    Exists { place: String },
    #[error("there is no signing key")]
    Missing,
    #[error("no folder for a signing key was found")]
    NoFolder,
    #[error("`{verb}` is refused: `{database}` accepts no key, and therefore no receipt")]
    NoneAccepted { verb: &'static str, database: String },
    #[error("`{database}` does not accept {key}")]
    NotAccepted { database: String, key: String },
    #[error("not a public key: {why}")]
    NotPublic { why: String },
    #[error(
        "an AI agent ({agent}) called this command, and only a person can change which keys are \
         accepted"
    )]
    ByAgent { agent: String, command: String },
}

impl KeyError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            KeyError::Unusable { .. } => Explanation::new("KEY.UNUSABLE", Exit::Usage).run(
                "correct the file, or move it away and create another key",
                "cargo db key new",
            ),
            KeyError::Exists { .. } => Explanation::new("KEY.EXISTS", Exit::Usage)
                .run("show its public key", "cargo db key show"),
            KeyError::Missing => {
                Explanation::new("KEY.MISSING", Exit::Usage).run("create one", "cargo db key new")
            }
            KeyError::NoFolder => Explanation::new("KEY.NO_FOLDER", Exit::Usage)
                .advise("set HOME, or XDG_CONFIG_HOME, to an absolute path"),
            KeyError::NoneAccepted { .. } => Explanation::new("KEY.NONE_ACCEPTED", Exit::Policy)
                .because("in production, a receipt must be signed with a key that the marker lists")
                .run(
                    "create a key where migrations are rehearsed, preferably in CI",
                    "cargo db key new",
                )
                .run(
                    "accept the key in this database",
                    "cargo db env key add <public key> --dry-run",
                ),
            KeyError::NotAccepted { .. } => Explanation::new("KEY.NOT_ACCEPTED", Exit::Usage)
                .run("list the accepted keys", "cargo db env key list"),
            KeyError::NotPublic { .. } => Explanation::new("KEY.NOT_PUBLIC", Exit::Usage)
                .run("show the signing key in use", "cargo db key show"),
            KeyError::ByAgent { command, .. } => Explanation::new("KEY.BY_AGENT", Exit::Policy)
                .run("ask a person to review the key and to run", command),
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<KeyError> {
    let text = str::to_owned;
    let place = || text("/home/me/.config/cargo-db/signing-key");
    vec![
        KeyError::Unusable { place: place(), why: text("it is not a key") },
        KeyError::Exists { place: place() },
        KeyError::Missing,
        KeyError::NoFolder,
        KeyError::NoneAccepted { verb: "migrate", database: text("school") },
        KeyError::NotAccepted { database: text("school"), key: text("ed25519:00") },
        KeyError::NotPublic { why: text("a public key is `ed25519:` and 64 digits") },
        KeyError::ByAgent {
            agent: text("AI_AGENT"),
            command: text("cargo db env key add ed25519:00"),
        },
    ]
}
