//! Who else is connected to a database.

use std::time::Duration;

use crate::failure::Result;
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::session::Session;
use pg_sql::quote::quote_literal;

/// The other sessions in a database, such as `psql as ada`, except for that of the lock. Our own
/// sessions that have just ended may still be visible for a moment.
pub(crate) fn others_connected(
    world: &World,
    session: &mut Session,
    database: &str,
) -> Result<Vec<String>> {
    let began = stopwatch();
    let database = quote_literal(database);
    let sql = format!(include_str!("sql/others_connected.sql"), database = database);
    loop {
        let others = session.column("find out who is connected", &sql)?;
        let only_ours = others
            .iter()
            .all(|other| other.starts_with("cargo-db/") || other.starts_with("pg_dump"));
        if others.is_empty() || !only_ours || began.elapsed() > Duration::from_secs(5) {
            return Ok(others);
        }
        pause(world, Duration::from_millis(20))?;
    }
}
