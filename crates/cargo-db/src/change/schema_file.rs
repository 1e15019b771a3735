//! The schema file of the project whose database is worked with.

use crate::change::workspace::Database;
use crate::failure::{Result, SchemaError};
use crate::model::environment::Environment;
use crate::schema::{GeneratedSchema, SchemaFile, generate};

/// The schema file, and the schema that the migrations produce. Fails in environments with precious
/// data, beside which no scratch database is built.
pub(crate) fn generated_schema(
    database: &Database<'_>,
    command: &str,
) -> Result<(SchemaFile, GeneratedSchema)> {
    let environment = database.environment();
    if !environment.is_disposable() {
        return Err(SchemaError::NotHere { command: command.to_owned(), environment }.into());
    }
    let file = SchemaFile::of(&database.settings)?;
    let world = &database.workspace.world;
    let generated = generate(world, &database.settings, &database.target)?;
    Ok((file, generated))
}

/// After a migrate in development: writes the file anew, where one is named. That it cannot be
/// written takes nothing from what was migrated.
pub(crate) fn refresh_schema_file(database: &Database<'_>) {
    let is_named = database.settings.schema.file.is_some();
    if !is_named || database.environment() != Environment::Development {
        return;
    }
    let ui = &database.workspace.ui;
    match refreshed(database) {
        Ok(None) => {}
        Ok(Some(file)) => ui.status("Wrote", &file),
        Err(failure) => {
            let command = ui.command("cargo db schema dump");
            ui.warning(&format!("the schema file was not written: {failure}; run `{command}`"));
        }
    }
}

/// The name of the file, if it was written.
fn refreshed(database: &Database<'_>) -> Result<Option<String>> {
    let (file, generated) = generated_schema(database, "schema dump")?;
    let comparison = file.compare(&generated)?;
    if comparison.is_same() {
        return Ok(None);
    }
    file.write(&comparison, &generated.texts)?;
    Ok(Some(file.name.display().to_string()))
}
