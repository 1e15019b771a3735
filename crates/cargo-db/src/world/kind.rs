//! The kind of a file, detected from its first bytes and not from its name.

use std::io::{self, Read};
use std::path::Path;

use crate::failure::{BackupError, Failure, Result};
use crate::world::header::ArchiveHeader;
use crate::world::{files, zstandard};

/// How many bytes are needed to detect the kind: the first block of a tar, and the archive header
/// in the next.
const HEAD: u64 = 4096;

/// Where the content of the first file of a tar begins.
const TAR_BLOCK: usize = 512;

/// What a file is compressed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Packing {
    #[default]
    Unpacked,
    Gzip,
    Zstd,
}

/// What a file is, compressed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileContent {
    Sql,
    /// `pg_dump`'s custom format.
    Custom(ArchiveHeader),
    /// `pg_dump`'s tar format.
    Tar(ArchiveHeader),
}

/// A file that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileKind {
    pub(crate) packing: Packing,
    pub(crate) content: FileContent,
}

/// Recognises a file by its content, and refuses one that holds something else than a dump.
pub(crate) fn recognise(path: &Path) -> Result<FileKind> {
    let packing = packing_of(path)?;
    let mut head = Vec::new();
    // Damage further back is reported when the whole file is read.
    let _ = open(path, packing)?.take(HEAD).read_to_end(&mut head);
    let found = content_of(&head);
    let is_tar = matches!(found, Ok(FileContent::Tar(_)));
    if is_tar && !is_whole_tar(&mut *open(path, packing)?) {
        return Err(CUT_OFF_TAR.refused(path, Packing::Unpacked));
    }
    match found {
        Ok(content) => Ok(FileKind { packing, content }),
        Err(unsupported) => Err(unsupported.refused(path, packing)),
    }
}

/// What a file is compressed with.
fn packing_of(path: &Path) -> Result<Packing> {
    let mut head = Vec::new();
    let read = files::open(path).and_then(|file| file.take(4).read_to_end(&mut head));
    read.map_err(files::failed("read", path))?;
    Ok(match head.as_slice() {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        _ => Packing::Unpacked,
    })
}

/// The content of a file, whatever it is compressed with. One that was cut off ends in an error and
/// not in an end.
pub(crate) fn plain_text(path: &Path) -> Result<Box<dyn Read + Send>> {
    open(path, packing_of(path)?)
}

/// The same of a file that was opened already.
pub(crate) fn plain_text_of(
    path: &Path,
    file: impl Read + Send + 'static,
) -> Result<Box<dyn Read + Send>> {
    unpacked(path, file, packing_of(path)?)
}

fn open(path: &Path, packing: Packing) -> Result<Box<dyn Read + Send>> {
    unpacked(path, files::open(path).map_err(files::failed("read", path))?, packing)
}

fn unpacked(
    path: &Path,
    file: impl Read + Send + 'static,
    packing: Packing,
) -> Result<Box<dyn Read + Send>> {
    let file = io::BufReader::with_capacity(256 * 1024, file);
    Ok(match packing {
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Packing::Zstd => zstandard::reader(file).map_err(files::failed("read", path))?,
        Packing::Unpacked => Box::new(file),
    })
}

/// A file that is not a dump, or not one that can be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct UnsupportedFormat {
    what: &'static str,
    /// How to convert it; `FILE` is replaced by its name.
    remedy: &'static str,
}

/// What strangers begin with.
const UNSUPPORTED_FORMATS: &[(&[u8], UnsupportedFormat)] = &[
    (b"BZh", UnsupportedFormat { what: "it is compressed with bzip2", remedy: "bzip2 -dk FILE" }),
    (b"\xfd7zXZ\0", UnsupportedFormat { what: "it is compressed with xz", remedy: "xz -dk FILE" }),
    (b"PK\x03\x04", UnsupportedFormat { what: "it is a zip archive", remedy: "unzip FILE" }),
    (
        b"\x04\x22\x4d\x18",
        UnsupportedFormat { what: "it is compressed with lz4", remedy: "lz4 -dk FILE" },
    ),
    (b"7z\xbc\xaf\x27\x1c", UnsupportedFormat { what: "it is a 7z archive", remedy: "7z x FILE" }),
    (
        b"\x1f\x8b",
        UnsupportedFormat { what: "it is compressed twice", remedy: "gunzip < FILE > dump.sql" },
    ),
    (
        b"\x28\xb5\x2f\xfd",
        UnsupportedFormat { what: "it is compressed twice", remedy: "unzstd < FILE > dump.sql" },
    ),
    (
        b"\xff\xfe",
        UnsupportedFormat {
            what: "it is UTF-16, which is what `>` writes in PowerShell",
            remedy: "iconv -f UTF-16 -t UTF-8 FILE > dump.sql",
        },
    ),
    (b"SQLite format 3\0", UnsupportedFormat { what: "it is a database of SQLite", remedy: "" }),
    (b"-- MySQL dump", UnsupportedFormat { what: "it is a dump of MySQL", remedy: "" }),
    (b"-- MariaDB dump", UnsupportedFormat { what: "it is a dump of MariaDB", remedy: "" }),
    (b"/*M!", UnsupportedFormat { what: "it is a dump of MariaDB", remedy: "" }),
    (b"<!DOCTYPE", UnsupportedFormat { what: "it is a web page", remedy: "" }),
    (b"<html", UnsupportedFormat { what: "it is a web page", remedy: "" }),
    (
        b"version https://git-lfs",
        UnsupportedFormat { what: "it is a pointer of Git LFS", remedy: "git lfs pull" },
    ),
    (
        b"--\n-- PostgreSQL database cluster dump",
        UnsupportedFormat {
            what: "it is a dump of a whole server, written by pg_dumpall",
            remedy: "pg_dump --file=dump.sql DATABASE",
        },
    ),
];

