//! The descendants of objects: what inherits from them or is part of them in a partition.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Catalog, Definition, Object};

/// The objects directly below an object, by its OID.
type Below = HashMap<u32, Vec<usize>>;

/// The descendants of tables, foreign keys and indexes.
pub(super) struct Descent {
    /// The child tables of each table.
    pub(super) tables: Below,
    /// The foreign keys of partitions that are copies of another one.
    pub(super) copies: Below,
    /// The indexes of partitions that are attached to another one, also those of constraints.
    pub(super) indexes: Below,
}

impl Descent {
    pub(super) fn of(catalog: &Catalog) -> Descent {
        let mut found =
            Descent { tables: Below::new(), copies: Below::new(), indexes: Below::new() };
        for (at, object) in catalog.objects.iter().enumerate() {
            let (map, above) = match &object.definition {
                Definition::Table(table) => (&mut found.tables, &table.parents[..]),
                Definition::Constraint(constraint) => (&mut found.copies, &constraint.copy_of[..]),
                _ => continue,
            };
            above.iter().for_each(|&oid| map.entry(oid).or_default().push(at));
        }
        for (at, object) in catalog.objects.iter().enumerate() {
            if let Some((parent, _)) = parent_index(object) {
                found.indexes.entry(*parent).or_default().push(at);
            }
        }
        found
    }
}

/// The index that this one is attached to: its OID and its name.
pub(crate) fn parent_index(object: &Object) -> Option<&(u32, String)> {
    let marks = match &object.definition {
        Definition::Index(index) => &index.marks,
        Definition::Constraint(constraint) => &constraint.index.as_ref()?.marks,
        _ => return None,
    };
    marks.parent.as_ref()
}

/// The schemas and names of constraints whose names are given explicitly.
pub(super) fn given_names(catalog: &Catalog) -> HashSet<(String, String)> {
    let mut named = HashSet::new();
    for object in &catalog.objects {
        let schema = object.identity.schema.clone().unwrap_or_default();
        if matches!(object.definition, Definition::Constraint(_)) {
            named.insert((schema, object.identity.name.clone()));
            continue;
        }
        let own = object.columns().iter().filter_map(|column| {
            let constraint = column.not_null_constraint.as_ref()?;
            let is_given = constraint.is_local
                && constraint.name != usual_not_null(&object.identity.name, &column.name);
            is_given.then(|| (schema.clone(), constraint.name.clone()))
        });
        named.extend(own);
    }
    named
}

/// The name that the server chooses for a NOT NULL constraint, if the name is not too long.
pub(crate) fn usual_not_null(table: &str, column: &str) -> String {
    format!("{table}_{column}_not_null")
}
