//! The constraints of tables and domains.

use crate::source::{Row, SourceError};

/// A constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// `c` check, `p` primary key, `u` unique, `x` exclusion, `f` foreign key, `n` not null, as in
    /// `pg_constraint`.
    pub kind: char,
    /// As the server writes it.
    pub definition: String,
    /// Whether every row is known to satisfy it.
    pub is_validated: bool,
    /// Whether the table itself declares it.
    pub is_local: bool,
    /// Whether it may be checked later.
    pub is_deferrable: bool,
    /// Whether it is checked at the end of a transaction.
    pub is_deferred: bool,
    /// Whether it is the constraint of a domain.
    pub is_of_domain: bool,
    /// The table or the domain.
    pub part_of: u32,
    /// The numbers of the columns of a table that it is about, in order.
    pub columns: Vec<u32>,
    /// The table that a foreign key refers to; 0 for other kinds.
    pub referenced: u32,
    /// The index behind it.
    pub index: Option<Behind>,
    /// Whether the table of a foreign key is partitioned.
    pub is_of_partitioned: bool,
    /// The OIDs of the foreign keys, on the partitioned tables above, that this foreign key of a
    /// partition is a copy of.
    pub copy_of: Vec<u32>,
}

/// The index behind a constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Its number in the catalog.
    pub oid: u32,
    /// Its name and schema as SQL.
    pub name: String,
    /// `name=value`.
    pub options: Vec<String>,
    /// Where it is stored.
    pub tablespace: Option<String>,
    /// What is said of the index itself.
    pub marks: Marks,
    /// What `COMMENT ON` says of the index.
    pub comment: Option<String>,
    /// The statistics targets of its columns: `number target`.
    pub statistics: Vec<String>,
}

/// What a table says of one of its indexes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The index of the partitioned table that it is a part of, as SQL, and its number.
    pub parent: Option<(u32, String)>,
    /// Whether the table is clustered by it.
    pub is_clustered: bool,
    /// Whether it tells rows apart for logical replication.
    pub is_identity: bool,
}

/// The constraint of a row, before it is known what it is a part of.
pub(super) struct ConstraintRow {
    pub(super) oid: u32,
    pub(super) name: String,
    pub(super) relation: u32,
    pub(super) domain: u32,
    pub(super) index: u32,
    pub(super) referenced_columns: Vec<u32>,
    pub(super) is_not_inherited: bool,
    pub(super) constraint: Constraint,
}

impl ConstraintRow {
    /// Whether its definition is not there yet.
    pub(super) fn is_undefined(&self) -> bool {
        self.constraint.definition.is_empty()
    }

    pub(super) fn read(row: Row<'_>) -> Result<ConstraintRow, SourceError> {
        let domain = row.oid("domain")?;
        let relation = row.oid("relation")?;
        let copy_of = row.list("copy_of")?;
        Ok(ConstraintRow {
            oid: row.oid("oid")?,
            name: row.text("name")?,
            relation,
            domain,
            index: row.oid("index")?,
            referenced_columns: row.numbers("referenced_columns")?,
            is_not_inherited: row.flag("is_not_inherited")?,
            constraint: Constraint {
                kind: row.letter("kind")?,
                definition: row.optional("definition")?.unwrap_or_default(),
                is_validated: row.flag("is_validated")?,
                is_local: row.flag("is_local")?,
                is_deferrable: row.flag("is_deferrable")?,
                is_deferred: row.flag("is_deferred")?,
                is_of_domain: domain != 0,
                part_of: if domain == 0 { relation } else { domain },
                columns: row.numbers("columns")?,
                referenced: row.oid("referenced")?,
                index: None,
                is_of_partitioned: false,
                copy_of: copy_of.iter().filter_map(|oid| oid.parse().ok()).collect(),
            },
        })
    }
}
