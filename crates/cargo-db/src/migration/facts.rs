//! The facts for plans about migrations: the folder and the history, read in a session in which the
//! server refuses every write.

use crate::failure::Result;
use crate::migration::command::ask;
use crate::migration::database::{connect_or_none, missing_schema};
use crate::migration::folder::read_folder;
use crate::migration::history::read_history;
use crate::model::history::History;
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
    if layout.is_asked() {
        let database_exists = connect_or_none(world, settings, target)?.is_some();
        let (folder, history) =
            if database_exists { ask(world, settings, target)? } else { Default::default() };
        let (target, environment) = (target.clone(), settings.environment.environment);
        let missing_schema = None;
        return Ok(MigrationFacts {
            target,
            environment,
            layout,
            database_exists,
            missing_schema,
            folder,
            history,
        });
    }
    let folder = read_folder(settings)?;
    let mut session = connect_or_none(world, settings, target)?;
    let database_exists = session.is_some();
    let missing_schema = missing_schema(session.as_mut(), &layout, target)?;
    let history = match session {
        Some(mut session) => {
            let mut history = layout.completed(read_history(&mut session, &layout)?, &folder);
            // A history table that another set claims is expected.
            history.foreign.retain(|foreign| !settings.migrations.is_anothers(foreign));
            history
        }
        None => History::default(),
    };
    let (target, environment) = (target.clone(), settings.environment.environment);
    Ok(MigrationFacts {
        target,
        environment,
        layout,
        database_exists,
        missing_schema,
        folder,
        history,
    })
}
