//! Measures what each statement of a migration does: a snapshot, the statement, a snapshot. One that takes
//! rows away is undone, what it would take is counted, and it is run again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pg_logical::script::Statement;

use crate::failure::{Failure, Result, StatementError};
use crate::rehearse::capture::{Capture, Kept, ask};
use crate::rehearse::outside::{Watch, needs_no_transaction};
use crate::rehearse::snapshot::{Column, Counts, Mode, Oid, Relation, Snapshot};
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Around, Session};

/// The tables as they were before the first migration, which is how they are on the real database.
pub(super) struct Baseline {
    pub(super) relations: BTreeMap<Oid, Relation>,
    /// Whether the copy holds the rows, or only its schema was copied.
    pub(super) holds_rows: bool,
}

impl Baseline {
    /// A table that was there and had rows.
    pub(super) fn table(&self, oid: Oid) -> Option<&Relation> {
        self.relations.get(&oid).filter(|relation| relation.holds_rows() && relation.rows > 0)
    }

    /// A table that was there, with rows or without.
    pub(super) fn any_table(&self, oid: Oid) -> Option<&Relation> {
        self.relations.get(&oid).filter(|relation| relation.holds_rows())
    }
}

/// Something that a statement does away with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    /// `table dropped`, `table emptied`, `column dropped`.
    pub(super) how: &'static str,
    pub(super) object: String,
    pub(super) rows: u64,
}

/// A scan of a table, and what it was locked with meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    pub(super) table: String,
    pub(super) rows: u64,
    pub(super) times: u64,
    pub(super) under: Option<Mode>,
    pub(super) is_view: bool,
}

/// What one statement did.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) elapsed: Duration,
    pub(super) wal: u64,
    /// Locks that it took, or made stronger.
    pub(super) taken: Vec<(String, Mode)>,
    /// Tables that an earlier statement has shut everybody out of.
    pub(super) shut: Vec<String>,
    pub(super) scans: Vec<Scanned>,
    pub(super) rewritten: Vec<(String, u64)>,
    pub(super) lost: Vec<Lost>,
    pub(super) changed: Vec<(String, Counts)>,
    /// Whether the values that it overwrites were kept aside, and what became of them.
    pub(super) captured: bool,
    pub(super) kept: Option<Kept>,
}

/// Follows the statements of a migration.
pub(super) struct Measure<'a> {
    world: &'a World,
    baseline: &'a Baseline,
    /// Whether a transaction is open around all statements.
    inside: bool,
    before: Snapshot,
    capture: Option<Capture>,
    watch: Option<Watch>,
    began: Instant,
    /// What it would take away, counted while that was undone.
    counted: Option<Vec<Lost>>,
    pub(super) measured: Vec<Measured>,
    pub(super) trouble: Option<Failure>,
}

