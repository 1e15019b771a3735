//! The functions of a file that PostgreSQL calls while it is loaded.

use crate::backup::RestoreSource;
use crate::change::Database;
use crate::failure::Result;
use crate::plan::Step;

/// The step that names the functions called while loading, if this project did not take the file.
pub(super) fn step(database: &Database<'_>, source: &RestoreSource) -> Result<Option<Step>> {
    let (world, settings) = (&database.workspace.world, &database.settings);
    let called = source.foreign_calls(world, settings)?;
    if called.is_empty() {
        return Ok(None);
    }
    let role = source.loading_role(world, &database.target)?;
    let calls = called.iter().map(|call| format!("{} by {}", call.function, call.caller)).collect();
    let (role, is_superuser) = (role.name, role.is_superuser);
    Ok(Some(Step::CallFunctions { backup: source.name.clone(), calls, role, is_superuser }))
}
