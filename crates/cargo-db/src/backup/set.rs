//! A set: a dump of everything, one of each schema, the roles, and SQL of each table, all but the
//! roles from one snapshot. Parts are extracted from the dump of everything, because each separate
//! `pg_dump` would read the whole catalog again.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::backup::content::{ARCHIVE_TOOL, archive_text, is_of_content, read_content};
use crate::backup::dump::Dump;
use crate::backup::folder::BackupFolder;
use crate::backup::integrity::file_entries;
use crate::backup::snapshot::Schemas;
use crate::backup::tables::{TableFiles, TableWriter};
use crate::failure::{BackupError, CausedBy, Failure, Kind, Result, RunError};
use crate::model::backup::{Backup, Compression, FileEntry, Manifest, SET_ROLES, encode_name};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::archive::{create, plain_text, store};
use crate::world::clock::pause;
use crate::world::process::ClientProgram;
use crate::world::server::client;
use crate::world::{World, files};
use pg_logical::archive::{Archive, ArchiveEntry};
use pg_logical::content::{self, Content, TableEntry};
use pg_sql::quote::quote_identifier;

/// How often a part is tried when the server has no connection for it.
const ATTEMPTS: u32 = 3;

/// What a part holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SetFileKind {
    /// The files of all tables are extracted from it too.
    Everything,
    Roles,
    Schema,
    Definition,
    Rows,
}

/// One file of a set.
struct SetFile {
    what: SetFileKind,
    /// Relative to the set.
    path: PathBuf,
    schema: Option<String>,
    table: Option<String>,
}

/// Writes all parts of the set `name` into a folder.
pub(super) fn write(
    dump: &Dump<'_>,
    set: &Path,
    name: &str,
    schemas: &Schemas,
) -> Result<(Content, Vec<FileEntry>)> {
    files::create_private_dir(set, None)?;
    let parts = parts(schemas, name.split_once('_').map_or(name, |(_, moment)| moment));
    for folder in parts.iter().filter_map(|part| part.path.parent()) {
        files::create_private_dirs(&set.join(folder))?;
    }
    let content = write_parts(dump, set, &parts)?;
    write_schemas(dump, set, &parts)?;
    files::seal_dir(set)?;
    let mut entries = file_entries(set)?;
    let parts: HashMap<&Path, &SetFile> =
        parts.iter().map(|part| (part.path.as_path(), part)).collect();
    for entry in &mut entries {
        let part = parts.get(Path::new(&entry.path));
        (entry.schema, entry.table) =
            part.map(|part| (part.schema.clone(), part.table.clone())).unwrap_or_default();
    }
    Ok((content, entries))
}

/// What the set consists of, the largest first.
fn parts(schemas: &Schemas, moment: &str) -> Vec<SetFile> {
    let part = |what, path: String, schema: Option<&String>, table: Option<&String>| SetFile {
        what,
        path: PathBuf::from(path),
        schema: schema.cloned(),
        table: table.cloned(),
    };
    let mut parts =
        vec![part(SetFileKind::Everything, format!("database_full_{moment}.dump"), None, None)];
    let mut tables = Vec::new();
    let mut folders = Names::without(&[SET_ROLES, "manifest.json", "verified.json"]);
    for (schema, names) in schemas {
        let folder = folders.free(schema);
        let path = format!("{folder}/{folder}_schema_{moment}.dump");
        parts.push(part(SetFileKind::Schema, path, Some(schema), None));
        let mut files = Names::without(&[]);
        for table in names {
            let folder = format!("{folder}/tables/{}", files.free(table));
            tables.push(part(
                SetFileKind::Rows,
                format!("{folder}/data.sql"),
                Some(schema),
                Some(table),
            ));
            tables.push(part(
                SetFileKind::Definition,
                format!("{folder}/schema.sql"),
                Some(schema),
                Some(table),
            ));
        }
    }
    parts.extend(tables);
    parts.push(part(SetFileKind::Roles, SET_ROLES.to_owned(), None, None));
    parts
}

/// Names that a file system can hold side by side, also one that takes `Users` for `users`.
struct Names(BTreeSet<String>);

impl Names {
    fn without(taken: &[&str]) -> Names {
        Names(taken.iter().map(|&name| name.to_owned()).collect())
    }

    fn free(&mut self, name: &str) -> String {
        let mut encoded = encode_name(name);
        while !self.0.insert(encoded.to_lowercase()) {
            encoded.push('~');
        }
        encoded
    }
}

