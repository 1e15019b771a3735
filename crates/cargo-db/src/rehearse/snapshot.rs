//! What the server says of our own transaction: which tables there are and where they lie on disk, what
//! is locked, what was read and changed. Two snapshots around a statement tell what it did.

use std::collections::BTreeMap;

use crate::failure::Result;
use crate::world::pg::{Row, Session};

/// The number that the server knows a table by.
pub(super) type Oid = u32;

/// A table, an index, a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    /// With its schema, quoted where need be.
    pub(super) name: String,
    /// As in `pg_class.relkind`.
    pub(super) kind: char,
    /// The file that holds it; another one after it was written anew.
    pub(super) file: Option<Oid>,
    /// As the server estimates them.
    pub(super) rows: u64,
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

/// How things stand at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) relations: BTreeMap<Oid, Relation>,
    /// Name and type; but of no generated column: its values are not lost while the others are there.
    pub(super) columns: BTreeMap<Column, (String, String)>,
    /// The strongest lock of our own on each.
    pub(super) locks: BTreeMap<Oid, Mode>,
    pub(super) counts: BTreeMap<Oid, Counts>,
    pub(super) wal: u64,
}

/// A lock on a table, by its strength: a later one keeps more away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl Mode {
    const ALL: [Mode; 8] = [
        Mode::AccessShare,
        Mode::RowShare,
        Mode::RowExclusive,
        Mode::ShareUpdateExclusive,
        Mode::Share,
        Mode::ShareRowExclusive,
        Mode::Exclusive,
        Mode::AccessExclusive,
    ];

    /// The one that the server calls so.
    pub(super) fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| format!("{mode:?}Lock") == name)
    }

    /// Who waits for it, of those that read and write.
    pub(super) fn blocks(self) -> Option<&'static str> {
        match self {
            Mode::AccessExclusive => Some("reads and writes"),
            Mode::Share | Mode::ShareRowExclusive | Mode::Exclusive => Some("writes"),
            _ => None,
        }
    }
}

const SQL: &str = "\
SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind, pg_relation_filenode(c.oid), greatest(c.reltuples, 0)::bigint \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE c.relkind IN ('r', 'p', 'm', 'i') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cargo_db'); \
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND c.relkind IN ('r', 'p') \
AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cargo_db'); \
SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted; \
SELECT relid, seq_scan, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables \
WHERE seq_scan + n_tup_ins + n_tup_upd + n_tup_del > 0; \
SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn";

impl Snapshot {
    /// Asks for it, in one round trip.
    pub(super) fn take(session: &mut Session) -> Result<Snapshot> {
        let sets = session.result_sets("measure", SQL)?;
        let [relations, columns, locks, counts, wal] = sets.as_slice() else {
            return Ok(Snapshot::default());
        };
        let mut snapshot =
            Snapshot { wal: wal.first().map_or(0, |row| number(row, 0)), ..Snapshot::default() };
        for row in relations {
            let kind = text(row, 2).chars().next().unwrap_or(' ');
            let file = row[3].as_deref().and_then(|file| file.parse().ok());
            let relation = Relation { name: text(row, 1), kind, file, rows: number(row, 4) };
            snapshot.relations.insert(oid(row), relation);
        }
        for row in columns {
            let place = i16::try_from(number(row, 1)).unwrap_or(0);
            snapshot.columns.insert((oid(row), place), (text(row, 2), text(row, 3)));
        }
        for row in locks {
            let Some(mode) = Mode::named(&text(row, 1)) else { continue };
            let held = snapshot.locks.entry(oid(row)).or_insert(mode);
            *held = mode.max(*held);
        }
        for row in counts {
            let [scans, inserted, updated, deleted] =
                [1, 2, 3, 4].map(|column| number(row, column));
            snapshot.counts.insert(oid(row), Counts { scans, inserted, updated, deleted });
        }
        Ok(snapshot)
    }

    /// The columns of a table, by their numbers.
    pub(super) fn columns_of(&self, table: Oid) -> Vec<String> {
        let columns = self.columns.range((table, i16::MIN)..=(table, i16::MAX));
        columns.map(|(_, (name, _))| name.clone()).collect()
    }

    /// The type of a column.
    pub(super) fn column(&self, table: Oid, name: &str) -> Option<String> {
        let mut columns = self.columns.range((table, i16::MIN)..=(table, i16::MAX));
        columns.find(|(_, (column, _))| column == name).map(|(_, (_, of))| of.clone())
    }

    /// What was done to a table since.
    pub(super) fn counts_since(&self, before: &Snapshot, table: Oid) -> Counts {
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

/// Whether the session's transaction has changed what all databases of the server share: roles and who has
/// them, databases, tablespaces, and what is said and set of them.
///
/// Who writes there keeps a lock on the catalog until the end, except for the rights on a database: its row
/// is then one that only this transaction has written.
pub(super) fn reaches_out(session: &mut Session) -> Result<bool> {
    let sql = "\
SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND database = 0 \
  AND mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') \
  AND relation::regclass::text ~ '^(pg_catalog\\.)?(pg_authid|pg_auth_members|pg_database|pg_tablespace|pg_shdescription|pg_shseclabel|pg_db_role_setting|pg_replication_origin|pg_subscription|pg_parameter_acl)$' \
UNION ALL \
SELECT 1 FROM pg_database WHERE CASE WHEN xmin::text::bigint <= txid_current() & 4294967295 \
  THEN txid_status((txid_current() >> 32 << 32) + xmin::text::bigint) = 'in progress' END LIMIT 1";
    Ok(session.value("look at what all databases share", sql)?.is_some())
}

fn text(row: &Row, column: usize) -> String {
    row[column].clone().unwrap_or_default()
}

fn number(row: &Row, column: usize) -> u64 {
    row[column].as_deref().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn oid(row: &Row) -> Oid {
    row[0].as_deref().and_then(|oid| oid.parse().ok()).unwrap_or(0)
}
