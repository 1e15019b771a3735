//! The states whose schemas can be compared.

use std::path::{Path, PathBuf};

use crate::answer::not_run;
use crate::backup::{self, BackupFolder, RestoreSource};
use crate::change::{Database, refused_in};
use crate::failure::{GenerateError, Result};
use crate::generate::{self, ComparedSchema, SchemaSource};
use crate::schema;
use crate::settings::Settings;
use crate::verb::diff::revision::RevisionFolder;
use crate::world::{files, temporary};

/// A state, as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ComparedState {
    Live,
    Migrations,
    Schema,
    Backup(String),
    File(PathBuf),
    Url(String),
    Revision(String),
}

/// What can be typed.
const FORMS: &str = "write `live`, `migrations`, `schema`, `backup:NAME`, `file:PATH`, \
                     `url:VARIABLE` or `REV:migrations`";

impl ComparedState {
    pub(super) fn named(typed: &str) -> Result<ComparedState> {
        GenerateError::refuse_url(typed, "`url:VARIABLE`, with the variable that contains it")?;
        let state = match (typed, typed.split_once(':')) {
            ("live", _) => Some(ComparedState::Live),
            ("migrations", _) => Some(ComparedState::Migrations),
            ("schema", _) => Some(ComparedState::Schema),
            (_, Some(("backup", name))) => Some(ComparedState::Backup(name.to_owned())),
            (_, Some(("file", path))) => Some(ComparedState::File(path.into())),
            (_, Some(("url", variable))) => Some(ComparedState::Url(variable.to_owned())),
            _ => None,
        };
        let revision = || typed.strip_suffix(":migrations").filter(|revision| !revision.is_empty());
        match state
            .or_else(|| revision().map(|revision| ComparedState::Revision(revision.to_owned())))
        {
            Some(state) => Ok(state),
            None => Err(not_a_state(typed, FORMS)),
        }
    }

    /// Reads the schema of the state.
    pub(super) fn read(&self, database: &Database<'_>) -> Result<ComparedSchema> {
        let Database { workspace, settings, target, .. } = database;
        match self {
            ComparedState::Live => of_source(
                database,
                &SchemaSource::Database {
                    name: target.database.clone(),
                    target: target.clone().into(),
                },
            ),
            ComparedState::Url(variable) => match workspace.database_in_variable(variable)? {
                Some(target) => of_source(
                    database,
                    &SchemaSource::Database { name: variable.clone(), target: target.into() },
                ),
                None => Err(not_a_state(variable, "there is no variable with this name")),
            },
            ComparedState::File(path) => {
                let path = files::current_dir()?.join(path);
                if !files::exists(&path) {
                    let typed = path.display().to_string();
                    return Err(not_a_state(&typed, "there is no such file or folder"));
                }
                of_source(database, &SchemaSource::Files(path))
            }
            ComparedState::Schema => match &settings.schema.file {
                Some(file) => of_schema_file(database, file),
                None => Err(GenerateError::NoSchemaState.into()),
            },
            ComparedState::Migrations => of_migrations(database, settings),
            ComparedState::Revision(revision) => of_revision(database, revision),
            ComparedState::Backup(name) => of_backup(database, name),
        }
    }
}

fn not_a_state(typed: &str, why: &str) -> crate::failure::Failure {
    GenerateError::NotASource { typed: typed.to_owned(), why: why.to_owned() }.into()
}

/// The file or folder that db.toml names.
fn of_schema_file(database: &Database<'_>, file: &Path) -> Result<ComparedSchema> {
    let path = database.settings.root.join(file);
    if !files::exists(&path) {
        return Err(GenerateError::NoSchemaFile { file: file.to_owned() }.into());
    }
    of_source(database, &SchemaSource::Files(path))
}

/// A file, or another database.
fn of_source(database: &Database<'_>, source: &SchemaSource) -> Result<ComparedSchema> {
    let Database { workspace, settings, target, .. } = database;
    let is_built = matches!(source, SchemaSource::Files(_));
    if is_built {
        scratch_is_allowed(database)?;
    }
    let catalog = generate::wanted(&workspace.world, settings, target, source)?.catalog;
    Ok(ComparedSchema::masked(catalog, is_built))
}

fn of_migrations(database: &Database<'_>, settings: &Settings) -> Result<ComparedSchema> {
    scratch_is_allowed(database)?;
    let Database { workspace, target, .. } = database;
    let scratch = schema::migrated_scratch(&workspace.world, settings, target)?;
    if !scratch.not_run.is_empty() {
        workspace.ui.warning(&not_run(&scratch.not_run));
    }
    let place = &scratch.database.target;
    let layout = &settings.migrations.layout;
    let catalog = generate::catalog(&workspace.world, place, layout)?;
    Ok(ComparedSchema::masked(catalog, true))
}

/// Beside precious data, no scratch database is built from files.
fn scratch_is_allowed(database: &Database<'_>) -> Result<()> {
    let environment = database.environment();
    if environment.is_disposable() {
        return Ok(());
    }
    Err(refused_in(database, "diff", environment))
}

/// The migrations as a revision has them, in a temporary folder.
fn of_revision(database: &Database<'_>, revision: &str) -> Result<ComparedSchema> {
    let mut settings = database.settings.clone();
    if settings.migrations.layout.is_code() {
        let why = "the migrations of a revision can be run only if they are SQL";
        return Err(not_a_state(&format!("{revision}:migrations"), why));
    }
    let folder = temporary::folder()?;
    let migrations = folder.path().join("migrations");
    let root = settings.root.clone();
    let dir = settings.migrations.dir.value.clone();
    RevisionFolder { root: &root, dir: &dir, revision }.write(&migrations)?;
    settings.root = folder.path().to_owned();
    settings.migrations.dir.value = migrations;
    // The base is a file of today.
    settings.schema.base = settings.schema.base.map(|base| root.join(base));
    of_migrations(database, &settings)
}

fn of_backup(database: &Database<'_>, name: &str) -> Result<ComparedSchema> {
    let Database { workspace, settings, target, .. } = database;
    let world = &workspace.world;
    let folder = BackupFolder::of(settings);
    let found = folder.resolve_argument(world, Some(name), &target.database)?;
    backup::refuse_part(&found.manifest)?;
    let source = RestoreSource::of(&folder, &found).for_scratch(settings)?;
    let scratch = backup::scratch(world, settings, target, &source)?;
    let layout = &settings.migrations.layout;
    let catalog = generate::catalog(world, scratch.for_work(), layout)?;
    Ok(ComparedSchema::masked(catalog, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_named() {
        let named = |typed| ComparedState::named(typed).ok();
        assert_eq!(named("live"), Some(ComparedState::Live));
        assert_eq!(named("backup:x:y"), Some(ComparedState::Backup("x:y".to_owned())));
        assert_eq!(named("HEAD~2:migrations"), Some(ComparedState::Revision("HEAD~2".to_owned())));
        for wrong in ["", "lives", ":migrations", "url:postgres://u:secret@h/d"] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }
}