/// Writes the parts with as many clients as there are jobs, and says what the full dump holds. The
/// first failure ends it.
fn write_parts(dump: &Dump<'_>, set: &Path, parts: &[SetFile]) -> Result<Content> {
    let dumped = parts
        .iter()
        .filter(|part| matches!(part.what, SetFileKind::Everything | SetFileKind::Roles));
    let waiting: Mutex<VecDeque<&SetFile>> = Mutex::new(dumped.collect());
    let (failed, content) = (AtomicBool::new(false), OnceLock::new());
    let work = || -> Result<()> {
        while !failed.load(Ordering::SeqCst) {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(part) = next else { return Ok(()) };
            let path = set.join(&part.path);
            let written = write_with_retries(dump, &path, part).and_then(|()| {
                let holds = (part.what == SetFileKind::Everything)
                    .then(|| split_full_dump(dump, set, parts));
                Ok(holds.transpose()?.map(|holds| content.set(holds)))
            });
            written.inspect_err(|_| failed.store(true, Ordering::SeqCst))?;
        }
        Ok(())
    };
    at_once(dump.jobs, &work)?;
    let unread = || RunError::Bug { what: "nobody read the full dump of a set".to_owned() };
    Ok(content.into_inner().ok_or_else(unread)?)
}

/// Runs the same work on several threads and waits for all of them.
fn at_once(jobs: usize, work: &(dyn Fn() -> Result<()> + Sync)) -> Result<()> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let outcomes: Vec<Result<()>> = workers
            .into_iter()
            .map(|worker| {
                let panicked =
                    || RunError::Bug { what: "a thread of `backup` panicked".to_owned() };
                worker.join().unwrap_or_else(|_| Err(panicked().into()))
            })
            .collect();
        outcomes.into_iter().collect()
    })
}

/// Writes the archive of each schema by extracting it from the full dump. If the full dump cannot
/// be split, the schema is dumped separately.
fn write_schemas(dump: &Dump<'_>, set: &Path, parts: &[SetFile]) -> Result<()> {
    let whole = files::open(&set.join(&parts[0].path));
    let mut whole = whole.map(BufReader::new).ok();
    let mut archive = whole.as_mut().and_then(|whole| Archive::read(whole).ok());
    for part in parts.iter().filter(|part| part.what == SetFileKind::Schema) {
        dump.world.interrupt.check()?;
        let path = set.join(&part.path);
        let schema = part.schema.as_deref().unwrap_or_default();
        let cut = archive.as_mut().map(|archive| -> std::io::Result<()> {
            archive.write_part(&mut create(&path)?, &|entry| is_of_schema(entry, schema))
        });
        if !matches!(cut, Some(Ok(()))) {
            write_with_retries(dump, &path, part)?;
        }
    }
    Ok(())
}

/// Whether an entry belongs to the dump of a schema: the common header, the objects in the schema,
/// and the schema's own definition.
fn is_of_schema(entry: &ArchiveEntry, schema: &str) -> bool {
    match entry.kind.as_slice() {
        b"ENCODING" | b"STDSTRINGS" | b"SEARCHPATH" => true,
        kind if kind.starts_with(b"PUBLICATION") => false,
        _ if !entry.schema.is_empty() => entry.schema == schema.as_bytes(),
        b"SCHEMA" => entry.tag == schema.as_bytes(),
        b"ACL" | b"COMMENT" | b"SECURITY LABEL" => {
            let named = entry.tag.strip_prefix(b"SCHEMA ").unwrap_or_default();
            named == schema.as_bytes() || named == quote_identifier(schema).as_bytes()
        }
        _ => false,
    }
}

/// Reads the full dump back, and writes the files of its tables while it passes.
fn split_full_dump(dump: &Dump<'_>, set: &Path, parts: &[SetFile]) -> Result<Content> {
    let whole = set.join(&parts[0].path);
    let program = dump.programs.program(ARCHIVE_TOOL);
    let mut text = archive_text(dump.world, &program, &whole, dump.target)?;
    let mut tables = TableWriter::new(dump.world, files_of_tables(set, parts));
    let content = content::read_watched(&mut text, &BTreeMap::new(), &mut tables);
    text.finish(dump.world)?;
    let failed = |error: std::io::Error| {
        BackupError::Failed { doing: "write", why: error.to_string() }.caused_by(error)
    };
    let content = content.map_err(|error| {
        BackupError::Failed { doing: "read back", why: error.to_string() }.caused_by(error)
    })?;
    tables.finish().map_err(failed)?;
    Ok(content)
}

fn files_of_tables(set: &Path, parts: &[SetFile]) -> BTreeMap<(String, String), TableFiles> {
    let mut found = BTreeMap::new();
    for part in parts {
        let (Some(schema), Some(table)) = (&part.schema, &part.table) else { continue };
        let files: &mut TableFiles = found.entry((schema.clone(), table.clone())).or_default();
        let path = set.join(&part.path);
        if part.what == SetFileKind::Rows { files.rows = path } else { files.definition = path }
    }
    found
}

/// A server that is out of connections may have one in a moment.
fn write_with_retries(dump: &Dump<'_>, path: &Path, part: &SetFile) -> Result<()> {
    let mut wait = Duration::from_millis(500);
    for attempt in 2.. {
        files::remove_file(path)?;
        match write_part(dump, path, part) {
            Err(failure) if attempt <= ATTEMPTS && lost_connection(&failure) => {
                let subject = part.path.display().to_string();
                dump.world.emit(Event::Reconnecting {
                    subject,
                    attempt,
                    attempts: ATTEMPTS,
                    pause: wait,
                });
                pause(dump.world, wait)?;
                wait *= 2;
            }
            outcome => return outcome,
        }
    }
    Ok(())
}

