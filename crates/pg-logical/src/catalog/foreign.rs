//! Foreign data wrappers, servers and user mappings. Their options may hold secrets.

use crate::catalog::identity::{Identity, Kind, ObjectHeader, class};
use crate::source::{Row, SourceError};
use pg_sql::quote::name as quoted;

/// A foreign data wrapper.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the clauses of its CREATE")]
pub struct Wrapper {
    pub handler: Option<String>,
    pub validator: Option<String>,
    /// `name=value`.
    pub options: Vec<String>,
}

impl Wrapper {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Wrapper), SourceError> {
        let definition = Wrapper {
            handler: row.optional("handler")?,
            validator: row.optional("validator")?,
            options: row.list("options")?,
        };
        let identity = Identity::plain(Kind::ForeignDataWrapper, row.text("name")?);
        Ok((ObjectHeader::owned(row, class::WRAPPER, identity)?, definition))
    }
}

/// A foreign server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the clauses of its CREATE")]
pub struct ForeignServer {
    pub wrapper: String,
    pub kind: Option<String>,
    pub version: Option<String>,
    /// `name=value`.
    pub options: Vec<String>,
}

impl ForeignServer {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, ForeignServer), SourceError> {
        let definition = ForeignServer {
            wrapper: row.text("wrapper")?,
            kind: row.optional("type")?,
            version: row.optional("version")?,
            options: row.list("options")?,
        };
        Ok((
            ObjectHeader::owned(
                row,
                class::SERVER,
                Identity::plain(Kind::Server, row.text("name")?),
            )?,
            definition,
        ))
    }
}

/// A user mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserMapping {
    /// Whether the role that reads may see its options.
    pub is_visible: bool,
    /// `name=value`.
    pub options: Vec<String>,
}

impl UserMapping {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, UserMapping), SourceError> {
        let user = row.optional("user")?.map_or("public".to_owned(), |user| quoted(&user));
        let name = format!("FOR {user} SERVER {}", quoted(row.str("server")?));
        let definition =
            UserMapping { is_visible: row.flag("is_visible")?, options: row.list("options")? };
        let identity = Identity::plain(Kind::UserMapping, name);
        Ok((ObjectHeader::unowned(row, class::USER_MAPPING, identity)?, definition))
    }
}
