//! What a new database that takes the place of an old one needs.

use crate::backup::OldDatabase;
use crate::change::lock::{lock_migrations, lock_server};
use crate::change::workspace::Database;
use crate::failure::Result;
use crate::model::target::Target;
use crate::plan::{Plan, Step};
use crate::world::pg::Lock;

/// The locks of a swap: no other database is built or swapped on the server, and nothing of ours
/// runs in the old one.
pub(crate) struct SwapLocks {
    _server: Lock,
    database: Option<Lock>,
}

impl SwapLocks {
    /// Takes those that the plan needs.
    pub(crate) fn acquire(
        database: &Database<'_>,
        target: &Target,
        plan: &Plan,
    ) -> Result<SwapLocks> {
        let server = lock_server(database)?;
        let replaces = old_database(plan) != OldDatabase::Absent;
        let of_old = replaces.then(|| lock_migrations(database, target)).transpose()?;
        Ok(SwapLocks { _server: server, database: of_old })
    }

    /// The swap ends every session in the old database, and that of its lock is one.
    pub(crate) fn release_database(&mut self) {
        self.database = None;
    }
}

/// What becomes of the database that a plan replaces.
pub(crate) fn old_database(plan: &Plan) -> OldDatabase {
    let of_step = |step: &Step| match step {
        Step::Swap { keeps_old: true, .. } => Some(OldDatabase::Kept),
        Step::Swap { keeps_old: false, .. } => Some(OldDatabase::Dropped),
        _ => None,
    };
    plan.steps.iter().find_map(of_step).unwrap_or(OldDatabase::Absent)
}
