//! Measures what each statement of a migration does: a snapshot, the statement, a snapshot. One that takes
//! rows away is undone, what it would take is counted, and it is run again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pg_logical::script::Statement;

use crate::failure::{Failure, Result, StatementError};
use crate::model::layout::quote_identifier;
use crate::rehearse::capture::{Capture, Kept, ask};
use crate::rehearse::outside::{Watch, needs_no_transaction};
use crate::rehearse::snapshot::{Counts, Mode, Oid, Relation, Snapshot};
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
    /// As the server names it.
    pub(super) table: String,
    pub(super) column: Option<String>,
    pub(super) rows: u64,
}

impl Lost {
    /// The table, or the column.
    pub(super) fn object(&self) -> String {
        match &self.column {
            Some(column) => format!("{}.{column}", self.table),
            None => self.table.clone(),
        }
    }

    fn query(&self) -> String {
        let what = self.column.as_deref().map_or_else(|| "*".to_owned(), quote_identifier);
        format!("SELECT count({what}) FROM {}", self.table)
    }
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

    /// What was there before the statement and is not there after it.
    fn going(&self, session: &mut Session, after: &Snapshot) -> Result<Vec<Lost>> {
        let mut going = Vec::new();
        for (&oid, relation) in &self.before.relations {
            let Some(rows) = self.baseline.any_table(oid).map(|table| table.rows) else { continue };
            let lost = |how, column| Lost { how, table: relation.name.clone(), column, rows };
            match after.relations.get(&oid) {
                None => going.push(lost("table dropped", None)),
                Some(now)
                    if self.baseline.holds_rows
                        && now.file != relation.file
                        && is_empty(session, &now.name)? =>
                {
                    going.push(lost("table emptied", None));
                }
                Some(_) => {
                    let columns = self.before.columns.range((oid, i16::MIN)..=(oid, i16::MAX));
                    let gone = columns.filter(|(column, _)| !after.columns.contains_key(*column));
                    going.extend(gone.map(|(_, (column, _))| lost("column dropped", Some(column.clone()))));
                }
            }
        }
        Ok(going)
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
            // Without rows there is nothing to count: as many as the server estimates for the source.
            None if !self.baseline.holds_rows => self.going(session, after)?,
            None => Vec::new(),
        };
        Ok(measured)
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

fn count(session: &mut Session, going: Vec<Lost>) -> Result<Vec<Lost>> {
    let mut counted = Vec::new();
    for lost in going {
        let rows = session.value("count what would be lost", &lost.query())?;
        counted.push(Lost { rows: rows.and_then(|rows| rows.parse().ok()).unwrap_or(0), ..lost });
    }
    Ok(counted)
}

fn is_empty(session: &mut Session, table: &str) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {table} LIMIT 1");
    // A materialized view that was never filled cannot be read.
    Ok(ask(session, &sql)?.is_some_and(|rows| rows.is_empty()))
}
