//! Locks between processes, held until the file is dropped.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::failure::Result;
use crate::world::files::{failed, regular};
use crate::world::signal::SignalWatch;

/// Waits for an exclusive lock.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = lock_file(path)?;
    wait_for(path, || file.try_lock())?;
    Ok(file)
}

/// Waits for a lock that several processes may hold together, while none holds it alone.
pub(crate) fn lock_shared(path: &Path) -> Result<File> {
    let file = lock_file(path)?;
    wait_for(path, || file.try_lock_shared())?;
    Ok(file)
}

/// The same, if nobody holds the lock.
pub(crate) fn try_lock(path: &Path) -> Result<Option<File>> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed("lock", path)(error)),
    }
}

fn lock_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    regular(options.create(true).truncate(false).write(true).mode(0o600), path)
        .map_err(failed("open", path))
}

/// Tries to lock until it succeeds, or a signal comes.
fn wait_for(path: &Path, lock: impl Fn() -> std::result::Result<(), TryLockError>) -> Result<()> {
    let vigil = SignalWatch::begin();
    loop {
        match lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {
                vigil.check()?;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", path)(error)),
        }
    }
}

/// The same of an existing folder.
pub(crate) fn lock_folder(path: &Path) -> Result<File> {
    let folder = File::open(path).map_err(failed("open", path))?;
    wait_for(path, || folder.try_lock())?;
    Ok(folder)
}