fn lost_connection(failure: &Failure) -> bool {
    let passing = [
        "too many connections",
        "remaining connection slots",
        "too many clients",
        "could not connect",
        "connection to server",
    ];
    let Kind::Backup(BackupError::ClientFailed { why, .. }) = failure.kind() else { return false };
    passing.iter().any(|words| why.contains(words))
}

fn write_part(dump: &Dump<'_>, path: &Path, part: &SetFile) -> Result<()> {
    let of_schema = || quote_identifier(part.schema.as_deref().unwrap_or_default());
    let file = format!("--file={}", path.display());
    let options = match part.what {
        SetFileKind::Everything => vec!["--format=custom".to_owned()],
        SetFileKind::Schema => {
            vec!["--format=custom".to_owned(), format!("--schema={}", of_schema())]
        }
        SetFileKind::Roles => return write_roles(dump, path),
        SetFileKind::Definition | SetFileKind::Rows => return Ok(()),
    };
    files::private_file(path)?;
    dump.start(&[options, vec![file]].concat())?.finish(dump.world)
}

/// Roles belong to the server and not to the database, so no snapshot holds them.
fn write_roles(dump: &Dump<'_>, path: &Path) -> Result<()> {
    let arguments = [
        "--roles-only".to_owned(),
        "--no-role-passwords".to_owned(),
        "--no-password".to_owned(),
        format!("--database={}", dump.target.only_name()),
    ];
    let program = dump.programs.program("pg_dumpall");
    let mut roles = ClientProgram::start(dump.world, &program, &arguments, dump.target)?;
    let (copied, _) = store(dump.world, &mut roles, path, Compression::None, |stream| {
        std::io::copy(stream, &mut std::io::sink())
    })?;
    roles.finish(dump.world)?;
    copied.map(drop).map_err(|error| {
        BackupError::Failed { doing: "write", why: error.to_string() }.caused_by(error)
    })
}

/// Problems with the parts of a set other than its full dump: each is read to its end and compared
/// with the manifest.
pub(super) fn differences_of_parts(
    world: &World,
    settings: &Settings,
    folder: &BackupFolder,
    backup: &Backup,
) -> Result<Vec<String>> {
    let manifest = &backup.manifest;
    let parts: Vec<_> = manifest.files.iter().filter(|file| file.schema.is_some()).collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let program = client(settings.pg_bin(), manifest.engine.major)?.program(ARCHIVE_TOOL);
    let root = folder.path_of(&manifest.name);
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || -> Result<()> {
        loop {
            world.interrupt.check()?;
            let at = next.fetch_add(1, Ordering::SeqCst);
            let Some(file) = parts.get(at) else { return Ok(()) };
            let problems = match content_of(world, &program, &root.join(&file.path)) {
                Ok(content) => strange(&file.path, &content.tables, manifest).collect(),
                Err(failure) if is_of_content(&failure) => {
                    vec![format!("part: `{}` cannot be read: {failure}", file.path)]
                }
                Err(failure) => return Err(failure),
            };
            found.lock().unwrap_or_else(PoisonError::into_inner).insert(at, problems);
        }
    };
    at_once(std::thread::available_parallelism().map_or(1, usize::from), &work)?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().flatten().collect())
}

/// What a part holds.
fn content_of(world: &World, program: &Path, path: &Path) -> Result<Content> {
    if path.extension().is_some_and(|ending| ending == "dump") {
        read_content(world, archive_text(world, program, path, &Target::without_server())?)
    } else {
        read_content(world, plain_text(path)?)
    }
}

fn strange<'a>(
    path: &'a str,
    tables: &'a BTreeMap<String, TableEntry>,
    manifest: &'a Manifest,
) -> impl Iterator<Item = String> + 'a {
    let is_known = |name: &str, entry: &TableEntry| {
        manifest.tables.get(name).is_some_and(|known| known.has_rows_of(entry))
    };
    let other = tables.iter().filter(move |(name, entry)| !is_known(name, entry));
    other.map(move |(name, _)| {
        format!("part: the rows of {name} in `{path}` differ from those that were backed up")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_meet_and_the_real_ones_are_kept() {
        let schemas: Schemas = [
            ("public".to_owned(), vec!["Users".to_owned(), "users".to_owned(), "a/b".to_owned()]),
            ("roles.sql".to_owned(), vec![]),
        ]
        .into();
        let parts = parts(&schemas, "M");
        let paths: Vec<String> = parts.iter().map(|part| part.path.display().to_string()).collect();
        assert_eq!(
            paths,
            [
                "database_full_M.dump",
                "public/public_schema_M.dump",
                "roles.sql~/roles.sql~_schema_M.dump",
                "public/tables/Users/data.sql",
                "public/tables/Users/schema.sql",
                "public/tables/users~/data.sql",
                "public/tables/users~/schema.sql",
                "public/tables/a%2Fb/data.sql",
                "public/tables/a%2Fb/schema.sql",
                "roles.sql",
            ]
        );
        assert_eq!(parts[5].table.as_deref(), Some("users"));
    }
}
