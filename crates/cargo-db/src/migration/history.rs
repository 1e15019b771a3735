//! The history: the table in which a migration tool records what is applied, and what
//! distinguishes it from the tables of other tools.

use postgres::error::SqlState;

use crate::failure::{CausedBy, Failure, HistoryError, Result};
use crate::model::history::History;
use crate::world::pg::Session;
use db_tools::ProjectTool;
use db_tools::history::ForeignHistory;
use db_tools::recognition::{claimants_of, history_names, history_signatures, tool_of_table};
use pg_sql::quote::{quote_identifier, quote_literal};

/// Reads the history. The table is found as the tool itself would find it, and its name is
/// qualified, so that no other table can hide it later.
pub(crate) fn read_history(session: &mut Session, layout: &ProjectTool) -> Result<History> {
    let schema = layout.schema().map(|schema| format!("AND n.nspname = {}", quote_literal(schema)));
    let question = format!(
        include_str!("sql/find_history.sql"),
        path = literals(session.kept_path().iter().map(String::as_str)),
        name = quote_literal(layout.table_name()),
        schema = schema.as_deref().unwrap_or_default()
    );
    let found = session.rows("find the history", &question)?;
    let Some(first) = found.first() else {
        return Ok(History { foreign: foreign_histories(session, layout)?, ..History::default() });
    };
    if schema.is_none() && !first.flag("is_visible")? {
        // A search path in the URL means that the history is in that schema.
        if names_schema(session) {
            return Ok(History::default());
        }
        let schemas = found.iter().map(|row| Ok(format!("`{}`", row.text("schema")?)));
        let schemas = schemas.collect::<Result<Vec<_>>>()?.join(", ");
        let database = session.target.database.clone();
        return Err(HistoryError::Elsewhere { database, schemas }.into());
    }
    let table = first.text("table")?.to_owned();
    let history = read_table(session, layout, table)?;
    let is_named = layout.names_its_table() || layout.schema().is_some();
    if history.applied.is_empty() && !is_named && !names_schema(session) {
        let others = found[1..].iter().map(|row| row.text("table").map(str::to_owned));
        refuse_full_one(session, layout, &history, others.collect::<Result<Vec<_>>>()?)?;
    }
    Ok(history)
}

/// Creates the history table: in the schema of the tool's configuration, or in the first schema of
/// the search path in which the role may create tables.
pub(crate) fn create_history(session: &mut Session, layout: &ProjectTool) -> Result<()> {
    let schema = match layout.schema() {
        Some(schema) => schema.to_owned(),
        None => schema_for_history(session)?,
    };
    session.run_with_triggers("create the history table", &layout.create_table(&schema))
}

/// The schema in which the history table is created.
pub(super) fn schema_for_history(session: &mut Session) -> Result<String> {
    let sql = format!(
        "SELECT schema FROM unnest(ARRAY[{}]::text[]) WITH ORDINALITY AS of_path (schema, place) \
         WHERE schema NOT LIKE 'pg\\_%' AND has_schema_privilege(schema, 'CREATE') \
         ORDER BY place LIMIT 1",
        literals(session.kept_path().iter().map(String::as_str))
    );
    let schema = session.value("find a schema for the history", &sql)?;
    let otherwise = || session.current_schema().map(str::to_owned);
    let database = session.target.database.clone();
    schema.or_else(otherwise).ok_or_else(|| HistoryError::NoSchema { database }.into())
}

/// Whether the URL names the schema of the history.
fn names_schema(session: &Session) -> bool {
    session.target.options.as_deref().is_some_and(|options| options.contains("search_path"))
}

/// An empty history is refused if there is another one with rows: every migration would run again.
fn refuse_full_one(
    session: &mut Session,
    layout: &ProjectTool,
    empty: &History,
    others: Vec<String>,
) -> Result<()> {
    for table in others {
        // A table that cannot be read belongs to something else.
        let Ok(other) = read_table(session, layout, table) else { continue };
        if let (false, Some(full)) = (other.applied.is_empty(), other.table) {
            let database = session.target.database.clone();
            let empty = empty.table.clone().unwrap_or_default();
            return Err(HistoryError::EmptyBeside { database, empty, full }.into());
        }
    }
    Ok(())
}

