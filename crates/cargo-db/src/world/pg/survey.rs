//! What the server says about itself and one database, in one round trip.

use crate::failure::{Kind, Result};
use crate::model::layout::quote_literal;
use crate::model::overview::{DatabaseFacts, ServerFacts, TableSize};
use crate::world::pg::session::{Row, Session};

const SERVER: &str = "\
SELECT current_setting('server_version'), current_user, pg_is_in_recovery(), \
       (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), \
       current_setting('is_superuser'), pg_database_size(current_database())";

/// Rows are what the statistics collector counted last, else what ANALYZE or VACUUM estimated: a
/// fresh table has no estimate, and counting would read it whole.
const TABLES: &str = "\
SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END, s.rows, s.bytes \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
CROSS JOIN LATERAL ( \
    SELECT coalesce(sum(CASE WHEN pg_stat_get_live_tuples(p.relid) > 0 THEN pg_stat_get_live_tuples(p.relid) \
                             ELSE greatest(pc.reltuples, 0)::bigint END), 0)::bigint AS rows, \
           coalesce(sum(pg_total_relation_size(p.relid)), 0)::bigint AS bytes \
    FROM (SELECT c.oid AS relid WHERE c.relkind <> 'p' \
          UNION ALL SELECT relid FROM pg_partition_tree(c.oid) WHERE c.relkind = 'p' AND isleaf) p \
    JOIN pg_class pc ON pc.oid = p.relid) s \
WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition \
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'cargo_db') AND n.nspname NOT LIKE 'pg\\_%' \
ORDER BY s.bytes DESC, 1";

/// Asks; `history_table` is left out of the tables.
pub(crate) fn survey(session: &mut Session, history_table: &str) -> Result<(ServerFacts, DatabaseFacts)> {
    let tables =
        TABLES.replace("ORDER BY", &format!("AND c.relname <> {} ORDER BY", quote_literal(history_table)));
    let sets = session.result_sets("look at the database", &format!("{SERVER}; {tables}"))?;
    let surveyed = match sets.as_slice() {
        [server, tables] => server.first().and_then(|row| server_facts(row, tables)),
        _ => None,
    };
    surveyed.ok_or_else(|| Kind::Bug { what: "the server answered another question".to_owned() }.into())
}

fn server_facts(row: &Row, tables: &[Row]) -> Option<(ServerFacts, DatabaseFacts)> {
    let server = ServerFacts {
        // Debian appends its own version in parentheses.
        version: row[0].as_deref()?.split(' ').next()?.to_owned(),
        user: row[1].clone()?,
        in_recovery: row[2].as_deref() == Some("t"),
        tls: row[3].clone(),
        superuser: row[4].as_deref() == Some("on"),
    };
    let tables: Option<Vec<TableSize>> = tables.iter().map(table_size).collect();
    Some((server, DatabaseFacts { bytes: row[5].as_deref()?.parse().ok()?, tables: tables? }))
}

fn table_size(row: &Row) -> Option<TableSize> {
    Some(TableSize {
        name: row[0].clone()?,
        rows: row[1].as_deref()?.parse().ok()?,
        bytes: row[2].as_deref()?.parse().ok()?,
    })
}
