//! Verifies backups. Every check names itself in its findings, and for every check there is a test
//! that corrupts exactly what it checks.

use crate::backup::compare::{compare, differences};
use crate::backup::content::{ARCHIVE_TOOL, archive_text, is_of_content, read_content};
use crate::backup::folder::BackupFolder;
use crate::backup::integrity::{changed, checksums, quick};
use crate::backup::preflight::{RestoreOptions, preflight};
use crate::backup::restore::scratch;
use crate::backup::set::differences_of_parts;
use crate::backup::source::RestoreSource;
use crate::failure::{BackupError, DatabaseError, Exit, Failure, Kind, Result};
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
    pub(crate) folder: &'a BackupFolder,
    /// Provides the server for a scratch database; used by the `restore` level only.
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

    /// Verifies a backup and writes the result next to it. If the environment prevents the
    /// verification, nothing is written, and the last result remains valid.
    pub(crate) fn verify(&self, backup: &Backup, level: Level) -> Result<Verification> {
        let Verifier { world, settings, folder, target } = self;
        let mut problems = quick(folder, backup)?;
        if problems.is_empty() && level >= Level::Full {
            let unverified = |failure| unverified(world, &backup.manifest.name, failure);
            problems = full(world, settings, folder, backup).map_err(unverified)?;
        }
        let mut loaded_as = None;
        if problems.is_empty() && level == Level::Restore {
            let source = RestoreSource::of(folder, backup);
            problems = source.differences_of_roles(world, settings)?;
            let (to_load, target) = (source.for_scratch(settings)?, target()?);
            loaded_as = to_load.loaded_as(world, settings, &target)?;
            problems.extend(loaded(world, settings, &to_load, &target)?);
        }
        world.interrupt.check()?;
        let (when, ok) = (now(), problems.is_empty());
        let verification = Verification { level, when, ok, problems, loaded_as };
        folder.note(&backup.manifest.name, &verification)?;
        Ok(verification)
    }
}

/// Checks that read every byte.
fn full(
    world: &World,
    settings: &Settings,
    folder: &BackupFolder,
    backup: &Backup,
) -> Result<Vec<String>> {
    let manifest = &backup.manifest;
    let mut problems = checksums(folder, backup)?;
    match content_of(world, settings, folder, backup) {
        Ok(content) => {
            problems.extend(differences(&manifest.tables, &content.tables));
            if manifest.sequences != content.sequences {
                problems.push("sequences: they differ from the manifest".to_owned());
            }
            problems.extend(differences_of_parts(world, settings, folder, backup)?);
        }
        Err(failure) if is_of_content(&failure) => {
            problems.push(format!("content: {failure}{}", reasons(&failure)));
        }
        Err(failure) => return Err(failure),
    }
    Ok(problems)
}

fn reasons(failure: &Failure) -> String {
    failure.why().first().map(|why| format!(": {why}")).unwrap_or_default()
}

/// Checks that load the backup.
fn loaded(
    world: &World,
    settings: &Settings,
    source: &RestoreSource,
    target: &Target,
) -> Result<Vec<String>> {
    let unverified = |failure| unverified(world, &source.name, failure);
    let options = RestoreOptions { builds: true, whole: true, brings_roles: false, verifies: true };
    preflight(world, settings, target, source, options).map_err(unverified)?;
    let built = match scratch(world, settings, target, source) {
        Ok(built) => built,
        Err(failure) if is_of_surroundings(&failure) => return Err(unverified(failure)),
        Err(failure) => return Ok(refused(&failure)),
    };
    compare(world, settings, &built.target, source).map_err(unverified)
}

/// Why it cannot be loaded, with a hint if a function does not find an object.
fn refused(failure: &Failure) -> Vec<String> {
    let mut problems = vec![format!("restore: {failure}{}", reasons(failure))];
    if let Kind::Database(DatabaseError::Sql { server, .. }) = failure.kind()
        && matches!(server.code.as_deref(), Some("42P01" | "42883"))
    {
        problems.push(
            "restore: the search path is empty while a dump is loaded; set one for the function: \
             `ALTER FUNCTION … SET search_path = …`"
                .to_owned(),
        );
    }
    problems
}

/// The failure that it could not be verified, with the reason. An unreachable server and a missing
/// client have a failure of their own, which is kept.
fn unverified(world: &World, name: &str, failure: Failure) -> Failure {
    if world.interrupt.check().is_err() || failure.exit() == Exit::Unreachable {
        return failure;
    }
    let problems = match failure.kind() {
        Kind::Backup(BackupError::NoClient { .. }) => return failure,
        Kind::Backup(BackupError::CannotRestore { problems, .. }) => problems.clone(),
        _ => [failure.to_string()].into_iter().chain(failure.why()).collect(),
    };
    BackupError::Unverified { name: name.to_owned(), problems }.into()
}

/// Whether a failure is caused by the server or the role and not by the backup.
fn is_of_surroundings(failure: &Failure) -> bool {
    match failure.kind() {
        Kind::Database(DatabaseError::Sql { server, .. }) => {
            server.code.as_deref().is_some_and(is_code_of_surroundings)
        }
        Kind::Backup(
            BackupError::Failed { .. }
            | BackupError::NotOfDump { .. }
            | BackupError::Unreadable { .. },
        ) => false,
        _ => true,
    }
}

/// Privileges, resources, timeouts, shutdowns, files of the server, and locks of others.
fn is_code_of_surroundings(code: &str) -> bool {
    let classes = ["08", "28", "53", "57", "58", "XX"];
    let others = ["0A000", "42501", "55006", "55P03", "42704"];
    classes.iter().any(|class| code.starts_with(class)) || others.contains(&code)
}

/// Reads a backup's whole content.
fn content_of(
    world: &World,
    settings: &Settings,
    folder: &BackupFolder,
    backup: &Backup,
) -> Result<Content> {
    let path = folder.path_of(&backup.main_file());
    if backup.manifest.format == Format::Sql {
        return read_content(world, plain_text(&path)?);
    }
    let programs = client(settings.pg_bin(), backup.manifest.engine.major)?;
    let nobody = Target::without_server();
    let text = archive_text(world, &programs.program(ARCHIVE_TOOL), &path, &nobody)?;
    read_content(world, text)
}
