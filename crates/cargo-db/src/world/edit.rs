//! Changes files of the project that a person wrote.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::failure::Result;
use crate::world::files::{failed, folder_of, replace_with_text};

/// Writes a file of the project atomically. The permissions of an existing file stay the same, and
/// a link to it stays a link. A new file gets the permissions that the umask leaves.
pub(crate) fn rewrite(path: &Path, text: &str) -> Result<()> {
    let (path, partial) = temporary_sibling(path).map_err(failed("change", path))?;
    replace_with_text(partial, &path, text)
}

/// The real path of a file, and an empty temporary file with the same permissions next to it.
fn temporary_sibling(path: &Path) -> std::io::Result<(PathBuf, NamedTempFile)> {
    let path = match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return new_sibling(path),
        found => found?,
    };
    let permissions = fs::metadata(&path)?.permissions();
    let folder = path.parent().unwrap_or(Path::new("/"));
    let partial = tempfile::Builder::new().prefix(".cargo-db-").tempfile_in(folder)?;
    partial.as_file().set_permissions(permissions)?;
    Ok((path, partial))
}

/// The same for a file that does not exist, whose folder is created too.
fn new_sibling(path: &Path) -> std::io::Result<(PathBuf, NamedTempFile)> {
    fs::create_dir_all(folder_of(path))?;
    let all = fs::Permissions::from_mode(0o666);
    let mut partial = tempfile::Builder::new();
    let partial = partial.prefix(".cargo-db-").permissions(all).tempfile_in(folder_of(path))?;
    Ok((path.to_owned(), partial))
}

/// Fails if a file exists but cannot be written. It is not opened: opening a FIFO would block.
pub(crate) fn can_write(path: &Path) -> Result<()> {
    match rustix::fs::access(path, Access::WRITE_OK) {
        Err(error) if error != Errno::NOENT => Err(failed("write", path)(error.into())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_link_stays_a_link_to_what_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("shared/ignore"), folder.path().join("link"));
        fs::create_dir(folder.path().join("shared")).unwrap();
        fs::write(&real, "a\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("shared/ignore", &link).unwrap();
        rewrite(&link, "a\nb\n").unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("shared/ignore"));
        assert_eq!(fs::read_to_string(&real).unwrap(), "a\nb\n");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path().join("shared")).unwrap().count(), 1);
    }
}
