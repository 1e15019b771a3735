//! What a source would run, looked at before any of it runs: a dump is data, and a statement that
//! `pg_dump` does not write is somebody else's.

use crate::backup::allowed::{Allowed, beginning};
use crate::backup::source::Source;
use crate::failure::{BackupError, CausedBy, Failure, Result};
use crate::model::event::Event;
use crate::settings::Settings;
use crate::world::World;
use pg_sql::script::Statement;
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
            Some(statement) if self.allowed == Allowed::OfDumps => Err(self.refused(statement)),
            _ => Ok(stranger),
        }
    }

    /// Whether `pg_restore` may load it by itself: whatever it would run was looked at.
    pub(super) fn is_looked_through(&self, world: &World, settings: &Settings) -> Result<bool> {
        let survey = self.look(world, settings)?;
        Ok(survey.is_unambiguous && survey.stranger.is_none())
    }

    fn look(&self, world: &World, settings: &Settings) -> Result<&Survey> {
        if let Some(known) = self.survey.get() {
            return Ok(known);
        }
        let mut text = self.text(world, settings)?;
        let found = survey(&mut text, &mut || world.tell(Event::Counted));
        world.interrupt.check()?;
        text.finish(world)?;
        let found = found.map_err(|error| {
            BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error)
        })?;
        Ok(self.survey.get_or_init(|| found))
    }

    /// The refusal of a statement.
    pub(super) fn refused(&self, statement: &Statement) -> Failure {
        let (name, line) = (self.name.clone(), statement.line);
        BackupError::NotOfDump { name, line, statement: beginning(statement) }.into()
    }
}
