//! Verifying a backup. Every check names itself in what it finds, and for every check there is a
//! test that corrupts exactly that thing.

use crate::backup::compare::{compare, differences};
use crate::backup::content::{ARCHIVE_TOOL, archive_text, read_content};
use crate::backup::folder::Folder;
use crate::backup::integrity::{changed, checksums, quick};
use crate::backup::restore::scratch;
use crate::backup::set::differences_of_parts;
use crate::backup::source::Source;
use crate::failure::{BackupError, Failure, Result};
use crate::model::backup::{Backup, Format, Level, Verification};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::archive::plain_text;
use crate::world::clock::now;
use crate::world::server::client;
use pg_logical::content::Content;

/// What every verification works with.
pub(crate) struct Verifier<'a> {
    pub(crate) world: &'a World,
    pub(crate) settings: &'a Settings,
    pub(crate) folder: &'a Folder,
    /// The server for a scratch database, asked for by the level that needs one.
    pub(crate) target: &'a dyn Fn() -> Result<Target>,
}

impl Verifier<'_> {
    /// Makes sure that a backup is fit to be restored. One that was read back, or verified since,
    /// is so if its bytes are still the same ones: what they hold was seen then, and is compared
    /// again once it is loaded. Any other is verified in full.
    pub(crate) fn before_restore(&self, backup: &Backup) -> Result<()> {
        let problems = if backup.is_verified() {
            changed(self.folder, backup)?
        } else {
            self.verify(backup, Level::Full)?.problems
        };
        if problems.is_empty() {
            return Ok(());
        }
        Err(BackupError::Unsound { name: backup.manifest.name.clone(), problems }.into())
    }

    /// Verifies a backup and writes the result beside it.
    pub(crate) fn verify(&self, backup: &Backup, level: Level) -> Result<Verification> {
        let Verifier { world, settings, folder, target } = self;
        let mut problems = quick(folder, backup)?;
        if problems.is_empty() && level >= Level::Full {
            problems = full(world, settings, folder, backup)?;
        }
        if problems.is_empty() && level == Level::Restore {
            problems = loaded(world, settings, &Source::of(folder, backup), &target()?)?;
        }
        world.interrupt.check()?;
        let verification = Verification { level, when: now(), ok: problems.is_empty(), problems };
        folder.note(&backup.manifest.name, &verification)?;
        Ok(verification)
    }
}

/// What reading every byte tells.
fn full(
    world: &World,
    settings: &Settings,
    folder: &Folder,
    backup: &Backup,
) -> Result<Vec<String>> {
    let manifest = &backup.manifest;
    let mut problems = checksums(folder, backup)?;
    match content_of(world, settings, folder, backup) {
        Ok(content) => {
            problems.extend(differences(&manifest.tables, &content.tables));
            if manifest.sequences != content.sequences {
                problems.push("sequences: they are not the manifest's".to_owned());
            }
            problems.extend(differences_of_parts(world, settings, folder, backup)?);
        }
        Err(failure) => problems.push(format!("content: {failure}{}", reasons(&failure))),
    }
    Ok(problems)
}

fn reasons(failure: &Failure) -> String {
    failure.why().first().map(|why| format!(": {why}")).unwrap_or_default()
}

/// What loading it tells.
fn loaded(
    world: &World,
    settings: &Settings,
    source: &Source,
    target: &Target,
) -> Result<Vec<String>> {
    let Some(manifest) = &source.manifest else { return Ok(Vec::new()) };
    match scratch(world, settings, target, source) {
        Ok(built) => compare(world, settings, &built.target, manifest),
        Err(failure) => Ok(vec![format!("restore: {failure}{}", reasons(&failure))]),
    }
}

/// Reads a backup's whole content.
fn content_of(
    world: &World,
    settings: &Settings,
    folder: &Folder,
    backup: &Backup,
) -> Result<Content> {
    let path = folder.path_of(&backup.main_file());
    if backup.manifest.format == Format::Sql {
        return read_content(world, plain_text(&path)?);
    }
    let programs = client(settings.pg_bin(), backup.manifest.engine.major)?;
    let nobody = Target::nowhere();
    let text = archive_text(world, &programs.program(ARCHIVE_TOOL), &path, &nobody)?;
    read_content(world, text)
}
