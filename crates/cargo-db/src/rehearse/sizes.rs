//! How many rows tables have, without reading them.

use std::collections::BTreeMap;

use crate::failure::Result;
use crate::rehearse::snapshot::Oid;
use crate::world::pg::Session;

/// The estimated rows of each table, by name: the last count of the server, or the live rows in its
/// statistics, whichever is larger. This waits for no lock.
pub(super) fn sizes(session: &mut Session) -> Result<BTreeMap<String, u64>> {
    let rows = session.rows("read the sizes of tables", include_str!("sql/sizes.sql"))?;
    rows.iter().map(|row| Ok((row.text("name")?.to_owned(), row.number("rows")?))).collect()
}

/// The rows of tables of a copy that have grown since the server counted them.
pub(super) fn grown_tables(session: &mut Session) -> Result<Vec<(Oid, u64)>> {
    let rows = session.rows("find tables that have grown", include_str!("sql/grown.sql"))?;
    rows.iter().map(|row| Ok((row.number("oid")?, row.number("rows")?))).collect()
}

/// How many rows a table has, or `most` if it has more.
pub(super) fn count_up_to(session: &mut Session, table: &str, most: u64) -> Result<u64> {
    let sql = format!(
        "SELECT pg_catalog.count(*) FROM (SELECT 1 FROM {table} LIMIT {most}) AS some_rows"
    );
    session.number("count the rows of a small table", &sql)
}
