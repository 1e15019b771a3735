//! Taking a backup: everything from one snapshot, written under a temporary name, read back, and
//! given its own name only then.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::backup::folder::Folder;
use crate::backup::set::{self, Schemas};
use crate::backup::verify::{ARCHIVE_TOOL, archive_text, file_entries, file_entry, read_content};
use crate::failure::{Kind, Result};
use crate::migration;
use crate::model::backup::{
    Backup, Compression, DatabaseIdentity, Engine, FileEntry, Format, LATEST, LOCALE, Locale,
    Manifest, ServerIdentity, file_name, is_safe_name, manifest_name,
};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::archive::store;
use crate::world::clock::{now, pause, stopwatch};
use crate::world::pg::{Purpose, Session, opens_another_in};
use crate::world::process::{ClientProgram, git_commit, repository};
use crate::world::server::{Binaries, client};
use crate::world::{World, files};
use db_tools::ProjectTool;
use pg_logical::content::{self, Content};

/// What is wanted.
pub(crate) struct Order {
    pub(crate) format: Format,
    pub(crate) compression: Compression,
    /// A name of the user's, without the ending.
    pub(crate) name: Option<String>,
    /// `pg_dump`'s options that choose what is taken.
    pub(crate) selection: Vec<String>,
    /// Tables or parts at once, in the formats that are folders.
    pub(crate) jobs: usize,
    /// Read the backup back before it is called done.
    pub(crate) read_back: bool,
    /// Why it is taken: `manual`, `migrate`, `push`.
    pub(crate) event: String,
}

/// A session that holds the snapshot that all parts are taken from.
struct Snapshot {
    _session: Session,
    id: String,
    server: ServerIdentity,
    major: u32,
    database: DatabaseIdentity,
    extensions: BTreeMap<String, String>,
    migrations: BTreeMap<String, String>,
    schemas: Schemas,
    /// How many more connections the server has for us.
    free_connections: usize,
}

/// What is written but has no name of its own yet; gone when it is dropped.
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
    folder: &Folder,
    order: &Order,
) -> Result<Backup> {
    let _lock = folder.lock()?;
    let name = free_name(world, target, folder, order)?;
    let (started, began) = (now(), stopwatch());
    let snapshot = Snapshot::take(world, &settings.migrations.layout, target).map_err(as_backup)?;
    let programs = client(settings.pg_bin(), snapshot.major)?;
    let mut partial = Partial { path: folder.path_of(&format!("{name}.partial")), kept: false };
    world.tell(Event::Started { doing: "Backing up", subject: target.database.clone() });
    let tables = snapshot.schemas.values().map(Vec::len).sum::<usize>() as u64;
    world.tell(Event::Expected { count: tables, of: "tables" });

    // Somebody else may want to connect while we are at it.
    let jobs = order.jobs.min(snapshot.free_connections.saturating_sub(1)).max(1);
    let dump = Dump { world, target, order, snapshot: &snapshot.id, programs: &programs, jobs };
    let (content, files) = match order.format {
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
    if order.read_back && order.format == Format::Sql {
        read_back(world, &partial.path, &content, &files)?;
    }
    world.interrupt.check()?;

    let manifest = Manifest {
        format_version: 1,
        tool: format!("cargo-db {}", env!("CARGO_PKG_VERSION")),
        name: name.clone(),
        format: order.format,
        compression: order.compression.to_string(),
        started,
        finished: now(),
        environment: settings.environment.environment.name().to_owned(),
        repository: repository(&settings.root),
        event: order.event.clone(),
        server: snapshot.server.clone(),
        database: snapshot.database.clone(),
        engine: Engine { name: "pg_dump".to_owned(), major: programs.major },
        selection: order.selection.clone(),
        extensions: snapshot.extensions.clone(),
        roles: content.roles,
        migrations: snapshot.migrations.clone(),
        git_commit: git_commit(&settings.root),
        files,
        tables: content.tables,
        sequences: content.sequences,
        read_back: order.read_back,
    };
    let backup = if order.format == Format::Set {
        if order.read_back {
            set_is_sound(world, settings, folder, &partial.path, &manifest)?;
        }
        folder.publish_set(&partial.path, &manifest)?;
        partial.kept = true;
        folder.find(Some(&format!("{LATEST}/{name}")), &target.database)?
    } else {
        files::rename(&partial.path, &folder.path_of(&name))?;
        partial.kept = true;
        files::sync_dir(folder.path())?;
        folder.publish(&manifest)?;
        Backup { manifest, verification: None }
    };
    world.tell(Event::Finished {
        done: "Backed up",
        subject: target.database.clone(),
        elapsed: began.elapsed(),
    });
    Ok(backup)
}

/// Reads the parts of a set that is not published yet.
fn set_is_sound(
    world: &World,
    settings: &Settings,
    folder: &Folder,
    path: &Path,
    manifest: &Manifest,
) -> Result<()> {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let unpublished =
        Backup { manifest: Manifest { name, ..manifest.clone() }, verification: None };
    match set::differences_of_parts(world, settings, folder, &unpublished)?.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(Kind::Backup { doing: "read back", why: first.clone() }.into()),
    }
}

