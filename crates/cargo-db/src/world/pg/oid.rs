//! Which database a session is in, whatever it is called: one that was renamed is the same one, and
//! one that has taken its name is not.

use crate::failure::{DatabaseError, Kind, Result};
use crate::world::pg::session::Session;

/// The cluster's identifier and the oid of the session's database; only the oid if the role may not
/// read the identifier.
pub(crate) fn identity(session: &mut Session) -> Result<String> {
    let oid = "SELECT oid FROM pg_database WHERE datname = current_database()";
    let both = format!("SELECT system_identifier || ' ' || ({oid}) FROM pg_control_system()");
    match session.value("ask which database this is", &both) {
        Err(failure) if matches!(failure.kind(), Kind::Database(DatabaseError::Sql { .. })) => {
            let oid: u32 = session.number("ask for the oid of the database", oid)?;
            Ok(format!("unknown {oid}"))
        }
        both => Ok(both?.unwrap_or_default()),
    }
}
