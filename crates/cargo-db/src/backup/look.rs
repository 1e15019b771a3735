//! What a source would run, looked at before any of it runs: a dump is data, and a statement that
//! `pg_dump` does not write is somebody else's.

use crate::backup::allowed::{Allowed, beginning};
use crate::backup::ledger::Ledger;
use crate::backup::source::Source;
use crate::failure::{BackupError, CausedBy, Failure, Result};
use crate::model::event::Event;
use crate::settings::Settings;
use crate::world::World;
use pg_logical::content;
use pg_sql::calls::Call;
use pg_sql::left_out::LeftOut;
use pg_sql::script::{ScriptError, Statement};
use pg_sql::survey::{Survey, survey};

impl Source {
    /// The first statement that `pg_dump` does not write, where all may run. Where not, it is
    /// refused.
    pub(crate) fn stranger(
        &self,
        world: &World,
        settings: &Settings,
    ) -> Result<Option<&Statement>> {
        let stranger = self.look(world, settings)?.stranger.as_ref();
        match stranger {
            Some(statement) if self.wanted.allowed == Allowed::OfDumps => {
                Err(self.refused(statement))
            }
            _ => Ok(stranger),
        }
    }

    /// Whether `pg_restore` may load it by itself: whatever it would run was looked at.
    pub(super) fn is_looked_through(&self, world: &World, settings: &Settings) -> Result<bool> {
        let survey = self.look(world, settings)?;
        Ok(survey.is_unambiguous && survey.stranger.is_none())
    }

    /// The tablespaces that its objects lie in.
    pub(super) fn tablespaces(&self, world: &World, settings: &Settings) -> Result<Vec<String>> {
        Ok(self.look(world, settings)?.tablespaces.iter().cloned().collect())
    }

    /// The functions that are called while it is loaded, unless it was taken here.
    pub(crate) fn foreign_calls(&self, world: &World, settings: &Settings) -> Result<&[Call]> {
        let calls = self.look(world, settings)?.calls.as_slice();
        let is_known = calls.is_empty() || Ledger::of(&settings.root).knows(&self.holds()?)?;
        Ok(if is_known { &[] } else { calls })
    }

    fn look(&self, world: &World, settings: &Settings) -> Result<&Survey> {
        if let Some(known) = self.survey.get() {
            return Ok(known);
        }
        let mut text = self.text(world, settings)?;
        let found = survey(&mut text, &mut || world.tell(Event::Counted));
        world.interrupt.check()?;
        // What is no dump may be the reason why a program could not write all of it.
        text.finish(world)?;
        let found = found.map_err(|error| self.unreadable(error))?;
        Ok(self.survey.get_or_init(|| found))
    }

    /// Why it cannot be read. A file that somebody brings has no better one in the folder.
    fn unreadable(&self, error: ScriptError) -> Failure {
        if self.manifest.is_some() {
            return BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error);
        }
        let (name, what) = (self.name.clone(), error.to_string());
        BackupError::Unreadable { name, what, remedy: None }.caused_by(error)
    }

    /// The roles and extensions that it cannot be loaded without. A file without a manifest is read
    /// to its end for that, so one that was cut off is refused here.
    pub(super) fn needs(
        &self,
        world: &World,
        settings: &Settings,
    ) -> Result<(Vec<String>, Vec<String>)> {
        let LeftOut { owners, privileges, .. } = self.wanted.left_out;
        let manifest = self.manifest.as_ref().filter(|_| owners == privileges);
        if let Some(manifest) = manifest {
            let roles = if owners { Vec::new() } else { manifest.roles.clone() };
            return Ok((roles, manifest.extensions.keys().cloned().collect()));
        }
        let mut text = self.text(world, settings)?;
        let passed = &mut || world.tell(Event::Counted);
        let read = content::read_any(&mut text, passed, self.wanted.left_out);
        text.finish(world)?;
        let (content, is_complete) = read.map_err(|error| self.unreadable(error))?;
        if is_complete || self.wanted.accepts_incomplete {
            return Ok((content.roles, content.extensions));
        }
        Err(BackupError::Incomplete { name: self.name.clone() }.into())
    }

    /// The refusal of a statement.
    pub(super) fn refused(&self, statement: &Statement) -> Failure {
        let (name, line) = (self.name.clone(), statement.line);
        BackupError::NotOfDump { name, line, statement: beginning(statement) }.into()
    }
}
