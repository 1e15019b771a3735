//! Taking a backup: everything from one snapshot, written under a temporary name, read back, and
//! given its own name only then.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::backup::doubts::{Doubts, doubts, report};
use crate::backup::dump::{BackupRequest, Dump};
use crate::backup::folder::BackupFolder;
use crate::backup::set;
use crate::backup::snapshot::ExportedSnapshot;
use crate::failure::{BackupError, CausedBy, DatabaseError, Failure, Kind, Result};
use crate::model::backup::{
    Backup, Engine, FORMAT_VERSION, FileEntry, Format, LATEST, Manifest, Restorable, file_name,
    is_safe_name, manifest_name,
};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::archive::{measure, plain_text};
use crate::world::clock::{now, pause, stopwatch};
use crate::world::git::{git_commit, repository};
use crate::world::pg::wait_for_tables;
use crate::world::server::client;
use crate::world::{World, files};
use pg_logical::content::{self, Content};

/// A written file without its final name; deleted when dropped.
struct Partial {
    path: PathBuf,
    kept: bool,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            let _ = if self.path.is_dir() {
                files::remove_dir(&self.path)
            } else {
                files::remove_file(&self.path)
            };
        }
    }
}

/// Takes a backup.
pub(crate) fn take(
    world: &World,
    settings: &Settings,
    target: &Target,
    folder: &BackupFolder,
    request: &BackupRequest,
) -> Result<Backup> {
    let limit = settings.limits.lock_timeout.value;
    // What is left out may be locked.
    let patience = match request.selects_tables() {
        true => limit,
        false => wait_for_tables(world, target, limit).map_err(as_backup)?,
    };
    let _lock = folder.lock()?;
    let name = free_name(world, target, folder, request)?;
    let (started, began) = (now(), stopwatch());
    let mut snapshot =
        ExportedSnapshot::take(world, &settings.migrations.layout, target).map_err(as_backup)?;
    // Names that are not valid text are refused before anything is written.
    snapshot.session.refuse_names_of_bytes(request.format == Format::Set)?;
    let programs = client(settings.pg_bin(), snapshot.major)?;
    let readable = request.without(&snapshot.unread);
    let partial = Partial { path: folder.path_of(&format!("{name}.partial")), kept: false };
    world.emit(Event::Started { doing: "Backing up", subject: target.database.clone() });
    let tables = snapshot.schemas.values().map(Vec::len).sum::<usize>() as u64;
    world.emit(Event::Expected { count: tables, of: "tables" });

    // Somebody else may want to connect while we are at it.
    let jobs = request.jobs.min(snapshot.free_connections.saturating_sub(1)).max(1);
    let (encoding, snapshot_id) = (snapshot.encoding, snapshot.id.clone());
    let dump = Dump {
        world,
        target,
        request: &readable,
        snapshot: &snapshot_id,
        programs: &programs,
        patience,
        jobs,
        encoding,
    };
    let (content, files) = match request.format {
        Format::Sql => dump.write_sql(&partial.path)?,
        Format::Custom | Format::Directory => dump.write_archive(&partial.path)?,
        Format::Set => set::write(&dump, &partial.path, &name, &snapshot.schemas)?,
    };
    // The name inside the manifest is the one it will have.
    let files: Vec<FileEntry> = files
        .into_iter()
        .map(|file| FileEntry {
            path: if file.path.is_empty() { name.clone() } else { file.path },
            ..file
        })
        .collect();
    if request.read_back && request.format == Format::Sql {
        read_back(world, &partial.path, &content, &files)?;
    }
    let doubts = doubts(&mut snapshot.session, &request.selection, &content.tables);
    let Doubts { doubts, lost } = doubts.map_err(as_backup)?;
    world.interrupt.check()?;

    let manifest = Manifest {
        name,
        started,
        files,
        restorable: (!doubts.is_empty() || !lost.is_empty()).then_some(Restorable::Unproved),
        doubts,
        lost,
        ..manifest(settings, request, &snapshot, content, programs.major)
    };
    report(world, &manifest);
    let backup = publish(world, settings, folder, partial, manifest)?;
    world.emit(Event::Finished {
        done: "Backed up",
        subject: target.database.clone(),
        elapsed: began.elapsed(),
    });
    Ok(backup)
}

