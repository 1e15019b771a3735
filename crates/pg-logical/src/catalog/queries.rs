//! The queries, and what of each of them is for the version of the server.
//!
//! A line that ends in `--from 15` or `--until 14` is only for these major versions. `{own pg_class
//! c}` stands for the condition that an object is not the system's or an extension's, `{lasting n}`
//! for the condition that a schema is not for temporary objects, `{written c}` for the sum of the
//! numbers of the transactions that wrote rows, and `{chosen relations c.oid}` for the condition
//! that a relation is in scope.

use crate::catalog::part::Scope;

/// Every query of the catalog, by its name.
pub(super) const ALL: &[(&str, &str)] = &[
    ("schemas", include_str!("queries/schemas.sql")),
    ("extensions", include_str!("queries/extensions.sql")),
    ("members", include_str!("queries/members.sql")),
    ("configured", include_str!("queries/configured.sql")),
    ("types", include_str!("queries/types.sql")),
    ("ranges", include_str!("queries/ranges.sql")),
    ("aliases", include_str!("queries/aliases.sql")),
    ("functions", include_str!("queries/functions.sql")),
    ("aggregates", include_str!("queries/aggregates.sql")),
    ("operators", include_str!("queries/operators.sql")),
    ("families", include_str!("queries/families.sql")),
    ("classes", include_str!("queries/classes.sql")),
    ("class_items", include_str!("queries/class_items.sql")),
    ("casts", include_str!("queries/casts.sql")),
    ("collations", include_str!("queries/collations.sql")),
    ("search_parsers", include_str!("queries/search_parsers.sql")),
    ("search_templates", include_str!("queries/search_templates.sql")),
    ("search_dictionaries", include_str!("queries/search_dictionaries.sql")),
    ("search_configurations", include_str!("queries/search_configurations.sql")),
    ("wrappers", include_str!("queries/wrappers.sql")),
    ("servers", include_str!("queries/servers.sql")),
    ("user_mappings", include_str!("queries/user_mappings.sql")),
    ("relations", include_str!("queries/relations.sql")),
    ("columns", include_str!("queries/columns.sql")),
    ("default_classes", include_str!("queries/default_classes.sql")),
    ("constraints", include_str!("queries/constraints.sql")),
    ("indexes", include_str!("queries/indexes.sql")),
    ("statistics", include_str!("queries/statistics.sql")),
    ("sequences", include_str!("queries/sequences.sql")),
    ("rules", include_str!("queries/rules.sql")),
    ("triggers", include_str!("queries/triggers.sql")),
    ("policies", include_str!("queries/policies.sql")),
    ("publications", include_str!("queries/publications.sql")),
    ("publication_tables", include_str!("queries/publication_tables.sql")),
    ("event_triggers", include_str!("queries/event_triggers.sql")),
    ("large_objects", include_str!("queries/large_objects.sql")),
    ("descriptions", include_str!("queries/descriptions.sql")),
    ("rights", include_str!("queries/rights.sql")),
    ("default_rights", include_str!("queries/default_rights.sql")),
    ("depends", include_str!("queries/depends.sql")),
    ("census", include_str!("queries/census.sql")),
];

/// The queries that a second session runs, if there is one. They take about half of the time.
const APART: &[&str] = &["columns", "relations", "sequences", "rights", "types", "aliases"];

/// Whether a second session runs the query.
pub(super) fn is_apart(query: &str) -> bool {
    APART.contains(&query)
}

/// The query for a server of this major version.
pub(super) fn for_major(query: &str, major: u32, scope: Scope<'_>) -> String {
    let lines = query.lines().filter_map(|line| of_line(line, major));
    let text: Vec<&str> = lines.collect();
    expanded(&text.join("\n"), scope)
}

/// A line without its condition, if the version fulfils it.
fn of_line(line: &str, major: u32) -> Option<&str> {
    let mark = line.rfind("--from ").or_else(|| line.rfind("--until "));
    let Some(at) = mark else { return Some(line) };
    let mut words = line[at + 2..].split_whitespace();
    while let (Some(word), Some(number)) = (words.next(), words.next()) {
        let number: u32 = number.parse().ok()?;
        let fits = if word == "from" { major >= number } else { major <= number };
        if !fits {
            return None;
        }
    }
    Some(line[..at].trim_end())
}

fn expanded(query: &str, scope: Scope<'_>) -> String {
    let mut text = String::with_capacity(query.len() + 512);
    let mut rest = query;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((inside, after)) = after.split_once('}') else { break };
        match inside.split(' ').collect::<Vec<_>>()[..] {
            ["own", catalog, row] => text.push_str(&own(catalog, row)),
            ["lasting", row] => {
                text.push_str(&format!("{row}.nspname !~ '^pg_(toast_)?temp_'"));
            }
            ["written", row] => text.push_str(&written(row)),
            ["chosen", kind, oid] => text.push_str(&chosen(scope, kind, oid)),
            // The text of an array.
            _ => text.push_str(&format!("{{{inside}}}")),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The condition that an object is in scope.
fn chosen(scope: Scope<'_>, kind: &str, oid: &str) -> String {
    let part = match (scope, kind) {
        (Scope::Everything, _) => return "true".to_owned(),
        (Scope::Definitions, _) => return (kind != "large_objects").to_string(),
        (Scope::Part(part), _) => part,
    };
    let oids = match kind {
        "relations" | "indexes" => &part.relations,
        "types" => &part.types,
        "routines" => &part.routines,
        _ => return "false".to_owned(),
    };
    // The server does not find out by itself that nothing is in an empty array.
    if oids.is_empty() {
        return "false".to_owned();
    }
    let oids: Vec<String> = oids.iter().map(u32::to_string).collect();
    let list = format!("ANY ('{{{}}}'::oid[])", oids.join(","));
    match kind {
        "indexes" => {
            format!(
                "{oid} IN (SELECT own.indexrelid FROM pg_index own WHERE own.indrelid = {list})"
            )
        }
        _ => format!("{oid} = {list}"),
    }
}

/// The sum of the numbers of the transactions that wrote these rows. There is no number in SQL but
/// the age, which grows with every transaction, except that of the rows of `initdb`: theirs is the
/// greatest one. The age of the transaction 3, which is the first one, grows alike.
fn written(row: &str) -> String {
    format!(
        "sum(age('3'::xid)::int8 - age({row}.xmin)) FILTER (WHERE age({row}.xmin) < 2147483647)"
    )
}

/// The condition that an object is neither the system's nor an extension's.
fn own(catalog: &str, row: &str) -> String {
    format!(
        "{row}.oid >= 16384 AND NOT EXISTS (SELECT 1 FROM pg_depend dep \
         WHERE dep.refclassid = 'pg_extension'::regclass AND dep.deptype = 'e' \
         AND dep.classid = '{catalog}'::regclass AND dep.objid = {row}.oid)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_for_its_versions() {
        let query = "a --until 14\nb --from 15 until 16\nc --from 17\nd '{}' -- why";
        let of = |major| for_major(query, major, Scope::Everything);
        assert_eq!(of(14), "a\nd '{}' -- why");
        assert_eq!(of(16), "b\nd '{}' -- why");
        assert_eq!(of(18), "c\nd '{}' -- why");
    }

    #[test]
    fn queries_are_ascii_and_complete_for_every_version() {
        for (name, query) in ALL {
            assert!(query.is_ascii(), "{name}");
            for major in 14..=18 {
                let text = for_major(query, major, Scope::Everything);
                for mark in ["{own", "{chosen", "--from"] {
                    assert!(!text.contains(mark), "{name} {major}");
                }
            }
        }
    }
}