const EMPTY: UnsupportedFormat = UnsupportedFormat { what: "it is empty", remedy: "" };
const OTHER_TAR: UnsupportedFormat = UnsupportedFormat {
    what: "it is a tar archive, and not one of pg_dump's",
    remedy: "tar -xf FILE",
};
const CUT_OFF_TAR: UnsupportedFormat =
    UnsupportedFormat { what: "it is a tar archive of pg_dump's that was cut off", remedy: "" };
const CUT_OFF: UnsupportedFormat = UnsupportedFormat { what: "its header was cut off", remedy: "" };

/// Whether a tar has all of its files: `pg_restore` waits for ever for the rest of one that was cut
/// off inside.
fn is_whole_tar(tar: &mut dyn Read) -> bool {
    let mut header = [0; TAR_BLOCK];
    loop {
        if tar.read_exact(&mut header).is_err() {
            return false;
        }
        // An empty block is the end.
        if header.iter().all(|byte| *byte == 0) {
            return true;
        }
        let Some(length) = tar_number(&header[124..136]) else { return false };
        let Some(padded) = length.checked_next_multiple_of(TAR_BLOCK as u64) else { return false };
        let skipped = io::copy(&mut tar.take(padded), &mut io::sink());
        if skipped.ok() != Some(padded) {
            return false;
        }
    }
}

/// A number in a header of a tar: octal digits, or eight bytes behind a mark where they are too
/// few (as `pg_dump` writes files of 8 GiB and more).
fn tar_number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        return field.last_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    }
    let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(digits, 8).ok()
}

fn content_of(head: &[u8]) -> std::result::Result<FileContent, UnsupportedFormat> {
    let archive = |bytes: &[u8]| ArchiveHeader::read(bytes).ok_or(CUT_OFF);
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\r').take(64).collect();
    let unsupported = UNSUPPORTED_FORMATS.iter().find(|(begin, _)| plain.starts_with(begin));
    match unsupported {
        _ if head.is_empty() => Err(EMPTY),
        Some((_, unsupported)) => Err(*unsupported),
        None if head.starts_with(b"PGDMP") => archive(head).map(FileContent::Custom),
        None if head.get(257..262) != Some(b"ustar".as_slice()) => Ok(FileContent::Sql),
        // `pg_dump` writes what the archive holds first.
        None if head.starts_with(b"toc.dat\0") => {
            archive(head.get(TAR_BLOCK..).unwrap_or_default()).map(FileContent::Tar)
        }
        None => Err(OTHER_TAR),
    }
}

impl UnsupportedFormat {
    fn refused(self, path: &Path, packing: Packing) -> Failure {
        let name = path.display().to_string();
        let (quoted, plain) = (shell_words::quote(&name), unpacked_name(&name));
        let remedy = self.remedy.replace("FILE", &quoted);
        let of_plain = || self.remedy.replace("FILE", &shell_words::quote(&plain));
        // The unpacked file gets another name and does not exist yet. `tar` unpacks on its own.
        let remedy = match packing {
            _ if self == OTHER_TAR || !self.remedy.contains("FILE") => remedy,
            Packing::Unpacked => remedy,
            Packing::Gzip => format!("gunzip -k {quoted}; {}", of_plain()),
            Packing::Zstd => format!("unzstd {quoted}; {}", of_plain()),
        };
        let what = self.what.to_owned();
        let remedy = Some(remedy).filter(|remedy| !remedy.is_empty());
        BackupError::Unreadable { name, what, remedy }.into()
    }
}

/// The name that `gunzip` or `unzstd` gives to the unpacked file.
fn unpacked_name(name: &str) -> String {
    if let Some(tar) = name.strip_suffix(".tgz") {
        return format!("{tar}.tar");
    }
    let plain = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst"));
    plain.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_a_dump_is_named() {
        for (head, what) in [
            (&b""[..], "empty"),
            (b"BZh91AY", "bzip2"),
            (b"\xfd7zXZ\0\0", "xz"),
            (b"PK\x03\x04\x14", "zip"),
            (b"\x04\x22\x4d\x18d", "lz4"),
            (b"\xff\xfe-\0-\0", "UTF-16"),
            (b"-- MySQL dump 10.13", "MySQL"),
            (b"\xef\xbb\xbf--\r\n-- PostgreSQL database cluster dump", "pg_dumpall"),
            (b"PGDMP\x01", "cut off"),
        ] {
            assert!(content_of(head).unwrap_err().what.contains(what), "{what}");
        }
        assert_eq!(content_of(b"--\n-- PostgreSQL database dump"), Ok(FileContent::Sql));
    }

    #[test]
    fn a_tar_is_one_of_pg_dumps_or_not() {
        let tar = |name: &[u8]| {
            let mut block = vec![0; TAR_BLOCK];
            block[..name.len()].copy_from_slice(name);
            block[257..262].copy_from_slice(b"ustar");
            block
        };
        assert_eq!(content_of(&tar(b"folder/toc.dat")), Err(OTHER_TAR));
        assert_eq!(content_of(&tar(b"toc.dat")[..300]), Err(CUT_OFF));
        let mut endless = tar(b"toc.dat");
        endless[124..136].fill(0xff);
        assert!(!is_whole_tar(&mut endless.as_slice()));
        let header = crate::world::header::tests::header(16, "17.11");
        let found = content_of(&[tar(b"toc.dat"), header.clone()].concat());
        assert_eq!(found, Ok(FileContent::Tar(ArchiveHeader::read(&header).unwrap())));
    }
}
