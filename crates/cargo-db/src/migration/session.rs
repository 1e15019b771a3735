//! The sessions of a run: their limits, and those that a killed run has left behind.

use std::time::Duration;

use crate::failure::Result;
use crate::model::event::Event;
use crate::settings::Limits;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use pg_sql::quote::quote_literal;

/// The statements that set the limits of a session.
pub(crate) fn session_settings(limits: &Limits) -> String {
    let milliseconds = |duration: Duration| duration.as_millis();
    let mut settings =
        format!("SET lock_timeout = {}", milliseconds(limits.ddl_lock_timeout.value));
    if let Some(timeout) = &limits.statement_timeout {
        settings = format!("{settings}; SET statement_timeout = {}", milliseconds(timeout.value));
    }
    settings
}

/// The holder of the lock is the only run. Another writing session of cargo db in this database
/// belongs to a killed run, and its transaction could block this one.
pub(super) fn end_sessions_of_killed_runs(world: &World, session: &mut Session) -> Result<()> {
    let name = Purpose::Write.application_name();
    let last = name.rsplit(' ').next().unwrap_or("write");
    let sql = format!(
        include_str!("sql/end_killed_runs.sql"),
        write = quote_literal(&format!("%{last}"))
    );
    for row in session.rows("find sessions of killed runs", &sql)? {
        world.emit(Event::SessionOfKilledRunEnded { pid: row.number("pid")? });
    }
    Ok(())
}
