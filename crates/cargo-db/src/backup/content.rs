//! Reads a dump to its end: an SQL file, an archive, or the output of a program.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::failure::{BackupError, CausedBy, Failure, Kind, Result};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::World;
use crate::world::process::ClientProgram;
use pg_logical::content::{self, Content, TableEntry};

/// The program that reads archives.
pub(super) const ARCHIVE_TOOL: &str = "pg_restore";

/// Whether a failure to read a backup is caused by the backup and not by the program that reads it:
/// the program ran and failed, or the bytes are not a dump.
pub(super) fn is_of_content(failure: &Failure) -> bool {
    let cause = std::error::Error::source(failure);
    // If the program could not be started, the cause is an I/O error.
    let is_of_system = matches!(cause, Some(cause) if cause.is::<std::io::Error>());
    match failure.kind() {
        Kind::Backup(BackupError::ClientFailed { .. }) => !is_of_system,
        Kind::Backup(BackupError::Failed { .. }) => true,
        _ => false,
    }
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
        // The checksum of a compressed file follows its last byte.
        let rest = std::io::copy(self, &mut std::io::sink());
        rest.map(drop).map_err(|error| {
            BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error)
        })
    }
}

/// Reads a stream to its end. A program that failed is the better reason than a text cut off.
pub(super) fn read_content(world: &World, text: impl Text) -> Result<Content> {
    read_content_like(world, text, &BTreeMap::new())
}

/// The same, with the columns of each table in the `expected` order.
pub(super) fn read_content_like(
    world: &World,
    mut text: impl Text,
    expected: &BTreeMap<String, TableEntry>,
) -> Result<Content> {
    let content = content::read_like(&mut text, expected, &mut || world.emit(Event::Counted));
    text.finish(world)?;
    content.map_err(|error| {
        BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error)
    })
}
