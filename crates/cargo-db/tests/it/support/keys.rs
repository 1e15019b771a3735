//! The key that signs the receipts of all tests, and databases that accept it.

use crate::support::Project;

/// The private half, as a CI has it in a variable.
pub(crate) const SIGNING_KEY: &str =
    "cargo-db-signing-key:1111111111111111111111111111111111111111111111111111111111111111";

/// The half that production's marker lists.
pub(crate) const PUBLIC_KEY: &str =
    "ed25519:d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";

impl Project {
    /// Makes the database accept the receipts of all tests. A `test` marker raises nothing, so that
    /// the environment stays the same.
    #[track_caller]
    pub(crate) fn accept_key(&self) {
        let add = ["env", "key", "add", PUBLIC_KEY, "--env", "test"];
        self.db(&[&add[..], &["--yes"]].concat()).ok();
    }
}
