//! A short digest of the catalogs of a database, which tells whether anything may have changed.

use crate::catalog::query_for;
use crate::source::{Row, Source, SourceError, unexpected};

const QUERY: &str = include_str!("digest.sql");

/// The other catalogs, and the first major version that has them. Their rows belong to no table
/// that may be temporary, or are few.
const PLAIN: [(&str, u32); 38] = [
    ("proc", 14),
    ("description", 14),
    ("inherits", 14),
    ("sequence", 14),
    ("foreign_table", 14),
    ("partitioned_table", 14),
    ("range", 14),
    ("aggregate", 14),
    ("trigger", 14),
    ("rewrite", 14),
    ("policy", 14),
    ("enum", 14),
    ("extension", 14),
    ("statistic_ext", 14),
    ("language", 14),
    ("am", 14),
    ("cast", 14),
    ("collation", 14),
    ("conversion", 14),
    ("operator", 14),
    ("opclass", 14),
    ("opfamily", 14),
    ("amop", 14),
    ("amproc", 14),
    ("transform", 14),
    ("ts_parser", 14),
    ("ts_template", 14),
    ("ts_dict", 14),
    ("ts_config", 14),
    ("ts_config_map", 14),
    ("seclabel", 14),
    ("foreign_data_wrapper", 14),
    ("foreign_server", 14),
    ("event_trigger", 14),
    ("default_acl", 14),
    ("publication", 14),
    ("publication_rel", 14),
    ("publication_namespace", 15),
];

/// The digest of the catalogs. While it stays the same, so do the facts; when it changes, they may
/// have changed. `major` is the major version of the server.
///
/// Most of the time goes into planning: a new session knows nothing of the catalogs. So those whose
/// files are empty are found first, and left out of the query.
pub fn catalog_digest(source: &mut dyn Source, major: u32) -> Result<String, SourceError> {
    let branches = Branches::new(major);
    let empty = text(source, &branches.find_empty(), "empty")?;
    text(source, &branches.query(&empty.split(' ').collect::<Vec<_>>()), "digest")
}

/// The only value of a query.
fn text(source: &mut dyn Source, query: &str, column: &str) -> Result<String, SourceError> {
    let sets = source.sets("look for changes of the schema", query)?;
    let record = sets.first().and_then(|rows| rows.first());
    Row::new(&**record.ok_or_else(|| unexpected(column, "no row"))?).text(column)
}

/// The query of the digest, in parts.
struct Branches {
    /// What all of them begin with.
    with: String,
    /// Of each catalog its name and statement.
    of_catalogs: Vec<(String, String)>,
}

impl Branches {
    fn new(major: u32) -> Branches {
        let query = query_for(QUERY, major);
        let statements = query.split(';').map(|sql| sql.trim().to_owned());
        let mut statements = statements.filter(|sql| !sql.is_empty());
        let with = statements.next().unwrap_or_default();
        let plain = PLAIN.iter().filter(|(_, since)| major >= *since).map(|(name, _)| {
            format!("SELECT '{name}', count(*), sum(age(p.xmin)), NULL FROM pg_{name} p")
        });
        let name = |sql: &str| sql.split('\'').nth(1).unwrap_or_default().to_owned();
        Branches {
            with,
            of_catalogs: statements.chain(plain).map(|sql| (name(&sql), sql)).collect(),
        }
    }

    /// The query for the names of the catalogs whose files are empty.
    fn find_empty(&self) -> String {
        let names: Vec<&str> = self.of_catalogs.iter().map(|(name, _)| name.as_str()).collect();
        format!(
            "SELECT coalesce(string_agg(name, ' '), '') AS empty \
             FROM unnest('{{{}}}'::text[]) AS n (name) \
             WHERE pg_relation_size(to_regclass('pg_catalog.pg_' || name)) = 0",
            names.join(",")
        )
    }

    fn query(&self, empty: &[&str]) -> String {
        let statement = |(name, sql): &(String, String)| match empty.contains(&name.as_str()) {
            true => format!(
                "SELECT '{name}' AS name, 0 AS rows, NULL::int8 AS ages, NULL::int8 AS hash"
            ),
            false => sql.clone(),
        };
        let statements: Vec<String> = self.of_catalogs.iter().map(statement).collect();
        format!(
            // Of the transaction 3, which is the first one, the age is known at every moment.
            "{}\nSELECT string_agg(d.name || ' ' || d.rows || ' ' || \
             coalesce(d.rows * age('3'::xid) - d.ages, d.hash, 0), ', ' ORDER BY d.name) \
             AS digest\nFROM (\n{}\n) AS d",
            self.with,
            statements.join("\nUNION ALL\n")
        )
    }
}
