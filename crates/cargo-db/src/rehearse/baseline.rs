//! The copy as it was before the first migration: what later measurements are compared with.

use std::collections::BTreeMap;

use crate::rehearse::snapshot::{Column, Oid, Relation};

/// The tables as they were before the first migration, which is how they are on the real database.
pub(super) struct Baseline {
    pub(super) relations: BTreeMap<Oid, Relation>,
    /// Their columns, by number.
    pub(super) columns: BTreeMap<Column, String>,
    /// Whether the copy holds the rows, or only its schema was copied.
    pub(super) holds_rows: bool,
}

impl Baseline {
    /// A table that was there and had rows.
    pub(super) fn table(&self, oid: Oid) -> Option<&Relation> {
        self.relations.get(&oid).filter(|relation| relation.holds_rows() && relation.rows > 0)
    }

    /// A table that was there, with rows or without.
    pub(super) fn any_table(&self, oid: Oid) -> Option<&Relation> {
        self.relations.get(&oid).filter(|relation| relation.holds_rows())
    }
}
