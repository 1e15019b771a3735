//! Changes files of the project that a person wrote.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::failure::Result;
use crate::world::files::{failed, folder_of, keep_new, partial_of, replace_with_text};

/// Writes a file of the project atomically. The permissions of an existing file stay the same, and
/// a link to it stays a link. A new file gets the permissions that the umask leaves.
pub(crate) fn rewrite(path: &Path, text: &str) -> Result<()> {
    let (path, partial) = temporary_sibling(path).map_err(failed("change", path))?;
    replace_with_text(partial, &path, text)
}

/// The real path of a file, and an empty temporary file with the same permissions next to it.
fn temporary_sibling(path: &Path) -> std::io::Result<(PathBuf, NamedTempFile)> {
    let path = match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // A link to a file that does not exist would be replaced by a file.
            return if path.is_symlink() { Err(error) } else { new_sibling(path) };
        }
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

/// Writes files that must not exist yet, all of them or none. A file appears under its name when it
/// is complete; the first one appears last, because it is the one that others belong to.
pub(crate) fn write_new_files(files: &[(&Path, &str)]) -> Result<()> {
    let complete = files.iter().map(|(path, text)| {
        complete_file(path, text).map(|file| (*path, file)).map_err(failed("create", path))
    });
    let complete: Vec<(&Path, NamedTempFile)> = complete.collect::<Result<_>>()?;
    let mut written: Vec<&Path> = Vec::new();
    for (path, file) in complete.into_iter().rev() {
        if let Err(error) = keep_new(file, path) {
            written.iter().for_each(|path| drop(fs::remove_file(path)));
            return Err(failed("create", path)(error));
        }
        written.push(path);
    }
    Ok(())
}

/// Writes a file that only we may read and that must not exist yet. It appears when it is complete.
pub(crate) fn write_new_private(path: &Path, text: &str) -> Result<()> {
    let mut partial = partial_of(path).map_err(failed("create", path))?;
    let written = partial.write_all(text.as_bytes()).and_then(|()| partial.as_file().sync_all());
    written.map_err(failed("write", path))?;
    keep_new(partial, path).map_err(failed("create", path))
}

fn complete_file(path: &Path, text: &str) -> std::io::Result<NamedTempFile> {
    let (_, mut file) = new_sibling(path)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Fails if a file exists but cannot be written. It is not opened: opening a FIFO would block.
pub(crate) fn can_write(path: &Path) -> Result<()> {
    match rustix::fs::access(path, Access::WRITE_OK) {
        Err(error) if error != Errno::NOENT => Err(failed("write", path)(error.into())),
        _ => Ok(()),
    }
}

/// The same of a path that is to become a file.
pub(crate) fn can_write_file(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(failed("write", path)(ErrorKind::IsADirectory.into()));
    }
    can_write(path)
}

/// Whether the path is a link, even to nothing.
pub(crate) fn is_link(path: &Path) -> bool {
    path.is_symlink()
}

/// Whether anybody may run the file.
pub(crate) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o111 != 0)
}

/// Lets everybody run the file who may read it.
pub(crate) fn make_executable(path: &Path) -> Result<()> {
    let mode = fs::metadata(path).map_err(failed("look at", path))?.mode();
    let runs = fs::Permissions::from_mode(mode | ((mode & 0o444) >> 2));
    fs::set_permissions(path, runs).map_err(failed("change", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn new_files_are_written_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let [up, down] = ["up.sql", "down.sql"].map(|name| folder.path().join("1_x").join(name));
        write_new_files(&[(&up, "a\n"), (&down, "b\n")]).unwrap();
        assert_eq!(fs::read_to_string(&up).unwrap(), "a\n");
        fs::remove_file(&down).unwrap();
        // The first file exists, so that the second one is removed again.
        assert!(write_new_files(&[(&up, "c\n"), (&down, "d\n")]).is_err());
        assert_eq!(fs::read_to_string(&up).unwrap(), "a\n");
        assert_eq!(fs::read_dir(folder.path().join("1_x")).unwrap().count(), 1);
    }

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
