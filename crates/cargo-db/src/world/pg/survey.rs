//! What the server says about itself and one database.

use crate::failure::{Kind, Result};
use crate::model::layout::quote_literal;
use crate::model::overview::{ServerFacts, TableSize};
use crate::model::target::Host;
use crate::world::pg::session::{Row, Session};

const SERVER: &str = "\
SELECT current_setting('server_version'), current_user, pg_is_in_recovery(), current_setting('is_superuser'), \
       {tls}";

/// How large the database is, in bytes. The server looks at every file for that.
pub(crate) const SIZE: &str = "SELECT pg_database_size(current_database())";

/// Nobody speaks TLS over a unix socket, and the view is slow.
const TLS: &str = "(SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl)";

/// Rows and sizes are what ANALYZE or VACUUM saw last: counting would read every table whole, and
/// asking for a true size opens the table and all its indexes. Where neither ever ran, the size
/// is asked for, and the rows are what the statistics collector counted. The partitions of a
/// table are counted as the table.
const TABLES: &str = "\
WITH part AS MATERIALIZED ( \
    SELECT c.oid, c.relnamespace, c.relname, c.relkind, c.reltuples, c.relpages, c.reltoastrelid, \
           CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS root \
    FROM pg_class c WHERE c.relkind IN ('r', 'p', 'm') AND c.relname <> {history} AND c.relnamespace NOT IN ( \
        SELECT oid FROM pg_namespace WHERE nspname IN ('information_schema', 'cargo_db') OR starts_with(nspname, 'pg_'))), \
measured AS ( \
    SELECT p.root, \
           CASE WHEN p.relkind = 'p' THEN 0 WHEN p.reltuples >= 0 THEN p.reltuples \
                ELSE pg_stat_get_live_tuples(p.oid) END AS rows, \
           CASE WHEN p.relkind = 'p' THEN 0 WHEN p.relpages = 0 THEN pg_total_relation_size(p.oid) \
                ELSE (p.relpages + coalesce(t.relpages, 0) + coalesce(i.pages, 0)) * current_setting('block_size')::bigint \
           END AS bytes \
    FROM part p LEFT JOIN pg_class t ON t.oid = p.reltoastrelid \
    LEFT JOIN (SELECT x.indrelid, sum(c.relpages) AS pages FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid \
               GROUP BY 1) i ON i.indrelid = p.oid) \
SELECT CASE WHEN n.nspname = current_schema() THEN p.relname ELSE n.nspname || '.' || p.relname END, \
       sum(m.rows)::bigint, sum(m.bytes)::bigint AS bytes \
FROM measured m JOIN part p ON p.oid = m.root JOIN pg_namespace n ON n.oid = p.relnamespace \
GROUP BY p.oid, n.nspname, p.relname ORDER BY bytes DESC, p.relname";

/// The server and the tables, the largest first, in one round trip; `history_table` is left out.
pub(crate) fn survey(session: &mut Session, history_table: &str) -> Result<(ServerFacts, Vec<TableSize>)> {
    let tls = if matches!(session.target.host, Host::Socket(_)) { "NULL" } else { TLS };
    let tables = TABLES.replace("{history}", &quote_literal(history_table));
    let sets =
        session.result_sets("look at the tables", &format!("{}; {tables}", SERVER.replace("{tls}", tls)))?;
    let surveyed = match sets.as_slice() {
        [server, tables] => server.first().and_then(|row| facts(row, tables)),
        _ => None,
    };
    surveyed.ok_or_else(|| Kind::Bug { what: "the server answered another question".to_owned() }.into())
}

fn facts(row: &Row, tables: &[Row]) -> Option<(ServerFacts, Vec<TableSize>)> {
    let server = ServerFacts {
        // Debian appends its own version in parentheses.
        version: row[0].as_deref()?.split(' ').next()?.to_owned(),
        user: row[1].clone()?,
        in_recovery: row[2].as_deref() == Some("t"),
        superuser: row[3].as_deref() == Some("on"),
        tls: row[4].clone(),
    };
    Some((server, tables.iter().map(table_size).collect::<Option<_>>()?))
}

fn table_size(row: &Row) -> Option<TableSize> {
    Some(TableSize {
        name: row[0].clone()?,
        rows: row[1].as_deref()?.parse().ok()?,
        bytes: row[2].as_deref()?.parse().ok()?,
    })
}
