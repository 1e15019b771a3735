//! What would be lost: the tables and columns that statements drop, and how much they hold.

use std::collections::BTreeSet;
use std::time::Duration;

use postgres::error::SqlState;

use crate::failure::{ConsentError, DatabaseError, Kind, Result};
use crate::migration::database::connect_or_none;
use crate::migration::lost::{LostObject, dropped_by, lost_by};
use crate::migration::tables::project_relation;
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::plan::{Loss, Plan, Step};
use crate::settings::Settings;
use crate::world::pg::{Purpose, Row, Session, wait_to_read};
use crate::world::{World, files};
use db_tools::ProjectTool;
use pg_sql::lexer::first_words;
use pg_sql::name::TableName;
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::Statement;

/// Tables with more rows than this are not counted. Counting takes far less time than the backup
/// before it, and a loss that is not counted has no bound.
const COUNTED: f64 = 100_000_000.0;

/// Tables with more bytes than this are counted before they are locked, because everybody else
/// waits while they are locked. Rows that come after the count are not in it then.
const COUNTED_UNDER_LOCK: u64 = 64 * 1024 * 1024;

/// What the down file of each migration loses, as far as its text shows: dropped and truncated
/// tables with their rows, dropped columns with the rows that have a value in them.
pub(crate) fn losses_of(
    world: &World,
    settings: &Settings,
    target: &Target,
    migrations: Vec<Migration>,
) -> Result<Vec<(Migration, Vec<Loss>)>> {
    let patience = settings.limits.lock_timeout.value;
    let mut session = Session::open(world, target, Purpose::Read)?;
    let mut all = Vec::new();
    for migration in migrations {
        let mut found = LossList::default();
        if migration.up.is_code {
            let object = format!("what the down migration of {} removes", migration.title());
            found.add(Loss::of(object, None));
        } else if let Some(down) = &migration.down {
            let bytes = down.part_of(files::read(&settings.root.join(&down.path))?);
            let lost = lost_by(&bytes);
            for object in &lost.objects {
                found.count((world, patience), &mut session, object)?;
            }
            lost.reaching.into_iter().map(reached).for_each(|loss| found.add(loss));
            world.interrupt.check()?;
        }
        all.push((migration, found.losses));
    }
    Ok(all)
}

/// Counts what the pending files of a plan drop or empty, as far as their text shows.
pub(crate) fn count_losses(world: &World, settings: &Settings, plan: &mut Plan) -> Result<()> {
    let mut dropped = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let Step::Apply { migration, .. } = step else { continue };
        if migration.up.is_code {
            continue;
        }
        let bytes = migration.up.part_of(files::read(&settings.root.join(&migration.up.path))?);
        if drops(&bytes) {
            dropped.push((at, dropped_by(&bytes)));
        }
    }
    dropped.retain(|(_, objects)| !objects.is_empty());
    if dropped.is_empty() {
        return Ok(());
    }
    let Some(mut session) = connect_or_none(world, settings, &plan.target)? else { return Ok(()) };
    let patience = settings.limits.lock_timeout.value;
    for (at, objects) in dropped {
        if let Some(Step::Apply { losses, .. }) = plan.steps.get_mut(at) {
            let mut found = LossList::default();
            for object in objects {
                found.count((world, patience), &mut session, &object)?;
            }
            *losses = found.losses;
        }
        world.interrupt.check()?;
    }
    Ok(())
}

/// Whether a file names anything that drops or empties. Most do not, and some are long.
fn drops(bytes: &[u8]) -> bool {
    let has =
        |word: &[u8]| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    has(b"drop") || has(b"truncate")
}

/// The loss that a statement may cause without naming the object.
fn reached(line: usize) -> Loss {
    Loss::of(format!("what line {line} reaches"), None)
}

/// What one file loses, each object once.
#[derive(Default)]
struct LossList {
    losses: Vec<Loss>,
    /// The names that were counted, each with the table that it referred to.
    seen: BTreeSet<(String, String)>,
}

impl LossList {
    /// Adds a loss. With another search path, a name refers to another table: then the rows of both
    /// are lost under that name, and if one was not counted, the sum is unknown.
    fn add(&mut self, loss: Loss) {
        match self.losses.iter_mut().find(|known| known.object == loss.object) {
            Some(known) => {
                let both = known.rows.zip(loss.rows);
                known.rows = both.map(|(one, other)| one.saturating_add(other));
            }
            None => self.losses.push(loss),
        }
    }

    /// Counts an object and adds it, unless it does not exist or is already listed. If the table is
    /// locked, this waits up to the given time.
    fn count(
        &mut self,
        (world, patience): (&World, Duration),
        session: &mut Session,
        object: &LostObject,
    ) -> Result<()> {
        let Some(table) = object.lookup(session) else {
            self.add(reached(object.line));
            return Ok(());
        };
        let sql = format!(
            "SELECT oid, oid::regclass::text AS name, reltuples AS estimate FROM pg_class \
             WHERE oid = {table} AND relkind IN ('r', 'p')"
        );
        let Some(row) = session.optional("read what would be lost", &sql)? else {
            return Ok(());
        };
        if self.seen.insert((object.name(), row.text("oid")?.to_owned())) {
            let what = object.column.as_deref().map_or_else(|| "*".to_owned(), quote_identifier);
            let (name, estimate) = (row.text("name")?, row.number("estimate")?);
            let count = |session: &mut Session| count_rows(session, name, &what, estimate);
            let rows = wait_to_read(world, session, patience, count)?;
            self.add(Loss::of(object.name(), rows));
        }
        Ok(())
    }
}

