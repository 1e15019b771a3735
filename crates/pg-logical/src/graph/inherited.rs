//! The order of constraints that tables inherit: no catalog says that one depends on the other.

use crate::catalog::{Column, Definition, Object, class};
use crate::graph::{Making, Step};

impl Making<'_> {
    /// A check that comes from a parent is there after that of the parent. The foreign key of a
    /// partitioned table takes for its own those that its partitions have by then.
    pub(super) fn needs_of_inherited(&self, at: usize, add: &mut dyn FnMut(Step)) {
        let object = &self.catalog.objects[at];
        let Definition::Constraint(constraint) = &object.definition else { return };
        if constraint.kind == 'c' && !constraint.is_local {
            let above = self.catalog.checks_above(object);
            above.into_iter().for_each(|check| self.made(check, add));
        }
        let copies = self.descent.copies.get(&object.address.oid);
        copies.into_iter().flatten().for_each(|&copy| add(Step::Create(copy)));
        if constraint.kind == 'f' {
            self.catalog.needs[at].iter().for_each(|&need| self.needs_of_key(need, add));
        }
    }

    /// The key of a partitioned table can be referred to when each partition has its part of it.
    fn needs_of_key(&self, key: usize, add: &mut dyn FnMut(Step)) {
        let object = &self.catalog.objects[key];
        let index = match &object.definition {
            Definition::Index(_) => Some(object.address.oid),
            Definition::Constraint(key) => key.index.as_ref().map(|behind| behind.oid),
            _ => None,
        };
        let parts = index.and_then(|oid| self.descent.indexes.get(&oid));
        for &part in parts.into_iter().flatten() {
            add(Step::AttachIndex(part));
            self.needs_of_key(part, add);
        }
    }

    /// Whether the catalog says that a foreign key depends on the one that it is a copy of.
    pub(super) fn is_copy(&self, at: usize, of: usize) -> bool {
        let Definition::Constraint(constraint) = &self.catalog.objects[at].definition else {
            return false;
        };
        constraint.copy_of.contains(&self.catalog.objects[of].address.oid)
    }

    /// A table's own constraint on a column comes before that of a parent, which finds it there.
    /// One that comes from a parent is there after that of the parent.
    pub(super) fn needs_of_not_null(&self, at: usize, column: usize, add: &mut dyn FnMut(Step)) {
        let object = &self.catalog.objects[at];
        let Some(own) = object.columns().get(column) else { return };
        for &child in self.descent.tables.get(&object.address.oid).into_iter().flatten() {
            if let Some((place, column)) = of_name(&self.catalog.objects[child], &own.name)
                && is_local(column)
            {
                add(Step::NotNull(child, place));
            }
        }
        if is_local(own) {
            return;
        }
        for &parent in object.table().map(|table| &table.parents[..]).unwrap_or_default() {
            let parent = self.catalog.place(class::CLASS, parent);
            let found =
                parent.and_then(|at| Some((at, of_name(&self.catalog.objects[at], &own.name)?)));
            if let Some((parent, (place, _))) = found {
                add(Step::NotNull(parent, place));
            }
        }
    }
}

fn of_name<'a>(object: &'a Object, name: &str) -> Option<(usize, &'a Column)> {
    object.columns().iter().enumerate().find(|(_, column)| column.name == name)
}

fn is_local(column: &Column) -> bool {
    column.not_null_constraint.as_ref().is_some_and(|constraint| constraint.is_local)
}
