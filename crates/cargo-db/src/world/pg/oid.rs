//! Which database a session is in, whatever it is called: one that was renamed is the same one, and
//! one that has taken its name is not.

use crate::failure::{DatabaseError, Kind, Result};
use crate::world::pg::row::Row;
use crate::world::pg::session::{Session, only_row};

/// The cluster's identifier and the oid of the session's database; only the oid if the role may not
/// read the identifier.
pub(crate) fn identity(session: &mut Session) -> Result<String> {
    Ok(identity_along_with(session, "SELECT 1")?.0)
}

/// The same, with the rows of another query in the same round trip.
pub(crate) fn identity_along_with(
    session: &mut Session,
    query: &str,
) -> Result<(String, Vec<Row>)> {
    let doing = "ask which database this is";
    let oid = "SELECT oid FROM pg_database WHERE datname = current_database()";
    let both = format!("SELECT system_identifier || ' ' || ({oid}) FROM pg_control_system()");
    let sets = match session.sets(doing, &format!("{both}; {query}")) {
        Err(failure) if matches!(failure.kind(), Kind::Database(DatabaseError::Sql { .. })) => {
            session.sets(doing, &format!("SELECT 'unknown ' || ({oid}); {query}"))?
        }
        sets => sets?,
    };
    let [identity, rows] = sets;
    let identity = only_row(doing, identity)?.sole()?.unwrap_or_default().to_owned();
    Ok((identity, rows))
}
