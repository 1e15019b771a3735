//! Sequences: of their own, of a column's default, and of identity columns.

use crate::catalog::identity::{Address, Identity, Kind, ObjectHeader, class};
use crate::source::{Row, SourceError};

/// A sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the clauses of CREATE SEQUENCE")]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    pub oid: u32,
    pub is_unlogged: bool,
    pub data_type: String,
    pub start: i64,
    pub increment: i64,
    pub minimum: i64,
    pub maximum: i64,
    pub cache: i64,
    pub cycles: bool,
    /// The column that owns it.
    pub owned_by: Option<OwnedBy>,
    /// What `COMMENT ON` says of the sequence of an identity column.
    pub comment: Option<String>,
}

/// The column that owns a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of `pg_depend`")]
pub struct OwnedBy {
    pub table: u32,
    pub column: u32,
    pub is_identity: bool,
}

impl Sequence {
    pub(super) fn read(row: Row<'_>) -> Result<(Sequence, Option<String>), SourceError> {
        let number = |column| Ok(row.optional_number(column)?.unwrap_or(0));
        let owned_by = match row.letter("ownership")? {
            ' ' => None,
            kind => Some(OwnedBy {
                table: row.oid("table")?,
                column: row.oid("column")?,
                is_identity: kind == 'i',
            }),
        };
        let sequence = Sequence {
            schema: row.text("schema")?,
            name: row.text("name")?,
            oid: row.oid("oid")?,
            is_unlogged: row.letter("persistence")? == 'u',
            data_type: row.text("type")?,
            start: number("start")?,
            increment: number("increment")?,
            minimum: number("minimum")?,
            maximum: number("maximum")?,
            cache: number("cache")?,
            cycles: row.flag("cycles")?,
            owned_by,
            comment: None,
        };
        Ok((sequence, row.optional("owner")?))
    }

    /// What its row begins with, as an object of its own.
    pub(super) fn header(&self, owner: Option<String>) -> ObjectHeader {
        let address = Address { class: class::CLASS, oid: self.oid };
        let identity = Identity::within(Kind::Sequence, self.schema.clone(), self.name.clone());
        ObjectHeader { address, identity, owner }
    }
}
