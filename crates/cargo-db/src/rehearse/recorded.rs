//! The history on the copy. A migration may read it, write it, or hang a trigger on it: so it is
//! there before the first one runs.

use crate::failure::Result;
use crate::migration::{create_history, read_history};
use crate::rehearse::stage::Stage;

impl Stage<'_> {
    /// Finds the history, and makes it if there is none, as the real run does.
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
