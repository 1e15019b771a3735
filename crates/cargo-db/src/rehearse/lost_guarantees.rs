//! What programs rely on besides names and miss after a migration: privileges, rows that row
//! security hides, indexes that ON CONFLICT refers to. Pure.

use std::collections::BTreeMap;

use crate::check::finding;
use crate::model::finding::Finding;
use crate::rehearse::guarantees::{Grant, Promises};
use pg_sql::name::short;

/// The guarantees that changed for objects that still exist under their name. `rows` returns the
/// number of rows of a table; `has_column` returns whether the column still exists.
pub(super) fn broken(
    before: &Promises,
    after: &Promises,
    has_column: &dyn Fn(&str) -> bool,
    rows: &dyn Fn(&str) -> u64,
) -> Vec<Finding> {
    let mut found = lost_privileges(before, after, has_column);
    found.extend(secured(before, after, rows));
    found.extend(not_unique(before, after, rows));
    found
}

/// A finding about an object, with the number that an `expect` bounds.
fn about(rule: &str, object: &str, rows: u64, evidence: String) -> Finding {
    let mut found = finding(rule, 1, "", evidence);
    (found.object, found.rows) = (Some(short(object).to_owned()), Some(rows));
    found
}

fn lost_privileges(
    before: &Promises,
    after: &Promises,
    has_column: &dyn Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for ((kind, name), then) in &before.rights {
        let now = after.rights.get(&(kind.clone(), name.clone()));
        // If a column has no privileges of its own any more, it is not listed.
        let gone = now.is_none() && !(kind == "column" && has_column(name));
        let lost: Vec<&Grant> =
            then.iter().filter(|right| now.is_none_or(|now| !now.contains(right))).collect();
        if !gone && !lost.is_empty() {
            let evidence = format!("of the {kind}: {}", describe_lost(&lost));
            found.push(about("rights-lost", name, lost.len() as u64, evidence));
        }
    }
    found
}

/// `reader loses SELECT; PUBLIC loses EXECUTE`.
fn describe_lost(lost: &[&Grant]) -> String {
    let mut by_role: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for right in lost {
        by_role.entry(&right.who).or_default().push(&right.what);
    }
    let line = |(who, what): (&str, Vec<&str>)| format!("{who} loses {}", what.join(", "));
    by_role.into_iter().map(line).collect::<Vec<_>>().join("; ")
}

fn secured(before: &Promises, after: &Promises, rows: &dyn Fn(&str) -> u64) -> Vec<Finding> {
    let mut found = Vec::new();
    for (table, now) in &after.tables {
        let Some(then) = before.tables.get(table) else { continue };
        let evidence = match (then.on, now.on, then.forced, now.forced) {
            (false, true, _, true) => "roles other than superusers see only what a policy shows",
            (false, true, ..) => "roles other than its owner see only what a policy shows",
            (true, true, false, true) => "its owner now also sees only what a policy shows",
            _ => continue,
        };
        found.push(about("row-security-on", table, rows(table), evidence.to_owned()));
    }
    found
}

fn not_unique(before: &Promises, after: &Promises, rows: &dyn Fn(&str) -> u64) -> Vec<Finding> {
    let mut found = Vec::new();
    for (oid, index) in &before.unique {
        let stays = after.tables.contains_key(&index.table);
        if !stays || after.unique.contains_key(oid) {
            continue;
        }
        // Of another name it does as well, which ON CONFLICT does not say.
        if after.unique.values().any(|now| now.definition == index.definition) {
            continue;
        }
        let evidence =
            format!("{} may contain duplicates, and ON CONFLICT on it fails", short(&index.table));
        found.push(about("unique-gone", &index.name, rows(&index.table), evidence));
    }
    found
}

/// The tables whose rows a parent no longer shows as its own: parent, child, and the child's oid.
pub(super) fn left<'a>(
    before: &'a Promises,
    after: &'a Promises,
) -> impl Iterator<Item = (&'a str, &'a str, u32)> {
    let left = before.children.iter().filter(|((parent, _), oid)| {
        let now = |((other, _), child): (&(String, String), &u32)| other == parent && child == *oid;
        // A parent that was not touched is in neither state.
        let stays = after.tables.contains_key(parent) || !before.tables.contains_key(parent);
        stays && !after.children.iter().any(now)
    });
    left.map(|((parent, child), oid)| (parent.as_str(), child.as_str(), *oid))
}

/// That rows have left their parent.
pub(super) fn partition_detached(parent: &str, child: &str, rows: u64) -> Finding {
    let (parent, short_child) = (short(parent), short(child));
    let evidence = format!("{rows} rows of {short_child} no longer belong to {parent}");
    about("partition-gone", child, rows, evidence)
}
