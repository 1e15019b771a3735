//! A short digest of the catalogs of a database, which tells whether anything may have changed.

use crate::catalog::query_for;
use crate::source::{Record, Row, Source, SourceError, unexpected};

const QUERY: &str = include_str!("digest.sql");

/// The other catalogs, and the first major version that has them. Their rows belong to no table
/// that may be temporary, or are few. `pg_aggregate` and `pg_range` are not among them: whatever
/// changes these changes `pg_proc` or `pg_type` too.
const PLAIN: [(&str, u32); 36] = [
    ("proc", 14),
    ("description", 14),
    ("inherits", 14),
    ("sequence", 14),
    ("foreign_table", 14),
    ("partitioned_table", 14),
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

/// Catalogs that are often empty.
const OFTEN_EMPTY: [&str; 17] = [
    "inherits",
    "foreign_table",
    "partitioned_table",
    "trigger",
    "policy",
    "enum",
    "statistic_ext",
    "transform",
    "seclabel",
    "foreign_data_wrapper",
    "foreign_server",
    "event_trigger",
    "default_acl",
    "publication",
    "publication_rel",
    "publication_namespace",
    "user_mapping",
];

/// The digest of the catalogs. While it stays the same, so do the facts; when it changes, they may
/// have changed. `major` is the major version of the server.
///
/// Most of the time goes into planning: a new session knows nothing of the catalogs. So those that
/// have no row, or only rows of the system that are no facts, are found first, and left out.
pub fn catalog_digest(source: &mut dyn Source, major: u32) -> Result<String, SourceError> {
    let branches = Branches::new(major);
    let first = row(source, &branches.first_look())?;
    let first = Row::new(&*first);
    let (empty, temporary) = (first.text("empty")?, first.optional("temporary")?);
    let query = branches.query(&empty, temporary.as_deref());
    Row::new(&*row(source, &query)?).text("digest")
}

/// The only row of a query.
fn row(source: &mut dyn Source, query: &str) -> Result<Box<dyn Record>, SourceError> {
    let sets = source.sets("look for changes of the schema", query)?;
    let first = sets.into_iter().next().and_then(|rows| rows.into_iter().next());
    first.ok_or_else(|| unexpected("digest", "no row"))
}

/// The query of the digest, in parts.
struct Branches {
    /// Of each catalog its name and statement.
    of_catalogs: Vec<(String, String)>,
}

impl Branches {
    fn new(major: u32) -> Branches {
        let query = query_for(QUERY, major);
        let statements = query.split(';').map(|sql| sql.trim().to_owned());
        let statements = statements.filter(|sql| !sql.is_empty());
        let plain = PLAIN.iter().filter(|(_, since)| major >= *since).map(|(name, _)| {
            query_for(
                &format!("SELECT '{name}', count(*), {{written p}}, NULL FROM pg_{name} p"),
                major,
            )
        });
        let name = |sql: &str| sql.split('\'').nth(1).unwrap_or_default().to_owned();
        Branches { of_catalogs: statements.chain(plain).map(|sql| (name(&sql), sql)).collect() }
    }

    /// The query for the names of the catalogs to leave out, and for the temporary relations.
    fn first_look(&self) -> String {
        format!(
            "SELECT (SELECT coalesce(string_agg(n.name, ' '), '') \
                     FROM unnest('{{{}}}'::text[]) AS n (name) \
                     WHERE pg_relation_size(to_regclass('pg_catalog.pg_' || n.name)) = 0) \
                    AS empty, \
                    (SELECT string_agg(c.oid::text, ', ') FROM pg_class c \
                     WHERE c.relpersistence = 't') AS temporary",
            OFTEN_EMPTY.join(",")
        )
    }

    fn query(&self, empty: &str, temporary: Option<&str>) -> String {
        let names: Vec<&str> = empty.split(' ').collect();
        let read = self.of_catalogs.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        let statements = read.map(|(_, sql)| permanent(sql, temporary)).collect::<Vec<_>>();
        format!(
            "SELECT string_agg(d.name || ' ' || d.rows || ' ' || \
             coalesce(d.written, d.hash, 0), ', ' ORDER BY d.name) AS digest\nFROM (\n{}\n) AS d",
            statements.join("\nUNION ALL\n")
        )
    }
}

/// Replaces `{permanent a.attrelid}` by the condition that this is no temporary relation.
fn permanent(sql: &str, temporary: Option<&str>) -> String {
    let split = sql.split_once("{permanent ").and_then(|(before, rest)| {
        let (oid, after) = rest.split_once('}')?;
        Some((before, oid, after))
    });
    match (split, temporary) {
        (None, _) => sql.to_owned(),
        (Some((before, _, after)), None) => format!("{before}true{after}"),
        (Some((before, oid, after)), Some(oids)) => {
            format!("{before}{oid} NOT IN ({oids}){after}")
        }
    }
}
