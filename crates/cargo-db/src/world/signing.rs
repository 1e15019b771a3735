//! The private key that signs receipts: a file that only this user can read, or a variable in CI.
//! It is never printed.

use std::path::Path;

use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::failure::{KeyError, Result};
use crate::model::hex::{from_hex, to_hex};
use crate::model::key::{KeyPlaces, PublicKey, VARIABLE};
use crate::model::target::Secret;
use crate::world::{files, process, random};

/// The prefix of a private key, so that secret scanners can find it in a repository.
const PREFIX: &str = "cargo-db-signing-key:";

/// A private key.
pub(crate) struct SigningKey {
    pair: Ed25519KeyPair,
    /// Where it was found.
    pub(crate) place: String,
}

impl SigningKey {
    /// The signing key of the current user, if there is one.
    pub(crate) fn find(places: &KeyPlaces) -> Result<Option<SigningKey>> {
        if let Some(secret) = &places.variable {
            return SigningKey::read(secret.expose(), VARIABLE).map(Some);
        }
        let Some(path) = places.file.as_deref().filter(|path| files::exists(path)) else {
            return Ok(None);
        };
        let place = path.display().to_string();
        let unusable = |why: &str| KeyError::Unusable { place: place.clone(), why: why.to_owned() };
        if !is_ours_alone(path) {
            return Err(unusable("it is not a file that only you can read and write").into());
        }
        let text = files::read_if_there(path).map_err(|error| unusable(&error.to_string()))?;
        SigningKey::read(text.unwrap_or_default().trim(), &place).map(Some)
    }

    fn read(text: &str, place: &str) -> Result<SigningKey> {
        let seed = text.trim().strip_prefix(PREFIX).and_then(from_hex);
        let pair = seed.and_then(|seed| Ed25519KeyPair::from_seed_unchecked(&seed).ok());
        let place = place.to_owned();
        match pair {
            Some(pair) => Ok(SigningKey { pair, place }),
            None => {
                let why = format!("it is not `{PREFIX}` and 64 hexadecimal digits");
                Err(KeyError::Unusable { place, why }.into())
            }
        }
    }

    /// Makes one, and keeps it in the file.
    pub(crate) fn make(path: &Path) -> Result<SigningKey> {
        let place = path.display().to_string();
        if files::exists(path) {
            return Err(KeyError::Exists { place }.into());
        }
        let mut seed = [0; 32];
        random::fill(&mut seed)?;
        let text = Secret::new(format!("{PREFIX}{}\n", to_hex(&seed)));
        files::write_private(path, text.expose())?;
        SigningKey::read(text.expose(), &place)
    }

    /// The half that everybody may know.
    pub(crate) fn public(&self) -> Option<PublicKey> {
        PublicKey::of(self.pair.public_key().as_ref())
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        to_hex(self.pair.sign(message).as_ref())
    }
}

/// Whether only this user and root can read or replace a file.
fn is_ours_alone(path: &Path) -> bool {
    let ours = process::uid();
    files::ownership(path).is_some_and(|owner| {
        let is_ours = owner.uids.iter().all(|uid| *uid == ours || *uid == 0);
        is_ours && owner.is_private && owner.is_file
    })
}
