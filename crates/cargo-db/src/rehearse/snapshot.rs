//! What the server reports about our own transaction: tables and their files, locks, rows read and
//! changed. Two snapshots around a statement show its effects.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use pg_logical::writes::CatalogWrites;

use crate::failure::Result;
use crate::world::pg::{Row, Session, catalog_failure, only_row};
use pg_sql::quote::quote_literal;

/// The number that the server knows a table by.
pub(super) type Oid = u32;

/// A table, an index, a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    /// With its schema, quoted where need be.
    pub(super) name: String,
    /// As in `pg_class.relkind`.
    pub(super) kind: char,
    /// Its file, which is another one after the table was rewritten.
    pub(super) file: Option<Oid>,
    /// As the server estimates them.
    pub(super) rows: u64,
    /// Whether its rows can be counted: our role sees all of them.
    pub(super) countable: bool,
    /// Whether its file is empty; only read for tables with row security, which may not be
    /// readable.
    pub(super) is_empty: bool,
}

impl Relation {
    /// Whether it has rows of its own.
    pub(super) fn holds_rows(&self) -> bool {
        matches!(self.kind, 'r' | 'm' | 'p')
    }
}

/// What one transaction did to one table so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) scans: u64,
    pub(super) inserted: u64,
    pub(super) updated: u64,
    pub(super) deleted: u64,
}

/// A column, by table and number.
pub(super) type Column = (Oid, i16);

/// The type of a column. It is printed by its name, which may change while the type does not; so
/// two are the same by what they are.
#[derive(Clone, Debug, Eq)]
pub(super) struct ColumnType {
    pub(super) printed: String,
    id: (Oid, i32),
}

impl PartialEq for ColumnType {
    fn eq(&self, other: &ColumnType) -> bool {
        self.id == other.id
    }
}

/// The state at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct CatalogSnapshot {
    pub(super) relations: Rc<BTreeMap<Oid, Relation>>,
    /// Name and type, without generated columns: their values are not lost while the others exist.
    pub(super) columns: Rc<BTreeMap<Column, (String, ColumnType)>>,
    /// The strongest lock of our own on each.
    pub(super) locks: BTreeMap<Oid, LockMode>,
    pub(super) counts: BTreeMap<Oid, Counts>,
    /// What may differ from the snapshot that it was made from.
    changed: BTreeSet<Oid>,
    writes: CatalogWrites,
    /// The transaction that it was taken in, as `pg_locks` names it.
    transaction: String,
    /// Whether the session has reported its statistics since, and counts from nothing.
    is_reported: bool,
    pub(super) wal: u64,
    /// Whether the session is a replica, which does not enforce foreign keys.
    pub(super) replica: bool,
}

/// A lock on a table, by its strength: a later one keeps more away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl LockMode {
    const ALL: [LockMode; 8] = [
        LockMode::AccessShare,
        LockMode::RowShare,
        LockMode::RowExclusive,
        LockMode::ShareUpdateExclusive,
        LockMode::Share,
        LockMode::ShareRowExclusive,
        LockMode::Exclusive,
        LockMode::AccessExclusive,
    ];

    /// The one that the server calls so.
    pub(super) fn named(name: &str) -> Option<LockMode> {
        LockMode::ALL.into_iter().find(|mode| mode.server_name() == name)
    }

    /// What the server calls it.
    pub(super) fn server_name(self) -> String {
        format!("{self:?}Lock")
    }

    /// Who waits for it, of those that read and write.
    pub(super) fn blocks(self) -> Option<&'static str> {
        match self {
            LockMode::AccessExclusive => Some("reads and writes"),
            LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => Some("writes"),
            _ => None,
        }
    }
}

/// What there is, and what the transaction did.
const CATALOG: &str = include_str!("sql/snapshot.sql");
const ACTIVITY: &str = include_str!("sql/activity.sql");
const PRESENT: &str = include_str!("sql/present.sql");

impl CatalogSnapshot {
    /// Asks for it, in one round trip.
    pub(super) fn take(session: &mut Session) -> Result<CatalogSnapshot> {
        let writes = writes(session, None)?;
        let mut snapshot = CatalogSnapshot { writes, ..CatalogSnapshot::default() };
        let sql = format!("{};\n{}", catalog_since(None, None), snapshot.activity());
        let [relations, columns, locks, counts, settings] = session.sets("measure", &sql)?;
        snapshot.note_catalog(&relations, &columns)?;
        snapshot.note_activity([locks, counts, settings])?;
        Ok(snapshot)
    }

    /// The snapshot of now, made from the last one if there is one.
    pub(super) fn after(
        last: Option<CatalogSnapshot>,
        session: &mut Session,
    ) -> Result<CatalogSnapshot> {
        match last {
            Some(last) => last.now(session),
            None => CatalogSnapshot::take(session),
        }
    }

