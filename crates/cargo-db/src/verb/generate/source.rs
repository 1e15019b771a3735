//! The wanted schema that a command names.

use crate::change::Workspace;
use crate::failure::{GenerateError, Result};
use crate::generate::SchemaSource;
use crate::settings::Settings;
use crate::world::files;

/// The file or folder that db.toml names.
pub(super) fn of_settings(settings: &Settings) -> Result<SchemaSource> {
    let Some(file) = &settings.schema.file else { return Err(GenerateError::NoSource.into()) };
    let path = settings.root.join(file);
    if files::exists(&path) {
        return Ok(SchemaSource::Files(path));
    }
    Err(GenerateError::NoSchemaFile { file: file.clone() }.into())
}

/// An SQL file, a folder, or a variable with the URL of a database.
pub(super) fn named(workspace: &Workspace, typed: &str) -> Result<SchemaSource> {
    let not_one = |why: &str| {
        let (typed, why) = (typed.to_owned(), why.to_owned());
        Err(GenerateError::NotASource { typed, why }.into())
    };
    GenerateError::refuse_url(
        typed,
        "the name of a variable that contains it, such as `--from OTHER_DATABASE_URL`",
    )?;
    let path = files::current_dir()?.join(typed);
    if files::exists(&path) {
        return Ok(SchemaSource::Files(path));
    }
    match workspace.database_in_variable(typed)? {
        Some(target) => {
            let (name, target) = (format!("the database in {typed}"), Box::new(target));
            Ok(SchemaSource::Database { name, target })
        }
        None => not_one("no file, folder or variable has this name"),
    }
}
