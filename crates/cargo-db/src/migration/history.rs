//! The history: the table in which a migration tool remembers what is applied, and how it is told
//! from the tables of other tools.

use postgres::error::SqlState;

use crate::failure::{Failure, Kind, Result};
use crate::model::history::History;
use crate::model::layout::Layout;
use crate::world::pg::Session;
use pg_sql::quote::quote_literal;

/// Reads the history. The table is looked for as the tool itself would, and its name is qualified,
/// so that nothing can hide it later.
pub(crate) fn read_history(session: &mut Session, layout: &Layout) -> Result<History> {
    let schema = layout.schema().map(|schema| format!("AND n.nspname = {}", quote_literal(schema)));
    let question = format!(
        include_str!("sql/find_history.sql"),
        name = quote_literal(layout.table_name()),
        schema = schema.as_deref().unwrap_or_default()
    );
    let found = session.rows("look for the history", &question)?;
    let Some(first) = found.first() else {
        return Ok(History { foreign: foreign_history(session, layout)?, ..History::default() });
    };
    if schema.is_none() && !first.flag("is_visible")? {
        // Whoever names a search path in the URL means to have a history there of its own.
        if session.target.options.as_deref().is_some_and(|options| options.contains("search_path"))
        {
            return Ok(History::default());
        }
        let schemas = found.iter().map(|row| Ok(format!("`{}`", row.text("schema")?)));
        let schemas = schemas.collect::<Result<Vec<_>>>()?.join(", ");
        let database = session.target.database.clone();
        return Err(Kind::HistoryElsewhere { database, schemas }.into());
    }
    let table = first.text("table")?.to_owned();
    read_table(session, layout, table)
}

/// Reads the history from this table, named as the server names it.
pub(crate) fn read_table(session: &mut Session, layout: &Layout, table: String) -> Result<History> {
    if layout.table().columns.len() < MIN_SIGNATURE && layout.schema().is_none() {
        check_history_columns(session, layout, &table)?;
    }
    let text = match session.value("read the history", &layout.select(&table)) {
        // Another tool's table of the same name has other columns.
        Err(failure) if failure.is(&SqlState::UNDEFINED_COLUMN) => {
            return Err(of_another(session, layout, table)?);
        }
        text => text?,
    };
    let applied = match text {
        Some(text) => {
            layout.rows(&text).ok_or_else(|| Kind::StrangeHistory { table: table.clone() })?
        }
        None => Vec::new(),
    };
    Ok(History { table: Some(table), applied, foreign: None })
}

/// The failure to find one's own history, with the tool whose it is.
fn of_another(session: &mut Session, layout: &Layout, table: String) -> Result<Failure> {
    let of =
        histories(session)?.into_iter().find(|(_, found)| *found == table).map(|(tool, _)| tool);
    let tool = of.filter(|tool| tool != layout.key());
    Ok(Kind::OtherHistory { table, tool, expected: layout.key().to_owned() }.into())
}

/// Several tools have a table `schema_migrations`, with hardly a column to tell them by: it has to
/// have just these, and Rails has another one beside it.
fn check_history_columns(session: &mut Session, layout: &Layout, table: &str) -> Result<()> {
    let question = format!(include_str!("sql/history_columns.sql"), table = quote_literal(table));
    let row = session.one("look whose history it is", &question)?;
    let is_rails = layout.table_name() == "schema_migrations" && row.flag("is_beside_rails")?;
    if row.text("columns")? == signature(layout) && !is_rails {
        return Ok(());
    }
    Err(of_another(session, layout, table.to_owned())?)
}

/// The columns of a tool's history, in the order of their names.
fn signature(layout: &Layout) -> String {
    let mut columns = layout.table().columns.to_vec();
    columns.sort_unstable();
    columns.join(" ")
}

/// Tables by which tools are known whose layouts are not.
const UNSUPPORTED: [(&str, &str); 3] = [
    ("atlas_schema_revisions", "atlas"),
    ("ar_internal_metadata", "rails"),
    ("hdb_version", "hasura"),
];
/// A table with fewer columns than this is known by its name alone.
const MIN_SIGNATURE: usize = 3;

/// The history tables of all tools: whose, and their qualified names. A table is known by its
/// columns, and by its name where these say little; so one that was given another name is found
/// too.
pub(crate) fn histories(session: &mut Session) -> Result<Vec<(String, String)>> {
    let names = Layout::all().map(|layout| quote_literal(layout.table_name()));
    let names: Vec<String> =
        names.chain(UNSUPPORTED.iter().map(|(name, _)| quote_literal(name))).collect();
    let telling = Layout::all().filter(|layout| layout.table().columns.len() >= MIN_SIGNATURE);
    let signatures: Vec<String> =
        telling.map(|layout| quote_literal(&signature(&layout))).collect();
    let question = format!(
        include_str!("sql/histories.sql"),
        names = names.join(", "),
        signatures = signatures.join(", ")
    );
    let mut found = Vec::new();
    for row in session.rows("look for the histories of other tools", &question)? {
        let tool = tool_of(row.text("schema")?, row.text("name")?, row.optional_text("columns")?);
        let table = row.text("table")?;
        found.extend(tool.map(|tool| (tool.to_owned(), table.to_owned())));
    }
    Ok(found)
}

/// Whose history a table with these columns is, if anybody's.
fn tool_of(schema: &str, name: &str, columns: Option<&str>) -> Option<&'static str> {
    let all = columns.unwrap_or_default();
    let columns: Vec<&str> = all.split(' ').collect();
    let named = |layout: &Layout| {
        layout.table_name() == name
            && layout.schema().is_none_or(|expected| expected == schema)
            && layout.table().columns.iter().all(|column| columns.contains(column))
    };
    let same =
        |layout: &Layout| layout.table().columns.len() >= MIN_SIGNATURE && signature(layout) == all;
    // Of two whose columns are all there, the one with more of them.
    let by_name = Layout::all().filter(named).max_by_key(|layout| layout.table().columns.len());
    let known = by_name.or_else(|| Layout::all().find(same)).map(|layout| layout.key());
    let unsupported = UNSUPPORTED.iter().find(|(table, _)| *table == name).map(|(_, tool)| *tool);
    known.or(unsupported)
}

/// Another tool's history, or one of another name, where the project's own is not there.
fn foreign_history(session: &mut Session, layout: &Layout) -> Result<Option<String>> {
    let found = histories(session)?;
    let other = found.iter().find(|(tool, _)| tool != layout.key()).or(found.first());
    Ok(other.map(|(tool, table)| format!("`{table}` is a history of {tool}")))
}
