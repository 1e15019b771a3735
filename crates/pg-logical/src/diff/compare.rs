//! The two catalogs, with their objects in pairs. "Before" is the old one, "after" the new one;
//! objects are numbered by their position in the catalog.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::catalog::{Catalog, Column, Constraint, Definition, Identity, Kind, Object, Table};
use crate::ddl;
use crate::diff::refusal::DiffError;
use crate::graph::{Circle, DumpOrder, order};

/// One of the two catalogs.
pub(super) struct Side<'a> {
    pub(super) catalog: &'a Catalog,
    /// The order in which a dump creates its objects.
    pub(super) order: DumpOrder,
}

impl<'a> Side<'a> {
    fn new(catalog: &'a Catalog) -> Result<Side<'a>, DiffError> {
        let order = order(catalog, &BTreeSet::new());
        let order = order.map_err(|Circle(objects)| DiffError::Circle(objects))?;
        Ok(Side { catalog, order })
    }

    pub(super) fn object(&self, at: usize) -> &'a Object {
        &self.catalog.objects[at]
    }

    /// The statements that create an object, without its comments, owner and privileges.
    pub(super) fn made(&self, at: usize) -> Vec<String> {
        ddl::definition(self.catalog, &self.order, self.object(at))
    }

    /// The object that this one is a part of, such as the table of a constraint.
    pub(super) fn whole(&self, at: usize) -> Option<usize> {
        let whole = self.object(at).whole()?;
        self.catalog.place(whole.class, whole.oid)
    }

    /// The table or domain whose `CREATE` statement includes this object, if there is one.
    pub(super) fn inlined_in(&self, at: usize) -> Option<usize> {
        let whole = self.object(at).whole()?;
        let is_inlined = self.order.inlined_of(whole).contains(&at);
        is_inlined.then(|| self.catalog.place(whole.class, whole.oid)).flatten()
    }

    /// The column with this number, and its position.
    pub(super) fn column(&self, at: usize, number: u32) -> Option<(usize, &'a Column)> {
        let mut columns = self.object(at).columns().iter().enumerate();
        columns.find(|(_, column)| column.number == number)
    }

    /// The column with this name, and its position.
    pub(super) fn column_named(&self, at: usize, name: &str) -> Option<(usize, &'a Column)> {
        let mut columns = self.object(at).columns().iter().enumerate();
        columns.find(|(_, column)| column.name == name)
    }
}

/// Both catalogs.
pub(super) struct Comparison<'a> {
    pub(super) before: Side<'a>,
    pub(super) after: Side<'a>,
    /// The new object for each old one.
    pub(super) twins: Vec<Option<usize>>,
    /// The old object for each new one.
    pub(super) originals: Vec<Option<usize>>,
    /// Dependencies between new objects: an object, its column number or 0, and what it depends on.
    needs_after: HashSet<(usize, u32, usize)>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(before: &'a Catalog, after: &'a Catalog) -> Result<Self, DiffError> {
        let (before, after) = (Side::new(before)?, Side::new(after)?);
        let by_identity: HashMap<&Identity, usize> =
            after.catalog.objects.iter().enumerate().map(|(at, o)| (&o.identity, at)).collect();
        let twin = |object: &Object| by_identity.get(&object.identity).copied();
        let twins: Vec<Option<usize>> = before.catalog.objects.iter().map(twin).collect();
        let mut originals = vec![None; after.catalog.objects.len()];
        for (old, twin) in twins.iter().enumerate() {
            if let Some(new) = *twin {
                originals[new] = Some(old);
            }
        }
        let links = after.catalog.links.iter();
        let needs_after = links.map(|link| (link.from, link.from_column, link.on)).collect();
        Ok(Comparison { before, after, twins, originals, needs_after })
    }

    /// Whether a new object depends on another, or its column does if the number is not 0.
    pub(super) fn needs(&self, new: usize, column: u32, on: usize) -> bool {
        self.needs_after.contains(&(new, column, on))
            || column != 0 && self.needs_after.contains(&(new, 0, on))
    }

    /// Whether an object is compared. Large objects are data, not structure.
    pub(super) fn is_compared(object: &Object) -> bool {
        object.identity.kind != Kind::LargeObject
    }
}

