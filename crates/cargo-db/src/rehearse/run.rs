//! Runs one file on the copy, as the real run would, and measures it.

use std::time::Duration;

use db_tools::HistoryEntry;

use crate::check::finding;
use crate::failure::{ConnectionError, Result};
use crate::migration::{
    changed_history, check_deferred, defer_constraints, read_script, session_settings, suggestion,
};
use crate::model::direction::Direction;
use crate::model::finding::Finding;
use crate::model::migration::{Migration, ScriptFile};
use crate::model::statement::StatementError;
use crate::rehearse::judge;
use crate::rehearse::measure::Measure;
use crate::rehearse::measured::Measured;
use crate::rehearse::recorded::recorded;
use crate::rehearse::shared::report_statistics;
use crate::rehearse::snapshot::reaches_out;
use crate::rehearse::stage::Stage;
use crate::world::clock::stopwatch;
use crate::world::pg::{Script, ScriptStop, Session};

/// What a file did when it ran.
pub(super) struct FileRunResult {
    pub(super) measured: Vec<Measured>,
    /// Why it failed, as a finding, and the statement that did.
    pub(super) failed: Option<Finding>,
    pub(super) failure: Option<Box<StatementError>>,
    /// What it changed in the history.
    pub(super) history: Option<Finding>,
}

/// A file to run, with its migration and direction.
#[derive(Clone, Copy)]
pub(super) struct FileRun<'a> {
    pub(super) migration: &'a Migration,
    pub(super) direction: Direction,
    pub(super) file: &'a ScriptFile,
}

