//! The marker: a table of one row, in which a database says which environment it is.
//!
//! With it stand the database's oid and the cluster's identifier. A restored dump and a clone of a
//! template have another oid, so their marker is known for a copy's.

use crate::failure::Result;
use crate::model::environment::{Environment, Marker};
use crate::world::pg::session::Session;
use pg_sql::quote::quote_literal;

const GENUINE: &str = "database_oid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    AND system_identifier = (SELECT system_identifier FROM pg_control_system())";

/// The marker of the session's database. One that cannot be read, or says what nobody knows, counts
/// as production's.
pub(crate) fn read(session: &mut Session) -> Result<Option<Marker>> {
    if session.value("look for the marker", "SELECT to_regclass('cargo_db.marker')")?.is_none() {
        return Ok(None);
    }
    let sql = format!("SELECT environment, {GENUINE} FROM cargo_db.marker");
    let rows = session.rows("read the marker", &sql).ok();
    Ok(match rows.as_deref() {
        Some([]) => None,
        Some([row]) => Some(Marker {
            environment: row[0]
                .as_deref()
                .and_then(Environment::named)
                .unwrap_or(Environment::Production),
            genuine: row[1].as_deref() == Some("t"),
        }),
        _ => Some(Marker { environment: Environment::Production, genuine: true }),
    })
}

/// Marks the session's database, in its transaction if it is in one.
pub(crate) fn write(session: &mut Session, environment: Environment) -> Result<()> {
    let sql = format!(
        "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS cargo_db; \
         CREATE TABLE IF NOT EXISTS cargo_db.marker (environment text NOT NULL, database_oid oid NOT NULL, \
             system_identifier bigint NOT NULL, set_at timestamptz NOT NULL DEFAULT now(), \
             set_by text NOT NULL DEFAULT current_user); \
         GRANT USAGE ON SCHEMA cargo_db TO PUBLIC; GRANT SELECT ON cargo_db.marker TO PUBLIC; \
         DELETE FROM cargo_db.marker; \
         INSERT INTO cargo_db.marker (environment, database_oid, system_identifier) \
         SELECT {}, d.oid, c.system_identifier FROM pg_database d, pg_control_system() c \
         WHERE d.datname = current_database()",
        quote_literal(environment.name())
    );
    session.run("mark the database", &sql)
}

/// Removes the marker of the session's database.
pub(crate) fn clear(session: &mut Session) -> Result<()> {
    session.run("remove the marker", "DROP TABLE IF EXISTS cargo_db.marker")
}
