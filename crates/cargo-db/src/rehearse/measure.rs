//! Measures the effects of each statement of a migration: a snapshot, the statement, a snapshot. A
//! statement that removes rows is undone, the rows are counted, and it runs again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use db_tools::ProjectTool;
use pg_sql::lexer::{first_words, words};
use pg_sql::script::Statement;
use postgres::error::SqlState;

use crate::check::finding;
use crate::failure::{Failure, RehearsalError, Result};
use crate::model::finding::Finding;
use crate::model::statement::StatementError;
use crate::rehearse::baseline::InitialTables;
use crate::rehearse::capture::{Capture, is_kept};
use crate::rehearse::content::RowCounts;
use crate::rehearse::dropped::{count, dropped_or_emptied, is_empty};
use crate::rehearse::hidden::note_hidden;
use crate::rehearse::judge;
use crate::rehearse::measured::{Measured, Scanned, StatementLoss, is_of_transaction};
use crate::rehearse::overwrites::widens;
use crate::rehearse::shared::SharedObjects;
use crate::rehearse::sizes::{rows_named, rows_of};
use crate::rehearse::snapshot::{CatalogSnapshot, LockMode, Oid, reaches_out};
use crate::rehearse::watch::{LockWatch, needs_no_transaction};
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Session, StatementObserver, UserSettings};

/// Follows the statements of a migration.
pub(super) struct Measure<'a> {
    world: &'a World,
    baseline: &'a InitialTables,
    layout: &'a ProjectTool,
    /// Whether a transaction is open around the statements: ours, or one that the file has begun.
    inside: bool,
    /// Whether the file has changed what all databases share; that was undone.
    pub(super) reached_out: bool,
    /// Whether the file has begun it, and how much had been measured by then.
    begun: Option<usize>,
    /// How many statements had been measured when the last transaction ended.
    block: usize,
    /// Whether the file sets its own savepoints.
    saves: bool,
    /// What our transaction had locked before the first statement.
    locked: Option<BTreeMap<Oid, LockMode>>,
    before: CatalogSnapshot,
    /// The last snapshot, unless something was rolled back since.
    pub(super) latest: Option<CatalogSnapshot>,
    captures: Vec<Capture>,
    watch: Option<LockWatch>,
    began: Instant,
    /// The settings of the migration, while ours are set.
    theirs: Option<UserSettings>,
    /// These settings, while a statement of the migration runs.
    given: Option<UserSettings>,
    /// Whether the statement runs outside a transaction, and may commit on its own.
    is_alone: bool,
    /// What the tables held before such a statement, which cannot be undone.
    content: Option<RowCounts>,
    /// What all databases shared before it.
    shared: Option<SharedObjects>,
    /// What it would take away, counted while that was undone.
    counted: Option<Vec<StatementLoss>>,
    /// What could not be kept aside, because our role does not see all of it.
    hidden: Vec<String>,
    pub(super) measured: Vec<Measured>,
    /// Why nothing more runs: the transaction of a statement could not be committed, or must not
    /// have been.
    pub(super) stopped: Option<Finding>,
    pub(super) trouble: Option<Failure>,
}

