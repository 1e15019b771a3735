//! Filling a database: what is known about its tables and the seeds that it remembers, and how
//! a plan about seeds is carried out, all of it in one transaction.

mod folder;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::failure::{Kind, Result, ServerError, StatementError};
use crate::migration;
use crate::model::event::Event;
use crate::model::migration::Checksum;
use crate::model::seed::{Loaded, Seed, SeedKind};
use crate::plan::{Loss, Plan, SeedFacts, Step, TableFacts};
use crate::settings::Settings;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Row, Script, Session, Stop, Transaction, server_error};
use crate::world::{World, files, process};

pub(crate) use folder::seeds;
use pg_sql::quote::{quote_identifier, quote_literal, quote_qualified};

/// Where a database remembers which seeds it holds.
const MEMORY: &str = "\
SET LOCAL client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS cargo_db;
CREATE TABLE IF NOT EXISTS cargo_db.seeds (
    path text PRIMARY KEY,
    checksum text NOT NULL,
    tables text[] NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
SET LOCAL client_min_messages = notice";

/// Tables, who refers to whom, and the search path.
const TABLES: &str = "\
SELECT n.nspname || '.' || c.relname, greatest(c.reltuples, 0)::bigint, \
       coalesce(string_agg(DISTINCT rn.nspname || '.' || rc.relname, E'\\x01'), '') \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_constraint f ON f.contype = 'f' AND f.confrelid = c.oid AND f.conrelid <> c.oid \
LEFT JOIN pg_class rc ON rc.oid = f.conrelid LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace \
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'cargo_db') \
  AND n.nspname NOT LIKE 'pg\\_%' \
GROUP BY 1, 2; \
SELECT unnest(current_schemas(false)); \
SELECT to_regclass('cargo_db.seeds') IS NOT NULL";

/// Tables larger than this are not counted but estimated.
const COUNTED: u64 = 1_000_000;

/// How many rows a table got.
pub(crate) type Rows = BTreeMap<String, u64>;

/// Reads seeds, tables and what the database remembers.
pub(crate) fn gather(
    world: &World,
    settings: &Settings,
    target: &crate::model::target::Target,
) -> Result<SeedFacts> {
    let facts = migration::gather(world, settings, target)?;
    migration::named_folder_exists(&settings.seeds.dir)?;
    let seeds = seeds(&settings.seeds.dir.value)?;
    let Some(mut session) = migration::connect_or_none(world, settings, target)? else {
        let (database, server, environment) =
            (target.database.clone(), target.server(), facts.environment);
        return Err(Kind::NoDatabase { database, server, environment }.into());
    };
    let sets = session.result_sets("look at the tables", TABLES)?;
    let [tables, path, memory] = sets.as_slice() else {
        return Err(Kind::Bug { what: "the server answered another question".to_owned() }.into());
    };
    let mut tables: BTreeMap<String, TableFacts> =
        tables.iter().filter_map(table).map(|facts| (facts.name.clone(), facts)).collect();
    let search_path = path.iter().filter_map(|row| row[0].clone()).collect();
    let remembers = memory.first().is_some_and(|row| row[0].as_deref() == Some("t"));
    let loaded = if remembers { remembered(&mut session)? } else { Vec::new() };
    count_rows(&mut session, &mut tables)?;
    Ok(SeedFacts { facts, seeds, loaded, tables, search_path })
}

fn table(row: &Row) -> Option<TableFacts> {
    let referrers = row[2].as_deref()?.split('\x01').filter(|name| !name.is_empty());
    Some(TableFacts {
        name: row[0].clone()?,
        rows: row[1].as_deref()?.parse().ok()?,
        referenced_by: referrers.map(str::to_owned).collect(),
    })
}

fn remembered(session: &mut Session) -> Result<Vec<Loaded>> {
    let sql = "SELECT path, checksum, array_to_string(tables, E'\\x01') FROM cargo_db.seeds";
    let rows = session.rows("read which seeds are loaded", sql)?;
    let text = |column: &Option<String>| column.clone().unwrap_or_default();
    let loaded = rows.iter().map(|row| Loaded {
        path: text(&row[0]),
        checksum: Checksum::stored(&text(&row[1])),
        tables: text(&row[2])
            .split('\x01')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    });
    Ok(loaded.collect())
}

/// Estimates know nothing of a table that was never analysed, and seeds are about small tables.
fn count_rows(session: &mut Session, tables: &mut BTreeMap<String, TableFacts>) -> Result<()> {
    let small: Vec<String> = tables
        .values()
        .filter(|table| table.rows <= COUNTED)
        .map(|table| table.name.clone())
        .collect();
    if small.is_empty() {
        return Ok(());
    }
    let counts =
        small.iter().map(|name| format!("(SELECT count(*) FROM {})", quote_qualified(name)));
    let sql = format!("SELECT unnest(ARRAY[{}])", counts.collect::<Vec<_>>().join(", "));
    for (name, row) in small.iter().zip(session.rows("count rows", &sql)?) {
        if let (Some(table), Some(rows)) =
            (tables.get_mut(name), row[0].as_deref().and_then(|rows| rows.parse().ok()))
        {
            table.rows = rows;
        }
    }
    Ok(())
}

/// Carries out the plan and says how many rows each table got. The caller holds the lock.
pub(crate) fn carry_out(world: &World, plan: &Plan, root: &Path) -> Result<Rows> {
    let touches_database = plan.steps.iter().any(|step| !matches!(step, Step::Run { .. }));
    let rows = if touches_database { load_all(world, plan, root)? } else { Rows::new() };
    for step in &plan.steps {
        if let Step::Run { command } = step {
            let (began, subject) = (stopwatch(), format!("`{}`", command.join(" ")));
            world.tell(Event::Started { doing: "Running", subject: subject.clone() });
            process::run_project_program(world, command, &plan.target, root)?;
            world.tell(Event::Finished { done: "Ran", subject, elapsed: began.elapsed() });
        }
    }
    Ok(rows)
}

fn load_all(world: &World, plan: &Plan, root: &Path) -> Result<Rows> {
    let mut session = Session::open(world, &plan.target, Purpose::Write)?;
    let transaction = Transaction::begin(&mut session)?;
    session.run("make the table that remembers seeds", MEMORY)?;
    let mut total = Rows::new();
    for step in &plan.steps {
        world.interrupt.check()?;
        match step {
            Step::Clear { tables } => clear(world, &mut session, tables)?,
            Step::Load { seed } => {
                let began = stopwatch();
                world.tell(Event::Started { doing: "Loading", subject: seed.path.clone() });
                let before = inserted(&mut session)?;
                let loaded = load(&mut session, seed, root);
                world.interrupt.check()?;
                loaded?;
                let rows = difference(&before, &inserted(&mut session)?);
                remember(&mut session, seed, &rows)?;
                world.tell(Event::Finished {
                    done: "Loaded",
                    subject: seed.path.clone(),
                    elapsed: began.elapsed(),
                });
                rows.into_iter().for_each(|(table, rows)| *total.entry(table).or_default() += rows);
            }
            _ => {}
        }
    }
    transaction.commit(world, &mut session, "the seeding")?;
    Ok(total)
}

/// One TRUNCATE for all: the server itself refuses if a table outside the list refers to one
/// inside it, and the numbering starts anew, so that seeds get the keys they expect.
fn clear(world: &World, session: &mut Session, tables: &[Loss]) -> Result<()> {
    let began = stopwatch();
    let names: Vec<String> = tables.iter().map(|loss| quote_qualified(&loss.object)).collect();
    session.run("clear the tables", &format!("TRUNCATE {} RESTART IDENTITY", names.join(", ")))?;
    // Whatever filled one of them is not loaded any more.
    let cleared: Vec<String> = tables.iter().map(|loss| quote_literal(&loss.object)).collect();
    let forget =
        format!("DELETE FROM cargo_db.seeds WHERE tables && ARRAY[{}]", cleared.join(", "));
    session.run("forget what was cleared", &forget)?;
    let subject =
        if tables.len() == 1 { "1 table".to_owned() } else { format!("{} tables", tables.len()) };
    world.tell(Event::Finished { done: "Cleared", subject, elapsed: began.elapsed() });
    Ok(())
}

fn load(session: &mut Session, seed: &Seed, root: &Path) -> Result<()> {
    let shown = seed.file.strip_prefix(root).unwrap_or(&seed.file);
    let bytes = files::read(&seed.file)?;
    if files::sha256(&bytes) != seed.checksum {
        return Err(Kind::FileChanged { file: shown.to_owned() }.into());
    }
    let stopped = match &seed.kind {
        SeedKind::Sql => Script::check(shown, bytes, true)?.run(session, &mut ()),
        SeedKind::Csv { table } => copy_csv(session, shown, table, &bytes),
    };
    stopped.map_err(|stop| match stop {
        Stop::Statement(statement) => {
            Kind::Statement { statement, subject: "the whole seeding".to_owned(), verb: "seed" }
                .into()
        }
        Stop::Lost(why) => {
            let (target, subject) = (session.target.to_string(), "the seeding".to_owned());
            Kind::ConnectionLost { target, subject, why }.into()
        }
    })
}

fn copy_csv(
    session: &mut Session,
    file: &Path,
    table: &str,
    bytes: &[u8],
) -> std::result::Result<(), Stop> {
    use std::io::Write;
    let header = String::from_utf8_lossy(bytes)
        .lines()
        .next()
        .unwrap_or("")
        .trim_start_matches('\u{feff}')
        .to_owned();
    let columns: Vec<String> =
        header.split(',').map(|name| quote_identifier(name.trim().trim_matches('"'))).collect();
    let sql = format!(
        "COPY {} ({}) FROM STDIN (FORMAT csv, HEADER true)",
        quote_qualified(table),
        columns.join(", ")
    );
    let copied = session.copy_in(&sql).and_then(|mut writer| {
        // What the server has against the data, it says at the end.
        let _ = writer.write_all(bytes);
        writer.finish()
    });
    copied.map(drop).map_err(|error| match server_error(&error) {
        None => Stop::Lost(error.to_string()),
        Some(server) => {
            let line = copy_line(&server).unwrap_or(1);
            let source_line =
                String::from_utf8_lossy(bytes).lines().nth(line - 1).unwrap_or("").to_owned();
            Stop::Statement(Box::new(StatementError {
                file: file.to_owned(),
                line,
                column: 1,
                source_line,
                server,
            }))
        }
    })
}

/// The server counts the lines of a COPY and says so in the context: `COPY users, line 3, …`.
fn copy_line(server: &ServerError) -> Option<usize> {
    let (_, after) = server.context.as_ref()?.split_once(", line ")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Rows inserted so far by this session, per table, however they got there.
fn inserted(session: &mut Session) -> Result<Rows> {
    let sql = "SELECT schemaname || '.' || relname, n_tup_ins FROM pg_stat_xact_user_tables \
               WHERE n_tup_ins > 0 AND schemaname <> 'cargo_db'";
    let rows = session.rows("count the rows that were loaded", sql)?;
    Ok(rows
        .iter()
        .filter_map(|row| Some((row[0].clone()?, row[1].as_deref()?.parse().ok()?)))
        .collect())
}

fn difference(before: &Rows, after: &Rows) -> Rows {
    let grown = after.iter().map(|(table, rows)| {
        (table.clone(), rows.saturating_sub(*before.get(table).unwrap_or(&0)))
    });
    grown.filter(|(_, rows)| *rows > 0).collect()
}

fn remember(session: &mut Session, seed: &Seed, rows: &Rows) -> Result<()> {
    let tables: BTreeSet<String> = rows.keys().map(|table| quote_literal(table)).collect();
    let tables: Vec<String> = tables.into_iter().collect();
    let sql = format!(
        "INSERT INTO cargo_db.seeds (path, checksum, tables) VALUES ({}, '{}', ARRAY[{}]::text[]) \
         ON CONFLICT (path) DO UPDATE SET checksum = excluded.checksum, tables = excluded.tables, loaded_at = now()",
        quote_literal(&seed.path),
        seed.checksum,
        tables.join(", "),
    );
    session.run("remember the seed", &sql)
}
