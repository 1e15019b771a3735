//! What an object is called, and where its catalog has it.

use std::fmt;

use pg_sql::quote::name as quoted;

use crate::source::{Row, SourceError};

/// An object by the catalog that it is in and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The OID of the catalog: the same in every database (`src/include/catalog`).
    pub class: u32,
    /// The OID of the object.
    pub oid: u32,
}

/// The catalogs, by their OIDs.
pub mod class {
    /// `pg_type`.
    pub const TYPE: u32 = 1247;
    /// `pg_proc`.
    pub const PROC: u32 = 1255;
    /// `pg_class`.
    pub const CLASS: u32 = 1259;
    /// `pg_attrdef`.
    pub const ATTRDEF: u32 = 2604;
    /// `pg_cast`.
    pub const CAST: u32 = 2605;
    /// `pg_constraint`.
    pub const CONSTRAINT: u32 = 2606;
    /// `pg_largeobject`.
    pub const LARGE_OBJECT: u32 = 2613;
    /// `pg_namespace`.
    pub const NAMESPACE: u32 = 2615;
    /// `pg_opclass`.
    pub const OPCLASS: u32 = 2616;
    /// `pg_operator`.
    pub const OPERATOR: u32 = 2617;
    /// `pg_rewrite`.
    pub const REWRITE: u32 = 2618;
    /// `pg_trigger`.
    pub const TRIGGER: u32 = 2620;
    /// `pg_opfamily`.
    pub const OPFAMILY: u32 = 2753;
    /// `pg_default_acl`.
    pub const DEFAULT_ACL: u32 = 826;
    /// `pg_foreign_server`.
    pub const SERVER: u32 = 1417;
    /// `pg_user_mapping`.
    pub const USER_MAPPING: u32 = 1418;
    /// `pg_foreign_data_wrapper`.
    pub const WRAPPER: u32 = 2328;
    /// `pg_extension`.
    pub const EXTENSION: u32 = 3079;
    /// `pg_policy`.
    pub const POLICY: u32 = 3256;
    /// `pg_statistic_ext`.
    pub const STATISTICS: u32 = 3381;
    /// `pg_collation`.
    pub const COLLATION: u32 = 3456;
    /// `pg_event_trigger`.
    pub const EVENT_TRIGGER: u32 = 3466;
    /// `pg_ts_dict`.
    pub const TS_DICTIONARY: u32 = 3600;
    /// `pg_ts_parser`.
    pub const TS_PARSER: u32 = 3601;
    /// `pg_ts_config`.
    pub const TS_CONFIGURATION: u32 = 3602;
    /// `pg_ts_template`.
    pub const TS_TEMPLATE: u32 = 3764;
    /// `pg_publication`.
    pub const PUBLICATION: u32 = 6104;
    /// `pg_publication_rel`.
    pub const PUBLICATION_REL: u32 = 6106;
    /// `pg_publication_namespace`.
    pub const PUBLICATION_NAMESPACE: u32 = 6237;
}

/// What an object is.
///
/// The order is the one in which objects are made where no dependency says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the keywords of SQL")]
pub enum Kind {
    Schema,
    Collation,
    Extension,
    Type,
    Domain,
    Cast,
    Function,
    Procedure,
    Aggregate,
    Operator,
    OperatorFamily,
    OperatorClass,
    TextSearchParser,
    TextSearchTemplate,
    TextSearchDictionary,
    TextSearchConfiguration,
    ForeignDataWrapper,
    Server,
    UserMapping,
    Sequence,
    Table,
    ForeignTable,
    View,
    MaterializedView,
    LargeObject,
    Constraint,
    Index,
    Statistics,
    Rule,
    Trigger,
    Policy,
    Publication,
    DefaultPrivileges,
    EventTrigger,
}

