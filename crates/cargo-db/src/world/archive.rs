//! Streams between programs and files, compressed and hashed on the way, so that memory use does
//! not depend on the size of the database.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ring::digest::{Context, SHA256};

use crate::failure::{BackupError, Result, RunError};
use crate::model::backup::Compression;
use crate::model::event::Event;
use crate::model::migration::Checksum;
use crate::world::digest::Digested;
use crate::world::{World, files, zstandard};

pub(crate) use crate::world::kind::plain_text;

/// How many pieces may wait for the compressor.
const WAITING: usize = 32;

/// A file that was written: its size and SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) bytes: u64,
    pub(crate) sha256: Checksum,
}

/// Writes `source` to a new file, compressed on another thread, while `inspect` reads the same
/// stream. The file is synced to disk when this returns.
pub(crate) fn store<T>(
    world: &World,
    source: impl Read,
    path: &Path,
    compression: Compression,
    inspect: impl FnOnce(&mut dyn Read) -> T,
) -> Result<(T, Stored)> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(failed(path))?;
    // Dropping the sender tells the writer that the input has ended.
    compressed(file, path, compression, |sender| {
        inspect(&mut Tee { world, source, sender, passed: 0 })
    })
}

/// Compresses what `fill` writes into an empty file, on another thread, and syncs the file to disk.
/// Messages call the file `path`.
pub(crate) fn fill<T>(
    file: File,
    path: &Path,
    compression: Compression,
    fill: impl FnOnce(&mut dyn Write) -> T,
) -> Result<(T, Stored)> {
    compressed(file, path, compression, |sender| {
        let mut pieces = io::BufWriter::with_capacity(PIECE, Pieces { sender });
        let filled = fill(&mut pieces);
        // If a piece cannot be passed on, the writer reports the reason.
        let _ = pieces.flush();
        filled
    })
}

/// Compresses the pieces that `work` sends into a file, on another thread.
fn compressed<T>(
    file: File,
    path: &Path,
    compression: Compression,
    work: impl FnOnce(SyncSender<Vec<u8>>) -> T,
) -> Result<(T, Stored)> {
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || write(file, compression, &receiver));
        let done = work(sender);
        let written = writer
            .join()
            .map_err(|_| RunError::Bug { what: "the compressing thread panicked".to_owned() })?;
        Ok((done, written.map_err(failed(path))?))
    })
}

/// Converts an I/O error to the error for a file that cannot be written.
pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.display().to_string();
    move |error| BackupError::Failed { doing: "write", why: format!("`{path}`: {error}") }
}

/// What is handed to the compressor at once.
const PIECE: usize = 256 * 1024;

/// Hands on what is written to it.
struct Pieces {
    sender: SyncSender<Vec<u8>>,
}

impl Write for Pieces {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let sent = self.sender.send(buffer.to_vec());
        sent.map_err(|_| io::Error::other("the file cannot be written"))?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(file: File, compression: Compression, pieces: &Receiver<Vec<u8>>) -> io::Result<Stored> {
    let hashing = Hashing { inner: file, context: Context::new(&SHA256), bytes: 0 };
    let hashing = match compression {
        Compression::None => {
            let mut writer = hashing;
            pieces.iter().try_for_each(|piece| writer.write_all(&piece))?;
            writer
        }
        Compression::Gzip(level) => {
            let mut writer =
                flate2::write::GzEncoder::new(hashing, flate2::Compression::new(level));
            pieces.iter().try_for_each(|piece| writer.write_all(&piece))?;
            writer.finish()?
        }
        Compression::Zstd(level) => zstandard::write(hashing, level, pieces)?,
    };
    hashing.inner.sync_all()?;
    Ok(Stored {
        bytes: hashing.bytes,
        sha256: Checksum::of_digest(hashing.context.finish().as_ref()),
    })
}

struct Hashing<W> {
    inner: W,
    context: Context,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.context.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// How many bytes pass between two progress events.
const STEP: u64 = 4 * 1024 * 1024;

/// Passes on a copy of everything that is read through it.
struct Tee<'a, R> {
    world: &'a World,
    source: R,
    sender: SyncSender<Vec<u8>>,
    passed: u64,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if count > 0 {
            // The writer only stops early if it failed, and then returns the reason.
            let sent = self.sender.send(buffer[..count].to_vec());
            sent.map_err(|_| io::Error::other("the file cannot be written"))?;
        }
        let before = self.passed / STEP;
        self.passed += count as u64;
        if self.passed / STEP > before {
            self.world.emit(Event::Passed { bytes: self.passed });
        }
        Ok(count)
    }
}

/// A new file for us alone.
pub(crate) fn create(path: &Path) -> io::Result<io::BufWriter<File>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(io::BufWriter::new(file))
}

/// Opens one of our files to append to it.
pub(crate) fn append(path: &Path) -> io::Result<io::BufWriter<File>> {
    Ok(io::BufWriter::new(OpenOptions::new().append(true).open(path)?))
}

/// Size and SHA-256 of a file.
pub(crate) fn measure(path: &Path) -> Result<Stored> {
    let (bytes, sha256) = Digested::open(path)?.finish().map_err(files::failed("read", path))?;
    Ok(Stored { bytes, sha256 })
}
