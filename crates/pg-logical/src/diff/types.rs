//! Types and domains, and small kinds that can partly be altered in place: schemas, extensions,
//! operators and their families, text search configurations.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::{Column, Composite, Definition, Enum, Item};
use crate::diff::compare::Pair;
use crate::diff::edit::{Edit, Verdict};
use crate::diff::hazard::Hazard;
use crate::diff::words;

/// Two schemas of one name can differ only in owner, privileges and comment, which are compared
/// elsewhere.
pub(super) fn schema(_: &Pair<'_>) -> Verdict {
    Verdict::same()
}

pub(super) fn extension(pair: &Pair<'_>) -> Verdict {
    let (Definition::Extension(old), Definition::Extension(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    let (name, what) = (pair.sql(), words::of(&pair.now().identity));
    let mut edits = Vec::new();
    if numbers(&new.version) < numbers(&old.version) {
        let versions = format!("from version {} to {}", old.version, new.version);
        return Verdict::Refuse(format!("PostgreSQL cannot take an extension back {versions}"));
    }
    if old.version != new.version {
        let statement = format!("ALTER EXTENSION {name} UPDATE TO {}", quote_literal(&new.version));
        edits.push(Edit::new(format!("{what}: {} to {}", old.version, new.version), statement));
    }
    if old.schema != new.schema {
        let schema = quoted(&new.schema);
        let statement = format!("ALTER EXTENSION {name} SET SCHEMA {schema}");
        edits.push(Edit::new(format!("{what} is in the schema {schema}"), statement));
    }
    Verdict::Alter(edits)
}

/// The numbers of a version: 1.10 is newer than 1.9.
fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(|letter: char| !letter.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

pub(super) fn any(pair: &Pair<'_>) -> Verdict {
    match (&pair.was().definition, &pair.now().definition) {
        (Definition::Enum(old), Definition::Enum(new)) => labels(pair, old, new),
        (Definition::Composite(old), Definition::Composite(new)) => composite(pair, old, new),
        _ if pair.is_same() => Verdict::same(),
        _ => Verdict::Replace,
    }
}

/// Values can be added at any position, but none can be removed or moved.
fn labels(pair: &Pair<'_>, old: &Enum, new: &Enum) -> Verdict {
    let kept: Vec<&String> = new.labels.iter().filter(|label| old.labels.contains(label)).collect();
    if kept != old.labels.iter().collect::<Vec<_>>() {
        return Verdict::Replace;
    }
    let mut edits = Vec::new();
    for (at, label) in new.labels.iter().enumerate() {
        if old.labels.contains(label) {
            continue;
        }
        let place = match (at.checked_sub(1).map(|at| &new.labels[at]), new.labels.get(at + 1)) {
            (Some(before), Some(_)) => format!(" AFTER {}", quote_literal(before)),
            (None, Some(_)) if !old.labels.is_empty() => {
                format!(" BEFORE {}", quote_literal(&old.labels[0]))
            }
            _ => String::new(),
        };
        let label_text = label;
        let label = quote_literal(label);
        let statement = format!("ALTER TYPE {} ADD VALUE {label}{place}", pair.sql());
        let found = format!("{} has the value {label}", words::of(&pair.now().identity));
        let edit = Edit::new(found, statement).about(label_text);
        edits.push(edit.with(Hazard::EnumValueInSameTransaction));
    }
    Verdict::Alter(edits)
}

/// The order of attributes matters, and `ADD ATTRIBUTE` puts new ones last.
fn composite(pair: &Pair<'_>, old: &Composite, new: &Composite) -> Verdict {
    let of = |columns: &[Column], name: &str| columns.iter().find(|c| c.name == name).cloned();
    let stays = |column: &&Column| of(&new.columns, &column.name).is_some();
    let mut then: Vec<&str> = old.columns.iter().filter(stays).map(|c| c.name.as_str()).collect();
    let is_new = |column: &&Column| of(&old.columns, &column.name).is_none();
    then.extend(new.columns.iter().filter(is_new).map(|column| column.name.as_str()));
    let now: Vec<&str> = new.columns.iter().map(|column| column.name.as_str()).collect();
    if then != now || then.is_empty() != old.columns.is_empty() {
        return Verdict::Replace;
    }
    let mut clauses = Vec::new();
    for column in old.columns.iter().filter(|column| !now.contains(&column.name.as_str())) {
        clauses.push(format!("DROP ATTRIBUTE {}", quoted(&column.name)));
    }
    for column in &new.columns {
        let declared = declared(column);
        match of(&old.columns, &column.name) {
            None => clauses.push(format!("ADD ATTRIBUTE {declared}")),
            Some(old) if self::declared(&old) == declared => {}
            Some(_) => return Verdict::Replace,
        }
    }
    if clauses.is_empty() {
        return Verdict::same();
    }
    let statement = format!("ALTER TYPE {} {}", pair.sql(), clauses.join(", "));
    let found = format!("{} changes", words::of(&pair.now().identity));
    Verdict::Alter(vec![Edit::new(found, statement)])
}

fn declared(column: &Column) -> String {
    let collation = column.collation.as_ref().map(|collation| format!(" COLLATE {collation}"));
    format!("{} {}{}", quoted(&column.name), column.data_type, collation.unwrap_or_default())
}

pub(super) fn domain(pair: &Pair<'_>) -> Verdict {
    let (Definition::Domain(old), Definition::Domain(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    if (&old.base, &old.collation) != (&new.base, &new.collation) {
        return Verdict::Replace;
    }
    let mut edits = Vec::new();
    let what = words::of(&pair.now().identity);
    let mut add = |found: String, clause: String| {
        edits.push(Edit::new(found, format!("ALTER DOMAIN {} {clause}", pair.sql())));
    };
    if old.fallback != new.fallback {
        match &new.fallback {
            Some(value) => {
                add(format!("{what} defaults to {value}"), format!("SET DEFAULT {value}"));
            }
            None => add(format!("{what} has no default"), "DROP DEFAULT".to_owned()),
        }
    }
    // Since version 17, `NOT NULL` is a constraint object of the domain.
    if old.not_null != new.not_null && !says_constraint(pair) {
        let word = if new.not_null { "SET" } else { "DROP" };
        let verb = if new.not_null { "becomes NOT NULL" } else { "allows NULL" };
        add(format!("{what} {verb}"), format!("{word} NOT NULL"));
    }
    Verdict::Alter(edits)
}

fn says_constraint(pair: &Pair<'_>) -> bool {
    pair.major() >= 17
}

pub(super) fn operator(pair: &Pair<'_>) -> Verdict {
    let (Definition::Operator(old), Definition::Operator(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    if old == new {
        return Verdict::same();
    }
    let mut estimated = old.clone();
    estimated.restriction.clone_from(&new.restriction);
    estimated.join.clone_from(&new.join);
    if estimated != *new {
        return Verdict::Replace;
    }
    let none = || "NONE".to_owned();
    let options = [
        format!("RESTRICT = {}", new.restriction.clone().unwrap_or_else(none)),
        format!("JOIN = {}", new.join.clone().unwrap_or_else(none)),
    ];
    let statement = format!("ALTER OPERATOR {} SET ({})", pair.sql(), options.join(", "));
    let found = format!("{} changes", words::of(&pair.now().identity));
    Verdict::Alter(vec![Edit::new(found, statement)])
}

pub(super) fn operator_family(pair: &Pair<'_>) -> Verdict {
    let (Definition::OperatorFamily(old), Definition::OperatorFamily(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    let is_contained = |items: &[Item], others: &[Item]| items.iter().all(|i| others.contains(i));
    if is_contained(&old.items, &new.items) && is_contained(&new.items, &old.items) {
        Verdict::same()
    } else {
        Verdict::Replace
    }
}

pub(super) fn search_configuration(pair: &Pair<'_>) -> Verdict {
    let (Definition::SearchConfiguration(old), Definition::SearchConfiguration(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    if old.parser != new.parser {
        return Verdict::Replace;
    }
    let token =
        |mapping: &str| mapping.split_once(" WITH ").map_or("", |(token, _)| token).to_owned();
    let mut clauses = Vec::new();
    for mapping in old.mappings.iter().filter(|mapping| !new.mappings.contains(mapping)) {
        clauses.push(format!("DROP MAPPING FOR {}", token(mapping)));
    }
    for mapping in new.mappings.iter().filter(|mapping| !old.mappings.contains(mapping)) {
        clauses.push(format!("ADD MAPPING FOR {mapping}"));
    }
    if clauses.is_empty() {
        return Verdict::same();
    }
    let alter =
        |clause: &String| format!("ALTER TEXT SEARCH CONFIGURATION {} {clause}", pair.sql());
    let found = format!("{} changes", words::of(&pair.now().identity));
    Verdict::Alter(vec![Edit::of(found, clauses.iter().map(alter).collect())])
}
