//! Partitions and inheritance: which tables are detached from their parents, and which are
//! attached.

use crate::catalog::{Table, class};
use crate::diff::compare::{Pair, Side};

/// The names of a table's parents.
pub(super) fn parents(side: &Side<'_>, table: &Table) -> Vec<String> {
    let place = |oid: &u32| side.catalog.place(class::CLASS, *oid);
    let places = table.parents.iter().filter_map(place);
    places.map(|at| side.object(at).identity.sql()).collect()
}

/// Whether a table is detached from a parent before it is altered.
pub(super) fn is_detached(pair: &Pair<'_>) -> bool {
    let Some((old, new)) = pair.tables() else { return false };
    let is_away = pair.facets.reattached.contains(&pair.old_at);
    let (was, is) = (parents(pair.before(), old), parents(pair.after(), new));
    let leaves = was.iter().any(|parent| !is.contains(parent));
    !was.is_empty() && (is_away || leaves || old.bound != new.bound)
}

/// Whether a table has no parents while they are altered, so that their changes do not reach it.
pub(super) fn is_away(pair: &Pair<'_>) -> bool {
    let is_partition = pair.tables().is_some_and(|(old, _)| old.bound.is_some());
    pair.facets.reattached.contains(&pair.old_at) || is_partition && is_detached(pair)
}

/// The statements that detach a table.
pub(super) fn detach(pair: &Pair<'_>) -> Vec<String> {
    let Some((old, new)) = pair.tables() else { return Vec::new() };
    let name = pair.was().identity.sql();
    let (was, is) = (parents(pair.before(), old), parents(pair.after(), new));
    if old.bound.is_some() {
        let parents = was.iter();
        return parents.map(|of| format!("ALTER TABLE {of} DETACH PARTITION {name}")).collect();
    }
    let is_away = pair.facets.reattached.contains(&pair.old_at);
    let leaves = was.iter().filter(|parent| is_away || !is.contains(parent));
    leaves.map(|parent| format!("ALTER TABLE {name} NO INHERIT {parent}")).collect()
}

/// The parents that a table gets by `INHERIT`, by their places among the new objects.
pub(super) fn gained(pair: &Pair<'_>) -> Vec<usize> {
    let Some((old, new)) = pair.tables().filter(|(_, new)| new.bound.is_none()) else {
        return Vec::new();
    };
    let is_away = pair.facets.reattached.contains(&pair.old_at);
    let was = parents(pair.before(), old);
    let place = |oid: &u32| pair.after().catalog.place(class::CLASS, *oid);
    let is_new = |at: &usize| is_away || !was.contains(&pair.after().object(*at).identity.sql());
    new.parents.iter().filter_map(place).filter(is_new).collect()
}

/// Whether an existing table is attached as a partition.
pub(super) fn is_attached(pair: &Pair<'_>) -> bool {
    let Some((old, new)) = pair.tables() else { return false };
    new.bound.is_some() && (old.bound.is_none() || is_detached(pair))
}
