//! What files expect to be lost, where no rehearsal has said it: in an environment that asks for
//! none, the bound in the file still holds.

use crate::change::workspace::Database;
use crate::check;
use crate::failure::Result;
use crate::migration::{self as migrating, LostObject};
use crate::model::migration::Migration;
use crate::model::rehearsal::Guard;
use crate::plan::Plan;
use crate::world::files;
use crate::world::pg::Session;
use pg_sql::quote::quote_literal;

/// What has to be counted again before the plan runs, as far as the text of its files shows.
pub(super) fn guards(database: &Database<'_>, plan: &Plan) -> Result<Vec<Guard>> {
    let (world, settings) = (&database.workspace.world, &database.settings);
    let mut guards = Vec::new();
    for migration in plan.migrations().filter(|migration| !migration.up.is_code) {
        guards.extend(of_file(database, migration)?);
    }
    if guards.is_empty() {
        return Ok(Vec::new());
    }
    let session = migrating::connect_or_none(world, settings, &plan.target)?;
    let Some(mut session) = session else { return Ok(Vec::new()) };
    let mut there = Vec::new();
    for (lost, bound) in guards {
        // What these migrations make holds nothing yet.
        let table = named(&mut session, &lost)?;
        there.extend(table.map(|table| Guard { table, column: lost.column, bound }));
    }
    Ok(there)
}

fn of_file(database: &Database<'_>, migration: &Migration) -> Result<Vec<(LostObject, u64)>> {
    let path = &migration.up.path;
    let bytes = migration.up.with_head(files::read(&database.settings.root.join(path))?);
    let mut expected = check::expected(&String::from_utf8_lossy(&bytes));
    expected.extend(database.settings.expected.of(&migration.version.to_string()));
    if expected.is_empty() {
        return Ok(Vec::new());
    }
    let guard = |lost: LostObject| {
        let of_it = expected.iter().filter(|expected| expected.is_loss_of(&lost.name()));
        let bound = of_it.map(|expected| expected.bound).max()?;
        Some((lost, bound))
    };
    Ok(migrating::dropped_by(&bytes).into_iter().filter_map(guard).collect())
}

/// The table that a file names, with its schema; `None` if the table or the column does not exist.
fn named(session: &mut Session, lost: &LostObject) -> Result<Option<String>> {
    // A bound cannot be checked if the text does not show which table it applies to.
    let Some(table) = lost.lookup(session) else { return Ok(None) };
    let with_column = lost.column.as_ref().map_or_else(String::new, |column| {
        format!(
            " AND EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid \
             AND a.attname = {} AND NOT a.attisdropped)",
            quote_literal(column)
        )
    });
    let sql = format!(
        "SELECT c.oid::regclass::text FROM pg_class c \
         WHERE c.oid = {table} AND c.relkind IN ('r', 'p'){with_column}"
    );
    session.value("find what is expected to be lost", &sql)
}
