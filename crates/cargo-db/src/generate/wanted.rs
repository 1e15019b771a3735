//! The wanted schema: SQL files that are loaded into a scratch database, or another database.

use std::path::{Path, PathBuf};

use pg_logical::catalog::Catalog;
use pg_logical::diff::{Rename, RenameError, renames_of_file};

use crate::backup::{self, SCRATCH, SiblingDatabase};
use crate::failure::{GenerateError, Result};
use crate::generate::own;
use crate::generate::server_wide::server_wide_statement;
use crate::migration::session_settings;
use crate::model::event::Event;
use crate::model::statement::ServerError;
use crate::model::target::Target;
use crate::schema::{self, without_restrict};
use crate::settings::Settings;
use crate::world::pg::{Purpose, Script, ScriptStop, Session, TransactionContext};
use crate::world::{World, files};

/// Where a wanted schema comes from.
#[derive(Clone, Debug)]
pub(crate) enum SchemaSource {
    /// An SQL file, or the SQL files of a folder in the order of their names.
    Files(PathBuf),
    /// A database, as `--from` names it.
    Database { name: String, target: Box<Target> },
}

impl SchemaSource {
    /// In words.
    pub(crate) fn describe(&self, root: &Path) -> String {
        match self {
            SchemaSource::Files(path) => {
                path.strip_prefix(root).unwrap_or(path).display().to_string()
            }
            SchemaSource::Database { name, .. } => name.clone(),
        }
    }

    /// The files with their text.
    fn files(&self) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let SchemaSource::Files(path) = self else { return Ok(Vec::new()) };
        let paths = if path.is_dir() { sql_files(path)? } else { vec![path.clone()] };
        paths.into_iter().map(|path| files::read(&path).map(|text| (path, text))).collect()
    }
}

/// The SQL files below a folder, sorted.
fn sql_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = files::walk(folder)?;
    found.retain(|path| path.extension().is_some_and(|ending| ending == "sql"));
    found.sort();
    if found.is_empty() {
        let (typed, why) = (folder.display().to_string(), "it contains no SQL file".to_owned());
        return Err(GenerateError::NotASource { typed, why }.into());
    }
    Ok(found)
}

/// A wanted schema.
pub(crate) struct WantedSchema {
    pub(crate) catalog: Catalog,
    /// Whether it was loaded from files, so that its owners and privileges count.
    pub(crate) is_of_files: bool,
    /// Whether the options of foreign servers are masked in it.
    pub(crate) is_masked: bool,
    /// The renames that its files ask for, each with its file.
    pub(crate) renames: Vec<(PathBuf, Rename)>,
}

/// Reads a wanted schema. Files are loaded into a scratch database beside the target.
pub(crate) fn wanted(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &SchemaSource,
) -> Result<WantedSchema> {
    let layout = &settings.migrations.layout;
    // What is generated is a file that everybody reads, so it gets no secret of another database.
    let mut is_masked = matches!(source, SchemaSource::Database { .. });
    let mut renames = Vec::new();
    let catalog = match source {
        SchemaSource::Database { target, .. } => own::catalog(world, target, layout)?,
        SchemaSource::Files(_) => {
            let files = source.files()?;
            for (path, bytes) in &files {
                let text = String::from_utf8_lossy(bytes);
                let shown = path.strip_prefix(&settings.root).unwrap_or(path);
                is_masked |= schema::is_marked(&text);
                let told = renames_of_file(&text).map_err(|error| cannot_rename(error, shown))?;
                renames.extend(told.into_iter().map(|rename| (shown.to_owned(), rename)));
            }
            let scratch = load(world, settings, target, &files)?;
            own::catalog(world, &scratch.target, layout)?
        }
    };
    let is_of_files = matches!(source, SchemaSource::Files(_));
    Ok(WantedSchema { catalog, is_of_files, is_masked, renames })
}

/// A rename that cannot be made, with its place in a file.
pub(super) fn cannot_rename(error: RenameError, file: &Path) -> GenerateError {
    let RenameError { rename, problem } = error;
    let name = match (rename.new.is_empty(), rename.old.is_empty()) {
        (true, true) => "an object".to_owned(),
        (true, false) => format!("`{}`", rename.old),
        _ => format!("`{}` to `{}`", rename.old, rename.new),
    };
    let place = rename.line.map(|line| (file.to_owned(), line));
    GenerateError::Rename { name, why: problem.to_string(), place }
}

fn load(
    world: &World,
    settings: &Settings,
    target: &Target,
    files: &[(PathBuf, Vec<u8>)],
) -> Result<SiblingDatabase> {
    let subject = "the wanted schema into a scratch database".to_owned();
    world.emit(Event::Started { doing: "Loading", subject });
    let built = backup::create_sibling(world, target, SCRATCH, None)?;
    let built = built.without_waiting_for_disk()?;
    for (path, bytes) in files {
        let shown = path.strip_prefix(&settings.root).unwrap_or(path);
        load_file(world, settings, &built, (shown, bytes))?;
    }
    Ok(built)
}

/// Each file has a session of its own, as with `psql -f`.
fn load_file(
    world: &World,
    settings: &Settings,
    built: &SiblingDatabase,
    (path, bytes): (&Path, &[u8]),
) -> Result<()> {
    let bytes = without_restrict(bytes);
    if let Some(statement) = server_wide_statement(world, settings, &built.target, (path, &bytes))?
    {
        return Err(GenerateError::Unsupported { objects: vec![statement.describe()] }.into());
    }
    let script = Script::check(path, bytes, TransactionContext::Nothing)?;
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    session.lend(&session_settings(&settings.limits))?;
    let failed = |line, server: ServerError| {
        GenerateError::NotLoaded { file: path.to_owned(), line, server: Box::new(server) }.into()
    };
    match script.run(&mut session, &mut ()) {
        Ok(()) => Ok(()),
        Err(ScriptStop::Refused(failure)) => Err(failure),
        Err(ScriptStop::Statement(error)) => Err(failed(error.line, error.server)),
        Err(ScriptStop::Ended { line, .. }) => {
            let message = "the statement ends the transaction".to_owned();
            Err(failed(line, ServerError { message, ..ServerError::default() }))
        }
        Err(ScriptStop::Lost(message)) => {
            Err(failed(1, ServerError { message, ..ServerError::default() }))
        }
    }
}
