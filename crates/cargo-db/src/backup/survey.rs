//! Checks the statements of a source before any of them runs: a dump is data, and a statement that
//! `pg_dump` does not write is foreign code.

use crate::backup::allowed::{Allowed, beginning};
use crate::backup::compare::differences_of_rights;
use crate::backup::content::read_content;
use crate::backup::ledger::Ledger;
use crate::backup::login::loading_role;
use crate::backup::owners::Owners;
use crate::backup::source::RestoreSource;
use crate::failure::{BackupError, CausedBy, Failure, Result};
use crate::model::backup::LoadedAs;
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use pg_logical::content;
use pg_sql::calls::Call;
use pg_sql::left_out::LeftOut;
use pg_sql::script::{ScriptError, Statement};
use pg_sql::survey::{Survey, survey};

impl RestoreSource {
    /// The first statement that `pg_dump` does not write, where all may run. Where not, it is
    /// refused.
    pub(crate) fn unexpected(
        &self,
        world: &World,
        settings: &Settings,
    ) -> Result<Option<&Statement>> {
        let unexpected = self.survey(world, settings)?.unexpected.as_ref();
        match unexpected {
            Some(statement) if self.wanted.allowed == Allowed::OfDumps => {
                Err(self.refused(statement))
            }
            _ => Ok(unexpected),
        }
    }

    /// Whether `pg_restore` may load it directly: every statement was checked.
    pub(super) fn is_looked_through(&self, world: &World, settings: &Settings) -> Result<bool> {
        let survey = self.survey(world, settings)?;
        Ok(survey.is_unambiguous && survey.unexpected.is_none())
    }

    /// The tablespaces of its objects.
    pub(super) fn tablespaces(&self, world: &World, settings: &Settings) -> Result<Vec<String>> {
        Ok(self.survey(world, settings)?.tablespaces.iter().cloned().collect())
    }

    /// The roles that will own its objects. In an existing database, schemas and event triggers of
    /// other roles keep their owners.
    pub(super) fn owners(
        &self,
        world: &World,
        settings: &Settings,
        builds: bool,
    ) -> Result<Owners> {
        if self.wanted.left_out.owners {
            return Ok(Owners::default());
        }
        let survey = self.survey(world, settings)?;
        let mut roles = survey.owners.clone();
        if builds {
            roles.extend(survey.owners_of_schemas.iter().cloned());
        }
        Ok(Owners { roles, acts_as: survey.acts_as.clone() })
    }

    /// The functions that are called while the source is loaded; empty if this project took it.
    pub(crate) fn foreign_calls(&self, world: &World, settings: &Settings) -> Result<&[Call]> {
        let calls = self.survey(world, settings)?.calls.as_slice();
        Ok(if calls.is_empty() || self.is_known(settings)? { &[] } else { calls })
    }

    /// Whether this project took the backup.
    pub(crate) fn is_known(&self, settings: &Settings) -> Result<bool> {
        Ledger::of(&settings.root).knows(&self.holds()?)
    }

    /// The role that loads it into a scratch database, if this project did not take it.
    pub(super) fn loaded_as(
        &self,
        world: &World,
        settings: &Settings,
        target: &Target,
    ) -> Result<Option<LoadedAs>> {
        if self.is_known(settings)? {
            return Ok(None);
        }
        loading_role(world, target).map(Some)
    }

    /// Prepares the source for a scratch database. If this project did not take it, owners and
    /// privileges are left out, so that their roles need not exist.
    pub(crate) fn for_scratch(mut self, settings: &Settings) -> Result<RestoreSource> {
        if !self.is_known(settings)? {
            let left_out = &mut self.wanted.left_out;
            (left_out.owners, left_out.privileges, left_out.tablespaces) = (true, true, true);
        }
        Ok(self)
    }

    /// The extensions that it creates, with their schemas.
    pub(super) fn extensions(
        &self,
        world: &World,
        settings: &Settings,
    ) -> Result<Vec<(String, Option<String>)>> {
        Ok(self.survey(world, settings)?.extensions.clone())
    }

    /// Differences between the roles and rights in the source and in its manifest. There is nothing
    /// to compare if this project took the backup: its manifest was made from its text.
    pub(super) fn differences_of_roles(
        &self,
        world: &World,
        settings: &Settings,
    ) -> Result<Vec<String>> {
        let Some(manifest) = &self.manifest else { return Ok(Vec::new()) };
        if self.is_known(settings)? {
            return Ok(Vec::new());
        }
        let content = read_content(world, self.text(world, settings)?)?;
        let mut problems = differences_of_rights(manifest, &content.rights);
        if content.roles != manifest.roles {
            problems.push("roles: owners and grantees differ from the manifest".to_owned());
        }
        Ok(problems)
    }

    fn survey(&self, world: &World, settings: &Settings) -> Result<&Survey> {
        if let Some(known) = self.survey.get() {
            return Ok(known);
        }
        let mut text = self.text(world, settings)?;
        let found = survey(&mut text, &mut || world.emit(Event::Counted));
        world.interrupt.check()?;
        // If the output is not a complete dump, the reason may be that the program failed.
        text.finish(world)?;
        let found = found.map_err(|error| self.unreadable(error))?;
        Ok(self.survey.get_or_init(|| found))
    }

    /// Why it cannot be read. For a file from elsewhere, no other backup is suggested.
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
        let passed = &mut || world.emit(Event::Counted);
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
