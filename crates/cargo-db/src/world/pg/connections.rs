//! How many connections the server still accepts.

use crate::failure::Result;
use crate::world::pg::Session;

/// How many more sessions the session's role can open, and what limits that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FreeConnections {
    pub(crate) free: u64,
    /// The limit of which they are free.
    pub(crate) limit: u64,
    /// `the server`, `the role` or `the database`.
    pub(crate) limited_by: String,
}

impl FreeConnections {
    /// Reads the limit that leaves the fewest. The session itself counts as free.
    pub(crate) fn of(session: &mut Session) -> Result<FreeConnections> {
        let row = session.one("read the limits of connections", include_str!("connections.sql"))?;
        Ok(FreeConnections {
            free: row.number("free")?,
            limit: row.number("most")?,
            limited_by: row.text("limited_by")?.to_owned(),
        })
    }
}
