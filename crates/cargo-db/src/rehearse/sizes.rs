//! How many rows tables have: estimated without reading them, or counted.

use std::collections::BTreeMap;

use crate::failure::Result;
use crate::rehearse::baseline::InitialTables;
use crate::rehearse::capture::ask;
use crate::rehearse::snapshot::{Counts, Oid, Relation};
use crate::world::pg::Session;
use pg_sql::name::short;

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

/// How many rows a table of the copy has: counted, or the estimate if that is more. `done` is what
/// the last statement did to it, which does not count.
pub(super) fn rows_of(
    session: &mut Session,
    tables: &InitialTables,
    oid: Oid,
    done: Counts,
) -> Result<u64> {
    let Some(table) = tables.relations.get(&oid) else { return Ok(0) };
    if !tables.holds_rows || !table.countable {
        return Ok(table.rows);
    }
    let sql =
        format!("SELECT {oid}::pg_catalog.regclass FROM pg_catalog.pg_class WHERE oid = {oid}");
    let Some(name) = session.value("find the table", &sql)? else { return Ok(table.rows) };
    let only = if table.kind == 'r' { "ONLY " } else { "" };
    let sql = format!("SELECT pg_catalog.count(*) FROM {only}{name}");
    // A materialized view that was never filled cannot be read.
    let row = ask(session, &sql)?.and_then(|rows| rows.into_iter().next());
    let counted: u64 = row.map_or(Ok(0), |row| row.number("count"))?;
    Ok(table.rows.max((counted + done.deleted).saturating_sub(done.inserted)))
}

/// The same of the table with this name, or short name.
pub(super) fn rows_named(session: &mut Session, tables: &InitialTables, name: &str) -> Result<u64> {
    let same = |(_, relation): &(&Oid, &Relation)| short(&relation.name) == short(name);
    let oid = tables.relations.iter().find(same).map(|(oid, _)| *oid);
    oid.map_or(Ok(0), |oid| rows_of(session, tables, oid, Counts::default()))
}