impl Kind {
    /// As SQL calls it: `materialized view`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Schema => "schema",
            Kind::Collation => "collation",
            Kind::Extension => "extension",
            Kind::Type => "type",
            Kind::Domain => "domain",
            Kind::Cast => "cast",
            Kind::Function => "function",
            Kind::Procedure => "procedure",
            Kind::Aggregate => "aggregate",
            Kind::Operator => "operator",
            Kind::OperatorFamily => "operator family",
            Kind::OperatorClass => "operator class",
            Kind::TextSearchParser => "text search parser",
            Kind::TextSearchTemplate => "text search template",
            Kind::TextSearchDictionary => "text search dictionary",
            Kind::TextSearchConfiguration => "text search configuration",
            Kind::ForeignDataWrapper => "foreign data wrapper",
            Kind::Server => "server",
            Kind::UserMapping => "user mapping",
            Kind::Sequence => "sequence",
            Kind::Table => "table",
            Kind::ForeignTable => "foreign table",
            Kind::View => "view",
            Kind::MaterializedView => "materialized view",
            Kind::LargeObject => "large object",
            Kind::Constraint => "constraint",
            Kind::Index => "index",
            Kind::Statistics => "statistics",
            Kind::Rule => "rule",
            Kind::Trigger => "trigger",
            Kind::Policy => "policy",
            Kind::Publication => "publication",
            Kind::DefaultPrivileges => "default privileges",
            Kind::EventTrigger => "event trigger",
        }
    }
}

/// What an object is called: the same in every database that has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// What it is.
    pub kind: Kind,
    /// The schema that it is in, if its kind is in schemas.
    pub schema: Option<String>,
    /// Its name, without quotes.
    pub name: String,
    /// What tells it from others of this name: the types of arguments, as SQL.
    pub signature: Option<String>,
    /// The table or the domain that it is a part of, as SQL.
    pub part_of: Option<String>,
}

impl Identity {
    /// Of an object that is in no schema.
    pub(crate) fn plain(kind: Kind, name: String) -> Identity {
        Identity { kind, schema: None, name, signature: None, part_of: None }
    }

    /// Of an object in a schema.
    pub(crate) fn within(kind: Kind, schema: String, name: String) -> Identity {
        Identity { schema: Some(schema), ..Identity::plain(kind, name) }
    }

    /// Of a part of a table or a domain.
    pub(crate) fn part(kind: Kind, of: &Identity, name: String) -> Identity {
        let (schema, part_of) = (of.schema.clone(), Some(of.sql()));
        Identity { schema, part_of, ..Identity::plain(kind, name) }
    }

    /// The name in SQL, with its schema, and the arguments of what has some.
    pub fn sql(&self) -> String {
        let signature = match (&self.signature, self.kind) {
            (Some(signature), Kind::OperatorFamily | Kind::OperatorClass) => {
                format!(" USING {signature}")
            }
            (Some(signature), Kind::Operator) => format!(" {signature}"),
            (Some(signature), _) => format!("({signature})"),
            (None, _) => String::new(),
        };
        format!("{}{signature}", self.name_sql())
    }

    /// The name in SQL, with its schema.
    pub fn name_sql(&self) -> String {
        let name = match self.kind {
            Kind::Operator | Kind::Cast | Kind::LargeObject => self.name.clone(),
            Kind::UserMapping | Kind::DefaultPrivileges => self.name.clone(),
            _ => quoted(&self.name),
        };
        match (&self.schema, &self.part_of) {
            (Some(schema), None) => format!("{}.{name}", quoted(schema)),
            _ => name,
        }
    }

    /// As `COMMENT ON` and people name it: `trigger t ON public.users`.
    pub fn target(&self) -> String {
        let on = match &self.part_of {
            Some(of) if self.kind != Kind::Index => format!(" ON {of}"),
            _ => String::new(),
        };
        format!("{}{on}", self.sql())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.target())
    }
}

/// What the row of an object begins with.
pub(super) struct ObjectHeader {
    pub(super) address: Address,
    pub(super) identity: Identity,
    pub(super) owner: Option<String>,
}

impl ObjectHeader {
    /// Of an object without an owner.
    pub(super) fn unowned(
        row: Row<'_>,
        class: u32,
        identity: Identity,
    ) -> Result<ObjectHeader, SourceError> {
        let address = Address { class, oid: row.oid("oid")? };
        Ok(ObjectHeader { address, identity, owner: None })
    }

    /// Of an object whose row has the column `owner`.
    pub(super) fn owned(
        row: Row<'_>,
        class: u32,
        identity: Identity,
    ) -> Result<ObjectHeader, SourceError> {
        let owner = row.optional("owner")?;
        Ok(ObjectHeader { owner, ..ObjectHeader::unowned(row, class, identity)? })
    }
}