/// What dropping every table loses for which `condition` on `pg_class c` holds.
pub(crate) fn losses_where(
    session: &mut Session,
    layout: &ProjectTool,
    condition: &str,
) -> Result<Vec<Loss>> {
    let sql = format!(
        "SELECT n.nspname AS schema, c.relname AS table, c.reltuples AS estimate, \
                format('%I.%I', n.nspname, c.relname) AS quoted \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND {} AND {condition} \
         ORDER BY n.nspname || '.' || c.relname",
        project_relation(layout)
    );
    let tables = session.rows("list the tables", &sql)?;
    let loss = |row: &Row| {
        let (schema, table) = (row.text("schema")?.to_owned(), row.text("table")?.to_owned());
        let object = TableName { schema: Some(schema), table }.to_string();
        let rows = count_rows(session, row.text("quoted")?, "*", row.number("estimate")?)?;
        Ok(Loss::of(object, rows))
    };
    tables.iter().map(loss).collect()
}

/// Counts what holds something, unless that takes too long or the server refuses it.
fn count_rows(
    session: &mut Session,
    table: &str,
    what: &str,
    estimate: f64,
) -> Result<Option<u64>> {
    if estimate > COUNTED {
        return Ok(None);
    }
    let sql = format!("SELECT count({what}) FROM {table}");
    match session.number("count what would be lost", &sql) {
        Err(failure)
            if matches!(failure.kind(), Kind::Database(DatabaseError::Sql { .. }))
                && !failure.is(&SqlState::LOCK_NOT_AVAILABLE) =>
        {
            Ok(None)
        }
        counted => counted.map(Some),
    }
}

/// Locks what a statement is about to drop or empty until the end of the transaction, and fails if
/// it now contains more rows than may be lost. The session has the migration's settings, so that
/// names resolve as in the statement.
pub(super) fn lock_and_count(
    session: &mut Session,
    statement: &Statement,
    bounds: &[Loss],
    command: &str,
) -> Result<()> {
    for object in lost_by(statement.text.as_bytes()).objects {
        let name = object.name();
        let known = bounds.iter().find(|loss| loss.object == name);
        let Some(bound) = known.and_then(|loss| loss.at_most) else { continue };
        if !is_there(session, &object)? || !session.is_inside()? {
            continue;
        }
        if size(session, &object)? > COUNTED_UNDER_LOCK {
            refuse_more(session, &object, bound, command)?;
            lock(session, statement, &object)?;
        } else {
            lock(session, statement, &object)?;
            refuse_more(session, &object, bound, command)?;
        }
    }
    Ok(())
}

/// Takes the same lock as the statement. With a weaker lock, readers could continue during the
/// count, but those that then write would end in a deadlock with the statement.
fn lock(session: &mut Session, statement: &Statement, object: &LostObject) -> Result<()> {
    // A DELETE does not block readers, so this lock must not block them either.
    let is_delete = first_words(&statement.text, 1).iter().any(|first| first == "delete");
    let mode = if is_delete { "EXCLUSIVE" } else { "ACCESS EXCLUSIVE" };
    let sql = format!("LOCK TABLE {} IN {mode} MODE", object.table.quoted());
    session.run("lock what will be lost", &sql)
}

/// Counts, and fails if there is more than may be lost.
fn refuse_more(
    session: &mut Session,
    object: &LostObject,
    bound: u64,
    command: &str,
) -> Result<()> {
    let what = object.column.as_deref().map_or_else(|| "*".to_owned(), quote_identifier);
    let sql = format!("SELECT pg_catalog.count({what}) FROM {}", object.table.quoted());
    let found = Some(session.number("count what will be lost", &sql)?);
    let loss = Loss { at_most: Some(bound), ..Loss::of(object.name(), found) };
    if !loss.is_beyond() {
        return Ok(());
    }
    let (object, command) = (loss.name().to_owned(), command.to_owned());
    Err(ConsentError::MoreLost { object, found, bound, command }.into())
}

/// How many bytes are read to count a table with all its partitions.
fn size(session: &mut Session, object: &LostObject) -> Result<u64> {
    let sql = format!(
        "WITH RECURSIVE part (id) AS (SELECT pg_catalog.to_regclass({})::pg_catalog.oid \
         UNION SELECT inhrelid FROM pg_catalog.pg_inherits \
         JOIN part ON inhparent OPERATOR(pg_catalog.=) id) \
         SELECT COALESCE(pg_catalog.sum(pg_catalog.pg_relation_size(id)), 0) FROM part",
        quote_literal(&object.table.quoted())
    );
    session.number("find the size of what will be lost", &sql)
}

/// Whether the object still exists: an earlier statement may have dropped it.
fn is_there(session: &mut Session, object: &LostObject) -> Result<bool> {
    let table = quote_literal(&object.table.quoted());
    let sql = match &object.column {
        None => format!("SELECT 1 WHERE pg_catalog.to_regclass({table}) IS NOT NULL"),
        Some(column) => format!(
            "SELECT 1 FROM pg_catalog.pg_attribute WHERE NOT attisdropped \
             AND attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({table}) \
             AND attname OPERATOR(pg_catalog.=) {}::pg_catalog.name",
            quote_literal(column)
        ),
    };
    Ok(session.value("find what will be lost", &sql)?.is_some())
}
