//! The privileges of the sequences behind identity columns. A catalog has these sequences as parts
//! of their columns, and their privileges among those of objects that it does not have.

use std::collections::BTreeSet;

use crate::catalog::{Address, Catalog, Column, Definition, Identity, Kind, Object, class};
use crate::diff::closure::Fates;
use crate::diff::order::is_made;
use crate::diff::rights;

/// The statements for the privileges of each sequence that is there afterwards. Default privileges
/// give some to a new one.
pub(super) fn of_identities(fates: &Fates<'_>, role: &str) -> Vec<(Identity, Vec<String>)> {
    let (before, after) = (&fates.comparison.before, &fates.comparison.after);
    let major = after.catalog.about.major;
    let mut found = Vec::new();
    for (new, table) in after.catalog.objects.iter().enumerate() {
        for column in table.columns() {
            let Some(sequence) = sequence(after.catalog, table, column) else { continue };
            let statements = match kept(fates, new, column) {
                Some(old) => rights::of_pair(&old, &sequence, &[], major),
                None => rights::of_new(before, &sequence, role, major),
            };
            found.push((sequence.identity, statements));
        }
    }
    found
}

/// The old sequence of an identity column that stays one.
fn kept(fates: &Fates<'_>, new: usize, column: &Column) -> Option<Object> {
    let old = fates.comparison.originals[new].filter(|_| !is_made(fates, new))?;
    let before = &fates.comparison.before;
    let (_, was) = before.column_named(old, &column.name)?;
    let is_remade = fates.facets.remade.contains(&(old, was.number));
    sequence(before.catalog, before.object(old), was).filter(|_| !is_remade)
}

/// The sequence of an identity column as an object, with its privileges.
fn sequence(catalog: &Catalog, table: &Object, column: &Column) -> Option<Object> {
    let sequence = column.identity.as_ref()?;
    let identity = Identity::within(Kind::Sequence, sequence.schema.clone(), sequence.name.clone());
    let target = target(&identity);
    let others = catalog.others.iter().filter(|others| others.target == target);
    Some(Object {
        address: Address { class: class::CLASS, oid: sequence.oid },
        identity,
        owner: table.owner.clone(),
        rights: others.map(|others| others.rights.clone()).collect(),
        comment: None,
        drops_with: Vec::new(),
        definition: Definition::Sequence(sequence.clone()),
    })
}

fn target(identity: &Identity) -> String {
    format!("SEQUENCE {}", identity.sql())
}

/// The sequences of all identity columns, as `GRANT … ON` names them.
pub(super) fn targets(catalog: &Catalog) -> BTreeSet<String> {
    let columns = catalog.objects.iter().flat_map(Object::columns);
    let sequences = columns.filter_map(|column| column.identity.as_ref());
    let identity = |schema: &str, name: &str| {
        Identity::within(Kind::Sequence, schema.to_owned(), name.to_owned())
    };
    sequences.map(|one| target(&identity(&one.schema, &one.name))).collect()
}
