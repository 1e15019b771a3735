//! The folder of the migrations.

use std::path::{Path, PathBuf};

use crate::failure::{Result, SettingsError};
use crate::model::migration::Folder;
use crate::settings::{Migrations, Origin, Setting, Settings};
use crate::world::files;
use db_tools::{FoundFile, ProjectTool};

/// Reads the folder of the migrations. One that nobody named may be absent.
pub(crate) fn read_folder(settings: &Settings) -> Result<Folder> {
    let Migrations { layout, dir, .. } = &settings.migrations;
    named_folder_exists(dir)?;
    migrations(layout, &dir.value, &settings.root)
}

/// All migrations of a folder, with paths as they are shown: relative to `shown`. An absent folder
/// holds none.
pub(crate) fn migrations(layout: &ProjectTool, folder: &Path, shown: &Path) -> Result<Folder> {
    let shown = folder.strip_prefix(shown).unwrap_or(folder);
    let mut found = Vec::new();
    for path in files::kept_files(folder, layout.depth())? {
        if layout.reads(&path) {
            found.push(FoundFile {
                bytes: files::read(&folder.join(&path))?,
                path: shown.join(&path),
            });
        }
    }
    Ok(layout.read(found))
}

/// A folder that somebody named has to be there: its name may be a slip.
pub(crate) fn named_folder_exists(dir: &Setting<PathBuf>) -> Result<()> {
    if dir.origin == Origin::Default || files::is_there(&dir.value) {
        return Ok(());
    }
    let why = "there is no such folder".to_owned();
    let (source_name, value) = (dir.origin.to_string(), dir.value.display().to_string());
    Err(SettingsError::Value { source_name, value, why }.into())
}