    /// The snapshot of now, of which only what was written since this one is read. With thousands
    /// of tables, the rest is most of what there is to read.
    pub(super) fn now(&self, session: &mut Session) -> Result<CatalogSnapshot> {
        let writes = writes(session, Some(&self.writes))?;
        if !self.has_hidden() && is_traceable(&writes, &self.writes) {
            let mut now = self.clone();
            now.changed.clear();
            now.note_activity(session.sets("measure", &now.activity())?)?;
            if writes.of.get(..2) != self.writes.of.get(..2) {
                let among = self.changeable_in(&now);
                now.read_written(session, (&self.writes, &writes), among.as_deref())?;
            }
            now.writes = writes;
            return Ok(now);
        }
        let mut now = CatalogSnapshot::take(session)?;
        // What is gone differs, too.
        now.changed.extend(self.relations.keys());
        Ok(now)
    }

    /// Asks again for what the transaction did, where no statement has changed the catalog in the
    /// meantime.
    pub(super) fn retake(&mut self, session: &mut Session) -> Result<()> {
        self.writes = writes(session, None)?;
        self.note_activity(session.sets("measure", &self.activity())?)
    }

    /// The query for what the transaction has done since this snapshot.
    fn activity(&self) -> String {
        let is_same = format!(
            "EXISTS (SELECT 1 FROM pg_locks l
                     WHERE l.pid = pg_backend_pid() AND l.virtualtransaction = {})",
            quote_literal(&self.transaction)
        );
        ACTIVITY.replace("{known}", if self.is_reported { "true" } else { &is_same })
    }

    /// Notes that the session has just reported its statistics, outside of a transaction: what the
    /// next one does is counted from nothing.
    pub(super) fn note_reported(&mut self) {
        self.is_reported = true;
    }

    /// What may differ from the snapshot that this one was made from.
    pub(super) fn touched(&self) -> BTreeSet<Oid> {
        self.changed.iter().chain(self.counts.keys()).copied().collect()
    }

    fn note_catalog(&mut self, relations: &[Row], columns: &[Row]) -> Result<()> {
        let (all, of_all) = (Rc::make_mut(&mut self.relations), Rc::make_mut(&mut self.columns));
        for row in relations {
            let kind = row.text("kind")?.chars().next().unwrap_or(' ');
            let (name, file) = (row.text("name")?.to_owned(), row.optional_number("file")?);
            let rows = row.number("rows")?;
            let (countable, is_empty) = (row.flag("countable")?, row.flag("is_empty")?);
            let relation = Relation { name, kind, file, rows, countable, is_empty };
            let oid = row.number("oid")?;
            self.changed.insert(oid);
            all.insert(oid, relation);
        }
        for row in columns {
            let column: Column = (row.number("oid")?, row.number("number")?);
            self.changed.insert(column.0);
            if !row.flag("is_there")? {
                of_all.remove(&column);
                continue;
            }
            let id = (row.number("type_oid")?, row.number("modifier")?);
            let of = ColumnType { printed: row.text("type")?.to_owned(), id };
            of_all.insert(column, (row.text("name")?.to_owned(), of));
        }
        Ok(())
    }

    /// The tables whose columns may have changed since this snapshot: those that the transaction
    /// has locked, if that is still the same one. A statement that writes the catalog directly
    /// needs no such lock; then, any.
    fn changeable_in(&self, now: &CatalogSnapshot) -> Option<Vec<Oid>> {
        let is_direct = now.locks.get(&PG_ATTRIBUTE).is_some_and(|&lock| lock > LockMode::RowShare);
        let is_known = self.transaction == now.transaction && !is_direct;
        is_known.then(|| now.locks.keys().copied().collect())
    }

    fn read_written(
        &mut self,
        session: &mut Session,
        (then, now): (&CatalogWrites, &CatalogWrites),
        among: Option<&[Oid]>,
    ) -> Result<()> {
        let sql = catalog_since(Some(then), among);
        let [relations, columns] = session.sets("measure", &sql)?;
        self.note_catalog(&relations, &columns)?;
        let removed = |writes: &CatalogWrites| writes.of.first().map(|relations| relations.deleted);
        if removed(now) != removed(then) {
            let [present] = session.sets("measure", PRESENT)?;
            self.forget_absent(only_row("measure", present)?.optional_text("oids")?.unwrap_or(""));
        }
        Ok(())
    }

    fn forget_absent(&mut self, present: &str) {
        let present: BTreeSet<Oid> =
            present.split(',').filter_map(|oid| oid.parse().ok()).collect();
        let gone: BTreeSet<Oid> =
            self.relations.keys().copied().filter(|oid| !present.contains(oid)).collect();
        Rc::make_mut(&mut self.relations).retain(|oid, _| !gone.contains(oid));
        Rc::make_mut(&mut self.columns).retain(|(oid, _), _| !gone.contains(oid));
        self.changed.extend(gone);
    }

    /// Whether there is a table of which the role may not see all rows. Whether that is empty is
    /// not seen in the catalog.
    fn has_hidden(&self) -> bool {
        self.relations.values().any(|relation| !relation.countable)
    }

    fn note_activity(&mut self, [locks, counts, settings]: [Vec<Row>; 3]) -> Result<()> {
        let settings = only_row("measure", settings)?;
        (self.wal, self.replica) = (settings.number("wal")?, settings.flag("replica")?);
        self.is_reported = false;
        let transaction = settings.text("transaction")?;
        if transaction != self.transaction {
            self.counts.clear();
            transaction.clone_into(&mut self.transaction);
        }
        self.locks.clear();
        for row in &locks {
            let Some(mode) = LockMode::named(row.text("mode")?) else { continue };
            let held = self.locks.entry(row.number("oid")?).or_insert(mode);
            *held = mode.max(*held);
        }
        for row in &counts {
            let counts = Counts {
                scans: row.number("scans")?,
                inserted: row.number("inserted")?,
                updated: row.number("updated")?,
                deleted: row.number("deleted")?,
            };
            self.counts.insert(row.number("oid")?, counts);
        }
        Ok(())
    }

    /// A table of which the role does not see all rows.
    pub(super) fn hidden(&self, table: Oid) -> Option<&Relation> {
        self.relations.get(&table).filter(|relation| !relation.countable && !relation.is_empty)
    }

    /// The columns of a table, by their numbers.
    pub(super) fn columns_of(&self, table: Oid) -> Vec<String> {
        let columns = self.columns.range((table, i16::MIN)..=(table, i16::MAX));
        columns.map(|(_, (name, _))| name.clone()).collect()
    }

    /// The type of a column.
    pub(super) fn column(&self, table: Oid, name: &str) -> Option<String> {
        let mut columns = self.columns.range((table, i16::MIN)..=(table, i16::MAX));
        columns.find(|(_, (column, _))| column == name).map(|(_, (_, of))| of.printed.clone())
    }

    /// The tables whose rows were written since then.
    pub(super) fn written_since(&self, before: &CatalogSnapshot) -> BTreeSet<Oid> {
        let wrote = |oid: &Oid| {
            let done = self.counts_since(before, *oid);
            done.inserted + done.updated + done.deleted > 0
        };
        self.counts.keys().copied().filter(wrote).collect()
    }

    /// What was done to a table since.
    pub(super) fn counts_since(&self, before: &CatalogSnapshot, table: Oid) -> Counts {
        let now = self.counts.get(&table).copied().unwrap_or_default();
        let then = before.counts.get(&table).copied().unwrap_or_default();
        Counts {
            scans: now.scans.saturating_sub(then.scans),
            inserted: now.inserted.saturating_sub(then.inserted),
            updated: now.updated.saturating_sub(then.updated),
            deleted: now.deleted.saturating_sub(then.deleted),
        }
    }
}

