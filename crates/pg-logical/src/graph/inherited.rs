//! The order of inherited constraints, for which the catalog has no dependencies.

use crate::catalog::{Column, Definition, Object, class};
use crate::graph::{Making, Step};

impl Making<'_> {
    /// An inherited check is created after the parent's. The foreign key of a partitioned table is
    /// created after those of its partitions, so that it adopts them instead of creating others.
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

    /// A partitioned table's key can be referenced once each partition's index is attached.
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

    /// Whether foreign key `at` is a copy of `of`. In the catalog, a copy depends on the original,
    /// but it is created first.
    pub(super) fn is_copy(&self, at: usize, of: usize) -> bool {
        let Definition::Constraint(constraint) = &self.catalog.objects[at].definition else {
            return false;
        };
        constraint.copy_of.contains(&self.catalog.objects[of].address.oid)
    }

    /// A child's own NOT NULL constraint is created before the parent's, which merges with it. An
    /// inherited one is created after the parent's.
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
