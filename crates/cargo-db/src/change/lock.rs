//! The locks of a run.

use std::fs::File;
use std::time::Duration;

use crate::change::workspace::Database;
use crate::failure::{LockError, Result};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Runner;
use crate::world::clock::{in_words, pause, stopwatch};
use crate::world::pg::{Lock, OWN_KEY};
use db_tools::LockPlace;

/// The lock of a run on a database: our own, and the one that the layout's tool takes.
pub(crate) fn lock_migrations(database: &Database<'_>, target: &Target) -> Result<Lock> {
    let own = std::iter::once(OWN_KEY);
    let migrations = &database.settings.migrations;
    // A program that takes its lock itself must find it free.
    let shared =
        migrations.runner == Runner::Builtin || !migrations.layout.profile().takes_own_lock;
    let schema = migrations.layout.schema().or(target.search_path()).unwrap_or("public");
    let schema = schema.split(',').next().unwrap_or(schema);
    let table = migrations.layout.table_name();
    let place = LockPlace { database: &target.database, schema, table };
    let of_tool = migrations.layout.lock_key(&place).filter(|_| shared);
    let keys: Vec<i64> = own.chain(of_tool).collect();
    acquire(database, target, &keys)
}

/// Prevents other runs from building or swapping databases on this server.
pub(crate) fn lock_server(database: &Database<'_>) -> Result<Lock> {
    acquire(database, &database.target.maintenance(), &[OWN_KEY])
}

/// Our own lock on the database.
pub(crate) fn lock_database(database: &Database<'_>) -> Result<Lock> {
    acquire(database, &database.target, &[OWN_KEY])
}

fn acquire(database: &Database<'_>, target: &Target, keys: &[i64]) -> Result<Lock> {
    let timeout = database.settings.limits.lock_timeout.value;
    Lock::acquire(&database.workspace.world, target, keys, timeout)
}

/// A lock of files, which `take` gets if it is free; otherwise waits as for other locks.
pub(crate) fn lock_files(
    database: &Database<'_>,
    what: &str,
    take: impl Fn() -> Result<Option<File>>,
) -> Result<File> {
    let (world, began) = (&database.workspace.world, stopwatch());
    let timeout = database.settings.limits.lock_timeout.value;
    let mut told = false;
    loop {
        if let Some(lock) = take()? {
            return Ok(lock);
        }
        if began.elapsed() >= timeout {
            let waited = in_words(began.elapsed());
            let holder = "held by another run of cargo db".to_owned();
            return Err(LockError::Busy { target: what.to_owned(), holder, waited }.into());
        }
        if !told {
            let by = "another run of cargo db".to_owned();
            world.emit(Event::LockHeld { by, since: None });
            told = true;
        }
        pause(world, Duration::from_millis(50))?;
    }
}
