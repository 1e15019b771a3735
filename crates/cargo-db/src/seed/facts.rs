//! The facts for plans about seeds: the seeds of the project, the tables of the database, and the
//! seeds that it records as loaded.

use std::collections::BTreeMap;

use crate::failure::{ConnectionError, Result};
use crate::migration;
use crate::model::migration::Checksum;
use crate::model::seed::Loaded;
use crate::model::target::Target;
use crate::plan::{Loss, Plan, SeedFacts, Step, TableFacts};
use crate::seed::folder::seeds;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Row, Session, only_row};
use pg_sql::quote::quote_qualified;

/// Tables larger than this are not counted but estimated.
const COUNTED: u64 = 1_000_000;

/// The separator between names in a list; no name contains it.
const SEPARATOR: char = '\x01';

/// Reads seeds, tables and what the database remembers.
pub(crate) fn gather(world: &World, settings: &Settings, target: &Target) -> Result<SeedFacts> {
    let facts = migration::gather(world, settings, target)?;
    migration::named_folder_exists(&settings.seeds.dir)?;
    let seeds = seeds(&settings.seeds.dir.value)?;
    let Some(mut session) = migration::connect_or_none(world, settings, target)? else {
        let (database, server, environment) =
            (target.database.clone(), target.server(), facts.environment);
        return Err(ConnectionError::NoDatabase { database, server, environment }.into());
    };
    let sql = include_str!("sql/tables.sql");
    let [tables, memory] = session.sets("read the tables", sql)?;
    let named = |row: &Row| table(row).map(|facts| (facts.name.clone(), facts));
    let mut tables: BTreeMap<String, TableFacts> =
        tables.iter().map(named).collect::<Result<_>>()?;
    let search_path = session.kept_path().to_vec();
    let remembers = only_row("read the tables", memory)?.flag("remembers")?;
    let loaded = if remembers { remembered(&mut session)? } else { Vec::new() };
    count_rows(&mut session, &mut tables)?;
    Ok(SeedFacts { facts, seeds, loaded, tables, search_path })
}

/// Counts what a plan clears and was only estimated, so that the bounds are exact.
pub(crate) fn count_cleared(world: &World, target: &Target, plan: &mut Plan) -> Result<()> {
    let cleared = plan.steps.iter_mut().filter_map(|step| match step {
        Step::Clear { tables } => Some(tables),
        _ => None,
    });
    let is_estimate = |loss: &&mut Loss| loss.rows.is_some_and(|rows| rows > COUNTED);
    let estimated: Vec<&mut Loss> = cleared.flatten().filter(is_estimate).collect();
    if estimated.is_empty() {
        return Ok(());
    }
    let mut session = Session::open(world, target, Purpose::Read)?;
    for loss in estimated {
        let sql = format!("SELECT count(*) FROM {}", quote_qualified(&loss.object));
        loss.rows = Some(session.number("count what is cleared", &sql)?);
    }
    Ok(())
}

fn table(row: &Row) -> Result<TableFacts> {
    Ok(TableFacts {
        name: row.text("name")?.to_owned(),
        rows: row.number("rows")?,
        referenced_by: names(row.text("referrers")?).collect(),
    })
}

/// The names of a list.
fn names(list: &str) -> impl Iterator<Item = String> {
    list.split(SEPARATOR).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn remembered(session: &mut Session) -> Result<Vec<Loaded>> {
    let sql = "SELECT path, checksum, array_to_string(tables, E'\\x01') AS tables \
               FROM cargo_db.seeds";
    let rows = session.rows("read which seeds are loaded", sql)?;
    let loaded = |row: &Row| {
        Ok(Loaded {
            path: row.text("path")?.to_owned(),
            checksum: Checksum::stored(row.text("checksum")?),
            tables: names(row.text("tables")?).collect(),
        })
    };
    rows.iter().map(loaded).collect()
}

/// Estimates know nothing of a table that was never analysed, and seeds are about small tables.
fn count_rows(session: &mut Session, tables: &mut BTreeMap<String, TableFacts>) -> Result<()> {
    let mut small: Vec<&mut TableFacts> =
        tables.values_mut().filter(|table| table.rows <= COUNTED).collect();
    if small.is_empty() {
        return Ok(());
    }
    let count = |table: &&mut TableFacts| {
        format!("(SELECT count(*) FROM {})", quote_qualified(&table.name))
    };
    let counts: Vec<String> = small.iter().map(count).collect();
    let sql = format!("SELECT unnest(ARRAY[{}]) AS rows", counts.join(", "));
    for (table, row) in small.iter_mut().zip(session.rows("count rows", &sql)?) {
        table.rows = row.number("rows")?;
    }
    Ok(())
}
