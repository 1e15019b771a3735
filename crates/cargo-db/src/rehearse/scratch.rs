//! The scratch database: a clone where nobody is connected, else a dump that is loaded, else the
//! schema with the sizes that the server estimates for the source. It is dropped on every way out.

use std::collections::BTreeMap;

use crate::backup::{self, Built, Copied, Folder, Source};
use crate::failure::Result;
use crate::model::environment::Environment;
use crate::model::rehearsal::Basis;
use crate::model::target::Target;
use crate::rehearse::baseline::Baseline;
use crate::rehearse::request::{CopySource, Request};
use crate::rehearse::snapshot::Snapshot;
use crate::world::World;
use crate::world::pg::{Purpose, Session};

/// A database with more bytes than this is not copied unless it is asked for.
const COPIED_AT_MOST: u64 = 20 << 30;

/// A copy to run migrations on.
pub(super) struct Scratch {
    built: Built,
    pub(super) basis: Basis,
    /// How many rows each table of the source has, by its name; where only the schema was copied.
    rows: BTreeMap<String, u64>,
    /// The same of the database itself, where a backup was copied and it can be asked.
    pub(super) sizes: BTreeMap<String, u64>,
    /// While it is connected, no other run takes the scratch database for a leftover.
    keeper: Session,
}

/// Makes it.
pub(super) fn make(world: &World, request: &Request<'_>) -> Result<Scratch> {
    let (settings, target) = (request.settings, request.target);
    let (built, basis) = match &request.from {
        CopySource::Backup(name) => {
            let folder = Folder::of(settings);
            let backup = folder.find(name.as_deref(), &target.database)?;
            let name = backup.manifest.name.clone();
            let built = backup::scratch(world, settings, target, &Source::of(&folder, &backup))?;
            (built, Basis::Backup(name))
        }
        CopySource::Schema => (dumped(world, request, Copied::Schema)?, Basis::Schema),
        CopySource::Auto if is_large(world, target)? => {
            (dumped(world, request, Copied::Schema)?, Basis::Schema)
        }
        CopySource::Auto | CopySource::Live => (live(world, request)?, Basis::Live),
    };
    let mut keeper = Session::open(world, &built.target, Purpose::Read)?;
    let rows = if basis == Basis::Schema { estimates(world, target)? } else { BTreeMap::new() };
    if basis != Basis::Schema {
        let unknown = "SELECT 1 FROM pg_class c WHERE c.relkind IN ('r', 'm') \
                       AND c.oid >= 16384 AND c.reltuples < 0 LIMIT 1";
        if keeper.value("look for tables of unknown size", unknown)?.is_some() {
            Session::open(world, &built.target, Purpose::Write)?
                .run("analyse the copy", "ANALYZE")?;
        }
    }
    let is_backup = matches!(basis, Basis::Backup(_));
    let sizes =
        if is_backup { estimates(world, target).unwrap_or_default() } else { BTreeMap::new() };
    Ok(Scratch { built, basis, rows, sizes, keeper })
}

fn live(world: &World, request: &Request<'_>) -> Result<Built> {
    // While a database is cloned nobody can connect to it: not for production.
    if request.settings.environment.environment != Environment::Production
        && let Some(built) = backup::clone_sibling(world, request.target, backup::SCRATCH)?
    {
        return Ok(built);
    }
    dumped(world, request, Copied::SchemaAndRows)
}

fn dumped(world: &World, request: &Request<'_>, copied: Copied) -> Result<Built> {
    let built = backup::create_sibling(world, request.target, backup::SCRATCH, None)?;
    backup::copy_into(world, request.settings, request.target, &built, copied)?;
    Ok(built)
}

fn is_large(world: &World, target: &Target) -> Result<bool> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let sql = "SELECT pg_database_size(current_database())";
    Ok(session.number::<u64>("ask for the size", sql)? > COPIED_AT_MOST)
}

fn estimates(world: &World, target: &Target) -> Result<BTreeMap<String, u64>> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let snapshot = Snapshot::take(&mut session)?;
    Ok(snapshot.relations.into_values().map(|relation| (relation.name, relation.rows)).collect())
}

impl Scratch {
    pub(super) fn target(&self) -> &Target {
        &self.built.target
    }

    /// The tables as they are before the first migration.
    pub(super) fn baseline(&self, session: &mut Session) -> Result<Baseline> {
        let Snapshot { mut relations, columns, .. } = Snapshot::take(session)?;
        for relation in relations.values_mut() {
            relation.rows = self.rows.get(&relation.name).copied().unwrap_or(relation.rows);
        }
        let columns = columns.into_iter().map(|(number, (name, _))| (number, name)).collect();
        Ok(Baseline { relations, columns, holds_rows: self.basis != Basis::Schema })
    }

    /// Leaves it where it is. Returns its name.
    pub(super) fn keep(self) -> Result<String> {
        drop(self.keeper);
        self.built.keep("a rehearsal of cargo db, kept with --keep")
    }
}
