//! Reads migration files again before they run: each must be the planned one.

use std::path::{Path, PathBuf};

use crate::failure::{FileError, Result};
use crate::model::direction::Direction;
use crate::model::migration::{Migration, ScriptFile};
use crate::plan::Plan;
use crate::settings::{Runner, Settings};
use crate::world::files;
use crate::world::pg::{Script, TransactionContext};
use db_tools::ProjectTool;
use pg_sql::script::ScriptReader;

/// Reads a migration file, which must be the planned one.
pub(crate) fn read_script(settings: &Settings, file: &ScriptFile) -> Result<Script> {
    read(&settings.root, &settings.migrations.layout, file)
}

/// Reads a file again and verifies that it is still the planned one.
pub(super) fn read(root: &Path, layout: &ProjectTool, file: &ScriptFile) -> Result<Script> {
    let bytes = bytes_as_planned(root, layout, file)?;
    Script::check(&file.path, file.part_of(bytes), within(file))
}

/// Warns about files of a plan that contain no statement. They are probably not written yet, and
/// writing them after they were applied would make them edited files. In a new database, old empty
/// files are assumed to be intended.
pub(crate) fn warn_of_empty_files(settings: &Settings, plan: &mut Plan) {
    if settings.migrations.runner == Runner::Tool {
        return;
    }
    let is_empty = |migration: &Migration| has_no_statement(settings, &migration.up);
    plan.is_unfinished = match plan.applied.is_empty() {
        true => plan.migrations().last().is_some_and(is_empty),
        false => plan.migrations().any(is_empty),
    };
    let empty = plan.migrations().filter(|migration| is_empty(migration));
    let warnings: Vec<String> =
        empty.map(|migration| without_statement(settings, &migration.up, Direction::Up)).collect();
    plan.warnings.extend(warnings);
}

/// The message about such a file or section, with the line of the section.
pub(crate) fn without_statement(
    settings: &Settings,
    file: &ScriptFile,
    direction: Direction,
) -> String {
    let bytes = files::read(&settings.root.join(&file.path)).unwrap_or_default();
    let line = file.section_line(&bytes).map(|line| format!(" (line {line})")).unwrap_or_default();
    format!("{}{line} contains no statement", file.described(direction.word()))
}

/// Whether a file contains no statement. Other problems of the file are reported when it runs.
pub(crate) fn has_no_statement(settings: &Settings, file: &ScriptFile) -> bool {
    !file.is_code
        && is_short(settings, file)
        && read_script(settings, file).is_ok_and(|script| script.is_empty())
}

/// The down file of a migration that undoes nothing: it contains no statement, but the migration
/// does.
pub(crate) fn empty_down_file<'m>(
    settings: &Settings,
    migration: &'m Migration,
) -> Option<&'m ScriptFile> {
    let down = migration.down.as_ref().filter(|down| has_no_statement(settings, down))?;
    (!has_no_statement(settings, &migration.up)).then_some(down)
}

/// Whether a file is short enough to contain at most BEGIN and COMMIT. Avoids parsing long files.
fn is_short(settings: &Settings, file: &ScriptFile) -> bool {
    let Ok(bytes) = files::read(&settings.root.join(&file.path)) else { return false };
    let bytes = file.part_of(bytes);
    let mut reader = ScriptReader::new(Box::new(bytes.as_slice()));
    let mut statements = std::iter::from_fn(|| reader.next_statement().ok().flatten());
    statements.nth(2).is_none()
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
