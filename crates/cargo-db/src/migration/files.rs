//! The files of migrations, read again before they run: each must be what was planned with.

use std::path::Path;

use crate::failure::{Kind, Result};
use crate::model::migration::ScriptFile;
use crate::settings::Settings;
use crate::world::files;
use crate::world::pg::Script;
use db_tools::ProjectTool;

/// Reads a file of a migration, which must be what was planned with.
pub(crate) fn read_script(settings: &Settings, file: &ScriptFile) -> Result<Script> {
    read(&settings.root, &settings.migrations.layout, file)
}

/// Reads a file again and makes sure that it is still what was planned with.
pub(super) fn read(root: &Path, layout: &ProjectTool, file: &ScriptFile) -> Result<Script> {
    let bytes = bytes_as_planned(root, layout, file)?;
    Script::check(&file.path, file.part_of(bytes), file.transactional)
}

/// What a file holds, which must be what was planned with.
pub(super) fn bytes_as_planned(
    root: &Path,
    layout: &ProjectTool,
    file: &ScriptFile,
) -> Result<Vec<u8>> {
    let bytes = files::read(&root.join(&file.path))?;
    if layout.digest(&bytes) != file.checksum {
        return Err(Kind::FileChanged { file: file.path.clone() }.into());
    }
    Ok(bytes)
}