/// Reads the history from this table, named as the server names it.
pub(crate) fn read_table(
    session: &mut Session,
    layout: &ProjectTool,
    table: String,
) -> Result<History> {
    if layout.table().signature().is_none() && layout.schema().is_none() {
        check_history_columns(session, layout, &table)?;
    }
    let text = match session.value("read the history", &layout.select(&table)) {
        // Another tool's table of the same name has other columns.
        Err(failure) if failure.is(&SqlState::UNDEFINED_COLUMN) => {
            return Err(of_another(session, layout, table)?);
        }
        Err(failure) if failure.is(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            // After an error inside a transaction, the server rejects every further query.
            return Err(match not_readable(session, table) {
                Ok(kind) => kind.caused_by(failure),
                Err(_) => failure,
            });
        }
        text => text?,
    };
    let applied = match text {
        Some(text) => {
            layout.rows(&text).ok_or_else(|| HistoryError::Unreadable { table: table.clone() })?
        }
        None => Vec::new(),
    };
    Ok(History { table: Some(table), applied, foreign: Vec::new() })
}

/// The error for a history that the role may not read, with the grants that its owner can run.
fn not_readable(session: &mut Session, table: String) -> Result<HistoryError> {
    let sql = format!(include_str!("sql/history_owner.sql"), table = quote_literal(&table));
    let row = session.one("find the owner of the history", &sql)?;
    let (role, owner) = (session.target.user.clone(), row.text("owner")?.to_owned());
    let to = quote_identifier(&role);
    let mut grants = vec![format!("GRANT SELECT ON {table} TO {to}")];
    if !row.flag("may_use_schema")? {
        grants.insert(0, format!("GRANT USAGE ON SCHEMA {} TO {to}", row.text("schema")?));
    }
    Ok(HistoryError::NotReadable { table, role, owner, grants: grants.join("; ") })
}

/// The failure to find the project's history, with the tool that the table belongs to.
fn of_another(session: &mut Session, layout: &ProjectTool, table: String) -> Result<Failure> {
    let of =
        histories(session)?.into_iter().find(|(_, found)| *found == table).map(|(tool, _)| tool);
    let tool = of.filter(|tool| tool != layout.key());
    Ok(HistoryError::OtherTool { table, tool, expected: layout.key().to_owned() }.into())
}

/// Several tools use the same table name with few columns: the table must have exactly these
/// columns, and no table of another such tool may be next to it.
fn check_history_columns(session: &mut Session, layout: &ProjectTool, table: &str) -> Result<()> {
    let claimants = claimants_of(layout.table_name());
    let question = format!(
        include_str!("sql/history_columns.sql"),
        table = quote_literal(table),
        // The list may not be empty, and no table has an empty name.
        claimants = literals(claimants.iter().copied().chain([""]))
    );
    let row = session.one("look whose history it is", &question)?;
    if row.text("columns")? == layout.table().sorted_columns() && !row.flag("is_claimed")? {
        return Ok(());
    }
    Err(of_another(session, layout, table.to_owned())?)
}

fn literals<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(quote_literal).collect::<Vec<_>>().join(", ")
}

/// The history tables of all tools, with their tools and qualified names.
pub(crate) fn histories(session: &mut Session) -> Result<Vec<(String, String)>> {
    let question = format!(
        include_str!("sql/histories.sql"),
        names = literals(history_names().into_iter()),
        signatures = literals(history_signatures().iter().map(String::as_str))
    );
    let mut found = Vec::new();
    for row in session.rows("find the histories of other tools", &question)? {
        let columns = row.optional_text("columns")?.unwrap_or_default();
        let tool = tool_of_table(row.text("schema")?, row.text("name")?, columns);
        let table = row.text("table")?;
        found.extend(tool.map(|tool| (tool.to_owned(), table.to_owned())));
    }
    Ok(found)
}

/// The histories of other tools, then those with other names, if the project's own does not exist.
fn foreign_histories(session: &mut Session, layout: &ProjectTool) -> Result<Vec<ForeignHistory>> {
    let mut found = histories(session)?;
    found.sort_by_key(|(tool, _)| tool == layout.key());
    Ok(found.into_iter().map(|(tool, table)| ForeignHistory { tool, table }).collect())
}
