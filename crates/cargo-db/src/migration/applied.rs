//! A migration that was applied or rolled back, and how long it took.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::migration::{Migration, Version};

/// The versions that the history says are applied.
pub(crate) type AppliedVersions = BTreeSet<Version>;

/// A migration of a plan that is done.
#[derive(Clone, Debug)]
pub(crate) struct AppliedMigration {
    pub(crate) version: Version,
    pub(crate) name: String,
    pub(crate) elapsed: Duration,
}

impl AppliedMigration {
    pub(crate) fn of(migration: &Migration, elapsed: Duration) -> AppliedMigration {
        let (version, name) = (migration.version.clone(), migration.name.clone());
        AppliedMigration { version, name, elapsed }
    }
}
