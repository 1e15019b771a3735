//! All or nothing: every migration of a plan in one transaction.

use crate::failure::{DatabaseError, Failure, Result};
use crate::migration::applied::AppliedMigration;
use crate::migration::blocks::Blocks;
use crate::migration::deferred::{check_deferred, defer_constraints};
use crate::migration::retry::{RetryBudget, WAITED_FOR_LOCK, waited_for_lock};
use crate::migration::run::Run;
use crate::migration::step::MigrationStep;
use crate::migration::{files, verify};
use crate::model::event::Event;
use crate::world::clock::stopwatch;
use crate::world::pg::ScriptStop;

impl Run<'_> {
    /// Runs all of them; when one waited too long for a lock, all are tried again.
    pub(super) fn all_in_one_transaction(
        &mut self,
        steps: &[MigrationStep<'_>],
    ) -> Result<Vec<AppliedMigration>> {
        let mut patience = RetryBudget::new(self.limits, "all migrations");
        loop {
            self.watchdog.arm();
            let outcome = self.one_transaction(steps);
            self.watchdog.disarm();
            match outcome.map_err(|failure| self.given_up(failure, "all migrations")) {
                Err(failure)
                    if waited_for_lock(&failure)
                        && patience.again(self.world, WAITED_FOR_LOCK)? => {}
                outcome => return outcome,
            }
        }
    }

    fn one_transaction(&mut self, steps: &[MigrationStep<'_>]) -> Result<Vec<AppliedMigration>> {
        self.lock.is_apart_from(&mut self.session)?;
        self.session.run("begin a transaction", "BEGIN")?;
        let ran = self.find_history().and_then(|()| self.run_all(steps));
        if ran.is_err() {
            // If this fails, the connection is lost, and the server rolls back by itself.
            let _ = self.session.batch_execute("ROLLBACK");
            self.world.interrupt.check()?;
            return ran;
        }
        let Err(error) = self.session.batch_execute("COMMIT") else { return ran };
        if let Some(server) = self.session.server_error(&error) {
            let _ = self.session.batch_execute("ROLLBACK");
            let doing = "the batch could not be committed and was rolled back".to_owned();
            return Err(DatabaseError::Sql { doing, server: Box::new(server) }.into());
        }
        if let Some(last) = steps.last() {
            self.confirm_commit(last, Vec::new())?;
        }
        ran
    }

    fn run_all(&mut self, steps: &[MigrationStep<'_>]) -> Result<Vec<AppliedMigration>> {
        let mut applied = Vec::new();
        for step in steps {
            let began = stopwatch();
            self.world.interrupt.check()?;
            self.lock.check()?;
            self.world.emit(Event::Started { doing: "Running", subject: step.migration.title() });
            let script = files::read(self.root, self.layout, step.file()?)?;
            let history = self.digest_before()?;
            self.session.lend_transaction(&self.session_settings())?;
            script
                .run(&mut self.session, &mut Blocks::of(step))
                .map_err(|stop| self.all_rolled_back(stop, step))?;
            // Deferred checks run now, while it is known which migration they belong to.
            check_deferred(&mut self.session, &step.subject)?;
            verify::of_migration(&mut self.session, self.root, step.migration)
                .map_err(|failure| failure.about("all migrations"))?;
            self.own.refuse_changes(&mut self.session, &step.subject)?;
            self.refuse_changed_history(&history, &script, step)?;
            let record = self.history_statement(step, &script, began);
            let record = format!("RESET ROLE; RESET SESSION AUTHORIZATION; {record}");
            self.session.run("record the migration", &record)?;
            self.note_record(step);
            self.end_session_of(step)?;
            defer_constraints(&mut self.session)?;
            let elapsed = began.elapsed();
            self.world.emit(Event::Finished {
                done: "Ran",
                subject: step.migration.title(),
                elapsed,
            });
            applied.push(AppliedMigration::of(step.migration, elapsed));
        }
        self.verify_batch().map_err(|failure| failure.about("all migrations"))?;
        Ok(applied)
    }

    /// Discards what a migration left on its connection. If the tool runs all migrations in one
    /// transaction, warns instead: later ones see it, which they would not in a separate run.
    fn end_session_of(&mut self, step: &MigrationStep<'_>) -> Result<()> {
        if !self.layout.profile().is_one_transaction {
            return self.session.reclaim_and_reset();
        }
        self.session.take_back()?;
        for left in self.session.left_behind()? {
            let subject = &step.subject;
            let message =
                format!("{subject} leaves {left} in its session, and later migrations see it");
            self.world.emit(Event::Notice { severity: "warning".to_owned(), message });
        }
        Ok(())
    }

    fn all_rolled_back(&self, stop: ScriptStop, step: &MigrationStep<'_>) -> Failure {
        match stop {
            ScriptStop::Statement(statement) => {
                let subject = "the transaction of all migrations".to_owned();
                DatabaseError::Statement { statement, subject, command: step.command() }.into()
            }
            other => self.rolled_back(other, step),
        }
    }
}
