//! A row of the server's answer, read by the names of its columns into typed values. An answer of
//! another shape than its query asks for is an error that names both: never a 0, never an empty
//! string.

use std::cell::Cell;
use std::str::FromStr;
use std::sync::Arc;

use postgres::SimpleQueryRow;

use crate::failure::{Failure, Result, RunError};

/// One row, with a description of the query for error messages.
#[derive(Debug)]
pub(crate) struct Row {
    doing: Arc<str>,
    row: SimpleQueryRow,
    /// The column after the last one that was read. It is usually read next.
    next: Cell<usize>,
}

impl Row {
    pub(super) fn new(doing: &Arc<str>, row: SimpleQueryRow) -> Row {
        Row { doing: Arc::clone(doing), row, next: Cell::new(0) }
    }

    /// A text that is never NULL.
    pub(crate) fn text(&self, column: &str) -> Result<&str> {
        self.optional_text(column)?.ok_or_else(|| self.unexpected(&format!("`{column}` is NULL")))
    }

    /// A text, or nothing for NULL.
    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<&str>> {
        let columns = self.row.columns();
        let next = self.next.get();
        let is_next = columns.get(next).is_some_and(|found| found.name() == column);
        let index = if is_next {
            Some(next)
        } else {
            columns.iter().position(|found| found.name() == column)
        };
        let index = index.ok_or_else(|| self.unexpected(&format!("no column `{column}`")))?;
        self.next.set(index + 1);
        self.at(index)
    }

    /// Whether all of it can be read.
    pub(super) fn is_text(&self) -> bool {
        (0..self.row.len()).all(|index| self.row.try_get(index).is_ok())
    }

    fn at(&self, index: usize) -> Result<Option<&str>> {
        let text = self.row.try_get(index);
        text.map_err(|error| self.unexpected(&format!("column {}: {error}", index + 1)))
    }

    /// A number that is never NULL.
    pub(crate) fn number<T: FromStr>(&self, column: &str) -> Result<T> {
        self.parse(column, self.text(column)?)
    }

    /// A number, or nothing for NULL.
    pub(crate) fn optional_number<T: FromStr>(&self, column: &str) -> Result<Option<T>> {
        self.optional_text(column)?.map(|text| self.parse(column, text)).transpose()
    }

    /// A boolean that is never NULL.
    pub(crate) fn flag(&self, column: &str) -> Result<bool> {
        match self.text(column)? {
            "t" => Ok(true),
            "f" => Ok(false),
            other => Err(self.unexpected(&format!("`{column}` is `{other}`, not a boolean"))),
        }
    }

    /// All columns, as numbers that are never NULL.
    pub(crate) fn numbers<T: FromStr>(&self) -> Result<Vec<T>> {
        let number = |index| {
            let column = &format!("column {}", index + 1);
            let text = self.at(index)?;
            self.parse(column, text.ok_or_else(|| self.unexpected(&format!("{column} is NULL")))?)
        };
        (0..self.row.len()).map(number).collect()
    }

    /// The only column of a row that has one, by whatever name.
    pub(crate) fn sole(&self) -> Result<Option<&str>> {
        match self.row.columns() {
            [_] => self.at(0),
            columns => Err(self.unexpected(&format!("{} columns, not one", columns.len()))),
        }
    }

    /// The failure for a value of an unexpected kind.
    pub(crate) fn unexpected(&self, what: &str) -> Failure {
        unexpected(&self.doing, what)
    }

    pub(super) fn parse<T: FromStr>(&self, column: &str, text: &str) -> Result<T> {
        text.parse().map_err(|_| self.unexpected(&format!("`{column}` is `{text}`, not a number")))
    }
}

/// The failure that an answer of another shape is.
pub(super) fn unexpected(doing: &str, what: &str) -> Failure {
    RunError::Bug { what: format!("unexpected result for `{doing}`: {what}") }.into()
}