impl<'a> Measure<'a> {
    pub(super) fn new(
        world: &'a World,
        baseline: &'a InitialTables,
        layout: &'a ProjectTool,
        inside: bool,
    ) -> Measure<'a> {
        Measure {
            world,
            baseline,
            layout,
            inside,
            reached_out: false,
            begun: None,
            block: 0,
            saves: false,
            locked: None,
            before: CatalogSnapshot::default(),
            latest: None,
            captures: Vec::new(),
            watch: None,
            began: stopwatch(),
            theirs: None,
            given: None,
            is_alone: false,
            content: None,
            shared: None,
            counted: None,
            hidden: Vec::new(),
            measured: Vec::new(),
            stopped: None,
            trouble: None,
        }
    }

    fn prepare(&mut self, session: &mut Session, statement: &Statement) -> Result<()> {
        let theirs = match self.theirs.take() {
            Some(theirs) => theirs,
            None => session.interrupt(self.inside)?,
        };
        (self.counted, self.content, self.shared) = (None, None, None);
        self.is_alone = false;
        self.captures.clear();
        self.hidden.clear();
        self.before = CatalogSnapshot::after(self.latest.take(), session)?;
        self.locked.get_or_insert_with(|| self.before.locks.clone());
        if is_of_transaction(statement) {
            self.saves = true;
            let open = self.inside || self.begun.is_some();
            if open && statement.ends_transaction() && reaches_out(session)? {
                // What the file would commit now is not the copy's alone.
                session.run("undo what reaches out", "ROLLBACK")?;
                self.reached_out = true;
            }
        } else if !self.inside && needs_no_transaction(statement) {
            self.watch(session, statement, &theirs)?;
        } else {
            if !self.inside {
                session.run("begin a transaction", "BEGIN")?;
            }
            let capture =
                Capture::for_statement(session, statement, self.baseline, &self.before, &theirs)?;
            session.run("set a savepoint", "SAVEPOINT cargo_db_statement")?;
            if capture.is_some() {
                // What the capture reads is not an effect of the statement.
                self.before.retake(session)?;
            }
            self.captures.extend(capture.filter(|_| self.baseline.holds_rows));
        }
        session.resume(&theirs)?;
        self.given = Some(theirs);
        self.began = stopwatch();
        Ok(())
    }

    /// Watches a statement that runs outside of any transaction.
    fn watch(
        &mut self,
        session: &mut Session,
        statement: &Statement,
        theirs: &UserSettings,
    ) -> Result<()> {
        self.is_alone = statement.commits_in_parts();
        if self.is_alone && self.baseline.holds_rows {
            self.content = Some(RowCounts::with_values(session, self.layout)?);
        }
        self.watch = LockWatch::begin(self.world, session, statement, theirs)?;
        self.shared = Some(SharedObjects::read(session)?);
        self.before = CatalogSnapshot::after(self.latest.take(), session)?;
        Ok(())
    }

    /// Stops after a statement that has committed changes to what all databases share.
    fn stop_if_shared(&mut self, session: &mut Session, statement: &Statement) -> Result<()> {
        let Some(shared) = self.shared.take() else { return Ok(()) };
        let changed = shared.changed(session)?;
        if changed.is_empty() {
            return Ok(());
        }
        let why =
            format!("this changed for all databases, and was not undone: {}", changed.join(", "));
        let found = finding("outside-database", statement.line, &statement.text, why);
        let findings = vec![found.evidence.clone()];
        self.stopped = Some(found);
        Err(RehearsalError::Blocked { findings }.into())
    }

    /// Runs a statement that ends transactions itself. As in the real run, no transaction is open.
    fn run_alone(&mut self, session: &mut Session, statement: &Statement) -> Result<()> {
        session.run("undo the statement", "ROLLBACK")?;
        let Some(theirs) = self.given.take() else { return Ok(()) };
        self.captures.clear();
        self.watch(session, statement, &theirs)?;
        session.resume(&theirs)?;
        self.began = stopwatch();
        Ok(())
    }

    /// Takes the session over for cargo db's own queries, unless that was done already.
    pub(super) fn take(&mut self, session: &mut Session) -> Result<()> {
        if self.theirs.is_none() {
            self.theirs = Some(session.interrupt(self.inside)?);
        }
        Ok(())
    }

    /// Whether the statement is to run again.
    fn conclude(&mut self, session: &mut Session, statement: &Statement) -> Result<bool> {
        let elapsed = self.began.elapsed();
        if self.inside && self.begun.is_none() && statement.ends_transaction() {
            // This ends the transaction around the file: nothing can be queried until the next one
            // begins.
            self.follow(statement);
            return Ok(false);
        }
        self.theirs = Some(session.interrupt(self.inside)?);
        if is_of_transaction(statement) {
            self.follow(statement);
            return Ok(false);
        }
        if let Some(watch) = self.watch.take() {
            let locks = watch.end();
            let mut after = self.before.now(session)?;
            after.locks = locks;
            // It cannot be undone, so what it removed is estimated from the state before.
            self.counted = Some(dropped_or_emptied(session, self.baseline, &self.before, &after)?);
            let mut measured = self.compare(session, statement, &after, elapsed)?;
            if let Some(content) = self.content.take() {
                let now = RowCounts::with_values(session, self.layout)?;
                let losses = content.losses(&now, &after.locks).into_iter();
                measured.gone = losses.map(|one| Finding { line: statement.line, ..one }).collect();
            }
            self.measured.push(measured);
            self.latest = Some(after);
            self.stop_if_shared(session, statement)?;
            return Ok(false);
        }
        let after = self.before.now(session)?;
        if self.counted.is_none()
            && self.baseline.holds_rows
            && !statement.reads_data()
            && self.undone(session, statement, &after)?
        {
            return Ok(true);
        }
        let mut measured = self.compare(session, statement, &after, elapsed)?;
        for capture in std::mem::take(&mut self.captures) {
            let table =
                self.baseline.relations.get(&capture.table).map(|relation| relation.name.clone());
            let of_rows = capture.is_of_rows(capture.table);
            let done = after.counts_since(&self.before, capture.table);
            if let Some(kept) = capture.compare(session, done)? {
                measured.captured.extend(table.filter(|_| of_rows));
                measured.kept.extend(kept);
            }
        }
        // Releasing our savepoint would also release those that the file has set since.
        if !self.saves {
            session.run("release the savepoint", "RELEASE SAVEPOINT cargo_db_statement")?;
        }
        self.measured.push(measured);
        if !self.inside {
            self.reached_out |= reaches_out(session)?;
            self.end(session, statement)?;
        }
        self.latest = (!self.reached_out).then_some(after);
        Ok(false)
    }

    /// Ends the transaction around one statement. Deferred checks fail now, as they would outside.
    fn end(&mut self, session: &mut Session, statement: &Statement) -> Result<()> {
        if self.reached_out {
            return session.run("undo the statement", "ROLLBACK");
        }
        self.give_back(session)?;
        session.run("commit", "COMMIT").inspect_err(|error| {
            let text = statement.text.lines().next().unwrap_or_default();
            self.stopped = Some(finding("commit-fails", statement.line, text, error.to_string()));
        })
    }

    /// Gives the session back to the migration for its commit: triggers that wait for that are of
    /// the project, and so is their search path.
    pub(super) fn give_back(&mut self, session: &mut Session) -> Result<()> {
        self.theirs.take().map_or(Ok(()), |theirs| session.resume(&theirs))
    }

    /// Undoes a statement that removes something, counts that and stores the values. False if it
    /// removes nothing.
    fn undone(
        &mut self,
        session: &mut Session,
        statement: &Statement,
        after: &CatalogSnapshot,
    ) -> Result<bool> {
        let dropped = dropped_or_emptied(session, self.baseline, &self.before, after)?;
        let not_captured = self.not_captured(statement, after);
        if dropped.is_empty() && not_captured.is_empty() {
            return Ok(false);
        }
        session.run("undo the statement", "ROLLBACK TO SAVEPOINT cargo_db_statement")?;
        self.counted = Some(count(session, dropped)?);
        for (table, column) in not_captured {
            if let Some(relation) = self.before.hidden(table) {
                let column = column.map(|column| format!(".{column}")).unwrap_or_default();
                self.hidden.push(format!("{}{column}", relation.name));
                continue;
            }
            let kept = match column {
                None => Capture::of_rows(session, &self.before, table, None)?,
                Some(column) => Capture::of_column(session, &self.before, table, &column)?,
            };
            self.captures.extend(kept);
        }
        // The catalog is as it was before the statement.
        self.before.retake(session)?;
        self.give_back(session)?;
        self.began = stopwatch();
        Ok(true)
    }

    /// Keeps account of the transactions that the file itself begins and ends.
    fn follow(&mut self, statement: &Statement) {
        if statement.begins_transaction() {
            (self.inside, self.begun) = (true, Some(self.measured.len()));
        } else if statement.controls_transaction() {
            let first = first_words(&statement.text, 1);
            let undone = !first.first().is_some_and(|word| word == "commit" || word == "end");
            let begun = self.begun.take();
            self.inside &= begun.is_none();
            if undone {
                self.measured.truncate(begun.unwrap_or(self.block));
            }
            self.block = self.measured.len();
            self.saves = false;
        }
    }

    /// Tables whose rows were updated, and columns whose type changed, that were not stored before.
    fn not_captured(
        &self,
        statement: &Statement,
        after: &CatalogSnapshot,
    ) -> Vec<(Oid, Option<String>)> {
        let mut not_captured = Vec::new();
        let all = words(&statement.text);
        // A USING expression can have any effect, and so can a function.
        let first = all.first().map(String::as_str).unwrap_or_default();
        let uses = all.iter().any(|word| word == "using");
        let is_plain = first == "alter" && !uses;
        let may_compute = first == "alter" && uses || matches!(first, "do" | "select");
        let file = |snapshot: &CatalogSnapshot, table| {
            snapshot.relations.get(&table).and_then(|table| table.file)
        };
        let touched = after.touched();
        for &table in touched.iter().filter(|&&table| is_kept(self.baseline, table)) {
            let known = self.captures.iter().any(|capture| capture.is_of_rows(table));
            let rewritten = may_compute && file(&self.before, table) != file(after, table);
            if !known && (rewritten || after.counts_since(&self.before, table).updated > 0) {
                not_captured.push((table, None));
            }
            for (column, (name, was)) in
                self.before.columns.range((table, i16::MIN)..=(table, i16::MAX))
            {
                let Some((_, now)) = after.columns.get(column).filter(|(_, now)| now != was) else {
                    continue;
                };
                let known = self.captures.iter().any(|capture| capture.is_of_column(table, name));
                if !(known || is_plain && widens(&was.printed, &now.printed)) {
                    not_captured.push((table, Some(name.clone())));
                }
            }
        }
        not_captured
    }

    fn compare(
        &mut self,
        session: &mut Session,
        statement: &Statement,
        after: &CatalogSnapshot,
        elapsed: Duration,
    ) -> Result<Measured> {
        let mut measured = Measured {
            line: statement.line,
            text: statement.text.clone(),
            elapsed,
            wal: after.wal.saturating_sub(self.before.wal),
            ..Measured::default()
        };
        // A statement that commits on its own releases its locks.
        if !self.is_alone {
            let held = self.locked.get_or_insert_default();
            let is_new = |(oid, mode): &(&Oid, &LockMode)| held.get(*oid) != Some(*mode);
            let new = after.locks.iter().filter(is_new);
            measured.touched = Some(new.map(|(oid, _)| *oid).collect());
        }
        self.note_locks(&mut measured, after);
        measured.hidden = std::mem::take(&mut self.hidden);
        note_hidden(&mut measured, self.baseline, &self.before, after);
        let before = &self.before;
        measured.replica = before.replica || after.replica;
        measured.written = after.written_since(before);
        for oid in after.touched() {
            let Some(relation) = self.baseline.relations.get(&oid) else { continue };
            let counts = after.counts_since(before, oid);
            if counts.inserted + counts.updated + counts.deleted > 0 {
                measured.changed.push((relation.name.clone(), counts));
            }
            if self.baseline.table(oid).is_none() {
                continue;
            }
            let under = after.locks.get(&oid).copied();
            if counts.scans > 0 {
                let waits = under >= Some(LockMode::Share) || !measured.shut.is_empty();
                measured.scans.push(Scanned {
                    table: relation.name.clone(),
                    rows: if waits {
                        rows_of(session, self.baseline, oid, counts)?
                    } else {
                        relation.rows
                    },
                    times: counts.scans,
                    under,
                    is_view: relation.kind == 'm',
                });
            }
            let file = |snapshot: &CatalogSnapshot| {
                snapshot.relations.get(&oid).and_then(|relation| relation.file)
            };
            let moved =
                file(before).zip(file(after)).is_some_and(|(before, after)| before != after);
            if moved && !(self.baseline.holds_rows && is_empty(session, oid, relation)?) {
                let rows = rows_of(session, self.baseline, oid, counts)?;
                measured.rewritten.push((relation.name.clone(), rows));
            }
        }
        if let Some(table) = measured.shut.first().filter(|_| judge::is_too_much_work(&measured)) {
            measured.shut_rows = rows_named(session, self.baseline, table)?;
        }
        measured.lost = match self.counted.take() {
            Some(counted) => counted,
            // Without rows there is nothing to count: as many as the server estimates for the
            // source.
            None if !self.baseline.holds_rows => {
                dropped_or_emptied(session, self.baseline, &self.before, after)?
            }
            None => Vec::new(),
        };
        Ok(measured)
    }

    /// The locks that a statement took or made stronger, and the tables that were shut before it.
    fn note_locks(&self, measured: &mut Measured, after: &CatalogSnapshot) {
        let before = &self.before;
        for (&oid, &mode) in &after.locks {
            let Some(relation) = self.baseline.any_table(oid) else { continue };
            // Nobody writes to a materialized view but who refreshes it.
            let nobody_waits = relation.kind == 'm' && mode < LockMode::AccessExclusive;
            if !nobody_waits && before.locks.get(&oid).is_none_or(|&held| held < mode) {
                measured.taken.push((relation.name.clone(), mode));
            }
        }
        let shut = before.locks.iter().filter(|&(_, &mode)| mode == LockMode::AccessExclusive);
        measured.shut =
            shut.filter_map(|(&oid, _)| Some(self.baseline.table(oid)?.name.clone())).collect();
    }
}

