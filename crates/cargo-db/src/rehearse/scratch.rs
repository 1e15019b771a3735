//! The scratch database: a clone if no session is connected, else a loaded dump, else the schema
//! with the sizes that the server estimates for the source. It is dropped in any case.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crate::backup::{self, BackupFolder, Copied, RestoreSource, SiblingDatabase};
use crate::failure::Result;
use crate::model::environment::Environment;
use crate::model::event::Event;
use crate::model::rehearsal::{Basis, FEW_ROWS};
use crate::model::target::Target;
use crate::rehearse::baseline::InitialTables;
use crate::rehearse::filled::filled;
use crate::rehearse::history::copy_history;
use crate::rehearse::request::CopySource;
use crate::rehearse::sizes::{count_up_to, grown_tables, sizes};
use crate::rehearse::snapshot::CatalogSnapshot;
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Session};

/// A database with more bytes than this is only copied on request.
const COPIED_AT_MOST: u64 = 20 << 30;

/// A copy to run migrations on.
pub(crate) struct Scratch {
    built: SiblingDatabase,
    pub(super) basis: Basis,
    /// How many rows each table of the source has, by its name; where only the schema was copied.
    rows: BTreeMap<String, u64>,
    /// The tables of the source that have rows without an estimate, or that the role cannot see, if
    /// only the schema was copied.
    uncounted: BTreeSet<String>,
    /// How long it took.
    pub(super) copied: Duration,
    /// The sizes of the database itself, if a backup was copied and the database can be queried.
    pub(super) sizes: BTreeMap<String, u64>,
}

/// Makes it.
pub(crate) fn make(
    world: &World,
    settings: &Settings,
    target: &Target,
    from: &CopySource,
) -> Result<Scratch> {
    let began = stopwatch();
    let schema_alone = || backup::dump_into_scratch(world, settings, target, Copied::Schema);
    let (built, basis) = match from {
        CopySource::Backup(name) => {
            let folder = BackupFolder::of(settings);
            let backup = folder.resolve_argument(world, name.as_deref(), &target.database)?;
            backup::refuse_part(&backup.manifest)?;
            let name = backup.manifest.name.clone();
            let source = RestoreSource::of(&folder, &backup).for_scratch(settings)?;
            let built = backup::scratch(world, settings, target, &source)?;
            (built, Basis::Backup(name))
        }
        CopySource::Schema => (schema_alone()?, Basis::Schema),
        CopySource::Auto if is_large(world, target)? => (schema_alone()?, Basis::Schema),
        CopySource::Auto | CopySource::Live => (live(world, settings, target)?, Basis::Live),
    };
    let (rows, uncounted) = match basis {
        Basis::Schema => (estimates(world, target)?, uncounted(world, target)?),
        _ => (BTreeMap::new(), BTreeSet::new()),
    };
    if basis == Basis::Schema {
        copy_history(world, settings, target, &built.target)?;
    } else {
        let unknown = "SELECT 1 FROM pg_class c WHERE c.relkind IN ('r', 'm') \
                       AND c.oid >= 16384 AND c.reltuples < 0 LIMIT 1";
        let mut session = Session::open(world, built.for_work(), Purpose::Read)?;
        if session.value("find tables of unknown size", unknown)?.is_some() {
            backup::analyse(&mut Session::open(world, built.for_work(), Purpose::Write)?)?;
        }
    }
    let is_backup = matches!(basis, Basis::Backup(_));
    let sizes =
        if is_backup { estimates(world, target).unwrap_or_default() } else { BTreeMap::new() };
    let copied = began.elapsed();
    let subject = match &basis {
        Basis::Live => target.database.clone(),
        other => other.describe(&target.database),
    };
    world.emit(Event::Finished { done: "Copied", subject, elapsed: copied });
    Ok(Scratch { built, basis, rows, uncounted, copied, sizes })
}

fn live(world: &World, settings: &Settings, target: &Target) -> Result<SiblingDatabase> {
    // While a database is cloned, no session can connect to it: not for production.
    if settings.environment.environment != Environment::Production
        && let Some(built) = backup::clone_sibling(world, target, backup::SCRATCH)?
    {
        return Ok(built);
    }
    backup::dump_into_scratch(world, settings, target, Copied::SchemaAndRows)
}

fn is_large(world: &World, target: &Target) -> Result<bool> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let sql = "SELECT pg_database_size(current_database())";
    Ok(session.number::<u64>("ask for the size", sql)? > COPIED_AT_MOST)
}

fn estimates(world: &World, target: &Target) -> Result<BTreeMap<String, u64>> {
    sizes(&mut Session::open(world, target, Purpose::Read)?)
}

/// The tables that may have rows without an estimate.
fn uncounted(world: &World, target: &Target) -> Result<BTreeSet<String>> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let snapshot = CatalogSnapshot::take(&mut session)?;
    let filled = filled(&mut session, &snapshot)?;
    let tables = snapshot.relations.iter().filter(|(_, table)| table.rows == 0);
    let may_hold =
        tables.filter(|(oid, table)| filled.contains(oid) || !table.countable && !table.is_empty);
    Ok(may_hold.map(|(_, table)| table.name.clone()).collect())
}

impl Scratch {
    pub(crate) fn target(&self) -> &Target {
        self.built.for_work()
    }

    /// Where the data comes from, in words.
    pub(crate) fn describe(&self, database: &str) -> String {
        self.basis.describe(database)
    }

    /// The tables as they are before the first migration.
    pub(super) fn baseline(&self, session: &mut Session) -> Result<InitialTables> {
        let snapshot = CatalogSnapshot::take(session)?;
        let filled = filled(session, &snapshot)?;
        let CatalogSnapshot { relations, columns, .. } = snapshot;
        let mut relations = Rc::unwrap_or_clone(relations);
        for (oid, rows) in grown_tables(session)? {
            let Some(relation) = relations.get_mut(&oid) else { continue };
            relation.rows = if relation.countable && rows < FEW_ROWS {
                // A small table is counted, but no further than the limit for small tables.
                rows.max(count_up_to(session, &relation.name, FEW_ROWS)?)
            } else {
                rows
            };
        }
        for (oid, relation) in &mut relations {
            relation.rows = self.rows.get(&relation.name).copied().unwrap_or(relation.rows);
            relation.countable &= !self.uncounted.contains(&relation.name);
            // A table that was filled since the last ANALYZE is estimated as empty.
            let holds = filled.contains(oid)
                || relation.holds_rows() && !relation.countable && !relation.is_empty;
            relation.rows = relation.rows.max(u64::from(holds));
        }
        let columns = columns.iter().map(|(number, (name, _))| (*number, name.clone())).collect();
        Ok(InitialTables { relations, columns, holds_rows: self.basis != Basis::Schema, filled })
    }

    /// Keeps the database and returns its name.
    pub(super) fn keep(self) -> Result<String> {
        self.built.keep("a rehearsal of cargo db, kept with --keep")
    }
}
