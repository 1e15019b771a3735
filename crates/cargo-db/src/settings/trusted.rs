//! What a user trusts: the owners of accepted files, the repositories in `CARGO_DB_TRUST`, and
//! those recorded by `cargo db trust`.

use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::failure::{FileError, Result};
use crate::model::hex::to_hex;
use crate::settings::source::Sources;

/// The variable that lists trusted repositories, for use without a terminal.
const VARIABLE: &str = "CARGO_DB_TRUST";

/// A record of a person's trust.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TrustRecord {
    pub(crate) root: String,
    /// The digest of the root and all commands.
    pub(crate) id: String,
    pub(crate) commands: Vec<String>,
    /// When it was given, in UTC.
    pub(crate) given: String,
}

/// Whether a user is neither us nor root, nor the one who became root to run us.
pub(super) fn is_other_user(sources: &Sources<'_>, uid: u32) -> bool {
    let us = sources.caller.uid;
    let by_sudo = || sources.process.get("SUDO_UID")?.parse().ok();
    uid != us && uid != 0 && !(us == 0 && by_sudo() == Some(uid))
}

/// Whether the user's list or `CARGO_DB_TRUST` has a repository, whatever it names.
pub(super) fn is_trusted_by_list(sources: &Sources<'_>, root: &Path) -> Result<bool> {
    Ok(is_in_variable(sources, root) || recorded(sources, root)?.is_some())
}

/// The folder with a user's trust records, one file for each repository.
pub(crate) fn folder(state: &Path) -> PathBuf {
    state.join("trust")
}

pub(super) fn record_of(sources: &Sources<'_>, root: &Path) -> Option<PathBuf> {
    Some(record_in(sources.caller.state.as_ref()?, root))
}

/// The file about a repository.
pub(crate) fn record_in(state: &Path, root: &Path) -> PathBuf {
    let mut digest = Context::new(&SHA256);
    digest.update(root.as_os_str().as_encoded_bytes());
    folder(state).join(format!("{}.json", to_hex(digest.finish().as_ref())))
}

/// The user's record about a repository. It is only accepted if no other user can write the file.
pub(super) fn recorded(sources: &Sources<'_>, root: &Path) -> Result<Option<TrustRecord>> {
    let Some(path) = record_of(sources, root) else { return Ok(None) };
    let Some(owner) = (sources.owner)(&path) else { return Ok(None) };
    let unusable =
        |why: &str| FileError::Failed { doing: "use", path: path.clone(), why: why.to_owned() };
    if !owner.is_private || owner.uids.iter().any(|uid| is_other_user(sources, *uid)) {
        return Err(unusable("it is not a file that only you can read and write").into());
    }
    let text = sources.text(&path)?.unwrap_or_default();
    let record = serde_json::from_str(&text).map_err(|error| unusable(&error.to_string()))?;
    Ok(Some(record))
}

pub(super) fn is_in_variable(sources: &Sources<'_>, root: &Path) -> bool {
    let whole = sources.process.get(VARIABLE).map(PathBuf::from);
    sources.caller.trusted.iter().chain(&whole).any(|trusted| trusted == root)
}
