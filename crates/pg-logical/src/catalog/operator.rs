//! Operators, their families and classes, and casts.

use crate::catalog::identity::{Address, Identity, Kind, ObjectHeader, class};
use crate::source::{Row, SourceError};

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the options of CREATE OPERATOR")]
pub struct Operator {
    pub function: String,
    pub left: Option<String>,
    pub right: Option<String>,
    pub commutator: Option<String>,
    pub negator: Option<String>,
    pub restriction: Option<String>,
    pub join: Option<String>,
    pub merges: bool,
    pub hashes: bool,
}

impl Operator {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Operator), SourceError> {
        let operator = Operator {
            function: row.text("function")?,
            left: row.optional("left_type")?,
            right: row.optional("right_type")?,
            commutator: row.optional("commutator")?,
            negator: row.optional("negator")?,
            restriction: row.optional("restriction")?,
            join: row.optional("join_estimate")?,
            merges: row.flag("merges")?,
            hashes: row.flag("hashes")?,
        };
        let side = |side: &Option<String>| side.clone().unwrap_or("NONE".to_owned());
        let signature = format!("({}, {})", side(&operator.left), side(&operator.right));
        let identity = Identity {
            signature: Some(signature),
            ..Identity::within(Kind::Operator, row.text("schema")?, row.text("name")?)
        };
        Ok((ObjectHeader::owned(row, class::OPERATOR, identity)?, operator))
    }
}

/// An operator or a function of an operator class or family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Whether it is an operator.
    pub is_operator: bool,
    /// The strategy or the support number.
    pub number: u32,
    /// The operator or the function, with its arguments.
    pub object: String,
    /// The types that a function is for.
    pub types: Option<(String, String)>,
    /// The family by which an ordering operator orders.
    pub order_by: Option<String>,
}

impl Item {
    /// The item of a row, what it belongs to, and its own address.
    pub(super) fn read(row: Row<'_>) -> Result<(Address, Address, Item), SourceError> {
        let of = Address { class: row.oid("class")?, oid: row.oid("oid")? };
        let own = Address { class: row.oid("item_class")?, oid: row.oid("item")? };
        let types = row.optional("left_type")?.zip(row.optional("right_type")?);
        let item = Item {
            is_operator: row.str("kind")? == "OPERATOR",
            number: row.oid("number")?,
            object: row.text("object")?,
            types,
            order_by: row.optional("order_by")?,
        };
        Ok((of, own, item))
    }
}

/// An operator family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorFamily {
    /// What is in no class.
    pub items: Vec<Item>,
}

impl OperatorFamily {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, OperatorFamily), SourceError> {
        let definition = OperatorFamily { items: Vec::new() };
        Ok((
            ObjectHeader::owned(row, class::OPFAMILY, by_method(row, Kind::OperatorFamily)?)?,
            definition,
        ))
    }
}

/// An operator class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorClass {
    /// Whether indexes take it unless told otherwise.
    pub is_default: bool,
    /// The type that it is for.
    pub input: String,
    /// The type that an index holds, if it is another one.
    pub storage: Option<String>,
    /// Schema and name of its family.
    pub family: (String, String),
    /// Its operators and functions.
    pub items: Vec<Item>,
}

impl OperatorClass {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, OperatorClass), SourceError> {
        let definition = OperatorClass {
            is_default: row.flag("is_default")?,
            input: row.text("input")?,
            storage: row.optional("storage")?,
            family: (row.text("family_schema")?, row.text("family")?),
            items: Vec::new(),
        };
        Ok((
            ObjectHeader::owned(row, class::OPCLASS, by_method(row, Kind::OperatorClass)?)?,
            definition,
        ))
    }
}

fn by_method(row: Row<'_>, kind: Kind) -> Result<Identity, SourceError> {
    let identity = Identity::within(kind, row.text("schema")?, row.text("name")?);
    Ok(Identity { signature: Some(pg_sql::quote::name(row.str("method")?)), ..identity })
}

/// A cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    /// The function, if `method` is `f`.
    pub function: Option<String>,
    /// `f`, `i` or `b`, as in `pg_cast`.
    pub method: char,
    /// `e`, `a` or `i`.
    pub context: char,
}

impl Cast {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Cast), SourceError> {
        let definition = Cast {
            function: row.optional("function")?,
            method: row.letter("method")?,
            context: row.letter("context")?,
        };
        let name = format!("({} AS {})", row.str("source")?, row.str("target")?);
        let identity = Identity::plain(Kind::Cast, name);
        Ok((ObjectHeader::unowned(row, class::CAST, identity)?, definition))
    }
}
