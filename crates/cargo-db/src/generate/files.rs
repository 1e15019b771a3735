//! The files of a generated migration, in the layout of the project.

use std::path::PathBuf;

use time::Duration;

use crate::check::{self, CheckContext, Direction};
use crate::failure::{Failure, GenerateError, Result};
use crate::generate::stage::{DownStage, MigrationStage};
use crate::migration;
use crate::model::finding::Checked;
use crate::model::migration::{Migration, MigrationFolder};
use crate::settings::{Migrations, Settings};
use crate::world::{clock, edit, files};
use db_tools::{FoundFile, NewMigration, NewStatements, ProjectTool};
use pg_logical::ddl::dollars;
use pg_sql::quote::quote_literal;

/// A file to be written.
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// The migrations before the new one.
pub(crate) fn folder(settings: &Settings) -> Result<MigrationFolder> {
    let Migrations { layout, dir, .. } = &settings.migrations;
    migration::migrations(layout, &dir.value, &settings.root)
}

/// The files of all stages, in the order in which they are applied.
pub(crate) fn new_files(
    settings: &Settings,
    name: &str,
    stages: &[MigrationStage],
    mut folder: MigrationFolder,
) -> Result<Vec<NewFile>> {
    let (layout, dir) = (&settings.migrations.layout, &settings.migrations.dir.value);
    let reversible = folder.migrations.is_empty() || folder.is_reversible();
    let mut all = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        let name = match at {
            0 => name.to_owned(),
            at => format!("{name}_{}", at + 1),
        };
        // Tools that date their files by the millisecond need different moments.
        let now = clock::now() + Duration::seconds(i64::try_from(at).unwrap_or_default());
        let new = NewMigration { name: &name, now, reversible, folder: &folder };
        let down = down(stage);
        let is_in_transaction = stage.is_in_transaction;
        let statements = NewStatements { up: &stage.up, down: &down, is_in_transaction };
        let files = layout.filled_files(&new, &statements);
        if files.is_empty() {
            return Err(no_place(layout, stage));
        }
        folder = with(folder, layout, &files);
        all.extend(files.into_iter().map(|(path, text)| NewFile { path: dir.join(path), text }));
    }
    Ok(all)
}

/// A layout in which the stage cannot be written.
fn no_place(layout: &ProjectTool, stage: &MigrationStage) -> Failure {
    let title = layout.key();
    if stage.is_in_transaction {
        return GenerateError::OwnGenerator { title, command: None }.into();
    }
    let first = |statement: &String| statement.lines().next().unwrap_or_default().to_owned();
    let statements = stage.up.iter().map(first).collect();
    GenerateError::NeedsTransaction { title, statements }.into()
}

/// The statements that roll a stage back, or one that says why nothing does.
fn down(stage: &MigrationStage) -> Vec<String> {
    match &stage.down {
        DownStage::Statements(statements) => statements.clone(),
        DownStage::Refused(why) => {
            let why = format!("this migration cannot be rolled back: {}", why.join("; "));
            let message = quote_literal(&why.replace(['\n', '\r'], " "));
            let body = format!(" BEGIN RAISE EXCEPTION USING MESSAGE = {message}; END ");
            vec![format!("DO {}", dollars(&body))]
        }
    }
}

/// The folder with another migration.
fn with(
    mut folder: MigrationFolder,
    layout: &ProjectTool,
    files: &[(PathBuf, String)],
) -> MigrationFolder {
    let found = files
        .iter()
        .map(|(path, text)| FoundFile { path: path.clone(), bytes: text.clone().into_bytes() });
    folder.migrations.extend(layout.read(found.collect()).migrations);
    folder
}

fn shown(settings: &Settings, file: &NewFile) -> PathBuf {
    file.path.strip_prefix(&settings.root).unwrap_or(&file.path).to_owned()
}

fn read(settings: &Settings, written: &[NewFile]) -> MigrationFolder {
    let found = written.iter().map(|file| FoundFile {
        path: shown(settings, file),
        bytes: file.text.clone().into_bytes(),
    });
    settings.migrations.layout.read(found.collect())
}

/// The migrations in the files.
pub(crate) fn migrations(settings: &Settings, written: &[NewFile]) -> Vec<Migration> {
    read(settings, written).migrations
}

/// The version of the last migration in the files.
pub(crate) fn last_version(settings: &Settings, written: &[NewFile]) -> Option<String> {
    let folder = read(settings, written);
    folder.migrations.last().map(|migration| migration.version.to_string())
}

/// What `check` finds in the files.
pub(crate) fn check(settings: &Settings, written: &[NewFile]) -> Vec<Checked> {
    let layout = &settings.migrations.layout;
    let text = |path: &std::path::Path| {
        let file = written.iter().find(|file| shown(settings, file) == path);
        file.map(|file| file.text.clone().into_bytes()).unwrap_or_default()
    };
    let folder = read(settings, written);
    let ups = folder.migrations.iter().map(|migration| {
        let up = &migration.up;
        check::check_script(layout, up, text(&up.path), Direction::Up, CheckContext::default())
    });
    ups.collect()
}

/// The files with their text, as paths of the project.
pub(crate) fn texts(settings: &Settings, written: &[NewFile]) -> Vec<(PathBuf, String)> {
    written.iter().map(|file| (shown(settings, file), file.text.clone())).collect()
}

/// Removes the files, if what they were written for failed.
pub(crate) fn remove(written: &[NewFile]) {
    for file in written {
        // The failure is reported, and names more than this.
        let _ = files::remove_file(&file.path);
    }
}

/// Writes the files; all of them or none.
pub(crate) fn write(written: &[NewFile]) -> Result<()> {
    let files: Vec<_> = written.iter().map(|file| (&*file.path, &*file.text)).collect();
    edit::write_new_files(&files)
}
