//! The history on the copy. A migration may read it, write to it, or add a trigger to it, so it
//! must exist before the first migration runs.

use crate::failure::Result;
use crate::migration::{create_history, read_history};
use crate::rehearse::stage::Stage;

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
