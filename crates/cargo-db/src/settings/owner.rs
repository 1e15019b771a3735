//! Whose settings files are accepted: those of the current user and of root. Another user who can
//! write a file could choose the database and the programs to run.

use std::path::Path;

use crate::failure::{FileError, Result, SettingsError};
use crate::settings::source::Sources;
use crate::settings::trusted::{is_other_user, is_trusted_by_list};

/// Fails if a file of the project belongs to another user and the project is not trusted. A missing
/// file is fine.
pub(super) fn check_owner(sources: &Sources<'_>, root: &Path, path: &Path) -> Result<()> {
    let Some(owner) = (sources.owner)(path) else { return Ok(()) };
    if !owner.is_file {
        let why = "it is not a regular file; to use it anyway, pass `--env-file`".to_owned();
        return Err(FileError::Failed { doing: "read", path: path.to_owned(), why }.into());
    }
    let Some(other) = owner.uids.into_iter().find(|uid| is_other_user(sources, *uid)) else {
        return Ok(());
    };
    if sources.flags.gives_trust || is_trusted_by_list(sources, root)? {
        return Ok(());
    }
    Err(SettingsError::ForeignOwner {
        file: path.to_owned(),
        owner: other,
        uid: sources.caller.uid,
        root: root.to_owned(),
    }
    .into())
}
