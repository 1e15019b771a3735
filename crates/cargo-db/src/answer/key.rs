//! Keys that sign receipts, and those that a database accepts.

use serde::Serialize;

use crate::answer::plan::TargetView;
use crate::answer::{Answer, Style};
use crate::model::environment::Environment;
use crate::model::key::PublicKey;
use crate::model::target::Target;

/// The key that signs receipts here: its public half.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KeyView {
    pub(crate) public_key: PublicKey,
    /// The file that holds the private half, or the variable.
    pub(crate) place: String,
    /// Whether it was made just now.
    pub(crate) made: bool,
}

impl Answer for KeyView {
    fn text(&self, _: &Style) -> String {
        let KeyView { public_key, place, made } = self;
        if !made {
            return format!("{public_key}\n  the private key is in {place}");
        }
        format!(
            "{public_key}\n  the private key is in {place}, which only you can read\n  \
             in CI, put the content of that file into the secret variable CARGO_DB_SIGNING_KEY"
        )
    }
}

/// The keys that a database accepts.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AcceptedKeys {
    target: TargetView,
    environment: Environment,
    /// The keys whose receipts it accepts.
    accepted: Vec<PublicKey>,
}

impl AcceptedKeys {
    /// What the marker of the target lists.
    pub(crate) fn of(
        target: &Target,
        environment: Environment,
        accepted: Vec<PublicKey>,
    ) -> AcceptedKeys {
        AcceptedKeys { target: target.into(), environment, accepted }
    }
}

impl Answer for AcceptedKeys {
    fn text(&self, _: &Style) -> String {
        if self.accepted.is_empty() {
            return format!("{} accepts no key, and therefore no receipt", self.target);
        }
        let keys = self.accepted.iter().map(|key| format!("\n  {key}"));
        format!("{} accepts receipts that are signed by{}", self.target, keys.collect::<String>())
    }
}
