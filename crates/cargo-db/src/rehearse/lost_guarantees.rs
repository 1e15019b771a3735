//! What programs rely on besides names and miss after a migration: privileges, rows that row
//! security hides, indexes that ON CONFLICT refers to. Pure.

use std::collections::BTreeMap;

use crate::check::finding;
use crate::model::finding::Finding;
use crate::rehearse::fingerprint::Fingerprint;
use crate::rehearse::guarantees::{Grant, Guarantees, Unique};
use pg_sql::name::short;

/// The state at one moment, with all definitions.
#[derive(Clone, Copy)]
pub(super) struct SchemaMoment<'a> {
    pub(super) guarantees: &'a Guarantees,
    pub(super) schema: &'a Fingerprint,
}

/// What changed for objects that still exist under their name; `rows` returns the number of rows of
/// a table.
pub(super) fn broken(
    before: SchemaMoment<'_>,
    after: SchemaMoment<'_>,
    rows: &dyn Fn(&str) -> u64,
) -> Vec<Finding> {
    let mut found = lost_privileges(before, after);
    found.extend(secured(before.guarantees, after.guarantees, rows));
    found.extend(not_unique(before, after, rows));
    found
}

/// A finding about an object, with the number that an `expect` bounds.
fn about(rule: &str, object: &str, rows: u64, evidence: String) -> Finding {
    let mut found = finding(rule, 1, "", evidence);
    (found.object, found.rows) = (Some(short(object).to_owned()), Some(rows));
    found
}

fn lost_privileges(before: SchemaMoment<'_>, after: SchemaMoment<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for ((kind, name), then) in &before.guarantees.rights {
        let now = after.guarantees.rights.get(&(kind.clone(), name.clone()));
        // If a column has no privileges of its own any more, it is not listed.
        let gone = now.is_none() && !(kind == "column" && after.schema.has(kind, name));
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

fn secured(before: &Guarantees, after: &Guarantees, rows: &dyn Fn(&str) -> u64) -> Vec<Finding> {
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

fn not_unique(
    before: SchemaMoment<'_>,
    after: SchemaMoment<'_>,
    rows: &dyn Fn(&str) -> u64,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (oid, index) in &before.guarantees.unique {
        let stays = after.guarantees.tables.contains_key(&index.table);
        if !stays || after.guarantees.unique.contains_key(oid) {
            continue;
        }
        // Of another name it does as well, which ON CONFLICT does not say.
        let Some(definition) = definition_without_name(before.schema, index) else { continue };
        let mut others = after.guarantees.unique.values();
        if others
            .any(|now| definition_without_name(after.schema, now).as_ref() == Some(&definition))
        {
            continue;
        }
        let evidence =
            format!("{} may contain duplicates, and ON CONFLICT on it fails", short(&index.table));
        found.push(about("unique-gone", &index.name, rows(&index.table), evidence));
    }
    found
}

/// How an index is defined, without its name.
fn definition_without_name(schema: &Fingerprint, index: &Unique) -> Option<String> {
    // The last part is not relevant: whether it is valid, clustered on, or a replica identity.
    let (definition, _) = schema.definition("index", &index.name)?.rsplit_once(' ')?;
    Some(definition.replacen(&format!(" INDEX {} ON ", index.bare), " INDEX ON ", 1))
}

/// The tables whose rows a parent no longer shows as its own: parent, child, and the child's oid.
pub(super) fn left<'a>(
    before: &'a Guarantees,
    after: &'a Guarantees,
) -> impl Iterator<Item = (&'a str, &'a str, u32)> {
    let left = before.children.iter().filter(|((parent, _), oid)| {
        let now = |((other, _), child): (&(String, String), &u32)| other == parent && child == *oid;
        after.tables.contains_key(parent) && !after.children.iter().any(now)
    });
    left.map(|((parent, child), oid)| (parent.as_str(), child.as_str(), *oid))
}

/// That rows have left their parent.
pub(super) fn partition_detached(parent: &str, child: &str, rows: u64) -> Finding {
    let (parent, short_child) = (short(parent), short(child));
    let evidence = format!("{rows} rows of {short_child} no longer belong to {parent}");
    about("partition-gone", child, rows, evidence)
}
