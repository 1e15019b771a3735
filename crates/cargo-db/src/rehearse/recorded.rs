//! The history on the copy. A migration may read it, write to it, or add a trigger to it, so it
//! must exist before the first migration runs.

use crate::failure::Result;
use crate::migration::{AppliedVersions, applied_versions, create_history, read_history};
use crate::rehearse::capture::ask;
use crate::rehearse::stage::Stage;
use crate::world::pg::{Row, Session};
use db_tools::ProjectTool;

impl Stage<'_> {
    /// Finds the history, or creates it if there is none, as the real run does.
    pub(super) fn find_history(&mut self) -> Result<()> {
        let layout = &self.request.settings.migrations.layout;
        let mut table = read_history(&mut self.session, layout)?.table;
        if table.is_none() {
            create_history(&mut self.session, layout)?;
            table = read_history(&mut self.session, layout)?.table;
        }
        self.history = table.unwrap_or_default();
        Ok(())
    }
}

/// What the history records now; `None` if it cannot be read, which the next record reports.
pub(super) fn recorded(
    session: &mut Session,
    layout: &ProjectTool,
    table: &str,
) -> Result<Option<AppliedVersions>> {
    let Some(rows) = ask(session, &layout.select(table))? else { return Ok(None) };
    let rows = rows.first().map(Row::sole).transpose()?.flatten();
    Ok(applied_versions(layout, rows))
}
