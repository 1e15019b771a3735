//! A short digest of the catalogs of a database, which tells whether anything may have changed.

use std::fmt::Write;

use crate::catalog::query_for;
use crate::source::{Row, Source, SourceError, unexpected};

const QUERY: &str = include_str!("digest.sql");

/// Catalogs with the key `oid`, and the first major version that has them.
const KEYED: [(&str, u32); 25] = [
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
    ("foreign_data_wrapper", 14),
    ("foreign_server", 14),
    ("event_trigger", 14),
    ("default_acl", 14),
];

/// Those of publications.
const OF_PUBLICATIONS: [(&str, u32); 3] =
    [("publication", 14), ("publication_rel", 14), ("publication_namespace", 15)];

/// The digest of the catalogs. While it stays the same, so do the facts; when it changes, they may
/// have changed. `major` is the major version of the server.
pub fn catalog_digest(source: &mut dyn Source, major: u32) -> Result<String, SourceError> {
    let mut keyed = String::new();
    for (name, since) in KEYED.iter().chain(&OF_PUBLICATIONS) {
        if major >= *since {
            let hash = "bit_xor(hash_record_extended(ROW(k.oid, k.xmin), 0))";
            let _ = writeln!(
                keyed,
                "UNION ALL SELECT '{name}', count(*), {hash} FROM pg_{name} k \
                 WHERE k.oid >= 16384"
            );
        }
    }
    let query = query_for(QUERY, major).replace("{keyed}", &keyed);
    let sets = source.sets("look for changes of the schema", &query)?;
    let record = sets.first().and_then(|rows| rows.first());
    Row::new(&**record.ok_or_else(|| unexpected("digest", "no row"))?).text("digest")
}
