//! The steps of a plan that run a file, with file and direction.

use crate::failure::{MigrationError, Result};
use crate::model::direction::Direction;
use crate::model::migration::{Migration, ScriptFile};
use crate::plan::{Loss, Step};

/// The step of a plan that runs one migration.
pub(super) struct MigrationStep<'a> {
    pub(super) migration: &'a Migration,
    pub(super) direction: Direction,
    /// The version and name, for use in sentences.
    pub(super) subject: String,
    /// What will be lost, with the bounds.
    pub(super) losses: &'a [Loss],
}

impl<'a> MigrationStep<'a> {
    pub(super) fn of(step: &'a Step) -> Option<MigrationStep<'a>> {
        let (migration, direction, losses) = match step {
            Step::Apply { migration, losses } => (migration, Direction::Up, losses),
            Step::Revert { migration, losses } => (migration, Direction::Down, losses),
            _ => return None,
        };
        Some(MigrationStep {
            migration,
            direction,
            subject: format!("migration {}", migration.quoted()),
            losses,
        })
    }

    /// The command that takes this direction.
    pub(super) fn command(&self) -> String {
        match self.direction {
            Direction::Up => "cargo db migrate".to_owned(),
            Direction::Down => "cargo db rollback".to_owned(),
        }
    }

    /// The words for the operation while it runs, and afterwards.
    pub(super) fn words(&self) -> (&'static str, &'static str) {
        match self.direction {
            Direction::Up => ("Applying", "Applied"),
            Direction::Down => ("Reverting", "Reverted"),
        }
    }

    /// The file that runs.
    pub(super) fn file(&self) -> Result<&ScriptFile> {
        match self.direction {
            Direction::Up => Ok(&self.migration.up),
            Direction::Down => {
                let down = self.migration.down.as_ref();
                down.ok_or_else(|| {
                    MigrationError::Irreversible { migrations: vec![self.migration.quoted()] }
                        .into()
                })
            }
        }
    }
}