/// The manifest, without name, files and start time.
fn manifest(
    settings: &Settings,
    request: &BackupRequest,
    snapshot: &ExportedSnapshot,
    content: Content,
    engine_major: u32,
) -> Manifest {
    let finished = now();
    Manifest {
        format_version: FORMAT_VERSION,
        tool: format!("cargo-db {}", env!("CARGO_PKG_VERSION")),
        name: String::new(),
        format: request.format,
        compression: request.compression.to_string(),
        started: finished,
        finished,
        environment: settings.environment.environment.name().to_owned(),
        repository: repository(&settings.root),
        event: request.event.clone(),
        server: snapshot.server.clone(),
        database: snapshot.database.clone(),
        engine: Engine { name: "pg_dump".to_owned(), major: engine_major },
        reason: Some(request.reason),
        selection: request.selection.clone(),
        unread: snapshot.unread.clone(),
        extensions: snapshot.extensions.clone(),
        roles: content.roles,
        rights: rights(request, content.rights),
        migrations: snapshot.migrations.clone(),
        git_commit: git_commit(&settings.root),
        files: Vec::new(),
        tables: content.tables,
        sequences: content.sequences,
        invalid_indexes: snapshot.invalid_indexes.clone(),
        read_back: request.read_back,
        restorable: None,
        doubts: Vec::new(),
        lost: Vec::new(),
    }
}

/// The rights to compare a restored database with, if they are known: it has owners, and a text
/// without them does not tell which. An archive contains them anyway.
fn rights(request: &BackupRequest, found: BTreeSet<String>) -> Option<BTreeSet<String>> {
    let has_none = request.format == Format::Sql && request.selection.iter().any(is_no_owner);
    (!has_none).then_some(found)
}

fn is_no_owner(option: &String) -> bool {
    option == "--no-owner"
}

/// Gives the file its final name, which makes it a backup.
fn publish(
    world: &World,
    settings: &Settings,
    folder: &BackupFolder,
    mut partial: Partial,
    manifest: Manifest,
) -> Result<Backup> {
    if manifest.format == Format::Set {
        if manifest.read_back {
            set_is_sound(world, settings, folder, &partial.path, &manifest)?;
        }
        folder.publish_set(&partial.path, &manifest)?;
        partial.kept = true;
        let name = format!("{LATEST}/{}", manifest.name);
        return folder.of_name(&name);
    }
    folder.publish(&partial.path, &manifest)?;
    partial.kept = true;
    Ok(Backup { manifest, verification: None })
}

/// Reads the parts of a set that is not published yet.
fn set_is_sound(
    world: &World,
    settings: &Settings,
    folder: &BackupFolder,
    path: &Path,
    manifest: &Manifest,
) -> Result<()> {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let unpublished =
        Backup { manifest: Manifest { name, ..manifest.clone() }, verification: None };
    match set::differences_of_parts(world, settings, folder, &unpublished)?.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(BackupError::Failed { doing: "read back", why: first.clone() }.into()),
    }
}

/// The name of the user's, if nothing has it; or the second's, or the next one's.
fn free_name(
    world: &World,
    target: &Target,
    folder: &BackupFolder,
    request: &BackupRequest,
) -> Result<String> {
    let is_taken = |name: &str| {
        let places = [name.to_owned(), manifest_name(name), format!("{LATEST}/{name}")];
        places.iter().any(|place| files::exists(&folder.path_of(place)))
    };
    if let Some(name) = &request.name {
        if !is_safe_name(name) {
            return Err(BackupError::Name { name: name.clone() }.into());
        }
        if is_taken(name) {
            return Err(BackupError::Failed {
                doing: "write",
                why: format!("`{name}` already exists"),
            }
            .into());
        }
        return Ok(name.clone());
    }
    loop {
        let name = file_name(&target.database, now(), request.format, request.compression);
        if !is_taken(&name) {
            return Ok(name);
        }
        pause(world, std::time::Duration::from_millis(100))?;
    }
}

/// Reads a file again, from the disk, and compares it with what passed when it was written.
fn read_back(world: &World, path: &Path, written: &Content, files: &[FileEntry]) -> Result<()> {
    let failed = |why: String| BackupError::Failed { doing: "read back", why };
    let measured = measure(path)?;
    let mut stream: Box<dyn Read + Send> = plain_text(path)?;
    world.emit(Event::Started {
        doing: "Reading back",
        subject: format!("{} tables", written.tables.len()),
    });
    world.emit(Event::Expected { count: written.tables.len() as u64, of: "tables" });
    let mut go_on = || world.emit(Event::Counted);
    let read = content::read(&mut *stream, &mut go_on)
        .map_err(|error| failed(error.to_string()).caused_by(error))?;
    let same_bytes = files.iter().all(|file| file.sha256 == measured.sha256.to_string());
    if read != *written || !same_bytes {
        return Err(
            failed("the disk returned different bytes from those written".to_owned()).into()
        );
    }
    Ok(())
}

/// If the database cannot be queried, it cannot be backed up.
fn as_backup(failure: Failure) -> Failure {
    match failure.kind() {
        Kind::Database(DatabaseError::Sql { server, .. }) => BackupError::Failed {
            doing: "take",
            why: format!("{failure} ({})", server.code.as_deref().unwrap_or("?")),
        }
        .into(),
        _ => failure,
    }
}
