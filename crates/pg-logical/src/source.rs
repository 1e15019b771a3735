//! Where a catalog comes from: something that runs queries and gives rows whose columns have names.

use std::str::FromStr;

use thiserror::Error;

use crate::array;

/// Why a catalog could not be read.
#[derive(Debug, Error)]
pub enum SourceError {
    /// What the source itself reports.
    #[error("{0}")]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// An answer of another shape than its query asks for.
    #[error("unexpected result for `{column}`: {what}")]
    Unexpected {
        /// The column, or the query.
        column: String,
        /// What is wrong with it.
        what: String,
    },
}

/// One row of an answer.
pub trait Record {
    /// The text of a column, nothing for NULL.
    fn column(&self, name: &str) -> Result<Option<&str>, SourceError>;
}

/// The rows of several statements.
pub type RowSets = Vec<Vec<Box<dyn Record>>>;

/// Runs queries in one transaction, whose snapshot does not change.
pub trait Source {
    /// The rows of each statement of a text, in one round trip.
    fn sets(&mut self, doing: &str, sql: &str) -> Result<RowSets, SourceError>;

    /// The rows of each statement of two lists. A source that has two sessions with the same
    /// snapshot runs both lists at once.
    fn sets_of(
        &mut self,
        doing: &str,
        first: &[String],
        second: &[String],
    ) -> Result<RowSets, SourceError> {
        self.sets(doing, &[first, second].concat().join("\n;\n"))
    }

    /// Hands out the lines of a `COPY … TO stdout`, one after the other, with their ends.
    fn copy(
        &mut self,
        doing: &str,
        statement: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SourceError>;
}

/// The columns of a row as values.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a>(&'a dyn Record);

impl<'a> Row<'a> {
    pub(crate) fn new(record: &'a dyn Record) -> Row<'a> {
        Row(record)
    }

    pub(crate) fn optional(self, column: &str) -> Result<Option<String>, SourceError> {
        Ok(self.0.column(column)?.map(str::to_owned))
    }

    pub(crate) fn has(self, column: &str) -> Result<bool, SourceError> {
        Ok(self.0.column(column)?.is_some())
    }

    pub(crate) fn str(self, column: &str) -> Result<&'a str, SourceError> {
        self.0.column(column)?.ok_or_else(|| unexpected(column, "it is NULL"))
    }

    pub(crate) fn text(self, column: &str) -> Result<String, SourceError> {
        self.str(column).map(str::to_owned)
    }

    pub(crate) fn flag(self, column: &str) -> Result<bool, SourceError> {
        Ok(self.str(column)? == "t")
    }

    /// The only letter of a column of PostgreSQL's type `"char"`; a blank where there is none.
    pub(crate) fn letter(self, column: &str) -> Result<char, SourceError> {
        Ok(self.0.column(column)?.and_then(|text| text.chars().next()).unwrap_or(' '))
    }

    pub(crate) fn optional_number<T: FromStr>(
        self,
        column: &str,
    ) -> Result<Option<T>, SourceError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| unexpected(column, &format!("`{text}` is not a number")))
        };
        self.0.column(column)?.map(parse).transpose()
    }

    /// A number; 0 for NULL, which is no object's.
    pub(crate) fn oid(self, column: &str) -> Result<u32, SourceError> {
        Ok(self.optional_number(column)?.unwrap_or(0))
    }

    /// The elements of an array; none for NULL.
    pub(crate) fn list(self, column: &str) -> Result<Vec<String>, SourceError> {
        let Some(text) = self.0.column(column)? else { return Ok(Vec::new()) };
        array::elements(text).ok_or_else(|| unexpected(column, &format!("`{text}` is no array")))
    }

    /// The numbers of an array or of a vector such as `pg_index.indkey`; none for NULL.
    pub(crate) fn numbers<T: FromStr>(self, column: &str) -> Result<Vec<T>, SourceError> {
        let text = self.0.column(column)?.unwrap_or_default();
        let numbers = text.trim_matches(['{', '}']).split([' ', ',']).filter(|one| !one.is_empty());
        let parse = |one: &str| {
            one.parse().map_err(|_| unexpected(column, &format!("`{one}` is not a number")))
        };
        numbers.map(parse).collect()
    }
}

/// The error that an answer of another shape is.
pub(crate) fn unexpected(column: &str, what: &str) -> SourceError {
    SourceError::Unexpected { column: column.to_owned(), what: what.to_owned() }
}
