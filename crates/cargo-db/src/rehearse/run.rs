//! Runs one file on the copy, as the real run would, and measures it.

use crate::check::finding;
use crate::failure::{ConnectionError, Result};
use crate::migration::{read_script, session_settings};
use crate::model::finding::Finding;
use crate::model::migration::ScriptFile;
use crate::model::statement::StatementError;
use crate::rehearse::measure::Measure;
use crate::rehearse::measured::Measured;
use crate::rehearse::snapshot::reaches_out;
use crate::rehearse::stage::Stage;
use crate::world::pg::{Session, Stop};

/// What a file did when it ran.
pub(super) struct Ran {
    pub(super) measured: Vec<Measured>,
    /// Why it failed, as a finding, and the statement that did.
    pub(super) failed: Option<Finding>,
    pub(super) failure: Option<Box<StatementError>>,
}

impl Stage<'_> {
    /// Runs a file as the real run would.
    pub(super) fn run(&mut self, file: &ScriptFile) -> Result<Ran> {
        let script = read_script(self.request.settings, file)?;
        let inside = file.transactional;
        let settings = session_settings(&self.request.settings.limits);
        self.session.give(&settings)?;
        if inside {
            self.session.begin_block()?;
        }
        let mut measure = Measure::new(self.world, &self.baseline, inside);
        let ran = script.run(&mut self.session, &mut measure);
        self.world.interrupt.check()?;
        let (measured, trouble) = (std::mem::take(&mut measure.measured), measure.trouble.take());
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        let mut failure = None;
        let reached_out = measure.reached_out;
        let uncommitted = measure.uncommitted.take();
        let mut failed = match ran {
            Ok(()) => None,
            Err(Stop::Refused(_)) if uncommitted.is_some() => uncommitted,
            Err(Stop::Statement(error)) => {
                let why = error.server.message.clone();
                let found = finding("fails", error.line, &error.source_line, why);
                failure = Some(error);
                Some(found)
            }
            Err(Stop::Ended { line, .. }) => {
                let why = "it ends the migration's transaction".to_owned();
                Some(finding("fails", line, "", why))
            }
            Err(Stop::Refused(failure)) => return Err(failure),
            Err(Stop::Lost(why)) => {
                let (target, subject) =
                    (self.session.target.to_string(), "the rehearsal".to_owned());
                return Err(ConnectionError::Lost { target, subject, why }.into());
            }
        };
        if failed.is_some() {
            self.session.run("give up", "ROLLBACK")?;
        } else if reached_out || inside && reaches_out(&mut self.session)? {
            // What lies outside the database is the real server's: it is undone, and said.
            self.session.run("give up", "ROLLBACK")?;
            let why = "it changes objects shared by all databases, and was rolled back".to_owned();
            failed = Some(finding("outside-database", 1, "", why));
        } else if inside && let Err(error) = commit(&mut self.session, &mut measure) {
            failed = Some(finding("commit-fails", 1, "", error.to_string()));
        }
        if self.request.settings.migrations.layout.profile().is_one_transaction {
            self.session.take_back()?;
        } else {
            self.session.take_back_empty()?;
        }
        Ok(Ran { measured, failed, failure })
    }
}

fn commit(session: &mut Session, measure: &mut Measure<'_>) -> Result<()> {
    measure.give_back(session)?;
    session.run("commit", "COMMIT")
}
