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

/// Whoever has the lock is the only run. Another writing session of cargo db in this database
/// belongs to a run that was killed, and its transaction can only be in the way.
pub(super) fn end_sessions_of_killed_runs(world: &World, session: &mut Session) -> Result<()> {
    let sql = format!(
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() \
           AND application_name LIKE 'cargo-db/%' AND (application_name LIKE '% tool' OR application_name LIKE {})",
        quote_literal(&format!(
            "%{}",
            Purpose::Write.application_name().rsplit(' ').next().unwrap_or("write")
        ))
    );
    for row in session.rows("look for sessions of killed runs", &sql)? {
        let pid = row[0].as_deref().and_then(|pid| pid.parse().ok()).unwrap_or(0);
        world.tell(Event::SessionOfKilledRunEnded { pid });
    }
    Ok(())
}
