//! Runs one migration after the other, each in its own transaction.
//!
//! A migration and its history row are committed together. A file outside a transaction runs
//! statement by statement and cannot be undone, so a failure lists what it left behind.

use std::time::Instant;

use crate::failure::{
    CausedBy, ConnectionError, DatabaseError, Failure, HistoryError, MigrationError, Result,
};
use crate::migration::applied::AppliedMigration;
use crate::migration::blocks::Blocks;
use crate::migration::concurrently::Concurrently;
use crate::migration::non_transactional::ProgressTracker;
use crate::migration::recorded::HistoryDigest;
use crate::migration::retry::{RetryBudget, WAITED_FOR_LOCK, waited_for_lock};
use crate::migration::run::Run;
use crate::migration::step::MigrationStep;
use crate::migration::{files, verify};
use crate::model::direction::Direction;
use crate::model::event::Event;
use crate::model::migration::title;
use crate::world::clock::stopwatch;
use crate::world::pg::{Script, ScriptStop};

impl Run<'_> {
    /// Runs the migrations one after the other, each in its own transaction. A failure names what
    /// was done before it.
    pub(super) fn one_by_one(
        &mut self,
        steps: &[MigrationStep<'_>],
    ) -> Result<Vec<AppliedMigration>> {
        let mut applied: Vec<AppliedMigration> = Vec::new();
        let done_so_far = |applied: &[AppliedMigration], done: &str| {
            let line =
                |one: &AppliedMigration| format!("{done} {}", title(&one.version, &one.name));
            applied.iter().map(line).collect::<Vec<_>>()
        };
        for step in steps {
            let began = stopwatch();
            let (doing, done) = step.words();
            self.world.emit(Event::Started { doing, subject: step.migration.title() });
            let ready = self.world.interrupt.check().and_then(|()| self.ready());
            let outcome = ready.and_then(|()| self.with_retries(step));
            outcome.map_err(|failure| failure.after(done_so_far(&applied, done)))?;
            self.note_record(step);
            let elapsed = began.elapsed();
            self.world.emit(Event::Finished { done, subject: step.migration.title(), elapsed });
            applied.push(AppliedMigration::of(step.migration, elapsed));
        }
        let done = format!("all migrations of the run were applied ({})", applied.len());
        self.verify_batch().map_err(|failure| {
            let failure = failure.afterwards(&done, "the result with `[verify] sql`");
            failure.after(done_so_far(&applied, "Applied"))
        })?;
        Ok(applied)
    }

    /// Runs one migration; one that waited too long for a lock is tried again, as a whole.
    fn with_retries(&mut self, step: &MigrationStep<'_>) -> Result<()> {
        let mut patience = RetryBudget::new(self.limits, &step.migration.title());
        loop {
            let outcome = self.attempt(step, &mut patience);
            match outcome.map_err(|failure| self.given_up(failure, &step.subject)) {
                Err(failure)
                    if waited_for_lock(&failure)
                        && patience.again(self.world, WAITED_FOR_LOCK)? => {}
                outcome => return outcome,
            }
        }
    }

    fn attempt(&mut self, step: &MigrationStep<'_>, patience: &mut RetryBudget) -> Result<()> {
        let file = step.file()?;
        let script = files::read(self.root, self.layout, file)?;
        if file.transactional {
            self.in_transaction(&script, step)
        } else {
            self.statement_by_statement(&script, step, patience)
        }
    }

    fn in_transaction(&mut self, script: &Script, step: &MigrationStep<'_>) -> Result<()> {
        self.watchdog.arm();
        let outcome = self.inside_transaction(script, step);
        self.watchdog.disarm();
        outcome
    }

    fn inside_transaction(&mut self, script: &Script, step: &MigrationStep<'_>) -> Result<()> {
        let began = stopwatch();
        let history = self.digest_before()?;
        self.session.begin_and_lend(&self.session_settings())?;
        let mut blocks = Blocks::of(step);
        if let Err(stop) = script.run(&mut self.session, &mut blocks) {
            // If this fails, the connection is lost, and the server rolls back by itself.
            let _ = self.session.batch_execute("ROLLBACK");
            return Err(self.stopped(stop, blocks.committed, step));
        }
        if let Err(failure) = self.verify_before_commit(script, step, &history) {
            let _ = self.session.batch_execute("ROLLBACK");
            return Err(match blocks.committed.is_empty() {
                true => failure.about(&step.subject),
                false => part_way(failure, Vec::new(), blocks.committed, step),
            });
        }
        let record = self.history_statement(step, script, began);
        // As the connecting role: a role that the migration has set may lack privileges on the
        // history. But still along the search path of the migration, because its triggers and
        // deferred constraints run until the commit.
        let committed = self
            .session
            .batch_execute(&format!("RESET ROLE; RESET SESSION AUTHORIZATION; {record}; COMMIT"));
        let Err(error) = committed else { return self.empty_behind(step) };
        if let Some(server) = self.session.server_error(&error) {
            let _ = self.session.batch_execute("ROLLBACK");
            self.interrupted(&blocks.committed)?;
            if !blocks.committed.is_empty() {
                let (subject, stays) = (step.subject.clone(), blocks.committed);
                let command = step.command();
                let why = server.message;
                return Err(
                    HistoryError::NotRecorded { subject, why, stays, command }.caused_by(error)
                );
            }
            let doing = format!("{} could not be committed and was rolled back", step.subject);
            return Err(DatabaseError::Sql { doing, server: Box::new(server) }.into());
        }
        self.confirm_commit(step, blocks.committed)
    }

    /// What must hold before a migration is recorded and committed: what the project verifies, and
    /// that the file left cargo db's own tables and the history alone.
    fn verify_before_commit(
        &mut self,
        script: &Script,
        step: &MigrationStep<'_>,
        history: &HistoryDigest,
    ) -> Result<()> {
        if step.direction == Direction::Up {
            verify::of_migration(&mut self.session, self.root, step.migration)?;
        }
        self.own.refuse_changes(&mut self.session, &step.subject)?;
        self.refuse_changed_history(history, script, step)
    }

    /// The failure of a migration whose transaction was rolled back, except for what it had
    /// committed itself.
    pub(super) fn stopped(
        &self,
        stop: ScriptStop,
        stays: Vec<String>,
        step: &MigrationStep<'_>,
    ) -> Failure {
        if let Err(interrupted) = self.interrupted(&stays) {
            return interrupted;
        }
        if stays.is_empty() {
            return self.rolled_back(stop, step);
        }
        let target = self.session.target.to_string();
        let (subject, command) = (step.subject.clone(), step.command());
        match stop {
            ScriptStop::Statement(statement) => {
                DatabaseError::PartWay { statement, subject, stays, command }.into()
            }
            ScriptStop::Lost(why) => {
                ConnectionError::LostPartWay { target, subject, why, stays, command }.into()
            }
            ScriptStop::Refused(failure) => {
                let why = failure.why();
                part_way(failure, why, stays, step)
            }
            other @ ScriptStop::Ended { .. } => self.rolled_back(other, step),
        }
    }

    /// Fails after a signal, and says what the migration had committed by then.
    fn interrupted(&self, stays: &[String]) -> Result<()> {
        let stays = stays.iter().map(|text| format!("`{text}` stays"));
        self.world.interrupt.check().map_err(|failure| failure.after(stays))
    }

    fn statement_by_statement(
        &mut self,
        script: &Script,
        step: &MigrationStep<'_>,
        patience: &mut RetryBudget,
    ) -> Result<()> {
        let began = stopwatch();
        let history = self.digest_before()?;
        self.session.lend(&self.session_settings())?;
        let (world, file) = (self.world, step.file()?.path.as_path());
        let concurrently =
            Concurrently::new(world, self.limits, &self.watchdog, file, step.command());
        let mut progress = ProgressTracker::new(world, patience, concurrently);
        let ran = script.run(&mut self.session, &mut progress);
        if let Err(stop) = ran {
            let stays = progress.stopped(&stop);
            let _ = self.session.batch_execute("ROLLBACK");
            if let Err(interrupted) = self.world.interrupt.check() {
                let stays = stays.into_iter().map(|text| format!("`{text}` stays"));
                let left = progress.concurrently.left.iter().map(|left| format!("{left} (left)"));
                return Err(interrupted.after(stays.chain(left)));
            }
            if let ScriptStop::Statement(statement) = &stop
                && let Some(failure) = progress.concurrently.failure(statement, &stays)
            {
                return Err(failure);
            }
            return Err(match stop {
                ScriptStop::Statement(statement) if stays.is_empty() => {
                    let subject = format!("the first statement of {}", step.subject);
                    DatabaseError::Statement { statement, subject, command: step.command() }.into()
                }
                ScriptStop::Lost(why) if stays.is_empty() => {
                    let target = self.session.target.to_string();
                    let (subject, command) = (step.subject.clone(), step.command());
                    ConnectionError::LostPartWay { target, subject, why, stays, command }.into()
                }
                stop => self.stopped(stop, stays, step),
            });
        }
        let stays = progress.stays;
        self.record_what_stays(script, step, (&history, began), stays)
    }

    /// Records a file whose statements are committed already.
    fn record_what_stays(
        &mut self,
        script: &Script,
        step: &MigrationStep<'_>,
        (history, began): (&HistoryDigest, Instant),
        stays: Vec<String>,
    ) -> Result<()> {
        let (subject, command) = (step.subject.clone(), step.command());
        let not_recorded = |why| HistoryError::NotRecorded { subject, why, stays, command };
        if step.direction == Direction::Up
            && let Err(failure) = verify::of_migration(&mut self.session, self.root, step.migration)
        {
            return Err(not_recorded(failure.to_string()).caused_by(failure));
        }
        let changes = self.own.changes_behind(&mut self.session, false)?;
        if !changes.is_empty() {
            let changes = changes.join(", ");
            let why = format!("the migration changes tables of cargo db: {changes}");
            return Err(not_recorded(why).into());
        }
        if let Some(found) = self.change_of_history(history, script, step, false)? {
            return Err(not_recorded(found.summary()).into());
        }
        let record = self.history_statement(step, script, began);
        let sql = format!("RESET ROLE; RESET SESSION AUTHORIZATION; {record}");
        if let Err(error) = self.session.batch_execute(&sql) {
            return Err(not_recorded(self.session.describe(&error)).caused_by(error));
        }
        self.empty_behind(step)
    }
}

/// What a failure is if statements of the file were committed before it.
fn part_way(
    failure: Failure,
    why: Vec<String>,
    stays: Vec<String>,
    step: &MigrationStep<'_>,
) -> Failure {
    let (subject, said, command) = (step.subject.clone(), failure.to_string(), step.command());
    MigrationError::PartWay { subject, said, why, stays, command }.caused_by(failure)
}