impl Stage<'_> {
    /// Runs a file and updates the history, as the real run would.
    pub(super) fn run(&mut self, file_run: FileRun<'_>) -> Result<FileRunResult> {
        let script = read_script(self.request.settings, file_run.file)?;
        let layout = &self.request.settings.migrations.layout;
        let began = stopwatch();
        let inside = self.is_batch || file_run.file.transactional;
        let before = recorded(&mut self.session, layout, &self.history)?;
        let mut latest = self.latest_catalog.take();
        // Otherwise, the first snapshot has to read what was counted of every table before.
        if !self.is_batch
            && let Some(latest) = &mut latest
            && report_statistics(&mut self.session)?
        {
            latest.note_reported();
        }
        self.begin(inside)?;
        let mut measure = Measure::new(self.world, &self.baseline, layout, inside);
        measure.latest = latest;
        let ran = script.run(&mut self.session, &mut measure);
        self.world.interrupt.check()?;
        if let Some(trouble) = measure.trouble.take() {
            return Err(trouble);
        }
        let measured = std::mem::take(&mut measure.measured);
        let (mut failed, failure) = why_failed(&mut self.session, &mut measure, ran)?;
        if let (Some(finding), Some(error)) = (&mut failed, &failure) {
            let (settings, copy) = (self.request.settings, &self.session.target);
            finding.help = finding.help.take().or(suggestion(error, self.world, settings, copy));
        }
        if failed.is_none() && !measure.reached_out {
            measure.take(&mut self.session)?;
        }
        if failed.is_none() && (measure.reached_out || inside && reaches_out(&mut self.session)?) {
            // Objects outside the database belong to the real server: the change is undone and
            // reported.
            let why = "it changed objects that all databases share, and was rolled back".to_owned();
            failed = Some(finding("outside-database", 1, "", why));
        }
        let mut history = None;
        let latest = measure.latest.take();
        if failed.is_none() {
            let now = recorded(&mut self.session, layout, &self.history)?;
            let line = judge::line_naming(&self.history, &measured);
            history = changed_history(&self.history, (before, now), line);
            measure.give_back(&mut self.session)?;
            let record = self.history_statement(file_run, &script, began.elapsed());
            failed = self.commit(file_run, &record, inside)?;
        }
        self.latest_catalog = latest.filter(|_| failed.is_none());
        if failed.is_some() {
            self.session.run("give up", "ROLLBACK")?;
            self.is_batch = false;
        }
        self.end_session(self.is_batch)?;
        self.schema
            .expect(measured.iter().filter_map(|one| one.touched.clone()).flatten().collect());
        Ok(FileRunResult { measured, failed, failure, history })
    }

    /// Hands the session over to a file, inside or outside a transaction as in the real run.
    fn begin(&mut self, inside: bool) -> Result<()> {
        let limits = session_settings(&self.request.settings.limits);
        match (self.is_batch, inside) {
            (true, _) => self.session.lend_transaction(&limits),
            (false, true) => self.session.begin_and_lend(&limits),
            (false, false) => self.session.lend(&limits),
        }
    }

    /// Records the file and commits. If all migrations share a transaction, checks the deferred
    /// constraints instead of committing. Returns the server's error as a finding.
    fn commit(
        &mut self,
        file_run: FileRun<'_>,
        record: &str,
        inside: bool,
    ) -> Result<Option<Finding>> {
        if self.is_batch
            && let Err(failure) = check_deferred(
                &mut self.session,
                &format!("migration {}", file_run.migration.quoted()),
            )
        {
            return Ok(Some(cannot_be_committed(&failure.to_string())));
        }
        let commit = if inside && !self.is_batch { "; COMMIT" } else { "" };
        // As in the real run: as the connecting role, and with the migration's search path.
        let sql = format!("RESET ROLE; RESET SESSION AUTHORIZATION; {record}{commit}");
        let refused = self.session.run("commit", &sql).err();
        Ok(refused.map(|failure| cannot_be_committed(&failure.to_string())))
    }

    /// Resets the session after a file, unless the tool runs all files in one session and later
    /// files see what an earlier one left.
    fn end_session(&mut self, goes_on: bool) -> Result<()> {
        if self.request.settings.migrations.layout.profile().is_one_transaction {
            self.session.take_back()?;
        } else {
            self.session.reclaim_and_reset()?;
        }
        if goes_on { defer_constraints(&mut self.session) } else { Ok(()) }
    }

    /// Records a migration that was not run.
    pub(super) fn record_unrun(&mut self, migration: &Migration) -> Result<()> {
        let file_run = FileRun { migration, direction: Direction::Up, file: &migration.up };
        let script = read_script(self.request.settings, file_run.file)?;
        let record = self.history_statement(file_run, &script, Duration::ZERO);
        self.session.run_with_triggers("record the migration", &record)
    }

    fn history_statement(
        &self,
        file_run: FileRun<'_>,
        script: &Script,
        elapsed: Duration,
    ) -> String {
        let FileRun { migration, direction, .. } = file_run;
        let (table, sql) = (self.history.as_str(), script.sql());
        let entry = HistoryEntry { table, migration, elapsed, sql };
        let layout = &self.request.settings.migrations.layout;
        match direction {
            Direction::Up => layout.record(&entry),
            Direction::Down => layout.erase(&entry),
        }
    }
}

/// Why a file failed, if it did: the finding, and the statement that failed.
fn why_failed(
    session: &mut Session,
    measure: &mut Measure<'_>,
    ran: std::result::Result<(), ScriptStop>,
) -> Result<(Option<Finding>, Option<Box<StatementError>>)> {
    let stopped = measure.stopped.take();
    Ok(match ran {
        Ok(()) => (None, None),
        Err(ScriptStop::Refused(_)) if stopped.is_some() => (stopped, None),
        Err(ScriptStop::Statement(error)) if stopped.is_some() => (stopped, Some(error)),
        Err(ScriptStop::Statement(error)) => {
            let found =
                finding("fails", error.line, &error.source_line, error.server.message.clone());
            let (column, help) = (Some(error.column), error.server.hint.clone());
            (Some(Finding { column, help, ..found }), Some(error))
        }
        Err(ScriptStop::Ended { line, .. }) => {
            let why = "it ends the transaction of the migration".to_owned();
            (Some(finding("fails", line, "", why)), None)
        }
        Err(ScriptStop::Refused(failure)) => return Err(failure),
        Err(ScriptStop::Lost(why)) => {
            let (target, subject) = (session.target.to_string(), "the rehearsal".to_owned());
            return Err(ConnectionError::Lost { target, subject, why }.into());
        }
    })
}

fn cannot_be_committed(why: &str) -> Finding {
    finding("commit-fails", 1, "", why.to_owned())
}