/// The catalogs that a snapshot is read from, and those that it depends on otherwise.
const WATCHED: [&str; 6] =
    ["pg_class", "pg_attribute", "pg_type", "pg_namespace", "pg_auth_members", "pg_authid"];

/// The condition that a column of a query is one of these numbers.
pub(super) fn is_any_of<'a>(column: &str, oids: impl IntoIterator<Item = &'a Oid>) -> String {
    let oids: Vec<String> = oids.into_iter().map(Oid::to_string).collect();
    format!("{column} = ANY ('{{{}}}')", oids.join(","))
}

/// The number of the catalog of columns, in all databases (`pg_attribute.h`).
const PG_ATTRIBUTE: Oid = 1249;

/// The query for what was written to the catalog after a moment, with the columns of these tables.
fn catalog_since(then: Option<&CatalogWrites>, among: Option<&[Oid]>) -> String {
    let among = among.map_or_else(|| "true".to_owned(), |oids| is_any_of("a.attrelid", oids));
    CatalogWrites::since(then, &CATALOG.replace("{among}", &among))
}

/// The counters of these catalogs, after those of an earlier snapshot.
fn writes(session: &mut Session, then: Option<&CatalogWrites>) -> Result<CatalogWrites> {
    CatalogWrites::read(session, &WATCHED, then).map_err(catalog_failure)
}

/// Whether the changes since an earlier snapshot are found in its own catalogs. A new table also
/// inserts a type; only a renamed type changes the text of others.
fn is_traceable(now: &CatalogWrites, then: &CatalogWrites) -> bool {
    let renamed_types = |writes: &CatalogWrites| writes.of.get(2).map(|types| types.updated);
    now.continues(then)
        && now.of.get(3..) == then.of.get(3..)
        && renamed_types(now) == renamed_types(then)
}

/// Whether the session's transaction has changed objects shared by all databases of the server:
/// roles and memberships, databases, tablespaces, and their comments and settings.
pub(super) fn reaches_out(session: &mut Session) -> Result<bool> {
    let sql = include_str!("sql/reaches_out.sql");
    Ok(session.value("read what all databases share", sql)?.is_some())
}