/// The name of the user's, if nothing has it; or the second's, or the next one's.
fn free_name(world: &World, target: &Target, folder: &Folder, order: &Order) -> Result<String> {
    let is_taken = |name: &str| {
        let places = [name.to_owned(), manifest_name(name), format!("{LATEST}/{name}")];
        places.iter().any(|place| files::is_there(&folder.path_of(place)))
    };
    if let Some(name) = &order.name {
        if !is_safe_name(name) {
            return Err(Kind::BadBackupName { name: name.clone() }.into());
        }
        if is_taken(name) {
            return Err(
                Kind::Backup { doing: "write", why: format!("`{name}` is there already") }.into()
            );
        }
        return Ok(name.clone());
    }
    loop {
        let name = file_name(&target.database, now(), order.format, order.compression);
        if !is_taken(&name) {
            return Ok(name);
        }
        pause(world, std::time::Duration::from_millis(100))?;
    }
}

/// One dump that is about to be written.
pub(super) struct Dump<'a> {
    pub(super) world: &'a World,
    pub(super) target: &'a Target,
    order: &'a Order,
    /// Its name.
    snapshot: &'a str,
    pub(super) programs: &'a Binaries,
    /// Connections at once.
    pub(super) jobs: usize,
}

impl Dump<'_> {
    /// Starts `pg_dump` on the snapshot.
    pub(super) fn start(&self, more: &[String]) -> Result<ClientProgram> {
        let mut arguments = vec![
            "--no-password".to_owned(),
            format!("--snapshot={}", self.snapshot),
            // Behind somebody's ALTER TABLE everybody else would wait behind us.
            "--lock-wait-timeout=60s".to_owned(),
        ];
        opens_another_in(&self.target.database);
        arguments.extend(self.order.selection.iter().chain(more).cloned());
        ClientProgram::start(self.world, &self.programs.program("pg_dump"), &arguments, self.target)
    }

    fn write_sql(&self, path: &Path) -> Result<(Content, Vec<FileEntry>)> {
        let mut dump = self.start(&["--format=plain".to_owned()])?;
        let (content, stored) =
            store(self.world, &mut dump, path, self.order.compression, |stream| {
                let content = content::read(stream, &mut || self.world.tell(Event::Counted));
                // What follows the end of the dump belongs to the file too.
                let _ = std::io::copy(stream, &mut std::io::sink());
                content
            })?;
        dump.finish(self.world)?;
        let content =
            content.map_err(|error| Kind::Backup { doing: "write", why: error.to_string() })?;
        Ok((content, vec![file_entry("", &stored)]))
    }

    fn write_archive(&self, path: &Path) -> Result<(Content, Vec<FileEntry>)> {
        let file = format!("--file={}", path.display());
        if self.order.format == Format::Custom {
            // pg_dump keeps the mode of a file that is there.
            files::private_file(path)?;
            self.start(&["--format=custom".to_owned(), file])?.finish(self.world)?;
            files::sync_file(path)?;
        } else {
            files::private_dir(path, None)?;
            let jobs = format!("--jobs={}", self.jobs);
            self.start(&["--format=directory".to_owned(), jobs, file])?.finish(self.world)?;
            files::seal_dir(path)?;
        }
        let text =
            archive_text(self.world, &self.programs.program(ARCHIVE_TOOL), path, self.target)?;
        Ok((read_content(self.world, text)?, file_entries(path)?))
    }
}

