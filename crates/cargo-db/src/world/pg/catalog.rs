//! A session as what a catalog is read from, and a dump.

use pg_logical::source::{Record, Source, SourceError};

use crate::failure::Failure;
use crate::world::pg::row::Row;
use crate::world::pg::session::Session;

impl Record for Row {
    fn column(&self, name: &str) -> Result<Option<&str>, SourceError> {
        self.optional_text(name).map_err(wrapped)
    }
}

impl Source for Session {
    fn sets(&mut self, doing: &str, sql: &str) -> Result<Vec<Vec<Box<dyn Record>>>, SourceError> {
        let sets = self.result_sets(doing, sql).map_err(wrapped)?;
        let boxed = |row| -> Box<dyn Record> { Box::new(row) };
        Ok(sets.into_iter().map(|rows| rows.into_iter().map(boxed).collect()).collect())
    }

    fn copy(
        &mut self,
        doing: &str,
        statement: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SourceError> {
        self.copy_out_lines(doing, statement, each).map_err(wrapped)
    }
}

fn wrapped(failure: Failure) -> SourceError {
    SourceError::Source(Box::new(failure))
}

/// The failure that an error of a source is: its own, where it reported one.
pub(crate) fn failure(error: SourceError) -> Failure {
    match error {
        SourceError::Source(source) => match source.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(other) => super::row::unexpected("read the catalog", &other.to_string()),
        },
        other => super::row::unexpected("read the catalog", &other.to_string()),
    }
}
