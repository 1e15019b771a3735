//! Statements of a dump that cannot run as they are: settings of a newer client that the server
//! does not know, and what already exists, which its owner may be the only one to change.

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::model::event::Event;
use crate::world::World;
use crate::world::pg::Session;
use pg_sql::lexer::first_words;
use pg_sql::script::Statement;

/// The comment that every new database has. Before version 15, a partial dump writes it, and only a
/// superuser owns the schema.
const USUAL_COMMENT: &str = "COMMENT ON SCHEMA public IS 'standard public schema'";

/// The parameters of the server that a dump is loaded into, while its preamble is read. There
/// `pg_dump` lifts limits; one that the server does not know, it does not have.
pub(super) struct ServerParameters<'a> {
    world: &'a World,
    server: u32,
    parameters: BTreeSet<String>,
    in_preamble: bool,
    /// Those that are left out and were named.
    said: BTreeSet<String>,
    /// The schemas that exist before anything is loaded.
    schemas: BTreeSet<String>,
}

impl ServerParameters<'_> {
    /// Asks the server.
    pub(super) fn of<'a>(world: &'a World, session: &mut Session) -> Result<ServerParameters<'a>> {
        let sql = "SELECT pg_catalog.lower(name) FROM pg_catalog.pg_settings";
        let parameters = session.column("list the parameters of the server", sql)?;
        let parameters = parameters.into_iter().collect();
        let sql = "SELECT nspname::pg_catalog.text FROM pg_catalog.pg_namespace";
        let schemas = session.column("list the schemas", sql)?.into_iter().collect();
        let server = session.server_major()?;
        Ok(ServerParameters {
            world,
            server,
            parameters,
            in_preamble: true,
            said: BTreeSet::new(),
            schemas,
        })
    }

    /// Whether a statement creates a schema that already exists: `public`, which a partial dump
    /// creates although every new database has it, or a schema of an extension.
    fn is_there(&mut self, statement: &Statement) -> bool {
        let words = first_words(&statement.text, 5);
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["create", "schema", name] => self.schemas.remove(name),
            ["drop", "schema", "if", "exists", name] | ["drop", "schema", name, ..] => {
                self.schemas.remove(name);
                false
            }
            _ => false,
        }
    }

    /// Whether the next statement is left out; reported as an event.
    pub(super) fn leaves_out(&mut self, statement: &Statement) -> bool {
        if self.is_there(statement) || statement.text == USUAL_COMMENT {
            return true;
        }
        let sets = statement.parameter();
        self.in_preamble &= sets.is_some() || is_preamble(statement);
        let unknown = sets.filter(|name| self.in_preamble && !self.parameters.contains(name));
        let Some(name) = unknown.filter(|name| !name.contains('.')) else { return false };
        if !self.said.insert(name.clone()) {
            return true;
        }
        let server = self.server;
        let message =
            format!("left out: the file sets `{name}`, which PostgreSQL {server} does not know");
        self.world.emit(Event::Notice { severity: "note".to_owned(), message });
        true
    }
}

/// The statement between the settings: `SELECT pg_catalog.set_config('search_path', '', false)`.
fn is_preamble(statement: &Statement) -> bool {
    statement.text.starts_with("SELECT pg_catalog.set_config(")
        || statement.is_about_database()
        || statement.is_plain_begin()
}
