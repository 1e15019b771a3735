//! Reads migration files again before they run: each must be the planned one.

use std::path::{Path, PathBuf};

use crate::failure::{FileError, Result};
use crate::model::migration::ScriptFile;
use crate::plan::Plan;
use crate::settings::Settings;
use crate::world::files;
use crate::world::pg::{Script, TransactionContext};
use db_tools::ProjectTool;

/// Reads a migration file, which must be the planned one.
pub(crate) fn read_script(settings: &Settings, file: &ScriptFile) -> Result<Script> {
    read(&settings.root, &settings.migrations.layout, file)
}

/// Reads a file again and verifies that it is still the planned one.
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

/// The content of a file, which must be the planned one.
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
