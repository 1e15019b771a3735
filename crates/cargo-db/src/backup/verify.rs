//! Verifying a backup. Every check names itself in what it finds, and for every check there is a
//! test that corrupts exactly that thing.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::backup::folder::Folder;
use crate::backup::restore::{compare, scratch};
use crate::backup::set::differences_of_parts;
use crate::backup::source::Source;
use crate::failure::{Failure, Kind, Result};
use crate::model::backup::{
    Backup, FileEntry, Format, Level, SET_MANIFEST, SET_VERIFICATION, Verification,
};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::archive::{Stored, measure, plain_text};
use crate::world::clock::now;
use crate::world::process::ClientProgram;
use crate::world::server::client;
use crate::world::{World, files};
use pg_logical::content::TableEntry;
use pg_logical::content::{self, Content};

/// The program that reads archives.
pub(super) const ARCHIVE_TOOL: &str = "pg_restore";

/// What every verification works with.
pub(crate) struct Verifier<'a> {
    pub(crate) world: &'a World,
    pub(crate) settings: &'a Settings,
    pub(crate) folder: &'a Folder,
    /// The server for a scratch database, asked for by the level that needs one.
    pub(crate) target: &'a dyn Fn() -> Result<Target>,
}

impl Verifier<'_> {
    /// Makes sure that a backup is fit to be restored. One that was read back, or verified since, is
    /// so if its bytes are still the same ones: what they hold was seen then, and is compared again
    /// once it is loaded. Any other is verified in full.
    pub(crate) fn before_restore(&self, backup: &Backup) -> Result<()> {
        let problems = if backup.is_verified() {
            changed(self.folder, backup)?
        } else {
            self.verify(backup, Level::Full)?.problems
        };
        if problems.is_empty() {
            return Ok(());
        }
        Err(Kind::Unsound { name: backup.manifest.name.clone(), problems }.into())
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

/// What is not as it was when the manifest was written.
pub(super) fn changed(folder: &Folder, backup: &Backup) -> Result<Vec<String>> {
    let problems = quick(folder, backup)?;
    if problems.is_empty() { checksums(folder, backup) } else { Ok(problems) }
}

/// What can be told without reading the files.
fn quick(folder: &Folder, backup: &Backup) -> Result<Vec<String>> {
    let manifest = &backup.manifest;
    let root = folder.path_of(&manifest.name);
    if !files::is_there(&root) {
        return Ok(vec![format!("missing: `{}` is not there, or is a link", manifest.name)]);
    }
    let mut problems = Vec::new();
    for file in &manifest.files {
        let path = path_of(folder, backup, file);
        match files::size(&path) {
            None => problems.push(format!("missing: `{}` is not there, or is a link", file.path)),
            Some(bytes) if bytes != file.bytes => {
                problems.push(format!(
                    "size: `{}` has {bytes} bytes, and had {}",
                    file.path, file.bytes
                ));
            }
            Some(_) => {}
        }
    }
    if manifest.format.is_folder() {
        let of_set =
            [SET_MANIFEST, SET_VERIFICATION].into_iter().filter(|_| manifest.format == Format::Set);
        let known: Vec<&str> =
            manifest.files.iter().map(|file| file.path.as_str()).chain(of_set).collect();
        let extra = files::files_below(&root)?
            .into_iter()
            .filter(|path| !known.contains(&path.to_str().unwrap_or("")));
        problems
            .extend(extra.map(|path| format!("extra: `{}` does not belong to it", path.display())));
    }
    Ok(problems)
}

fn checksums(folder: &Folder, backup: &Backup) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in &backup.manifest.files {
        if measure(&path_of(folder, backup, file))?.sha256.to_string() != file.sha256 {
            problems
                .push(format!("checksum: the SHA-256 of `{}` is not the manifest's", file.path));
        }
    }
    Ok(problems)
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

/// How tables differ from what they should be.
pub(super) fn differences(
    expected: &BTreeMap<String, TableEntry>,
    found: &BTreeMap<String, TableEntry>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (table, expected) in expected {
        match found.get(table) {
            None => problems.push(format!("tables: {table} is missing")),
            Some(found) if found.rows != expected.rows => {
                problems.push(format!(
                    "rows: {table} has {} rows, and had {}",
                    found.rows, expected.rows
                ));
            }
            Some(found) if found != expected => {
                problems
                    .push(format!("hash: the rows of {table} are not those that were backed up"));
            }
            Some(_) => {}
        }
    }
    let extra = found.keys().filter(|table| !expected.contains_key(*table));
    problems.extend(
        extra.map(|table| format!("tables: {table} is there, and the manifest does not know it")),
    );
    problems
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

/// An archive as SQL. `pg_restore` reads all of it for that, and connects to nothing.
pub(super) fn archive_text(
    world: &World,
    program: &Path,
    path: &Path,
    target: &Target,
) -> Result<ClientProgram> {
    let arguments = ["--file=-".to_owned(), path.display().to_string()];
    ClientProgram::start(world, program, &arguments, target)
}

/// A stream of SQL, and the end of whatever makes it.
pub(super) trait Text: Read {
    /// Whether it ended well.
    fn finish(&mut self, world: &World) -> Result<()>;
}

impl Text for ClientProgram {
    fn finish(&mut self, world: &World) -> Result<()> {
        ClientProgram::finish(self, world)
    }
}

impl Text for Box<dyn Text> {
    fn finish(&mut self, world: &World) -> Result<()> {
        (**self).finish(world)
    }
}

impl Text for Box<dyn Read + Send> {
    fn finish(&mut self, _: &World) -> Result<()> {
        // The checksum of a compressed file stands behind its last byte.
        let rest = std::io::copy(self, &mut std::io::sink());
        rest.map(drop)
            .map_err(|error| Kind::Backup { doing: "read", why: error.to_string() }.into())
    }
}

/// Reads a stream to its end. A program that failed is the better reason than a text cut off.
pub(super) fn read_content(world: &World, mut text: impl Text) -> Result<Content> {
    let content = content::read(&mut text, &mut || world.tell(Event::Counted));
    text.finish(world)?;
    content.map_err(|error| Kind::Backup { doing: "read", why: error.to_string() }.into())
}

/// The files of a backup with their checksums; that of a single file has no path yet.
pub(super) fn file_entries(path: &Path) -> Result<Vec<FileEntry>> {
    let relative =
        if path.is_dir() { files::files_below(path)? } else { vec![std::path::PathBuf::new()] };
    let entries = relative.into_iter().map(|file| {
        let stored =
            measure(&if file.as_os_str().is_empty() { path.to_owned() } else { path.join(&file) })?;
        Ok(file_entry(&file.display().to_string(), &stored))
    });
    entries.collect()
}

/// A file as the manifest knows it.
pub(super) fn file_entry(path: &str, stored: &Stored) -> FileEntry {
    let (path, sha256) = (path.to_owned(), stored.sha256.to_string());
    FileEntry { path, bytes: stored.bytes, sha256, schema: None, table: None }
}

fn path_of(folder: &Folder, backup: &Backup, file: &FileEntry) -> std::path::PathBuf {
    let name = folder.path_of(&backup.manifest.name);
    if backup.manifest.format.is_folder() { name.join(&file.path) } else { name }
}
