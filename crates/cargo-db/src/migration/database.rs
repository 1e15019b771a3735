//! The database itself: whether it exists, how it is created, and whether it contains rows.

use postgres::error::SqlState;

use crate::failure::{ConnectionError, Failure, Kind, Result};
use crate::migration::history::schema_for_history;
use crate::migration::tables::project_relation;
use crate::model::target::Target;
use crate::plan::{Plan, Step, schema_of_new};
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session, wait_to_read};
use db_tools::ProjectTool;
use pg_sql::quote::{quote_identifier, quote_literal};

/// The errors of CREATE DATABASE if another session has just created the database.
const EXISTS_ALREADY: [SqlState; 2] = [SqlState::DUPLICATE_DATABASE, SqlState::UNIQUE_VIOLATION];

/// A reading session; `None` where the database does not exist and cargo db may create it.
pub(crate) fn connect_or_none(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<Option<Session>> {
    let environment = settings.environment.environment;
    match Session::open(world, target, Purpose::Read) {
        Ok(session) => Ok(Some(session)),
        Err(failure) if !failure.is_no_database() => Err(failure),
        Err(_) if environment.is_disposable() => Ok(None),
        Err(_) => {
            let (database, server) = (target.database.clone(), target.server());
            Err(ConnectionError::NoDatabase { database, server, environment }.into())
        }
    }
}

/// Creates the database if it does not exist and cargo db may create it.
pub(crate) fn create_if_absent(world: &World, settings: &Settings, target: &Target) -> Result<()> {
    match connect_or_none(world, settings, target)? {
        Some(_) => Ok(()),
        None => create_database(world, target),
    }
}

/// Creates a database, connected to another one of the same server. If another session created it
/// at the same moment, that is fine.
pub(crate) fn create_database(world: &World, target: &Target) -> Result<()> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    let sql = format!("CREATE DATABASE {}", quote_identifier(&target.database));
    let exists = |failure: &Failure| EXISTS_ALREADY.iter().any(|state| failure.is(state));
    match session.run("create the database", &sql) {
        Err(failure) if exists(&failure) => Ok(()),
        other => other,
    }
}

/// Creates the database that a plan begins with.
pub(crate) fn prepare_database(world: &World, plan: &Plan) -> Result<()> {
    if plan.steps.iter().any(|step| matches!(step, Step::CreateDatabase { .. })) {
        create_database(world, &plan.target)?;
    }
    Ok(())
}

/// The schema that the tool creates before its first migration, if it is missing. Nothing is asked
/// where the database does not exist yet.
pub(crate) fn missing_schema(
    session: Option<&mut Session>,
    layout: &ProjectTool,
    target: &Target,
) -> Result<Option<String>> {
    let Some(session) = session else { return Ok(schema_of_new(layout, target)) };
    let named = target.schema();
    // Without a name, the role or the database may lead elsewhere.
    let leads_somewhere =
        named.is_none() && (session.current_schema().is_some() || target.search_path().is_some());
    if !layout.profile().creates_schema || leads_somewhere {
        return Ok(None);
    }
    let name = named.unwrap_or_else(|| "public".to_owned());
    let sql = format!("SELECT 1 FROM pg_namespace WHERE nspname = {}", quote_literal(&name));
    Ok(session.value("find the schema", &sql)?.is_none().then_some(name))
}

/// Creates the schema that a plan creates. Sessions that are already open do not look into it.
pub(crate) fn prepare_schema(world: &World, plan: &Plan) -> Result<()> {
    let schema = plan.steps.iter().find_map(|step| match step {
        Step::CreateSchema { name } => Some(name),
        _ => None,
    });
    schema.map_or(Ok(()), |name| create_schema(world, &plan.target, name))
}

/// The same on a copy, of which there is no plan.
pub(crate) fn prepare_schema_of_copy(
    world: &World,
    layout: &ProjectTool,
    copy: &Target,
) -> Result<()> {
    if !layout.profile().creates_schema {
        return Ok(());
    }
    let mut session = Session::open(world, copy, Purpose::Read)?;
    let missing = missing_schema(Some(&mut session), layout, copy)?;
    missing.map_or(Ok(()), |name| create_schema(world, copy, &name))
}

fn create_schema(world: &World, target: &Target, name: &str) -> Result<()> {
    let mut session = Session::open(world, target, Purpose::Write)?;
    let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", quote_identifier(name));
    session.run_with_triggers("create the schema", &sql)
}

/// Fails if a plan creates the history but the search path names no schema to create it in. A dry
/// run checks this too.
pub(crate) fn history_has_a_place(world: &World, layout: &ProjectTool, plan: &Plan) -> Result<()> {
    let makes_database = plan.steps.iter().any(|step| matches!(step, Step::CreateDatabase { .. }));
    let makes_schema = plan.steps.iter().any(|step| matches!(step, Step::CreateSchema { .. }));
    let makes_history = plan.steps.iter().any(|step| matches!(step, Step::CreateHistory { .. }));
    if !makes_history
        || makes_database
        || makes_schema
        || layout.schema().is_some()
        || layout.is_code()
    {
        return Ok(());
    }
    let mut session = Session::open(world, &plan.target, Purpose::Read)?;
    schema_for_history(&mut session).map(drop)
}

/// Whether there is any table of the project's.
pub(crate) fn holds_tables(world: &World, target: &Target, layout: &ProjectTool) -> Result<bool> {
    let sql = format!(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'f', 'm', 'v') AND {} LIMIT 1",
        project_relation(layout)
    );
    let mut session = Session::open(world, target, Purpose::Read)?;
    Ok(session.value("find tables", &sql)?.is_some())
}

/// Whether any table of the project contains a row; `None` if the database does not exist. A table
/// that the role may not read counts as one with rows.
pub(crate) fn holds_rows(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<Option<bool>> {
    let Some(mut session) = connect_or_none(world, settings, target)? else { return Ok(None) };
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'm') AND pg_relation_size(c.oid) > 0 AND {} ORDER BY 1",
        project_relation(&settings.migrations.layout)
    );
    let patience = settings.limits.lock_timeout.value;
    // To return the size of a table, the server locks it.
    let find = |session: &mut Session| session.column("find tables with rows", &sql);
    for table in wait_to_read(world, &mut session, patience, find)? {
        let sql = format!("SELECT 1 FROM {table} LIMIT 1");
        let read = |session: &mut Session| session.value("read a row", &sql);
        match wait_to_read(world, &mut session, patience, read) {
            Ok(None) => {}
            Err(failure) if matches!(failure.kind(), Kind::Lock(_)) => return Err(failure),
            Ok(Some(_)) | Err(_) => return Ok(Some(true)),
        }
    }
    Ok(Some(false))
}
