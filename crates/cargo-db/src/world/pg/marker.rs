//! The marker: a table with one row, in which a database records its environment.
//!
//! The row also contains the database's oid and the cluster's identifier. A restored dump and a
//! clone of a template have another oid, so their marker is recognised as a copy.

use crate::failure::Result;
use crate::model::environment::{Environment, Marker};
use crate::model::key::PublicKey;
use crate::world::pg::row::Row;
use crate::world::pg::session::Session;
use pg_sql::quote::quote_literal;

const READ: &str = "\
SELECT environment, \
       database_oid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
       AND system_identifier = (SELECT system_identifier FROM pg_control_system()) AS genuine, \
       to_jsonb(m) ->> 'keys' AS keys \
FROM cargo_db.marker m";

/// Queries the catalog, which every role may read: whether the table exists even if the role may
/// not read it, and whether it is a table. Reading a view would run its owner's code.
const EXISTS: &str = "\
SELECT c.relkind = 'r' FROM pg_catalog.pg_class c \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = 'cargo_db' AND c.relname = 'marker'";

/// The marker of the session's database. One that cannot be read, or has an unknown value, counts
/// as production's.
pub(crate) fn read(session: &mut Session) -> Result<Option<Marker>> {
    let Some(is_table) = session.value("find the marker", EXISTS)? else { return Ok(None) };
    let unreadable = Marker::of(Environment::Production);
    if is_table != "t" {
        return Ok(Some(unreadable));
    }
    Ok(match session.rows("read the marker", READ).as_deref() {
        Ok([]) => None,
        Ok([row]) => Some(marker(row).unwrap_or(unreadable)),
        _ => Some(unreadable),
    })
}

fn marker(row: &Row) -> Result<Marker> {
    let environment = Environment::named(row.text("environment")?);
    Ok(Marker {
        environment: environment.unwrap_or(Environment::Production),
        genuine: row.optional_text("genuine")? == Some("t"),
        // An invalid key is ignored.
        keys: words(row.optional_text("keys")?).filter_map(|word| word.parse().ok()).collect(),
    })
}

fn words(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.into_iter().flat_map(str::split_whitespace)
}

/// The keys whose receipts the session's database accepts. Those in a copied marker do not count.
pub(crate) fn accepted_keys(session: &mut Session) -> Result<Vec<PublicKey>> {
    let marker = read(session)?.filter(|marker| marker.genuine);
    Ok(marker.map(|marker| marker.keys).unwrap_or_default())
}

/// Writes the marker, in the session's transaction if it is in one: with the oid of the database,
/// or without one for a copy.
pub(crate) fn write(session: &mut Session, marker: &Marker) -> Result<()> {
    let environment = quote_literal(marker.environment.name());
    let oid = if marker.genuine { "d.oid" } else { "0" };
    let keys: Vec<String> = marker.keys.iter().map(ToString::to_string).collect();
    let keys = quote_literal(&keys.join(" "));
    let sql =
        format!(include_str!("sql/mark.sql"), environment = environment, oid = oid, keys = keys);
    session.run_with_triggers("mark the database", &sql)
}

/// Deletes the marker of the session's database, but keeps its table.
pub(crate) fn empty(session: &mut Session) -> Result<()> {
    session.run_with_triggers("remove the marker", "DELETE FROM cargo_db.marker")
}

/// Removes the marker of the session's database.
pub(crate) fn clear(session: &mut Session) -> Result<()> {
    session.run_with_triggers("remove the marker", "DROP TABLE IF EXISTS cargo_db.marker")
}