/// Columns and tables whose change depends on other objects as well. They are identified by the
/// position of the old table and the number of the column.
#[derive(Clone, Debug, Default)]
pub(super) struct Facets {
    /// Columns whose type or collation is replaced.
    pub(super) moved: BTreeSet<(usize, u32)>,
    /// Columns whose default or identity is dropped first.
    pub(super) loosened: BTreeSet<(usize, u32)>,
    /// Columns that are dropped and added again.
    pub(super) remade: BTreeSet<(usize, u32)>,
    /// Tables that are detached from their parents for a while.
    pub(super) reattached: BTreeSet<usize>,
}

/// An object that is in both databases.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) comparison: &'a Comparison<'a>,
    pub(super) facets: &'a Facets,
    pub(super) old_at: usize,
    pub(super) new_at: usize,
}

impl<'a> Pair<'a> {
    pub(super) fn before(&self) -> &'a Side<'a> {
        &self.comparison.before
    }

    pub(super) fn after(&self) -> &'a Side<'a> {
        &self.comparison.after
    }

    pub(super) fn was(&self) -> &'a Object {
        self.before().object(self.old_at)
    }

    pub(super) fn now(&self) -> &'a Object {
        self.after().object(self.new_at)
    }

    /// The table or domain that both are a part of.
    pub(super) fn whole(&self) -> Option<Pair<'a>> {
        let old_at = self.before().whole(self.old_at)?;
        Some(Pair { old_at, new_at: self.comparison.twins[old_at]?, ..*self })
    }

    pub(super) fn tables(&self) -> Option<(&'a Table, &'a Table)> {
        self.was().table().zip(self.now().table())
    }

    /// The name in SQL.
    pub(super) fn sql(&self) -> String {
        self.now().identity.sql()
    }

    pub(super) fn major(&self) -> u32 {
        self.after().catalog.about.major
    }

    /// Whether the same statements create both.
    pub(super) fn is_same(&self) -> bool {
        self.before().made(self.old_at) == self.after().made(self.new_at)
    }

    /// The columns that are in both, paired by name.
    pub(super) fn columns(&self) -> Vec<ColumnPair<'a>> {
        let old = self.was().columns().iter();
        let pair = |old: &'a Column| {
            let (place, new) = self.after().column_named(self.new_at, &old.name)?;
            Some(ColumnPair { old, new, place })
        };
        old.filter_map(pair).collect()
    }

    /// The columns to add, with their positions: new ones, and those that are added again.
    pub(super) fn new_columns(&self) -> Vec<(usize, &'a Column)> {
        let columns = self.now().columns().iter().enumerate();
        let is_new = |(_, column): &(usize, &Column)| {
            let old = self.before().column_named(self.old_at, &column.name);
            old.is_none_or(|(_, old)| self.facets.remade.contains(&(self.old_at, old.number)))
        };
        columns.filter(is_new).collect()
    }

    /// The columns that only the old object has.
    pub(super) fn gone_columns(&self) -> Vec<&'a Column> {
        let is_gone =
            |column: &&Column| self.after().column_named(self.new_at, &column.name).is_none();
        self.was().columns().iter().filter(is_gone).collect()
    }
}

/// A column that is in both versions of an object.
#[derive(Clone, Copy)]
pub(super) struct ColumnPair<'a> {
    pub(super) old: &'a Column,
    pub(super) new: &'a Column,
    /// The position of the new column in its table.
    pub(super) place: usize,
}

/// The definition of an object that is a constraint.
pub(super) fn constraint_of(object: &Object) -> Option<&Constraint> {
    match &object.definition {
        Definition::Constraint(constraint) => Some(constraint),
        _ => None,
    }
}
