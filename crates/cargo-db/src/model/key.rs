//! Public keys, which verify signatures, and the locations of private keys.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::model::hex::{from_hex, to_hex};
use crate::model::target::Secret;

/// The variable that holds the private key in a CI.
pub(crate) const VARIABLE: &str = "CARGO_DB_SIGNING_KEY";
/// What a public key begins with, wherever it is written.
const PREFIX: &str = "ed25519:";

/// The public half of an Ed25519 key, as it is written: `ed25519:` and 64 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "String"))]
pub(crate) struct PublicKey([u8; 32]);

impl PublicKey {
    /// Of its bytes.
    pub(crate) fn of(bytes: &[u8]) -> Option<PublicKey> {
        bytes.try_into().ok().map(PublicKey)
    }

    /// Whether the owner of the private half has signed this message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", to_hex(&self.0))
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<PublicKey, String> {
        let digits = text.strip_prefix(PREFIX);
        let bytes = digits.and_then(from_hex).and_then(|bytes| PublicKey::of(&bytes));
        // The value is not repeated in the error: it may be the private key.
        bytes.ok_or_else(|| format!("a public key is `{PREFIX}` and 64 hexadecimal digits"))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = String;

    fn try_from(text: String) -> Result<PublicKey, String> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

/// Where the private key may be that signs receipts.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyPlaces {
    /// The value of `CARGO_DB_SIGNING_KEY`, which is stronger.
    pub(crate) variable: Option<Secret>,
    /// The file of the user's.
    pub(crate) file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_in_no_other_way() {
        let written = format!("ed25519:{}", "0a".repeat(32));
        let key: PublicKey = written.parse().unwrap();
        assert_eq!(key.to_string(), written);
        let secret = format!("cargo-db-signing-key:{}", "0a".repeat(32));
        for bad in ["", "ed25519:", "ed25519:0a", &written[8..], &format!("{written}0a"), &secret] {
            let error = bad.parse::<PublicKey>().unwrap_err();
            assert!(bad.is_empty() || bad == "ed25519:" || !error.contains(bad), "{error}");
        }
    }
}
