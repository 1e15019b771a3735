//! The steps of a plan that run a file: which file, and in which direction.

use crate::failure::{Kind, Result};
use crate::model::migration::{Migration, ScriptFile};
use crate::plan::Step;

/// Which way a migration goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

impl Direction {
    pub(super) fn verb(self) -> &'static str {
        match self {
            Direction::Up => "migrate",
            Direction::Down => "rollback",
        }
    }

    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Direction::Up => ("Applying", "Applied"),
            Direction::Down => ("Reverting", "Reverted"),
        }
    }
}

/// The step of a plan that runs one migration.
pub(super) struct MigrationStep<'a> {
    pub(super) migration: &'a Migration,
    pub(super) direction: Direction,
    /// Version and name, for messages.
    pub(super) subject: String,
}

impl<'a> MigrationStep<'a> {
    pub(super) fn of(step: &'a Step) -> Option<MigrationStep<'a>> {
        let (migration, direction) = match step {
            Step::Apply { migration } => (migration, Direction::Up),
            Step::Revert { migration, .. } => (migration, Direction::Down),
            _ => return None,
        };
        Some(MigrationStep { migration, direction, subject: migration.title() })
    }

    pub(super) fn file(&self) -> Result<&ScriptFile> {
        match self.direction {
            Direction::Up => Ok(&self.migration.up),
            Direction::Down => {
                let down = self.migration.down.as_ref();
                down.ok_or_else(|| {
                    Kind::Irreversible { migrations: vec![self.subject.clone()] }.into()
                })
            }
        }
    }
}
