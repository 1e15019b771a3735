//! Schemas, extensions, collations and large objects.

use crate::catalog::identity::{Identity, Kind, ObjectHeader, class};
use crate::source::{Row, SourceError};

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Whether every new database has it, with this owner: `public`.
    pub is_usual: bool,
}

impl Schema {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Schema), SourceError> {
        let identity = Identity::plain(Kind::Schema, row.text("name")?);
        let schema = Schema { is_usual: row.flag("is_usual")? };
        Ok((ObjectHeader::owned(row, class::NAMESPACE, identity)?, schema))
    }
}

/// An extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The schema that its objects are in.
    pub schema: String,
    /// Its version, which DDL does not name: another server has another one.
    pub version: String,
    /// Whether its comment is the one that it is made with.
    pub has_usual_comment: bool,
}

impl Extension {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Extension), SourceError> {
        let extension = Extension {
            schema: row.text("schema")?,
            version: row.text("version")?,
            has_usual_comment: row.flag("has_usual_comment")?,
        };
        let identity = Identity::plain(Kind::Extension, row.text("name")?);
        Ok((ObjectHeader::unowned(row, class::EXTENSION, identity)?, extension))
    }
}

/// A collation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collation {
    /// `b`, `c`, `d` or `i`, as in `pg_collation`.
    pub provider: char,
    /// Whether only equal bytes are equal.
    pub is_deterministic: bool,
    /// The locale of a provider other than libc.
    pub locale: Option<String>,
    /// The locale of libc that sorts.
    pub collate: Option<String>,
    /// The locale of libc that tells letters.
    pub ctype: Option<String>,
    /// Rules of ICU on top.
    pub rules: Option<String>,
}

impl Collation {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Collation), SourceError> {
        let collation = Collation {
            provider: row.letter("provider")?,
            is_deterministic: row.flag("is_deterministic")?,
            locale: row.optional("locale")?,
            collate: row.optional("collate")?,
            ctype: row.optional("ctype")?,
            rules: row.optional("rules")?,
        };
        let identity = Identity::within(Kind::Collation, row.text("schema")?, row.text("name")?);
        Ok((ObjectHeader::owned(row, class::COLLATION, identity)?, collation))
    }
}

/// A large object, by its number.
pub(super) fn large_object(row: Row<'_>) -> Result<ObjectHeader, SourceError> {
    let identity = Identity::plain(Kind::LargeObject, row.text("oid")?);
    ObjectHeader::owned(row, class::LARGE_OBJECT, identity)
}
