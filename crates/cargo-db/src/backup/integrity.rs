//! Whether the files of a backup are those that the manifest names: their names, sizes and
//! checksums.

use std::path::{Path, PathBuf};

use crate::backup::folder::BackupFolder;
use crate::failure::Result;
use crate::model::backup::{Backup, FileEntry, Format, SET_MANIFEST, SET_VERIFICATION};
use crate::world::archive::{Stored, measure};
use crate::world::files;

/// What is not as it was when the manifest was written.
pub(super) fn changed(folder: &BackupFolder, backup: &Backup) -> Result<Vec<String>> {
    let problems = quick(folder, backup)?;
    if problems.is_empty() { checksums(folder, backup) } else { Ok(problems) }
}

/// Checks that need not read the files.
pub(super) fn quick(folder: &BackupFolder, backup: &Backup) -> Result<Vec<String>> {
    let manifest = &backup.manifest;
    let root = folder.path_of(&manifest.name);
    if !files::exists(&root) {
        return Ok(vec![format!(
            "missing: `{}` does not exist, or is a symbolic link",
            manifest.name
        )]);
    }
    let mut problems = Vec::new();
    for file in &manifest.files {
        let path = path_of(folder, backup, file);
        match files::size(&path) {
            None => problems
                .push(format!("missing: `{}` does not exist, or is a symbolic link", file.path)),
            Some(bytes) if bytes != file.bytes => {
                problems.push(format!(
                    "size: `{}` has {bytes} bytes, expected {} bytes",
                    file.path, file.bytes
                ));
            }
            Some(_) => {}
        }
    }
    if manifest.format.is_folder() {
        let of_set =
            [SET_MANIFEST, SET_VERIFICATION].into_iter().filter(|_| manifest.format == Format::Set);
        let known: Vec<&str> =
            manifest.files.iter().map(|file| file.path.as_str()).chain(of_set).collect();
        let extra = files::files_below(&root)?
            .into_iter()
            .filter(|path| !known.contains(&path.to_str().unwrap_or("")));
        problems.extend(
            extra.map(|path| format!("extra: `{}` does not belong to the backup", path.display())),
        );
    }
    Ok(problems)
}

/// Checks the checksums of the files against the manifest.
pub(super) fn checksums(folder: &BackupFolder, backup: &Backup) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in &backup.manifest.files {
        if measure(&path_of(folder, backup, file))?.sha256.to_string() != file.sha256 {
            problems.push(format!(
                "checksum: the SHA-256 of `{}` differs from the manifest",
                file.path
            ));
        }
    }
    Ok(problems)
}

/// The files of a backup with their checksums; a single file has no path yet.
pub(super) fn file_entries(path: &Path) -> Result<Vec<FileEntry>> {
    let relative = if path.is_dir() { files::files_below(path)? } else { vec![PathBuf::new()] };
    let entries = relative.into_iter().map(|file| {
        let stored =
            measure(&if file.as_os_str().is_empty() { path.to_owned() } else { path.join(&file) })?;
        Ok(file_entry(&file.display().to_string(), &stored))
    });
    entries.collect()
}

/// A file as the manifest knows it.
pub(super) fn file_entry(path: &str, stored: &Stored) -> FileEntry {
    let (path, sha256) = (path.to_owned(), stored.sha256.to_string());
    FileEntry { path, bytes: stored.bytes, sha256, schema: None, table: None }
}

fn path_of(folder: &BackupFolder, backup: &Backup, file: &FileEntry) -> PathBuf {
    let name = folder.path_of(&backup.manifest.name);
    if backup.manifest.format.is_folder() { name.join(&file.path) } else { name }
}
