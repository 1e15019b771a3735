//! The history: the table in which a migration tool remembers what is applied, and how it is told
//! from the tables of other tools.

use crate::failure::{Failure, Kind, Result};
use crate::model::history::History;
use crate::world::pg::Session;
use db_tools::ProjectTool;
use db_tools::recognition::{claimants_of, history_names, history_signatures, tool_of_table};
use pg_sql::quote::quote_literal;

/// Reads the history. The table is looked for as the tool itself would, and its name is qualified,
/// so that nothing can hide it later.
pub(crate) fn read_history(session: &mut Session, layout: &ProjectTool) -> Result<History> {
    let schema =
        layout.schema().map(|schema| format!("AND n.nspname = {} ", quote_literal(schema)));
    let question = format!(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_table_is_visible(c.oid), n.nspname \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = {} {}AND c.relkind IN ('r', 'p') AND n.nspname <> 'pg_temp' ORDER BY 2 DESC, 1",
        quote_literal(layout.table_name()),
        schema.as_deref().unwrap_or_default()
    );
    let found = session.rows("look for the history", &question)?;
    let Some(first) = found.first() else {
        return Ok(History { foreign: foreign_history(session, layout)?, ..History::default() });
    };
    if schema.is_none() && first[1].as_deref() != Some("t") {
        // Whoever names a search path in the URL means to have a history there of its own.
        if session.target.options.as_deref().is_some_and(|options| options.contains("search_path"))
        {
            return Ok(History::default());
        }
        let schemas: Vec<String> =
            found.iter().filter_map(|row| Some(format!("`{}`", row[2].as_deref()?))).collect();
        let (database, schemas) = (session.target.database.clone(), schemas.join(", "));
        return Err(Kind::HistoryElsewhere { database, schemas }.into());
    }
    let table = first[0].clone().unwrap_or_default();
    read_table(session, layout, table)
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
    let rows = match session.rows("read the history", &layout.select(&table)) {
        // Another tool's table of the same name has other columns.
        Err(failure) if matches!(failure.kind(), Kind::Sql { server, .. } if server.code.as_deref() == Some("42703")) =>
        {
            return Err(of_another(session, layout, table)?);
        }
        rows => rows?,
    };
    let applied = match rows.first().and_then(|row| row[0].as_deref()) {
        Some(text) => {
            layout.rows(text).ok_or_else(|| Kind::StrangeHistory { table: table.clone() })?
        }
        None => Vec::new(),
    };
    Ok(History { table: Some(table), applied, foreign: None })
}

/// The failure to find one's own history, with the tool whose it is.
fn of_another(session: &mut Session, layout: &ProjectTool, table: String) -> Result<Failure> {
    let of =
        histories(session)?.into_iter().find(|(_, found)| *found == table).map(|(tool, _)| tool);
    let tool = of.filter(|tool| tool != layout.key());
    Ok(Kind::OtherHistory { table, tool, expected: layout.key().to_owned() }.into())
}

/// Several tools have a table of one name, with hardly a column to tell them by: it has to have
/// just these, and no other tool's table beside it.
fn check_history_columns(session: &mut Session, layout: &ProjectTool, table: &str) -> Result<()> {
    let claimants = claimants_of(layout.table_name());
    let question = format!(
        "SELECT array_to_string(ARRAY(SELECT attname FROM pg_attribute \
           WHERE attrelid = {0}::regclass AND attnum > 0 AND NOT attisdropped \
           ORDER BY attname COLLATE \"C\"), ' '), \
         (SELECT count(*) FROM pg_class WHERE relname IN ({1}) \
          AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = {0}::regclass))",
        quote_literal(table),
        literals(claimants.iter().copied().chain([""]))
    );
    let rows = session.rows("look whose history it is", &question)?;
    let Some(row) = rows.first() else { return Ok(()) };
    let is_claimed = row[1].as_deref() != Some("0");
    if row[0].as_deref() == Some(layout.table().sorted_columns().as_str()) && !is_claimed {
        return Ok(());
    }
    Err(of_another(session, layout, table.to_owned())?)
}

fn literals<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(quote_literal).collect::<Vec<_>>().join(", ")
}

/// The history tables of all tools: whose, and their qualified names.
pub(crate) fn histories(session: &mut Session) -> Result<Vec<(String, String)>> {
    let question = format!(
        "SELECT * FROM (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), \
                n.nspname, c.relname, \
                (SELECT string_agg(a.attname, ' ' ORDER BY a.attname COLLATE \"C\") \
                 FROM pg_attribute a \
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' \
         AND n.nspname <> 'information_schema') AS t \
         WHERE relname IN ({}) OR columns IN ({}) ORDER BY 1",
        literals(history_names().into_iter()),
        literals(history_signatures().iter().map(String::as_str))
    );
    let mut found = Vec::new();
    for row in session.rows("look for the histories of other tools", &question)? {
        let text = |column: usize| row[column].as_deref().unwrap_or_default();
        let tool = tool_of_table(text(1), text(2), text(3));
        found.extend(tool.map(|tool| (tool.to_owned(), text(0).to_owned())));
    }
    Ok(found)
}

/// Another tool's history, or one of another name, where the project's own is not there.
fn foreign_history(session: &mut Session, layout: &ProjectTool) -> Result<Option<String>> {
    let found = histories(session)?;
    let other = found.iter().find(|(tool, _)| tool != layout.key()).or(found.first());
    Ok(other.map(|(tool, table)| format!("`{table}` is a history of {tool}")))
}