/// Reads a file again, from the disk, and compares it with what passed when it was written.
fn read_back(world: &World, path: &Path, written: &Content, files: &[FileEntry]) -> Result<()> {
    let failed = |why: String| Kind::Backup { doing: "read back", why };
    let measured = crate::world::archive::measure(path)?;
    let mut stream: Box<dyn Read + Send> = crate::world::archive::plain_text(path)?;
    world.tell(Event::Started {
        doing: "Reading back",
        subject: format!("{} tables", written.tables.len()),
    });
    world.tell(Event::Expected { count: written.tables.len() as u64, of: "tables" });
    let mut go_on = || world.tell(Event::Counted);
    let read =
        content::read(&mut *stream, &mut go_on).map_err(|error| failed(error.to_string()))?;
    let same_bytes = files.iter().all(|file| file.sha256 == measured.sha256.to_string());
    if read != *written || !same_bytes {
        return Err(failed("the disk gave back something else than was written".to_owned()).into());
    }
    Ok(())
}

/// A database that refuses to be looked at is one that cannot be backed up.
fn as_backup(failure: crate::failure::Failure) -> crate::failure::Failure {
    match failure.kind() {
        Kind::Sql { server, .. } => Kind::Backup {
            doing: "take",
            why: format!("{failure} ({})", server.code.as_deref().unwrap_or("?")),
        }
        .into(),
        _ => failure,
    }
}

impl Snapshot {
    fn take(world: &World, layout: &ProjectTool, target: &Target) -> Result<Snapshot> {
        let mut session = Session::open(world, target, Purpose::Read)?;
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
            SELECT pg_export_snapshot(), current_setting('server_version'), current_setting('server_version_num')::int / 10000; \
            SELECT d.datname, d.oid, to_jsonb(d) ->> 'datcollversion', pg_database_size(d.oid), {LOCALE} FROM pg_database d WHERE d.datname = current_database(); \
            SELECT extname, extversion FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1; \
            SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int \
                   - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        );
        let sets = session.result_sets("take a snapshot", &sql)?;
        let schemas = schemas(&mut session)?;
        let history = migration::read_history(&mut session, layout)?;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let [_, about, database, extensions, connections] = sets.as_slice() else {
            return Err(Kind::Bug { what: "the server answered other questions".to_owned() }.into());
        };
        let (Some(about), Some(database)) = (about.first(), database.first()) else {
            return Err(Kind::Bug { what: "the server knows nothing of itself".to_owned() }.into());
        };
        let migrations = history.applied.iter().map(|row| {
            (
                row.version.to_string(),
                row.checksum.as_ref().map(ToString::to_string).unwrap_or_default(),
            )
        });
        Ok(Snapshot {
            id: text(&about[0]),
            server: ServerIdentity {
                version: text(&about[1]).split(' ').next().unwrap_or_default().to_owned(),
                system_identifier: system_identifier(world, target),
            },
            major: text(&about[2]).parse().unwrap_or(0),
            database: DatabaseIdentity {
                name: text(&database[0]),
                oid: text(&database[1]),
                collation_version: database[2].clone(),
                bytes: text(&database[3]).parse().unwrap_or(0),
                locale: Locale::of_row(database.get(4..).unwrap_or_default()),
            },
            extensions: extensions.iter().map(|row| (text(&row[0]), text(&row[1]))).collect(),
            migrations: migrations.collect(),
            schemas,
            free_connections: connections
                .first()
                .and_then(|row| row[0].as_deref()?.parse().ok())
                .unwrap_or(1),
            _session: session,
        })
    }
}

/// What `pg_dump` takes along: schemas and tables that no extension brought, the largest first.
fn schemas(session: &mut Session) -> Result<Schemas> {
    let own = |class: &str, oid: &str| {
        format!(
            "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT 1 FROM pg_depend d \
             WHERE d.classid = '{class}'::regclass AND d.objid = {oid} AND d.deptype = 'e')"
        )
    };
    let sql = format!(
        "SELECT n.nspname, NULL FROM pg_namespace n WHERE {}; \
         SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND {} ORDER BY c.relpages DESC, 2",
        own("pg_namespace", "n.oid"),
        own("pg_class", "c.oid")
    );
    let mut schemas = Schemas::new();
    for row in session.result_sets("list the tables", &sql)?.into_iter().flatten() {
        let tables = schemas.entry(row[0].clone().unwrap_or_default()).or_default();
        tables.extend(row[1].clone());
    }
    Ok(schemas)
}

/// Not every role may ask, and a refusal would end the snapshot's transaction: hence a session of
/// its own.
pub(crate) fn system_identifier(world: &World, target: &Target) -> Option<String> {
    let mut session = Session::open(world, target, Purpose::Read).ok()?;
    let rows = session
        .rows("identify the server", "SELECT system_identifier FROM pg_control_system()")
        .ok()?;
    rows.first()?[0].clone()
}