impl<'a> Measure<'a> {
    pub(super) fn new(world: &'a World, baseline: &'a Baseline, inside: bool) -> Measure<'a> {
        Measure {
            world,
            baseline,
            inside,
            before: Snapshot::default(),
            capture: None,
            watch: None,
            began: stopwatch(),
            counted: None,
            measured: Vec::new(),
            trouble: None,
        }
    }

    fn prepare(&mut self, session: &mut Session, statement: &Statement) -> Result<()> {
        self.counted = None;
        self.before = Snapshot::take(session)?;
        if !self.inside && (needs_no_transaction(statement) || statement.controls_transaction()) {
            self.watch = Watch::begin(self.world, session, statement)?;
        } else {
            if !self.inside {
                session.run("begin a transaction", "BEGIN")?;
            }
            self.capture = Capture::take(session, statement, self.baseline, &self.before)?;
            session.run("set a savepoint", "SAVEPOINT cargo_db_statement")?;
            // What was looked at for the capture is not the statement's doing.
            self.before = Snapshot::take(session)?;
        }
        self.began = stopwatch();
        Ok(())
    }

    /// Whether the statement is to run again.
    fn conclude(&mut self, session: &mut Session, statement: &Statement) -> Result<bool> {
        let elapsed = self.began.elapsed();
        if let Some(watch) = self.watch.take() {
            let locks = watch.end();
            let mut after = Snapshot::take(session)?;
            after.locks = locks;
            let measured = self.compare(session, statement, &after, elapsed)?;
            self.measured.push(measured);
            return Ok(false);
        }
        let after = Snapshot::take(session)?;
        if self.counted.is_none() && self.baseline.holds_rows && !statement.reads_data() {
            let going = self.going(session, &after)?;
            if !going.is_empty() {
                session.run("undo the statement", "ROLLBACK TO SAVEPOINT cargo_db_statement")?;
                self.counted = Some(count(session, going)?);
                self.before = Snapshot::take(session)?;
                self.began = stopwatch();
                return Ok(true);
            }
        }
        let mut measured = self.compare(session, statement, &after, elapsed)?;
        session.run("release the savepoint", "RELEASE SAVEPOINT cargo_db_statement")?;
        if let Some(capture) = self.capture.take() {
            (measured.captured, measured.kept) = (true, capture.compare(session)?);
        }
        self.measured.push(measured);
        if !self.inside {
            session.run("commit the statement", "COMMIT")?;
        }
        Ok(false)
    }

    /// What was there before the statement and is not there after it, with the query that counts it.
    fn going(&self, session: &mut Session, after: &Snapshot) -> Result<Vec<(Lost, String)>> {
        let mut going = Vec::new();
        for (&oid, relation) in &self.before.relations {
            if self.baseline.any_table(oid).is_none() {
                continue;
            }
            let name = &relation.name;
            let lost = |how| Lost { how, object: name.clone(), rows: 0 };
            let count = format!("SELECT count(*) FROM {name}");
            match after.relations.get(&oid) {
                None => going.push((lost("table dropped"), count)),
                Some(now) if now.file != relation.file && is_empty(session, &now.name)? => {
                    going.push((lost("table emptied"), count));
                }
                Some(_) => {
                    for (column, table) in self.columns_gone(oid, after) {
                        let object = format!("{table}.{column}");
                        let count = format!("SELECT count({}) FROM {name}", quote(&column));
                        going.push((Lost { how: "column dropped", object, rows: 0 }, count));
                    }
                }
            }
        }
        Ok(going)
    }

    /// The columns of a table that it has no more, and the table.
    fn columns_gone(&self, table: Oid, after: &Snapshot) -> Vec<(String, String)> {
        let all = self.before.columns.range((table, i16::MIN)..=(table, i16::MAX));
        let gone = all.filter(|(column, _): &(&Column, _)| !after.columns.contains_key(*column));
        let name =
            self.before.relations.get(&table).map(|relation| relation.name.clone()).unwrap_or_default();
        gone.map(|(_, (column, _))| (column.clone(), name.clone())).collect()
    }

    fn compare(
        &mut self,
        session: &mut Session,
        statement: &Statement,
        after: &Snapshot,
        elapsed: Duration,
    ) -> Result<Measured> {
        let before = &self.before;
        let mut measured = Measured {
            line: statement.line,
            text: statement.text.clone(),
            elapsed,
            wal: after.wal.saturating_sub(before.wal),
            ..Measured::default()
        };
        for (&oid, &mode) in &after.locks {
            let Some(relation) = self.baseline.any_table(oid) else { continue };
            if before.locks.get(&oid).is_none_or(|&held| held < mode) {
                measured.taken.push((relation.name.clone(), mode));
            }
        }
        let shut = before.locks.iter().filter(|&(_, &mode)| mode == Mode::AccessExclusive);
        measured.shut = shut.filter_map(|(&oid, _)| Some(self.baseline.table(oid)?.name.clone())).collect();
        for (&oid, relation) in &self.baseline.relations {
            let counts = after.counts_since(before, oid);
            if counts.inserted + counts.updated + counts.deleted > 0 {
                measured.changed.push((relation.name.clone(), counts));
            }
            if self.baseline.table(oid).is_none() {
                continue;
            }
            if counts.scans > 0 {
                measured.scans.push(Scanned {
                    table: relation.name.clone(),
                    rows: relation.rows,
                    times: counts.scans,
                    under: after.locks.get(&oid).copied(),
                    is_view: relation.kind == 'm',
                });
            }
            let file = |snapshot: &Snapshot| snapshot.relations.get(&oid).and_then(|relation| relation.file);
            let moved = file(before).zip(file(after)).is_some_and(|(before, after)| before != after);
            if moved && !(self.baseline.holds_rows && is_empty(session, &relation.name)?) {
                measured.rewritten.push((relation.name.clone(), relation.rows));
            }
        }
        measured.lost = match self.counted.take() {
            Some(counted) => counted,
            None if !self.baseline.holds_rows => self.estimated_losses(after),
            None => Vec::new(),
        };
        Ok(measured)
    }

    /// Without rows there is nothing to count: as many as the server estimates for the source.
    fn estimated_losses(&self, after: &Snapshot) -> Vec<Lost> {
        let mut lost = Vec::new();
        for (&oid, relation) in &self.before.relations {
            let Some(rows) = self.baseline.table(oid).map(|table| table.rows) else { continue };
            match after.relations.get(&oid) {
                None => lost.push(Lost { how: "table dropped", object: relation.name.clone(), rows }),
                Some(_) => lost.extend(self.columns_gone(oid, after).into_iter().map(|(column, table)| {
                    Lost { how: "column dropped", object: format!("{table}.{column}"), rows }
                })),
            }
        }
        lost
    }
}

impl Around for Measure<'_> {
    fn before(&mut self, session: &mut Session, statement: &Statement) {
        if self.trouble.is_none() {
            self.trouble = self.prepare(session, statement).err();
        }
    }

    fn failed(&mut self, _: &mut Session, _: &Statement, _: &StatementError) -> bool {
        self.watch = None;
        false
    }

    fn again(&mut self, session: &mut Session, statement: &Statement) -> bool {
        if self.trouble.is_some() {
            return false;
        }
        match self.conclude(session, statement) {
            Ok(again) => again,
            Err(failure) => {
                self.trouble = Some(failure);
                false
            }
        }
    }
}

fn count(session: &mut Session, going: Vec<(Lost, String)>) -> Result<Vec<Lost>> {
    let mut counted = Vec::new();
    for (lost, query) in going {
        let rows = session.value("count what would be lost", &query)?;
        counted.push(Lost { rows: rows.and_then(|rows| rows.parse().ok()).unwrap_or(0), ..lost });
    }
    Ok(counted)
}

fn is_empty(session: &mut Session, table: &str) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {table} LIMIT 1");
    // A materialized view that was never filled cannot be read.
    Ok(ask(session, &sql)?.is_some_and(|rows| rows.is_empty()))
}

fn quote(column: &str) -> String {
    crate::model::layout::quote_identifier(column)
}
