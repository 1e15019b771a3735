//! Rows for the tables of a scratch database: seeds first, then made rows for each table that has
//! too few.

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::generate::insert::{FillTable, FilledColumns, ROWS, tables};
use crate::generate::server_wide::server_wide_statement;
use crate::generate::types::Types;
use crate::migration::project_relation;
use crate::model::seed::{Seed, SeedKind};
use crate::model::target::Target;
use crate::plan::{self, SeedRequest, Step};
use crate::seed;
use crate::settings::Settings;
use crate::world::pg::{Purpose, Session};
use crate::world::{World, files};

/// The rows of a table with seeds begin with this number, so that their keys differ from those of
/// the seeds.
const AFTER_SEEDS: u32 = 41;

/// A table that could not be filled, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EmptyTable {
    pub(crate) table: String,
    pub(crate) why: String,
}

/// Tables that get no rows.
#[derive(Clone, Debug, Default)]
pub(super) struct StaysEmpty {
    tables: BTreeSet<String>,
    all: bool,
}

impl StaysEmpty {
    /// Adds a table with its partitions, or all if none is given or it was added before. False if
    /// all stay empty already.
    pub(super) fn add(&mut self, tables: &[String]) -> bool {
        let is_new = !self.all;
        let before = self.tables.len();
        self.tables.extend(tables.iter().cloned());
        self.all = self.tables.len() == before;
        is_new
    }

    fn has(&self, table: &str) -> bool {
        self.all || self.tables.contains(table)
    }
}

/// What a scratch database was filled with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filling {
    /// How many tables have rows.
    pub(crate) tables: usize,
    pub(crate) empty: Vec<EmptyTable>,
}

/// Fills the tables of a scratch database, except those that are to stay empty.
pub(super) fn fill(
    world: &World,
    settings: &Settings,
    target: &Target,
    stays_empty: &StaysEmpty,
) -> Result<Filling> {
    if stays_empty.tables.is_empty() && !stays_empty.all {
        // Seeds that do not load are a problem of the seeds, not of this migration.
        let _ = load_seeds(world, settings, target);
    }
    let mut session = Session::open(world, target, Purpose::Write)?;
    let types = Types::read(&mut session)?;
    let project = project_relation(&settings.migrations.layout);
    let all = tables(&mut session, &types, &project)?;
    let counts = counts(&mut session, &all)?;
    let prefix = prefix(&mut session)?;
    let mut filling = Filling::default();
    let mut filled = BTreeSet::new();
    for (table, rows) in all.iter().zip(counts) {
        world.interrupt.check()?;
        if stays_empty.has(&table.name) {
            continue;
        }
        let mut why = None;
        if rows < u64::from(ROWS) {
            let first = if rows == 0 { 1 } else { AFTER_SEEDS };
            why = fill_table(&mut session, &types, (table, first), &filled, prefix).err();
        }
        if why.is_none() || rows > 0 {
            filled.insert(table.oid);
            filling.tables += 1;
        } else if let Some(why) = why {
            filling.empty.push(EmptyTable { table: table.name.clone(), why });
        }
    }
    Ok(filling)
}

/// Loads the seeds of the project, but none beside precious data. Commands that it runs for seeding
/// are not run, and neither is a seed that may change something outside of the scratch database.
fn load_seeds(world: &World, settings: &Settings, target: &Target) -> Result<()> {
    if !settings.environment.environment.is_disposable() {
        return Ok(());
    }
    let facts = seed::gather(world, settings, target)?;
    let mut plan = plan::seed(&facts, &SeedRequest::default())?;
    plan.steps.retain(|step| match step {
        Step::Load { seed } => is_inside(world, settings, target, seed),
        _ => false,
    });
    if plan.steps.is_empty() {
        return Ok(());
    }
    seed::carry_out(world, &plan, settings).map(drop)
}

fn is_inside(world: &World, settings: &Settings, target: &Target, seed: &Seed) -> bool {
    if !matches!(seed.kind, SeedKind::Sql) {
        return true;
    }
    let Ok(bytes) = files::read(&seed.file) else { return false };
    matches!(server_wide_statement(world, settings, target, (&seed.file, &bytes)), Ok(None))
}

/// How many rows each table has; larger numbers than needed do not matter.
fn counts(session: &mut Session, tables: &[FillTable]) -> Result<Vec<u64>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let count = |table: &FillTable| {
        format!("(SELECT count(*) FROM (SELECT FROM ONLY {} LIMIT {ROWS}) AS t)", table.name)
    };
    let counts: Vec<String> = tables.iter().map(count).collect();
    let sql = format!("SELECT unnest(ARRAY[{}]) AS rows", counts.join(", "));
    let rows = session.rows("count rows", &sql)?;
    rows.iter().map(|row| row.number("rows")).collect()
}

/// A superuser can insert without triggers, which may refuse made rows.
fn prefix(session: &mut Session) -> Result<&'static str> {
    let sql = "SELECT 1 FROM pg_roles WHERE rolname = current_user AND rolsuper";
    let is_superuser = session.value("ask for the role", sql)?.is_some();
    let timeout = "SET LOCAL statement_timeout = '5s'; ";
    let without_triggers =
        "SET LOCAL statement_timeout = '5s'; SET LOCAL session_replication_role = replica; ";
    Ok(if is_superuser { without_triggers } else { timeout })
}

/// Why a statement inserted nothing.
const NO_VALUES: &str = "no values were found that satisfy its conditions";

fn has_rows(session: &mut Session, table: &FillTable) -> Result<bool> {
    let sql = format!("SELECT 1 FROM ONLY {} LIMIT 1", table.name);
    Ok(session.value("look for a row", &sql)?.is_some())
}

/// Fills a table, with as many columns as possible. Fails with the reason.
fn fill_table(
    session: &mut Session,
    types: &Types,
    (table, first): (&FillTable, u32),
    filled: &BTreeSet<u32>,
    prefix: &str,
) -> std::result::Result<(), String> {
    let last = first + ROWS - 1;
    let attempts = [
        (FilledColumns::All, first, last),
        (FilledColumns::Required, first, last),
        (FilledColumns::All, first, first),
        (FilledColumns::Required, first, first),
    ];
    let mut why = None;
    for (columns, first, last) in attempts {
        let done = table.insert(types, columns, (first, last), filled).and_then(|sql| {
            let run = session.run_with_triggers("fill a table", &format!("{prefix}{sql}"));
            run.and_then(|()| has_rows(session, table)).map_err(|failure| failure.to_string())
        });
        let done =
            done.and_then(|is_filled| if is_filled { Ok(()) } else { Err(NO_VALUES.into()) });
        match done {
            Ok(()) => return Ok(()),
            // The first reason is about all columns, and the one that people can act on.
            Err(reason) => why = why.or(Some(reason)),
        }
    }
    Err(why.unwrap_or_default())
}
