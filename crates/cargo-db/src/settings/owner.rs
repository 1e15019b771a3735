//! Whose settings are believed: those of the user who runs us, and those of root. Whoever else can
//! write a file could name the database, and programs that are run.

use std::path::Path;

use crate::failure::{FileError, Result, SettingsError};
use crate::settings::source::Sources;
use crate::settings::trusted::{is_other_user, is_trusted_by_list};

/// Fails where a file of the project is somebody else's, and nobody said that the project is
/// trusted. A file that is not there belongs to nobody.
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
