//! What a new database that takes the place of an old one needs.

use crate::audit::DatabaseIdentity;
use crate::backup::{self, OldDatabase, SiblingDatabase};
use crate::change::lock::{lock_migrations, lock_server};
use crate::change::workspace::Database;
use crate::failure::{Result, SettingsError};
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::plan::{Loss, Plan, Step};
use crate::world::pg::Lock;

/// The locks of a swap: no other database is built or swapped on the server, and no other run works
/// in the old one. They are held until the swap terminates every session in the old database,
/// including that of its lock, so that no run can start in between.
pub(crate) struct SwapLocks {
    _server: Lock,
    of_database: Option<Lock>,
}

impl SwapLocks {
    /// Takes those that the plan needs.
    pub(crate) fn acquire(
        database: &Database<'_>,
        target: &Target,
        plan: &Plan,
    ) -> Result<SwapLocks> {
        if old_database(plan) == OldDatabase::Absent {
            return Ok(SwapLocks { _server: lock_server(database)?, of_database: None });
        }
        SwapLocks::of_existing(database, target)
    }

    /// Lets go of the database, which nothing may be connected to while it is copied.
    pub(crate) fn release_database(&mut self) {
        self.of_database = None;
    }

    /// Takes the locks for an existing database that is about to be replaced.
    pub(crate) fn of_existing(database: &Database<'_>, target: &Target) -> Result<SwapLocks> {
        let server = lock_server(database)?;
        let of_old = lock_migrations(database, target)?;
        Ok(SwapLocks { _server: server, of_database: Some(of_old) })
    }
}

/// Lets a new database take the name of the target, with what the old database says of itself, or
/// as a copy of one of this environment. Returns the name that the old one is kept under.
pub(crate) fn swap_in(
    database: &Database<'_>,
    plan: &Plan,
    built: SiblingDatabase,
    of_copy: Option<Environment>,
) -> Result<Option<String>> {
    let (world, target) = (&database.workspace.world, &plan.target);
    let old = old_database(plan);
    // What the old database says of itself is true of the new one.
    if old == OldDatabase::Absent {
        DatabaseIdentity::of_copy(of_copy).give(world, &built.target)?;
    } else {
        DatabaseIdentity::hand_over(world, target, &built.target)?;
    }
    let aside = backup::swap(world, target, built, old)?;
    aside.iter().for_each(|aside| backup::set_aside(world, target, aside));
    Ok(aside)
}

/// The step with which a new database takes the name. The old one, if there is one, is kept; in the
/// test environment it is `gone`.
pub(crate) fn taking_name(database: &Database<'_>, name: String, gone: Option<Loss>) -> Step {
    let Some(gone) = gone else { return Step::Name { name } };
    let keeps_old = database.environment() != Environment::Test;
    let loses = if keeps_old { Vec::new() } else { vec![gone] };
    Step::Swap { name, keeps_old, loses }
}

/// Fails for the maintenance database, which cannot be swapped because swaps are done from it.
pub(crate) fn refuse_maintenance(target: &Target) -> Result<()> {
    if target.database != target.maintenance().database {
        return Ok(());
    }
    let what = format!(
        "`{}` is the server's maintenance database, from which others are replaced: it cannot be \
         replaced itself; name another database",
        target.database
    );
    Err(SettingsError::Usage { what }.into())
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
