//! cargo db's own tables, in the schema `cargo_db`, and which of them a role may not read.
//! Determined from the catalog, which every role may read: querying the table would fail.

use crate::failure::Result;
use crate::model::event::Event;
use crate::world::World;
use crate::world::pg::session::Session;

/// An SQL expression for the names of the tables that the session's role may not read and should: a
/// comma-separated text, or NULL.
pub(crate) const UNREAD: &str = include_str!("sql/unread.sql");

/// Our own tables that the session's role may not read.
pub(crate) fn unread(session: &mut Session) -> Result<Vec<String>> {
    let sql = format!("SELECT ({UNREAD})");
    let names = session.value("read the rights on cargo_db", &sql)?;
    Ok(names_in(names.as_deref()))
}

/// Our own tables that no backup and no dump contains: those, and the fingerprint with its key.
pub(crate) fn left_out(session: &mut Session) -> Result<Vec<String>> {
    let sql = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'cargo_db' AND c.relname = 'fingerprint' AND c.relkind = 'r'";
    let mut names = unread(session)?;
    names.extend(session.column("look for the fingerprint", sql)?);
    Ok(names)
}

/// The names in the value of [`UNREAD`].
pub(crate) fn names_in(value: Option<&str>) -> Vec<String> {
    value.into_iter().flat_map(|names| names.split(',')).map(str::to_owned).collect()
}

/// Emits a warning about tables that could not be read.
pub(crate) fn warn_about_unread(world: &World, role: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let tables: Vec<String> = names.iter().map(|name| format!("cargo_db.{name}")).collect();
    let message =
        format!("could not read {}: the role `{role}` has no privilege", tables.join(", "));
    world.emit(Event::Notice { severity: "warning".to_owned(), message });
}
