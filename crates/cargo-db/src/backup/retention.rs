//! Removing what the retention does not keep.

use time::OffsetDateTime;

use crate::backup::folder::BackupFolder;
use crate::backup::snapshot::{server_time, system_identifier};
use crate::failure::Result;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::now;

/// Facts that are needed to decide which backups are old.
pub(crate) struct RetentionContext {
    /// The server's identifier, where the role may ask.
    pub(crate) server: Option<String>,
    pub(crate) now: OffsetDateTime,
}

impl RetentionContext {
    /// Those of a database.
    pub(crate) fn of(world: &World, target: &Target) -> RetentionContext {
        let now = clock_behind(world, target);
        RetentionContext { server: system_identifier(world, target), now }
    }
}

/// The time by our clock or the server's, whichever is behind: no wrong one makes anything old.
pub(crate) fn clock_behind(world: &World, target: &Target) -> OffsetDateTime {
    server_time(world, target).map_or_else(now, |theirs| theirs.min(now()))
}

/// Removes the backups of these names that are still there. The caller holds the lock of the
/// folder.
pub(crate) fn remove(folder: &BackupFolder, names: &[String]) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    for backup in folder.list()?.backups {
        if names.contains(&backup.manifest.name) {
            folder.remove(&backup)?;
            removed.push(backup.manifest.name.clone());
        }
    }
    Ok(removed)
}
