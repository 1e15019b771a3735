//! Changes files of the project that a person wrote.

use std::fs;
use std::io::Write;
use std::path::Path;

use rustix::fs::Access;
use rustix::io::Errno;

use crate::failure::{CausedBy, FileError, Result};
use crate::world::files::failed;

/// Replaces the content of a file atomically. Its permissions stay the same.
pub(crate) fn rewrite(path: &Path, text: &str) -> Result<()> {
    let written = || -> std::io::Result<()> {
        let permissions = fs::metadata(path)?.permissions();
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut partial = tempfile::Builder::new().prefix(".cargo-db-").tempfile_in(folder)?;
        partial.write_all(text.as_bytes())?;
        partial.as_file().set_permissions(permissions)?;
        partial.as_file().sync_all()?;
        partial.persist(path).map(drop).map_err(|error| error.error)
    };
    written().map_err(|error| {
        let (path, why) = (path.to_owned(), error.to_string());
        FileError::Failed { doing: "change", path, why }.caused_by(error)
    })
}

/// Fails if a file exists but cannot be written. It is not opened: opening a FIFO would block.
pub(crate) fn can_write(path: &Path) -> Result<()> {
    match rustix::fs::access(path, Access::WRITE_OK) {
        Err(error) if error != Errno::NOENT => Err(failed("write", path)(error.into())),
        _ => Ok(()),
    }
}
