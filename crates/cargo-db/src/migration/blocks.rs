//! Files that end transactions themselves, in layouts whose tool sends files unchanged: tracks what
//! is committed when such a file stops.

use crate::failure::Result;
use crate::migration::losses::lock_and_count;
use crate::migration::non_transactional::first_line;
use crate::migration::step::MigrationStep;
use crate::world::pg::{Session, StatementObserver};
use pg_sql::script::Statement;

/// Follows such a file.
pub(super) struct Blocks<'a> {
    step: &'a MigrationStep<'a>,
    /// The statements that are committed, each as its first line.
    pub(super) committed: Vec<String>,
    open: Vec<String>,
}

impl<'a> Blocks<'a> {
    pub(super) fn of(step: &'a MigrationStep<'a>) -> Blocks<'a> {
        Blocks { step, committed: Vec::new(), open: Vec::new() }
    }
}

impl StatementObserver for Blocks<'_> {
    /// Counts again what will be lost, under a lock that keeps other sessions from adding rows
    /// until the commit.
    fn admits(&mut self, session: &mut Session, statement: &Statement) -> Result<bool> {
        if self.step.losses.iter().any(|loss| loss.at_most.is_some()) {
            lock_and_count(session, statement, self.step.losses, &self.step.command())?;
        }
        Ok(true)
    }

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
