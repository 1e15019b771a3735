//! What the server says about itself and one database.

use std::collections::HashMap;

use crate::failure::{Kind, Result};
use crate::model::overview::{DatabaseFacts, ServerFacts, TableSize};
use crate::model::target::Host;
use crate::world::pg::session::{Row, Session};
use db_tools::ProjectTool;
use pg_sql::quote::quote_literal;

const SERVER: &str = "\
SELECT current_setting('server_version'), current_user, pg_is_in_recovery(), current_setting('is_superuser'), \
       {tls}, current_setting('block_size')";

/// Nobody speaks TLS over a unix socket, and the view is slow.
const TLS: &str = "(SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl)";

/// The schemas, and which of them new tables go into.
const SCHEMAS: &str = "SELECT oid, nspname, nspname = current_schema() FROM pg_namespace";

/// Every table with its schema, rows and pages, and whether [`DETAILS`] knows more of it.
///
/// Rows and sizes are what ANALYZE or VACUUM saw last: counting would read every table whole, and
/// asking for a true size opens the table and all its indexes. Names are put together and partitions
/// are added up here, and what few tables need is asked for apart, because a new session needs
/// longer to plan all that than to answer all the rest.
const TABLES: &str = "\
SELECT c.oid, c.relnamespace, c.relname, c.reltuples, c.relpages + coalesce(t.relpages, 0) + coalesce(i.pages, 0), \
       c.relkind = 'p', c.oid >= 16384 AND (c.relispartition OR c.reltuples < 0) \
FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid \
LEFT JOIN (SELECT x.indrelid, sum(i.relpages) AS pages FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
           GROUP BY 1) i ON i.indrelid = c.oid \
WHERE c.relkind IN ('r', 'p', 'm')";

/// Of partitions, the table that they are a part of; of tables that were never analysed, the true size
/// and the rows that the statistics collector counted.
const DETAILS: &str = "\
SELECT c.oid, CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid END, \
       CASE WHEN c.reltuples < 0 AND c.relkind <> 'p' THEN pg_stat_get_live_tuples(c.oid) END, \
       CASE WHEN c.reltuples < 0 AND c.relkind <> 'p' THEN pg_total_relation_size(c.oid) END \
FROM pg_class c WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND (c.relispartition OR c.reltuples < 0)";

/// Where there is more to read: the table that the search path leads to by the name of the history,
/// and whether there is a marker.
pub(crate) struct Found {
    pub(crate) history: Option<String>,
    pub(crate) marker: bool,
}

/// The server and the database, in one round trip. The tool's own tables are left out.
pub(crate) fn survey(
    session: &mut Session,
    layout: &ProjectTool,
) -> Result<(Found, ServerFacts, DatabaseFacts)> {
    let tls = if matches!(session.target.host, Host::Socket(_)) { "NULL" } else { TLS };
    let server = SERVER.replace("{tls}", tls);
    let questions = format!(
        "SELECT to_regclass({}), to_regclass('cargo_db.marker') IS NOT NULL; {server}; {SCHEMAS}; {TABLES}",
        quote_literal(&layout.lookup_name())
    );
    let sets = session.result_sets("look at the database", &questions)?;
    let [table, server, schemas, tables] = <[Vec<Row>; 4]>::try_from(sets).unwrap_or_default();
    let unsure =
        tables.iter().any(|row| row.get(6).is_some_and(|unsure| unsure.as_deref() == Some("t")));
    let details = if unsure { session.rows("look at some tables", DETAILS)? } else { Vec::new() };
    let surveyed = server.first().and_then(|row| {
        let block_size = row[5].as_deref()?.parse().ok()?;
        let tables =
            Tables { layout, schemas: &schemas, tables: &tables, details: &details, block_size };
        Some((facts(row)?, tables.database()?))
    });
    let (server, database) = surveyed
        .ok_or_else(|| Kind::Bug { what: "the server answered another question".to_owned() })?;
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

/// The rows of [`SCHEMAS`], [`TABLES`] and [`DETAILS`].
struct Tables<'a> {
    layout: &'a ProjectTool,
    schemas: &'a [Row],
    tables: &'a [Row],
    details: &'a [Row],
    block_size: u64,
}

impl Tables<'_> {
    /// Puts them together.
    fn database(&self) -> Option<DatabaseFacts> {
        let mut schema_of = HashMap::new();
        for row in self.schemas {
            schema_of
                .insert(row[0].as_deref()?, (row[1].as_deref()?, row[2].as_deref() == Some("t")));
        }
        let mut detail_of = HashMap::new();
        for row in self.details {
            detail_of.insert(row[0].as_deref()?, row);
        }
        let mut database = DatabaseFacts::default();
        let mut by_root: HashMap<&str, TableSize> = HashMap::new();
        for table in self.tables {
            let [oid, schema, name, rows, pages, is_partitioned, _] = table.as_slice() else {
                return None;
            };
            let (oid, name) = (oid.as_deref()?, name.as_deref()?);
            let detail = |column: usize| detail_of.get(oid).and_then(|row| row[column].as_deref());
            let (rows, bytes) = match (detail(2), detail(3)) {
                (Some(rows), Some(bytes)) => (rows.parse().ok()?, bytes.parse().ok()?),
                // What is partitioned has no rows of its own, though ANALYZE counts those of its parts.
                _ if is_partitioned.as_deref() == Some("t") => (0, 0),
                _ => (
                    rounded(rows.as_deref()?)?,
                    pages.as_deref()?.parse::<u64>().ok()? * self.block_size,
                ),
            };
            database.bytes += bytes;
            // A schema that was made between the two questions.
            let Some(&(schema, is_current)) = schema_of.get(schema.as_deref()?) else { continue };
            let of_server =
                schema.starts_with("pg_") || matches!(schema, "information_schema" | "cargo_db");
            if of_server || self.layout.is_own(schema, name) {
                continue;
            }
            let sum = by_root.entry(detail(1).unwrap_or(oid)).or_default();
            (sum.rows, sum.bytes) = (sum.rows + rows, sum.bytes + bytes);
            if detail(1).is_none() {
                sum.name = if is_current { name.to_owned() } else { format!("{schema}.{name}") };
            }
        }
        database.tables = by_root.into_values().collect();
        database.tables.sort_by(|a, b| (b.bytes, &a.name).cmp(&(a.bytes, &b.name)));
        Some(database)
    }
}

/// A float of the server's, such as `1e+06`, as a number of rows.
fn rounded(text: &str) -> Option<u64> {
    let rows: f64 = text.parse().ok()?;
    // Not a loss: it is an estimate, and below zero stands for none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, and not below zero"
    )]
    Some(rows.max(0.0).round() as u64)
}
