//! A session as what a catalog is read from, and a dump.

use std::thread;

use pg_logical::source::{Record, RowSets, Source, SourceError};

use crate::failure::Failure;
use crate::world::pg::row::Row;
use crate::world::pg::session::Session;

impl Record for Row {
    fn column(&self, name: &str) -> Result<Option<&str>, SourceError> {
        self.optional_text(name).map_err(wrapped)
    }
}

impl Source for Session {
    fn sets(&mut self, doing: &str, sql: &str) -> Result<RowSets, SourceError> {
        Ok(boxed(self.result_sets(doing, sql).map_err(wrapped)?))
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

impl Session {
    /// The major version that the server reported when the session began; 0 if it did not.
    pub(crate) fn reported_major(&self) -> u32 {
        self.pin.major
    }
}

/// Two sessions whose transactions have the same snapshot. They read a catalog together. What the
/// second one cannot read, for example because somebody waits for a lock, the first one reads.
pub(crate) struct Pair<'a> {
    pub(crate) first: &'a mut Session,
    pub(crate) second: &'a mut Session,
}

impl Source for Pair<'_> {
    fn sets(&mut self, doing: &str, sql: &str) -> Result<RowSets, SourceError> {
        Source::sets(self.first, doing, sql)
    }

    fn sets_of(
        &mut self,
        doing: &str,
        first: &[String],
        second: &[String],
    ) -> Result<RowSets, SourceError> {
        let Pair { first: one, second: other } = self;
        let (ours, theirs) = thread::scope(|scope| {
            let theirs = scope.spawn(|| other.result_sets(doing, &second.join("\n;\n")));
            let ours = one.result_sets(doing, &first.join("\n;\n"));
            (ours, theirs.join())
        });
        let theirs = theirs.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let mut sets = ours.map_err(wrapped)?;
        let theirs = theirs.or_else(|_| one.result_sets(doing, &second.join("\n;\n")));
        sets.extend(theirs.map_err(wrapped)?);
        Ok(boxed(sets))
    }

    fn copy(
        &mut self,
        doing: &str,
        statement: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SourceError> {
        Source::copy(self.first, doing, statement, each)
    }
}

/// A session that asks another query too, in the first round trip of what is read from it.
pub(crate) struct AlongWith<'a> {
    session: &'a mut Session,
    query: Option<String>,
    rows: Vec<Row>,
}

impl AlongWith<'_> {
    pub(crate) fn new(session: &mut Session, query: String) -> AlongWith<'_> {
        AlongWith { session, query: Some(query), rows: Vec::new() }
    }

    /// The rows of the query.
    pub(crate) fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}

impl Source for AlongWith<'_> {
    fn sets(&mut self, doing: &str, sql: &str) -> Result<RowSets, SourceError> {
        let Some(query) = self.query.take() else { return Source::sets(self.session, doing, sql) };
        let mut sets =
            self.session.result_sets(doing, &format!("{query};\n{sql}")).map_err(wrapped)?;
        if !sets.is_empty() {
            self.rows = sets.remove(0);
        }
        Ok(boxed(sets))
    }

    fn copy(
        &mut self,
        doing: &str,
        statement: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SourceError> {
        Source::copy(self.session, doing, statement, each)
    }
}

fn boxed(sets: Vec<Vec<Row>>) -> RowSets {
    let boxed = |row| -> Box<dyn Record> { Box::new(row) };
    sets.into_iter().map(|rows| rows.into_iter().map(boxed).collect()).collect()
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
