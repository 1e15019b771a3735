//! What objects of every kind have: an owner, comments, and extensions with which they are dropped.

use crate::catalog::{Definition, Object};
use crate::ddl;
use crate::diff::compare::Pair;
use crate::diff::edit::{Edit, comment};
use crate::diff::hazard::Hazard;
use crate::diff::words;

/// The change of an owner. A sequence that a column owns follows the owner of the table.
pub(super) fn owned(pair: &Pair<'_>) -> impl Iterator<Item = Edit> + use<> {
    let (old, new) = (pair.was(), pair.now());
    let is_owned = |object: &Object| match &object.definition {
        Definition::Sequence(sequence) => sequence.owned_by.is_some(),
        _ => false,
    };
    let goes_along = is_owned(old) && is_owned(new);
    let identity = &new.identity;
    let edit = new.owner.as_ref().filter(|owner| old.owner.as_ref() != Some(owner) && !goes_along);
    let edit = edit.map(|owner| {
        let word = identity.kind.word().to_uppercase();
        let (name, owner) = (identity.sql(), pg_sql::quote::name(owner));
        let found = format!("{} belongs to {owner}", words::of(identity));
        Edit::new(found, format!("ALTER {word} {name} OWNER TO {owner}")).with(Hazard::AuthzChanged)
    });
    edit.into_iter()
}

/// The comments on an object and its columns.
pub(super) fn comments(pair: &Pair<'_>, edits: &mut Vec<Edit>) {
    let (was, is) = (ddl::said_of(pair.was()), ddl::said_of(pair.now()));
    let fresh = |target: &str| {
        pair.new_columns().iter().any(|(_, column)| {
            let name = pg_sql::quote::name(&column.name);
            target == format!("COLUMN {}.{name}", pair.sql())
        })
    };
    for (target, text) in &is {
        if fresh(target) || !was.contains(&(target.clone(), text.clone())) {
            edits.push(comment(target, Some(text)));
        }
    }
    let gone_columns: Vec<String> = pair
        .gone_columns()
        .iter()
        .map(|column| format!("COLUMN {}.{}", pair.sql(), pg_sql::quote::name(&column.name)))
        .collect();
    for (target, _) in &was {
        if !is.iter().any(|(other, _)| other == target) && !gone_columns.contains(target) {
            edits.push(comment(target, None));
        }
    }
}

/// The extensions with which an object is dropped: `DEPENDS ON EXTENSION`.
pub(super) fn dropped_with(pair: &Pair<'_>, edits: &mut Vec<Edit>) {
    let (old, new) = (pair.was(), pair.now());
    let alter = |extension: &String, no: &str| {
        let word = new.identity.kind.word().to_uppercase();
        let (target, name) = (new.identity.target(), pg_sql::quote::name(extension));
        let statement = format!("ALTER {word} {target} {no}DEPENDS ON EXTENSION {name}");
        Edit::new(
            format!("{}: the extensions that it depends on", words::of(&new.identity)),
            statement,
        )
    };
    let gone = old.drops_with.iter().filter(|name| !new.drops_with.contains(name));
    edits.extend(gone.map(|name| alter(name, "NO ")));
    let added = new.drops_with.iter().filter(|name| !old.drops_with.contains(name));
    edits.extend(added.map(|name| alter(name, "")));
}
