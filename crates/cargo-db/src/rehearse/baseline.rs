//! The copy as it was before the first migration: what later measurements are compared with.

use std::collections::{BTreeMap, BTreeSet};

use crate::rehearse::snapshot::{Column, Oid, Relation};

/// The tables as they were before the first migration, which is how they are on the real database.
pub(super) struct InitialTables {
    pub(super) relations: BTreeMap<Oid, Relation>,
    /// Their columns, by number.
    pub(super) columns: BTreeMap<Column, String>,
    /// Whether the copy holds the rows, or only its schema was copied.
    pub(super) holds_rows: bool,
    /// The tables that hold a row on the copy.
    pub(super) filled: BTreeSet<Oid>,
}

impl InitialTables {
    /// A table that was there and had rows.
    pub(super) fn table(&self, oid: Oid) -> Option<&Relation> {
        self.relations.get(&oid).filter(|relation| relation.holds_rows() && relation.rows > 0)
    }

    /// The tables without a row on the copy, of those that were touched; of all, where that is not
    /// known.
    pub(super) fn empty(&self, touched: Option<&BTreeSet<Oid>>) -> Vec<String> {
        let is_empty = |(oid, table): &(&Oid, &Relation)| {
            matches!(table.kind, 'r' | 'p')
                && !self.filled.contains(oid)
                && touched.is_none_or(|touched| touched.contains(oid))
        };
        let tables = self.relations.iter().filter(is_empty);
        tables.map(|(_, table)| table.name.clone()).collect()
    }

    /// A table that was there, with rows or without.
    pub(super) fn any_table(&self, oid: Oid) -> Option<&Relation> {
        self.relations.get(&oid).filter(|relation| relation.holds_rows())
    }
}
