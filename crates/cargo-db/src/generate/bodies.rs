//! The bodies of PL/pgSQL functions, checked by the extension `plpgsql_check` where the server of
//! the scratch database has it. PostgreSQL itself does not record what such a body depends on.

use std::collections::BTreeSet;

use pg_sql::quote::quote_identifier;

use crate::failure::Result;
use crate::world::pg::{Row, Session};

/// Where the extension is, or could be: its schema if it is created. No row if the server does not
/// have it.
const EXTENSION: &str = "SELECT n.nspname AS schema FROM pg_available_extensions a \
    LEFT JOIN pg_extension e ON e.extname = a.name \
    LEFT JOIN pg_namespace n ON n.oid = e.extnamespace WHERE a.name = 'plpgsql_check'";

/// A schema for the extension, until the transaction is rolled back.
const TEMPORARY: &str = "cargo_db_bodies";

/// An error in the body of a function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BodyError {
    /// With its arguments, as SQL.
    pub(super) function: String,
    /// The line of the body.
    pub(super) line: Option<u32>,
    pub(super) message: String,
}

impl BodyError {
    /// The errors of all functions, with the search path and the settings of the project's SQL.
    /// Nothing if the extension cannot be created.
    pub(super) fn all(session: &mut Session, limits: &str) -> Result<BTreeSet<BodyError>> {
        let found = session.rows("find plpgsql_check", EXTENSION)?;
        let Some(found) = found.first() else { return Ok(BTreeSet::new()) };
        let schema = found.optional_text("schema")?.map(quote_identifier);
        session.begin_and_lend(limits)?;
        let create =
            format!("CREATE SCHEMA {TEMPORARY}; CREATE EXTENSION plpgsql_check SCHEMA {TEMPORARY}");
        let is_there = schema.is_some() || session.batch_execute(&create).is_ok();
        let errors = if is_there { read(session, schema.as_deref())? } else { BTreeSet::new() };
        session.run("end checking functions", "ROLLBACK")?;
        session.take_back()?;
        Ok(errors)
    }
}

fn read(session: &mut Session, schema: Option<&str>) -> Result<BTreeSet<BodyError>> {
    let sql = include_str!("sql/bodies.sql").replace("{schema}", schema.unwrap_or(TEMPORARY));
    let rows = session.rows("check functions", &sql)?;
    let error = |row: &Row| {
        Ok(BodyError {
            function: row.text("function")?.to_owned(),
            line: row.optional_number("line")?,
            message: row.text("message")?.to_owned(),
        })
    };
    rows.iter().map(error).collect()
}
