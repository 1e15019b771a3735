//! The facts for plans about migrations: the folder and the history, read in a session in which the
//! server refuses every write.

use crate::failure::Result;
use crate::migration::command::ask;
use crate::migration::database::{connect_or_none, missing_schema};
use crate::migration::folder::read_folder;
use crate::migration::history::read_history;
use crate::model::history::History;
use crate::model::migration::MigrationFolder;
use crate::model::target::Target;
use crate::plan::MigrationFacts;
use crate::settings::Settings;
use crate::world::World;

/// Reads folder and history. A database that does not exist yet has an empty history.
pub(crate) fn gather(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<MigrationFacts> {
    let layout = settings.migrations.layout.clone();
    let (database_exists, missing_schema, folder, history) = match layout.is_asked() {
        true => by_tool(world, settings, target)?,
        false => by_files(world, settings, target)?,
    };
    Ok(MigrationFacts {
        target: target.clone(),
        environment: settings.environment.environment,
        layout,
        database_exists,
        missing_schema,
        folder,
        history,
    })
}

/// Whether the database exists, the schema that the tool would create in it, the migrations folder
/// and the history.
type Found = (bool, Option<String>, MigrationFolder, History);

/// What the tool itself reports.
fn by_tool(world: &World, settings: &Settings, target: &Target) -> Result<Found> {
    if connect_or_none(world, settings, target)?.is_none() {
        return Ok(Found::default());
    }
    let (folder, history) = ask(world, settings, target)?;
    Ok((true, None, folder, history))
}

fn by_files(world: &World, settings: &Settings, target: &Target) -> Result<Found> {
    let layout = &settings.migrations.layout;
    let folder = read_folder(settings)?;
    let mut session = connect_or_none(world, settings, target)?;
    let missing_schema = missing_schema(session.as_mut(), layout, target)?;
    let Some(mut session) = session else {
        return Ok((false, missing_schema, folder, History::default()));
    };
    let mut history = layout.completed(read_history(&mut session, layout)?, &folder);
    // A history table that belongs to another set is expected.
    history.foreign.retain(|foreign| !settings.migrations.is_anothers(foreign));
    Ok((true, missing_schema, folder, history))
}
