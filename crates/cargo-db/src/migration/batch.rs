//! All or nothing: every migration of a plan in one transaction.

use crate::failure::{Failure, Kind, Result};
use crate::migration::execute::{Deed, Patience, Run, Turn, read, waited_for_lock};
use crate::migration::verify;
use crate::model::event::Event;
use crate::world::clock::stopwatch;
use crate::world::pg::{Stop, server_error};

impl Run<'_> {
    /// Runs all of them; when one waited too long for a lock, all are tried again.
    pub(super) fn all_in_one_transaction(&mut self, turns: &[Turn<'_>]) -> Result<Vec<Deed>> {
        let mut patience = Patience::new(self.limits);
        loop {
            self.watchdog.arm(true);
            let outcome = self.one_transaction(turns);
            self.watchdog.arm(false);
            match outcome.map_err(|failure| self.given_up(failure, "all migrations")) {
                Err(failure)
                    if waited_for_lock(&failure)
                        && patience.again(self.world, "all migrations")? => {}
                outcome => return outcome,
            }
        }
    }

    fn one_transaction(&mut self, turns: &[Turn<'_>]) -> Result<Vec<Deed>> {
        self.session.run("begin a transaction", "BEGIN")?;
        let ran = self.find_history().and_then(|()| self.run_all(turns));
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
            return Err(Kind::Sql { doing, server: Box::new(server) }.into());
        }
        if let Some(last) = turns.last() {
            self.settle(last)?;
        }
        ran
    }

    fn run_all(&mut self, turns: &[Turn<'_>]) -> Result<Vec<Deed>> {
        let mut deeds = Vec::new();
        for turn in turns {
            let began = stopwatch();
            self.world.interrupt.check()?;
            self.lock.check()?;
            self.world.tell(Event::Started { doing: "Running", subject: turn.subject.clone() });
            let script = read(self.root, self.layout, turn.file()?)?;
            script
                .run(&mut self.session, &mut ())
                .map_err(|stop| self.all_rolled_back(stop, turn))?;
            // What is checked at the commit is checked now, while it is known whose it is.
            let subject = format!("check what {} deferred", turn.subject);
            self.session.run(&subject, "SET CONSTRAINTS ALL IMMEDIATE")?;
            verify::of_migration(&mut self.session, self.root, turn.migration)
                .map_err(|failure| failure.about("all migrations"))?;
            let record = self.history_statement(turn, &script, began);
            let clean = format!(
                "RESET ROLE; RESET SESSION AUTHORIZATION; {record}; RESET ALL; {}",
                self.session_settings()
            );
            self.session.run("record the migration", &clean)?;
            let elapsed = began.elapsed();
            self.world.tell(Event::Finished {
                done: "Ran",
                subject: turn.subject.clone(),
                elapsed,
            });
            deeds.push(Deed::of(turn.migration, elapsed));
        }
        verify::of_batch(self.world, &mut self.session, self.root, self.verify)
            .map_err(|failure| failure.about("all migrations"))?;
        Ok(deeds)
    }

    fn all_rolled_back(&self, stop: Stop, turn: &Turn<'_>) -> Failure {
        match stop {
            Stop::Statement(statement) => {
                let subject = "the transaction of all migrations".to_owned();
                Kind::Statement { statement, subject, verb: "migrate" }.into()
            }
            lost @ Stop::Lost(_) => self.rolled_back(lost, turn),
        }
    }
}
