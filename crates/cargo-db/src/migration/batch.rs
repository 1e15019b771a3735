//! All or nothing: every migration of a plan in one transaction.

use crate::failure::{DatabaseError, Failure, Result};
use crate::migration::applied::AppliedMigration;
use crate::migration::retry::{Patience, waited_for_lock};
use crate::migration::run::Run;
use crate::migration::step::MigrationStep;
use crate::migration::{files, verify};
use crate::model::event::Event;
use crate::world::clock::stopwatch;
use crate::world::pg::{Stop, server_error};

impl Run<'_> {
    /// Runs all of them; when one waited too long for a lock, all are tried again.
    pub(super) fn all_in_one_transaction(
        &mut self,
        steps: &[MigrationStep<'_>],
    ) -> Result<Vec<AppliedMigration>> {
        let mut patience = Patience::new(self.limits);
        loop {
            self.watchdog.arm();
            let outcome = self.one_transaction(steps);
            self.watchdog.disarm();
            match outcome.map_err(|failure| self.given_up(failure, "all migrations")) {
                Err(failure)
                    if waited_for_lock(&failure)
                        && patience.again(self.world, "all migrations")? => {}
                outcome => return outcome,
            }
        }
    }

    fn one_transaction(&mut self, steps: &[MigrationStep<'_>]) -> Result<Vec<AppliedMigration>> {
        self.session.run("begin a transaction", "BEGIN")?;
        let ran = self.find_history().and_then(|()| self.run_all(steps));
        if ran.is_err() {
            // If this fails, the connection is gone, and the server rolls back by itself.
            let _ = self.session.batch_execute("ROLLBACK");
            self.world.interrupt.check()?;
            return ran;
        }
        let Err(error) = self.session.batch_execute("COMMIT") else { return ran };
        if let Some(server) = server_error(&error) {
            let _ = self.session.batch_execute("ROLLBACK");
            let doing = "the batch could not be committed and was rolled back".to_owned();
            return Err(DatabaseError::Sql { doing, server: Box::new(server) }.into());
        }
        if let Some(last) = steps.last() {
            self.settle(last)?;
        }
        ran
    }

    fn run_all(&mut self, steps: &[MigrationStep<'_>]) -> Result<Vec<AppliedMigration>> {
        let mut applied = Vec::new();
        for step in steps {
            let began = stopwatch();
            self.world.interrupt.check()?;
            self.lock.check()?;
            self.world.tell(Event::Started { doing: "Running", subject: step.subject.clone() });
            let script = files::read(self.root, self.layout, step.file()?)?;
            script
                .run(&mut self.session, &mut ())
                .map_err(|stop| self.all_rolled_back(stop, step))?;
            // What is checked at the commit is checked now, while it is known whose it is.
            let subject = format!("check what {} deferred", step.subject);
            self.session.run(&subject, "SET CONSTRAINTS ALL IMMEDIATE")?;
            verify::of_migration(&mut self.session, self.root, step.migration)
                .map_err(|failure| failure.about("all migrations"))?;
            let record = self.history_statement(step, &script, began);
            let clean = format!(
                "RESET ROLE; RESET SESSION AUTHORIZATION; {record}; RESET ALL; {}",
                self.session_settings()
            );
            self.session.run("record the migration", &clean)?;
            let elapsed = began.elapsed();
            self.world.tell(Event::Finished {
                done: "Ran",
                subject: step.subject.clone(),
                elapsed,
            });
            applied.push(AppliedMigration::of(step.migration, elapsed));
        }
        verify::of_batch(self.world, &mut self.session, self.root, &self.verify)
            .map_err(|failure| failure.about("all migrations"))?;
        Ok(applied)
    }

    fn all_rolled_back(&self, stop: Stop, step: &MigrationStep<'_>) -> Failure {
        match stop {
            Stop::Statement(statement) => {
                let subject = "the transaction of all migrations".to_owned();
                DatabaseError::Statement { statement, subject, verb: "migrate" }.into()
            }
            lost @ Stop::Lost(_) => self.rolled_back(lost, step),
        }
    }
}
