//! A file with statements that `pg_dump` does not write.

use crate::backup::{RestoreSource, beginning};
use crate::change::Database;
use crate::failure::Result;
use crate::plan::Step;

/// The step that says that whatever the file says will run, where it says anything of that kind and
/// that was asked for. Where it was not, such a file is refused.
pub(super) fn step(database: &Database<'_>, source: &RestoreSource) -> Result<Option<Step>> {
    let unexpected = source.unexpected(&database.workspace.world, &database.settings)?;
    Ok(unexpected.map(|statement| Step::RunAnything {
        backup: source.name.clone(),
        line: statement.line,
        statement: beginning(statement),
    }))
}
