//! The files of migrations, read again before they run: each must be what was planned with.

use std::path::{Path, PathBuf};

use crate::failure::{FileError, Result};
use crate::model::migration::ScriptFile;
use crate::plan::Plan;
use crate::settings::Settings;
use crate::world::files;
use crate::world::pg::{Script, TransactionContext};
use db_tools::ProjectTool;

/// Reads a file of a migration, which must be what was planned with.
pub(crate) fn read_script(settings: &Settings, file: &ScriptFile) -> Result<Script> {
    read(&settings.root, &settings.migrations.layout, file)
}

/// Reads a file again and makes sure that it is still what was planned with.
pub(super) fn read(root: &Path, layout: &ProjectTool, file: &ScriptFile) -> Result<Script> {
    let bytes = bytes_as_planned(root, layout, file)?;
    Script::check(&file.path, file.part_of(bytes), within(file))
}

/// The transaction that a file runs in.
fn within(file: &ScriptFile) -> TransactionContext {
    match file {
        ScriptFile { has_own_blocks: true, .. } => TransactionContext::Blocks,
        ScriptFile { transactional: true, .. } => TransactionContext::Transaction,
        _ => TransactionContext::Nothing,
    }
}

/// What a file holds, which must be what was planned with.
pub(super) fn bytes_as_planned(
    root: &Path,
    layout: &ProjectTool,
    file: &ScriptFile,
) -> Result<Vec<u8>> {
    let bytes = files::read(&root.join(&file.path))?;
    if layout.digest(&bytes) != file.checksum {
        return Err(FileError::Changed { file: file.path.clone() }.into());
    }
    Ok(bytes)
}

/// The files that a plan runs, with their text.
pub(crate) fn sql_of(settings: &Settings, plan: &Plan) -> Result<Vec<(PathBuf, String)>> {
    // What a program will do, its text does not say.
    let files = plan.files().filter(|file| !file.is_code).map(|file| {
        let bytes = file.part_of(files::read(&settings.root.join(&file.path))?);
        Ok((file.path.clone(), String::from_utf8_lossy(bytes.trim_ascii()).into_owned() + "\n"))
    });
    files.collect()
}
