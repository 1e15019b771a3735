//! Carries out a plan about seeds, all of it in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::failure::{ConnectionError, DatabaseError, FileError, Result};
use crate::model::event::Event;
use crate::model::seed::{Seed, SeedKind};
use crate::plan::{Loss, Plan, Step};
use crate::seed::csv;
use crate::settings::Settings;
use crate::world::clock::stopwatch;
use crate::world::pg::{
    OwnTables, Purpose, Script, ScriptStop, Session, Transaction, TransactionContext,
};
use crate::world::{World, files, tool};
use pg_sql::quote::{quote_literal, quote_qualified};

/// How many rows a table got.
pub(crate) type RowsLoaded = BTreeMap<String, u64>;

/// Carries out the plan and says how many rows each table got. The caller holds the lock.
pub(crate) fn carry_out(world: &World, plan: &Plan, settings: &Settings) -> Result<RowsLoaded> {
    let root = &settings.root;
    let touches_database = plan.steps.iter().any(|step| !matches!(step, Step::Run { .. }));
    let rows = if touches_database { load_all(world, plan, root)? } else { RowsLoaded::new() };
    for step in &plan.steps {
        if let Step::Run { command } = step {
            let (began, subject) = (stopwatch(), format!("`{}`", command.join(" ")));
            world.emit(Event::Started { doing: "Running", subject: subject.clone() });
            let url_variable = settings.migrations.url_variable.as_deref();
            tool::run_project_program(world, command, (&plan.target, url_variable), root)?;
            world.emit(Event::Finished { done: "Ran", subject, elapsed: began.elapsed() });
        }
    }
    Ok(rows)
}

fn load_all(world: &World, plan: &Plan, root: &Path) -> Result<RowsLoaded> {
    let mut session = Session::open(world, &plan.target, Purpose::Write)?;
    let transaction = Transaction::begin(&mut session)?;
    let memory = include_str!("sql/memory.sql");
    session.run_with_triggers("create the table of loaded seeds", memory)?;
    let own = OwnTables::of(&mut session)?;
    let mut total = RowsLoaded::new();
    for step in &plan.steps {
        world.interrupt.check()?;
        match step {
            Step::Clear { tables } => clear(world, &mut session, tables)?,
            Step::Load { seed } => {
                let began = stopwatch();
                world.emit(Event::Started { doing: "Loading", subject: seed.path.clone() });
                let before = inserted(&mut session)?;
                session.lend_transaction("SET lock_timeout = 0")?;
                let loaded = load(&mut session, seed, root);
                world.interrupt.check()?;
                loaded?;
                own.refuse_changes(&mut session, &seed.path)?;
                session.reclaim_and_reset()?;
                let rows = difference(&before, &inserted(&mut session)?);
                remember(&mut session, seed, &rows)?;
                world.emit(Event::Finished {
                    done: "Loaded",
                    subject: seed.path.clone(),
                    elapsed: began.elapsed(),
                });
                rows.into_iter().for_each(|(table, rows)| *total.entry(table).or_default() += rows);
            }
            _ => {}
        }
    }
    // Triggers that wait for the commit are of the project, and so is their search path.
    session.lend("SET lock_timeout = 0")?;
    transaction.commit(world, &mut session, "the seed run")?;
    Ok(total)
}

/// One TRUNCATE for all tables: the server itself refuses if another table refers to one of them,
/// and sequences restart, so that seeds get the keys that they expect.
fn clear(world: &World, session: &mut Session, tables: &[Loss]) -> Result<()> {
    let began = stopwatch();
    let names: Vec<String> = tables.iter().map(|loss| quote_qualified(&loss.object)).collect();
    let empty = format!("TRUNCATE {} RESTART IDENTITY", names.join(", "));
    session.run_with_triggers("empty the tables", &empty)?;
    // Whatever filled one of them is not loaded any more.
    let cleared: Vec<String> = tables.iter().map(|loss| quote_literal(&loss.object)).collect();
    let forget =
        format!("DELETE FROM cargo_db.seeds WHERE tables && ARRAY[{}]", cleared.join(", "));
    session.run("forget what was cleared", &forget)?;
    let subject =
        if tables.len() == 1 { "1 table".to_owned() } else { format!("{} tables", tables.len()) };
    world.emit(Event::Finished { done: "Cleared", subject, elapsed: began.elapsed() });
    Ok(())
}

fn load(session: &mut Session, seed: &Seed, root: &Path) -> Result<()> {
    let shown = seed.file.strip_prefix(root).unwrap_or(&seed.file);
    let bytes = files::read(&seed.file)?;
    if files::sha256(&bytes) != seed.checksum {
        return Err(FileError::Changed { file: shown.to_owned() }.into());
    }
    let stopped = match &seed.kind {
        SeedKind::Sql => {
            Script::check(shown, bytes, TransactionContext::Transaction)?.run(session, &mut ())
        }
        SeedKind::Csv { table } => csv::copy(session, shown, table, &bytes),
    };
    stopped.map_err(|stop| match stop {
        ScriptStop::Statement(statement) => DatabaseError::Statement {
            statement,
            subject: "loading the seeds".to_owned(),
            command: "cargo db seed".to_owned(),
        }
        .into(),
        ScriptStop::Ended { file, line } => {
            let (subject, command) = ("the seed run".to_owned(), "cargo db seed".to_owned());
            DatabaseError::Ended { file, line, subject, has_history: false, command }.into()
        }
        ScriptStop::Refused(failure) => failure,
        ScriptStop::Lost(why) => {
            let (target, subject) = (session.target.to_string(), "the seed run".to_owned());
            ConnectionError::Lost { target, subject, why }.into()
        }
    })
}

/// Rows inserted so far by this session, per table, however they got there.
fn inserted(session: &mut Session) -> Result<RowsLoaded> {
    let sql = "SELECT schemaname || '.' || relname AS name, n_tup_ins AS rows \
               FROM pg_stat_xact_user_tables WHERE n_tup_ins > 0 AND schemaname <> 'cargo_db'";
    let rows = session.rows("count the rows that were loaded", sql)?;
    rows.iter().map(|row| Ok((row.text("name")?.to_owned(), row.number("rows")?))).collect()
}

fn difference(before: &RowsLoaded, after: &RowsLoaded) -> RowsLoaded {
    let grown = after.iter().map(|(table, rows)| {
        (table.clone(), rows.saturating_sub(*before.get(table).unwrap_or(&0)))
    });
    grown.filter(|(_, rows)| *rows > 0).collect()
}

fn remember(session: &mut Session, seed: &Seed, rows: &RowsLoaded) -> Result<()> {
    let tables: BTreeSet<String> = rows.keys().map(|table| quote_literal(table)).collect();
    let tables: Vec<String> = tables.into_iter().collect();
    let sql = format!(
        include_str!("sql/remember.sql"),
        path = quote_literal(&seed.path),
        checksum = quote_literal(&seed.checksum.to_string()),
        tables = tables.join(", ")
    );
    session.run("record the seed", &sql)
}
