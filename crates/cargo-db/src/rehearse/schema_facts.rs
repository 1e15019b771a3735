//! Facts about a schema, and what changes in them mean for programs.

use pg_logical::facts::{Difference, Fact, SchemaFacts};

use crate::world::files;

/// A digest of the schema without owners, privileges and role names.
pub(super) fn digest(facts: &SchemaFacts) -> String {
    files::sha256(facts.structure().as_bytes()).to_string()
}

/// The removed (`-`) and the added (`+`) facts.
pub(super) fn lines(difference: &Difference<'_>) -> Vec<String> {
    let line = |sign: char, fact: &Fact| {
        let text = fact.text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        format!("{sign} {} {} {text}", fact.kind, fact.name).trim_end().to_owned()
    };
    let (before, after) = (&difference.before, &difference.after);
    let differs =
        |other: Option<&&Fact>, fact: &Fact| other.is_none_or(|one| one.text != fact.text);
    let missing = before.iter().filter(|(of, fact)| differs(after.get(*of), fact));
    let added = after.iter().filter(|(of, fact)| differs(before.get(*of), fact));
    missing.map(|(_, fact)| line('-', fact)).chain(added.map(|(_, fact)| line('+', fact))).collect()
}

/// A change that may break programs.
pub(super) struct CatalogChange {
    pub(super) rule: &'static str,
    pub(super) object: String,
    pub(super) evidence: String,
}

/// Names that were removed or changed although programs may use them, and columns that programs now
/// have to provide.
pub(super) fn changes(difference: &Difference<'_>) -> Vec<CatalogChange> {
    let gone = difference.before.values().filter_map(|fact| gone_or_changed(difference, fact));
    let required = difference.after.values().filter(|fact| is_newly_required(difference, fact));
    gone.chain(required.map(|fact| CatalogChange {
        rule: "required-column",
        object: fact.name.clone(),
        evidence: "a value is required, and there is no default".to_owned(),
    }))
    .collect()
}

fn gone_or_changed(difference: &Difference<'_>, fact: &Fact) -> Option<CatalogChange> {
    let name = fact.name.as_str();
    let now = difference.after.get(&(fact.kind, name));
    let rule = match (fact.kind, now) {
        (kind, None) if is_relation(kind) => "relation-gone",
        // The columns of a dropped table are not listed one by one.
        ("column", None) if has_relation_of(&difference.after, name) => "column-gone",
        ("enum value", None) => "enum-value-gone",
        ("function" | "procedure" | "aggregate", None) => "function-gone",
        ("column", Some(now)) if reads_differently(type_of(&fact.text), type_of(&now.text)) => {
            "column-type-changed"
        }
        _ => return None,
    };
    let evidence = match now {
        None => format!("{} {name} no longer exists", fact.kind),
        Some(now) => format!("it was {}, now {}", type_of(&fact.text), type_of(&now.text)),
    };
    Some(CatalogChange { rule, object: name.to_owned(), evidence })
}

fn is_newly_required(difference: &Difference<'_>, fact: &Fact) -> bool {
    let was = difference.before.get(&("column", fact.name.as_str()));
    fact.kind == "column"
        && has_relation_of(&difference.before, &fact.name)
        && is_required(&fact.text)
        && !was.is_some_and(|was| is_required(&was.text))
}

fn is_relation(kind: &str) -> bool {
    matches!(kind, "table" | "foreign table" | "view" | "materialized view")
}

fn has_relation_of(side: &Side<'_>, column: &str) -> bool {
    let relation = column.rsplit_once('.').map_or(column, |(relation, _)| relation);
    ["table", "foreign table", "view", "materialized view", "type"]
        .iter()
        .any(|kind| side.contains_key(&(*kind, relation)))
}

/// The old or the new facts of a difference.
type Side<'a> = std::collections::BTreeMap<pg_logical::facts::Subject<'a>, &'a Fact>;

/// The names of the relations that store rows: tables and materialized views.
pub(super) fn tables(facts: &SchemaFacts) -> Vec<&str> {
    let has_rows = |fact: &&Fact| matches!(fact.kind, "table" | "materialized view");
    facts.all().filter(has_rows).map(|fact| fact.name.as_str()).collect()
}

fn type_of(definition: &str) -> &str {
    definition.split(" | ").next().unwrap_or(definition)
}

/// Whether a change of type may break a program. A change of length does not.
fn reads_differently(before: &str, now: &str) -> bool {
    let base =
        |name: &str| name.split('(').next().unwrap_or(name).replace("character varying", "text");
    base(before) != base(now)
}

fn is_required(definition: &str) -> bool {
    let mut parts = definition.split(" | ").skip(1);
    parts.next() == Some("not null") && parts.next() == Some("")
}
