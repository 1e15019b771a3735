//! Folders, and the names that they contain directly.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::DirEntry;

use crate::failure::Result;
use crate::world::files::{is_existing_dir, walk_some};

/// Whether there is such a folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// The direct subfolders of a folder, without skipped ones such as `target`, each with the names
/// that it contains; none if the folder does not exist.
pub(crate) fn kept_folders(folder: &Path) -> Result<Vec<(PathBuf, Vec<String>)>> {
    if !is_existing_dir(folder)? {
        return Ok(Vec::new());
    }
    let below = walk_some(folder, 1).flatten().filter(|entry| entry.file_type().is_dir());
    let names = |path: &Path| walk_some(path, 1).flatten().map(|entry| name_of(&entry)).collect();
    Ok(below.map(|entry| (PathBuf::from(entry.file_name()), names(entry.path()))).collect())
}

fn name_of(entry: &DirEntry) -> String {
    entry.file_name().to_string_lossy().into_owned()
}
