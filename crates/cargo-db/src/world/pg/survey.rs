//! What the server says about itself and one database.

use std::collections::HashMap;

use crate::failure::{Kind, Result};
use crate::model::layout::quote_literal;
use crate::model::overview::{DatabaseFacts, ServerFacts, TableSize};
use crate::model::target::Host;
use crate::world::pg::session::{Row, Session};

const SERVER: &str = "\
SELECT current_setting('server_version'), current_user, pg_is_in_recovery(), current_setting('is_superuser'), \
       {tls}";

/// Nobody speaks TLS over a unix socket, and the view is slow.
const TLS: &str = "(SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl)";

/// The schemas, and which of them new tables go into.
const SCHEMAS: &str = "SELECT oid, nspname, nspname = current_schema() FROM pg_namespace";

/// Every table with its schema, rows, bytes and, of a partition, the table that it is a part of.
///
/// Rows and sizes are what ANALYZE or VACUUM saw last: counting would read every table whole, and
/// asking for a true size opens the table and all its indexes. Where neither ever ran, the size
/// is asked for, and the rows are what the statistics collector counted. Names are put together
/// and partitions are added up here, because a new session needs longer to plan that than to
/// answer all the rest.
const TABLES: &str = "\
SELECT c.oid, c.relnamespace, c.relname, \
       CASE WHEN c.relkind = 'p' THEN 0 WHEN c.reltuples >= 0 THEN c.reltuples \
            ELSE pg_stat_get_live_tuples(c.oid) END::bigint, \
       CASE WHEN c.relkind = 'p' THEN 0 WHEN c.relpages = 0 AND c.oid >= 16384 THEN pg_total_relation_size(c.oid) \
            ELSE (c.relpages + coalesce(t.relpages, 0) + coalesce(i.pages, 0)) * current_setting('block_size')::bigint END, \
       CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid END \
FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid \
LEFT JOIN (SELECT x.indrelid, sum(i.relpages) AS pages FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
           GROUP BY 1) i ON i.indrelid = c.oid \
WHERE c.relkind IN ('r', 'p', 'm')";

/// Where there is more to read: the table that the search path leads to by the name of the history,
/// and whether there is a marker.
pub(crate) struct Found {
    pub(crate) history: Option<String>,
    pub(crate) marker: bool,
}

/// The server and the database, in one round trip. The table called `history` is left out.
pub(crate) fn survey(session: &mut Session, history: &str) -> Result<(Found, ServerFacts, DatabaseFacts)> {
    let tls = if matches!(session.target.host, Host::Socket(_)) { "NULL" } else { TLS };
    let server = SERVER.replace("{tls}", tls);
    let questions = format!(
        "SELECT to_regclass({}), to_regclass('cargo_db.marker') IS NOT NULL; {server}; {SCHEMAS}; {TABLES}",
        quote_literal(history)
    );
    let sets = session.result_sets("look at the database", &questions)?;
    let [table, server, schemas, tables] = <[Vec<Row>; 4]>::try_from(sets).unwrap_or_default();
    let surveyed = server.first().and_then(|row| Some((facts(row)?, database(history, &schemas, &tables)?)));
    let (server, database) =
        surveyed.ok_or_else(|| Kind::Bug { what: "the server answered another question".to_owned() })?;
    let found = table.first().map_or(Found { history: None, marker: false }, |row| Found {
        history: row[0].clone(),
        marker: row[1].as_deref() == Some("t"),
    });
    Ok((found, server, database))
}

fn facts(row: &Row) -> Option<ServerFacts> {
    Some(ServerFacts {
        // Debian appends its own version in parentheses.
        version: row[0].as_deref()?.split(' ').next()?.to_owned(),
        user: row[1].clone()?,
        in_recovery: row[2].as_deref() == Some("t"),
        superuser: row[3].as_deref() == Some("on"),
        tls: row[4].clone(),
    })
}

/// Puts the rows of [`SCHEMAS`] and [`TABLES`] together.
fn database(history: &str, schemas: &[Row], tables: &[Row]) -> Option<DatabaseFacts> {
    let mut schema_of = HashMap::new();
    for schema in schemas {
        schema_of.insert(schema[0].as_deref()?, (schema[1].as_deref()?, schema[2].as_deref() == Some("t")));
    }
    let mut database = DatabaseFacts::default();
    let mut by_root: HashMap<&str, TableSize> = HashMap::new();
    for table in tables {
        let [oid, schema, name, rows, bytes, root] = table.as_slice() else { return None };
        let (oid, name) = (oid.as_deref()?, name.as_deref()?);
        let (rows, bytes): (u64, u64) = (rows.as_deref()?.parse().ok()?, bytes.as_deref()?.parse().ok()?);
        database.bytes += bytes;
        // A schema that was made between the two questions.
        let Some(&(schema, is_current)) = schema_of.get(schema.as_deref()?) else { continue };
        let of_server = schema.starts_with("pg_") || matches!(schema, "information_schema" | "cargo_db");
        if of_server || name == history {
            continue;
        }
        let sum = by_root.entry(root.as_deref().unwrap_or(oid)).or_default();
        (sum.rows, sum.bytes) = (sum.rows + rows, sum.bytes + bytes);
        if root.is_none() {
            sum.name = if is_current { name.to_owned() } else { format!("{schema}.{name}") };
        }
    }
    database.tables = by_root.into_values().collect();
    database.tables.sort_by(|a, b| (b.bytes, &a.name).cmp(&(a.bytes, &b.name)));
    Some(database)
}
