//! What a newer client sets at the beginning of a dump, and the server does not know.

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::model::event::Event;
use crate::world::World;
use crate::world::pg::Session;
use pg_sql::script::Statement;

/// The parameters of the server that a dump is loaded into, while its preamble is read. There
/// `pg_dump` lifts limits; one that the server does not know, it does not have.
pub(super) struct Known<'a> {
    world: &'a World,
    server: u32,
    parameters: BTreeSet<String>,
    in_preamble: bool,
}

impl Known<'_> {
    /// Asks the server.
    pub(super) fn of<'a>(world: &'a World, session: &mut Session) -> Result<Known<'a>> {
        let sql = "SELECT pg_catalog.lower(name) FROM pg_catalog.pg_settings";
        let parameters = session.column("list the parameters of the server", sql)?;
        let parameters = parameters.into_iter().collect();
        Ok(Known { world, server: session.server_major()?, parameters, in_preamble: true })
    }

    /// Whether the next statement is left out, which is said.
    pub(super) fn leaves_out(&mut self, statement: &Statement) -> bool {
        let sets = statement.parameter();
        self.in_preamble &= sets.is_some() || is_preamble(statement);
        let unknown = sets.filter(|name| self.in_preamble && !self.parameters.contains(name));
        let Some(name) = unknown.filter(|name| !name.contains('.')) else { return false };
        let server = self.server;
        let message =
            format!("left out: `{name}` is set, and PostgreSQL {server} does not know it");
        self.world.tell(Event::Notice { severity: "note".to_owned(), message });
        true
    }
}

/// What stands between the settings: `SELECT pg_catalog.set_config('search_path', '', false)`.
fn is_preamble(statement: &Statement) -> bool {
    statement.text.starts_with("SELECT pg_catalog.set_config(")
        || statement.is_about_database()
        || statement.is_plain_begin()
}
