//! A file that ends transactions itself, in a layout whose tool sends files as they are: what of it
//! is committed when it stops.

use crate::migration::non_transactional::first_line;
use crate::world::pg::StatementObserver;
use pg_sql::script::Statement;

/// Follows such a file.
#[derive(Default)]
pub(super) struct Blocks {
    /// The statements that are committed, each as its first line.
    pub(super) committed: Vec<String>,
    open: Vec<String>,
}

impl StatementObserver for Blocks {
    fn after(&mut self, statement: &Statement) {
        if !statement.ends_transaction() {
            self.open.push(first_line(&statement.text));
        } else if statement.is_plain_commit() {
            self.committed.append(&mut self.open);
        } else {
            self.open.clear();
        }
    }
}