impl StatementObserver for Measure<'_> {
    fn before(&mut self, session: &mut Session, statement: &Statement) {
        if self.trouble.is_none() {
            self.trouble = self.prepare(session, statement).err();
        }
    }

    /// Our own queries came first, so the server would refuse to change the transaction mode. The
    /// real run makes no such queries.
    fn admits(&mut self, _: &mut Session, statement: &Statement) -> Result<bool> {
        let first = first_words(&statement.text, 2);
        Ok(!(self.inside && first == ["set", "transaction"]))
    }

    /// A statement that ends transactions fails inside ours, so it is run again outside of it.
    fn failed(
        &mut self,
        session: &mut Session,
        statement: &Statement,
        error: &StatementError,
    ) -> bool {
        self.watch = None;
        let commits = error.server.is(&SqlState::INVALID_TRANSACTION_TERMINATION);
        if !commits || self.inside || self.is_alone {
            // What it has committed before it failed stays.
            if self.shared.is_some() && self.take(session).is_ok() {
                let _ = self.stop_if_shared(session, statement);
            }
            return false;
        }
        self.trouble = self.run_alone(session, statement).err();
        self.trouble.is_none()
    }

    fn again(&mut self, session: &mut Session, statement: &Statement) -> Result<bool> {
        if self.trouble.is_some() {
            return Ok(false);
        }
        Ok(match self.conclude(session, statement) {
            Ok(again) => again,
            // Nothing after it runs.
            Err(failure) if self.stopped.is_some() => return Err(failure),
            Err(failure) => {
                self.trouble = Some(failure);
                false
            }
        })
    }
}
