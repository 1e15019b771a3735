//! The schema file of the project whose database is worked with.

use crate::change::workspace::{Database, Workspace};
use crate::failure::{Result, SchemaError};
use crate::generate::{self, ComparedSchema, SchemaSource};
use crate::model::environment::Environment;
use crate::schema::{self, GeneratedSchema, SchemaFile};

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
    let generated = schema::generate(world, &database.settings, &database.target)?;
    Ok((file, generated))
}

/// After a migrate in development: writes the file anew, where one is named and cargo db wrote it.
/// A file that cannot be written is only a warning: the migrations are applied.
pub(crate) fn refresh_schema_file(database: &Database<'_>) {
    let is_named = database.settings.schema.file.is_some();
    if !is_named || database.environment() != Environment::Development {
        return;
    }
    let ui = &database.workspace.ui;
    match refreshed(database) {
        Ok(Refreshed::Same) => {}
        Ok(Refreshed::Written(file)) => ui.status("Wrote", &file),
        Ok(Refreshed::Edited(file)) => {
            let (generate, dump) =
                (ui.command("cargo db generate"), ui.command("cargo db schema dump"));
            ui.warning(&format!(
                "{file} was kept, because it has changes that no migration makes: `{generate}` \
                 writes a migration for them, `{dump}` discards them"
            ));
        }
        // It was written by hand, as the wanted schema.
        Err(failure) if failure.is_about_foreign_file() => {}
        Err(failure) => {
            let command = ui.command("cargo db schema dump");
            ui.warning(&format!("the schema file was not written: {failure}; run `{command}`"));
        }
    }
}

/// What became of the file.
enum Refreshed {
    Same,
    Written(String),
    /// It has changes that no migration makes.
    Edited(String),
}

fn refreshed(database: &Database<'_>) -> Result<Refreshed> {
    let (file, generated) = generated_schema(database, "schema dump")?;
    let comparison = file.compare(&generated)?;
    let name = file.name.display().to_string();
    if comparison.is_same() {
        return Ok(Refreshed::Same);
    }
    if comparison.is_there && is_edited(database, &file)? {
        return Ok(Refreshed::Edited(name));
    }
    file.write(&comparison, &generated.texts)?;
    Ok(Refreshed::Written(name))
}

/// Whether the file is neither the schema that some of the migrations build, nor another text for
/// the schema that all of them build.
fn is_edited(database: &Database<'_>, file: &SchemaFile) -> Result<bool> {
    let Database { workspace: Workspace { world, .. }, settings, target, .. } = database;
    for earlier in schema::earlier(world, settings, target)? {
        if file.compare(&earlier)?.is_same() {
            return Ok(false);
        }
    }
    let source = SchemaSource::Files(settings.root.join(&file.name));
    let Ok(wanted) = generate::wanted(world, settings, target, &source) else {
        return Ok(true);
    };
    let scratch = schema::migrated_scratch(world, settings, target)?;
    let layout = &settings.migrations.layout;
    let built = generate::catalog(world, &scratch.database.target, layout)?;
    let [wanted, built] =
        [wanted.catalog, built].map(|catalog| ComparedSchema::masked(catalog, true));
    let role = generate::role(world, target)?;
    let difference = generate::compare(&built, &wanted, &role);
    Ok(difference.map_or(true, |difference| !difference.plan.steps.is_empty()))
}
