//! Taking a backup and recording that this project took it.

use crate::backup::dump::BackupRequest;
use crate::backup::folder::BackupFolder;
use crate::backup::ledger::Ledger;
use crate::failure::Result;
use crate::model::backup::Backup;
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;

/// Takes a backup. If it cannot be recorded, it is still taken, and later treated as one that
/// somebody else took.
pub(crate) fn take(
    world: &World,
    settings: &Settings,
    target: &Target,
    folder: &BackupFolder,
    request: &BackupRequest,
) -> Result<Backup> {
    let backup = crate::backup::take::take(world, settings, target, folder, request)?;
    let (name, files) = (&backup.manifest.name, &backup.manifest.files);
    if let Err(failure) = Ledger::of(&settings.root).note(name, files) {
        let message =
            format!("{name} will be treated as a backup that this project did not take: {failure}");
        world.emit(Event::Warning { message });
    }
    Ok(backup)
}
