//! A file with statements that `pg_dump` does not write.

use crate::backup::{RestoreSource, beginning};
use crate::change::Database;
use crate::failure::Result;
use crate::plan::Step;

/// The step that runs statements that `pg_dump` does not write, if the file contains any and
/// `--allow-any-sql` was passed. Without the flag, such a file is refused.
pub(super) fn step(database: &Database<'_>, source: &RestoreSource) -> Result<Option<Step>> {
    let unexpected = source.unexpected(&database.workspace.world, &database.settings)?;
    Ok(unexpected.map(|statement| Step::RunAnything {
        backup: source.name.clone(),
        line: statement.line,
        statement: beginning(statement),
    }))
}
