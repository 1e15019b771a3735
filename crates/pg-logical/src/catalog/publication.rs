//! Publications and what they publish.

use crate::source::{Row, SourceError};

/// A publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Whether it publishes every table.
    pub is_of_all: bool,
    /// `insert`, `update`, `delete`, `truncate`.
    pub operations: Vec<String>,
    /// Whether changes of partitions are published as those of their table.
    pub is_via_root: bool,
    /// Whether stored generated columns are published too.
    pub has_generated: bool,
    /// The schemas whose tables it publishes, as SQL.
    pub schemas: Vec<String>,
    /// The tables that it publishes.
    pub tables: Vec<Published>,
}

/// A table of a publication.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the clauses of ADD TABLE")]
pub struct Published {
    pub schema: String,
    pub name: String,
    pub columns: Vec<String>,
    pub condition: Option<String>,
}

impl Published {
    /// The table of a row, its own number, and the publication that it is of.
    pub(super) fn read(row: Row<'_>) -> Result<(u32, u32, Published), SourceError> {
        let published = Published {
            schema: row.text("schema")?,
            name: row.text("name")?,
            columns: row.list("columns")?,
            condition: row.optional("condition")?,
        };
        Ok((row.oid("oid")?, row.oid("publication")?, published))
    }
}
