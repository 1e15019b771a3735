//! The rows of the history, for a copy that otherwise has only the schema.

use crate::failure::Result;
use crate::migration::read_history;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use pg_sql::quote::quote_literal;

/// Copies the rows of the history to a copy that has only the schema.
pub(super) fn copy_history(
    world: &World,
    settings: &Settings,
    target: &Target,
    copy: &Target,
) -> Result<()> {
    let layout = &settings.migrations.layout;
    if layout.is_asked() {
        return Ok(());
    }
    let mut session = Session::open(world, target, Purpose::Read)?;
    let Some(table) = read_history(&mut session, layout)?.table else { return Ok(()) };
    let sql = format!("SELECT pg_catalog.json_agg(rows.*) FROM {table} AS rows");
    let Some(rows) = session.value("read the history", &sql)? else { return Ok(()) };
    let mut session = Session::open(world, copy, Purpose::Write)?;
    let sql = format!(
        "INSERT INTO {table} OVERRIDING SYSTEM VALUE \
         SELECT * FROM pg_catalog.json_populate_recordset(NULL::{table}, {})",
        quote_literal(&rows)
    );
    session.run_with_triggers("copy the history", &sql)?;
    for column in numbered(&mut session, &table)? {
        session.run("set a sequence of the history", &column)?;
    }
    Ok(())
}

/// The statements that advance a table's sequences past its rows.
fn numbered(session: &mut Session, table: &str) -> Result<Vec<String>> {
    let name = quote_literal(table);
    let sql = format!(
        "SELECT format('SELECT pg_catalog.setval(%L, (SELECT max(%I) FROM %s))', s.sequence, \
                       a.attname, {name}) \
         FROM pg_attribute a, pg_get_serial_sequence({name}, a.attname) AS s (sequence) \
         WHERE a.attrelid = {name}::regclass AND a.attnum > 0 AND NOT a.attisdropped \
           AND s.sequence IS NOT NULL"
    );
    session.column("find numbered columns", &sql)
}
