//! Types: enums, composite types, ranges and domains.

use crate::catalog::column::Column;
use crate::catalog::identity::{Identity, Kind, ObjectHeader, class};
use crate::source::{Row, SourceError};

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// Its values in their order.
    pub labels: Vec<String>,
}

/// A composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite {
    /// Its attributes.
    pub columns: Vec<Column>,
}

/// A range type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the options of CREATE TYPE")]
pub struct Range {
    pub subtype: String,
    pub multirange: (String, String),
    pub operator_class: Option<String>,
    pub collation: Option<String>,
    pub difference: Option<String>,
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The type that it narrows.
    pub base: String,
    /// Its collation, if not the one of its base.
    pub collation: Option<String>,
    /// Whether NULL is refused. Since version 17, a constraint says so.
    pub not_null: bool,
    /// Its default.
    pub fallback: Option<String>,
}

/// A type that is not a range.
pub(super) enum Simple {
    Enum(Enum),
    Domain(Domain),
    Composite(Composite),
}

/// The type of a row of `types.sql`; a composite one without its columns.
pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Simple), SourceError> {
    let kind = row.letter("kind")?;
    let definition = match kind {
        'e' => Simple::Enum(Enum { labels: row.list("labels")? }),
        'd' => Simple::Domain(Domain {
            base: row.text("base")?,
            collation: row.optional("collation")?,
            not_null: row.flag("not_null")?,
            fallback: row.optional("fallback")?,
        }),
        _ => Simple::Composite(Composite { columns: Vec::new() }),
    };
    let kind = if kind == 'd' { Kind::Domain } else { Kind::Type };
    let identity = Identity::within(kind, row.text("schema")?, row.text("name")?);
    Ok((ObjectHeader::owned(row, class::TYPE, identity)?, definition))
}

impl Range {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Range), SourceError> {
        let definition = Range {
            subtype: row.text("subtype")?,
            multirange: (row.text("multirange_schema")?, row.text("multirange")?),
            operator_class: row.optional("operator_class")?,
            collation: row.optional("collation")?,
            difference: row.optional("difference")?,
        };
        let identity = Identity::within(Kind::Type, row.text("schema")?, row.text("name")?);
        Ok((ObjectHeader::owned(row, class::TYPE, identity)?, definition))
    }
}
