//! Indexes and extended statistics.

use crate::catalog::constraint::{Behind, Marks};
use crate::source::{Row, SourceError};

/// An index that no constraint made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// As the server writes it.
    pub definition: String,
    /// Whether it refuses what is twice.
    pub is_unique: bool,
    /// Where it is stored.
    pub tablespace: Option<String>,
    /// The statistics targets of its columns: `number target`.
    pub statistics: Vec<String>,
    /// The table that it is of.
    pub table: u32,
    /// What its table says of it.
    pub marks: Marks,
}

/// An object for extended statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// As the server writes it.
    pub definition: String,
    /// Its target.
    pub target: Option<String>,
    /// The table that it is of.
    pub table: u32,
}

/// The index of a row.
pub(super) struct IndexRow {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) table: u32,
    pub(super) is_valid: bool,
    pub(super) kind: char,
    pub(super) parent: u32,
    pub(super) is_unique: bool,
    pub(super) definition: Option<String>,
    pub(super) keys: IndexKeys,
    pub(super) behind: Behind,
}

/// What an index is made of, as in `pg_index`.
pub(super) struct IndexKeys {
    /// The numbers of its columns, 0 for an expression.
    pub(super) columns: Vec<u32>,
    /// How many of them are not only included.
    pub(super) count: usize,
    pub(super) classes: Vec<u32>,
    pub(super) collations: Vec<u32>,
    pub(super) orders: Vec<u32>,
    pub(super) nulls_are_equal: bool,
}

impl IndexKeys {
    fn read(row: Row<'_>) -> Result<IndexKeys, SourceError> {
        Ok(IndexKeys {
            columns: row.numbers("columns")?,
            count: row.optional_number("keys")?.unwrap_or(0),
            classes: row.numbers("classes")?,
            collations: row.numbers("collations")?,
            orders: row.numbers("orders")?,
            nulls_are_equal: row.flag("nulls_are_equal")?,
        })
    }
}

impl IndexRow {
    pub(super) fn read(row: Row<'_>) -> Result<IndexRow, SourceError> {
        let (schema, name) = (row.text("schema")?, row.text("name")?);
        let marks = Marks {
            parent: None,
            is_clustered: row.flag("is_clustered")?,
            is_identity: row.flag("is_identity")?,
        };
        let sql = format!("{}.{}", pg_sql::quote::name(&schema), pg_sql::quote::name(&name));
        Ok(IndexRow {
            oid: row.oid("oid")?,
            schema,
            name,
            table: row.oid("relation")?,
            is_valid: row.flag("is_valid")?,
            kind: row.letter("kind")?,
            parent: row.oid("parent")?,
            is_unique: row.flag("is_unique")?,
            definition: row.optional("definition")?,
            keys: IndexKeys::read(row)?,
            behind: Behind {
                oid: row.oid("oid")?,
                name: sql,
                options: row.list("options")?,
                tablespace: row.optional("tablespace")?,
                marks,
                comment: None,
                statistics: row.list("statistics")?,
            },
        })
    }

    /// Whether its definition is needed, because it is of no constraint, and not there yet.
    pub(super) fn is_undefined(&self, constraint: u32) -> bool {
        constraint == 0 && self.definition.is_none()
    }

    /// What the server does not use: a build that failed or goes on. The index of a partitioned
    /// table is not valid before each partition has its own.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.is_valid && self.kind != 'I'
    }
}
