//! An archive in `pg_dump`'s custom format. Selected entries can be written as an archive of their
//! own: the table of contents with these entries, and their compressed data unchanged. Anything
//! that differs from what `pg_dump` 12 to 18 write is refused.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// An object, or the data of one.
pub struct ArchiveEntry {
    /// All of it but the place of its data.
    bytes: Vec<u8>,
    /// Where its data begins, if it has any.
    data: Option<u64>,
    /// What it is: `TABLE`, `TABLE DATA`.
    pub kind: Vec<u8>,
    /// What it is called.
    pub tag: Vec<u8>,
    /// The schema that it is in.
    pub schema: Vec<u8>,
}

/// What is read here and there.
pub trait Places: Read + Seek {}

impl<T: Read + Seek> Places for T {}

/// An archive whose table of contents was read.
pub struct Archive<'a> {
    input: &'a mut dyn Places,
    /// Everything before the number of entries.
    head: Vec<u8>,
    /// How many bytes a number has after its sign, and the place of data after its mark.
    integer: usize,
    offset: usize,
    /// Its objects and their data, in order.
    pub entries: Vec<ArchiveEntry>,
}

/// What marks the place of data that is known, and an entry that has none.
const IS_KNOWN: u8 = 2;
const HAS_NONE: u8 = 3;

/// What begins the data of a table.
const BLOCK: u8 = 1;

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the archive has {what}"))
}

/// The header of an archive.
pub struct Header {
    /// The minor version of the format.
    pub minor: u8,
    /// The version of the server that was dumped.
    pub server: String,
    /// The version of the `pg_dump` that wrote it.
    pub program: String,
    /// The sizes in bytes of a number without its sign byte, and of an offset without its flag.
    integer: usize,
    offset: usize,
    format: u8,
}

impl Header {
    /// Reads the header of a custom archive, or of the `toc.dat` of a directory or tar archive.
    pub fn read(input: &mut dyn Read) -> io::Result<Header> {
        Header::of(&mut Fields { input, integer: 0, seen: Vec::new() })
    }

    fn of(fields: &mut Fields<'_>) -> io::Result<Header> {
        let start = fields.bytes(11)?;
        if !start.starts_with(b"PGDMP\x01") {
            return Err(strange("another format"));
        }
        let (minor, integer) = (start[6], usize::from(start[8]));
        let (offset, format) = (usize::from(start[9]), start[10]);
        fields.integer = integer;
        // The compression is a number before format 1.15, and a byte since then.
        if minor < 15 {
            fields.number()?;
        } else {
            fields.bytes(1)?;
        }
        // The creation time: second, minute, hour, day, month, year, and the flag for summer time.
        (0..7).try_for_each(|_| fields.number().map(drop))?;
        let _database = fields.name()?;
        let (server, program) = (fields.name()?, fields.name()?);
        Ok(Header { minor, server, program, integer, offset, format })
    }
}

/// What is read, and kept as it was.
struct Fields<'a> {
    input: &'a mut dyn Read,
    integer: usize,
    seen: Vec<u8>,
}

impl Fields<'_> {
    fn bytes(&mut self, length: usize) -> io::Result<&[u8]> {
        let begin = self.seen.len();
        let read = Read::take(&mut *self.input, length as u64).read_to_end(&mut self.seen)?;
        if read < length { Err(strange("an end in its middle")) } else { Ok(&self.seen[begin..]) }
    }

    /// A sign, and then the lowest byte first.
    fn number(&mut self) -> io::Result<i64> {
        let length = self.integer + 1;
        let bytes = self.bytes(length)?;
        let low = bytes[1..].iter().take(8).rev();
        let value = low.fold(0, |value: i64, byte| value << 8 | i64::from(*byte));
        Ok(if bytes[0] == 0 { value } else { value.wrapping_neg() })
    }

    /// A length and the bytes; a negative length means that there is no text.
    fn text(&mut self) -> io::Result<Option<Vec<u8>>> {
        let length = usize::try_from(self.number()?).ok();
        length.map(|length| Ok(self.bytes(length)?.to_vec())).transpose()
    }

    /// A text that must not be absent.
    fn name(&mut self) -> io::Result<String> {
        let text = self.text()?.ok_or_else(|| strange("no name where one is expected"))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn skip_texts(&mut self, count: usize) -> io::Result<()> {
        (0..count).try_for_each(|_| self.text().map(drop))
    }
}

impl<'a> Archive<'a> {
    /// Reads the table of contents.
    pub fn read(input: &'a mut dyn Places) -> io::Result<Archive<'a>> {
        let mut fields = Fields { input: &mut *input, integer: 0, seen: Vec::new() };
        let Header { minor, integer, offset, format, .. } = Header::of(&mut fields)?;
        if format != 1 || !(14..=16).contains(&minor) || integer > 7 || offset != 8 {
            return Err(strange("another format"));
        }
        let head = std::mem::take(&mut fields.seen);
        let count = fields.number()?;
        let entries =
            (0..count).map(|_| entry(&mut fields, minor)).collect::<io::Result<Vec<_>>>()?;
        let first = entries.iter().filter_map(|entry| entry.data).min();
        if first.is_some_and(|first| input.stream_position().ok() != Some(first)) {
            return Err(strange("its data elsewhere"));
        }
        Ok(Archive { input, head, integer, offset, entries })
    }

    /// Writes an archive of the wanted entries.
    pub fn write_part(
        &mut self,
        output: &mut (impl Write + Seek),
        wanted: &dyn Fn(&ArchiveEntry) -> bool,
    ) -> io::Result<()> {
        let Archive { input, head, integer, offset, entries } = self;
        let wanted: Vec<&ArchiveEntry> = entries.iter().filter(|entry| wanted(entry)).collect();
        output.write_all(head)?;
        output.write_all(&number(wanted.len(), *integer))?;
        let mut places = Vec::new();
        for entry in wanted {
            output.write_all(&entry.bytes)?;
            if let Some(data) = entry.data {
                places.push((output.stream_position()?, data));
            }
            let mark = if entry.data.is_some() { IS_KNOWN } else { HAS_NONE };
            output.write_all(&[mark])?;
            output.write_all(&vec![0; *offset])?;
        }
        for (place, data) in places {
            let begin = output.stream_position()?;
            input.seek(SeekFrom::Start(data))?;
            copy_block(&mut **input, output, *integer)?;
            let end = output.stream_position()?;
            output.seek(SeekFrom::Start(place + 1))?;
            output.write_all(&begin.to_le_bytes())?;
            output.seek(SeekFrom::Start(end))?;
        }
        output.flush()
    }
}

fn entry(fields: &mut Fields<'_>, minor: u8) -> io::Result<ArchiveEntry> {
    fields.seen.clear();
    // Its number, and whether it has data; the object's catalog and its number there.
    fields.number()?;
    fields.number()?;
    fields.skip_texts(2)?;
    let tag = fields.text()?.unwrap_or_default();
    let kind = fields.text()?.unwrap_or_default();
    // The section; the statements that create, drop and copy the object.
    fields.number()?;
    fields.skip_texts(3)?;
    let schema = fields.text()?.unwrap_or_default();
    // Tablespace, access method, kind of relation, owner, and a flag about OIDs.
    fields.skip_texts(2)?;
    if minor >= 16 {
        fields.number()?;
    }
    fields.skip_texts(2)?;
    // What it depends on.
    while fields.text()?.is_some() {}
    let bytes = fields.seen.clone();
    let place = fields.bytes(9)?;
    let data = match place[0] {
        IS_KNOWN => Some(place[1..].iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))),
        HAS_NONE => None,
        _ => return Err(strange("data without a place")),
    };
    Ok(ArchiveEntry { bytes, data, kind, tag, schema })
}

fn number(value: usize, integer: usize) -> Vec<u8> {
    [&[0][..], &value.to_le_bytes()[..integer]].concat()
}

/// Copies the data of one table: its number, and chunks with their lengths to one of length 0.
fn copy_block(input: &mut dyn Read, output: &mut dyn Write, integer: usize) -> io::Result<()> {
    let mut fields = Fields { input, integer, seen: Vec::new() };
    if fields.bytes(1)?[0] != BLOCK {
        return Err(strange("other data where that of a table should be"));
    }
    fields.number()?;
    loop {
        let length = u64::try_from(fields.number()?).map_err(|_| strange("a length below zero"))?;
        output.write_all(&fields.seen)?;
        fields.seen.clear();
        if length == 0 {
            return Ok(());
        }
        if io::copy(&mut Read::take(&mut *fields.input, length), output)? < length {
            return Err(strange("an end in its middle"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&number(text.len(), 4)[..], text.as_bytes()].concat()
    }

    /// As `pg_dump` writes them: two tables of two schemas, each with rows.
    fn archive(minor: u8) -> Vec<u8> {
        let mut bytes = [b"PGDMP\x01", &[minor, 0, 4, 8, 1][..]].concat();
        bytes.extend(if minor < 15 { number(6, 4) } else { vec![1] });
        (0..7).for_each(|_| bytes.extend(number(5, 4)));
        ["db", "15.1", "15.1"].iter().for_each(|part| bytes.extend(text(part)));
        bytes.extend(number(3, 4));
        let mut places = Vec::new();
        for (id, kind, schema) in
            [(1, "TABLE", "a"), (2, "TABLE DATA", "a"), (3, "TABLE DATA", "b")]
        {
            bytes.extend([number(id, 4), number(id - 1, 4)].concat());
            ["1259", "16384", "t", kind].iter().for_each(|part| bytes.extend(text(part)));
            bytes.extend(number(3, 4));
            ["CREATE", "DROP", "COPY", schema, "", "heap"]
                .iter()
                .for_each(|p| bytes.extend(text(p)));
            if minor >= 16 {
                bytes.extend(number(114, 4));
            }
            ["me", "false", "1"].iter().for_each(|part| bytes.extend(text(part)));
            bytes.extend([1, 1, 0, 0, 0]);
            places.push(bytes.len());
            bytes.extend([if id == 1 { HAS_NONE } else { IS_KNOWN }, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        for id in [2, 3] {
            let begin = (bytes.len() as u64).to_le_bytes();
            bytes[places[id - 1] + 1..places[id - 1] + 9].copy_from_slice(&begin);
            bytes.extend([&[BLOCK][..], &number(id, 4), &text(&format!("rows of {id}"))].concat());
            bytes.extend(number(0, 4));
        }
        bytes
    }

    #[test]
    fn a_part_is_an_archive_with_its_own_data() {
        for minor in 14..=16 {
            let whole = archive(minor);
            let mut whole_input = io::Cursor::new(&whole);
            let mut read = Archive::read(&mut whole_input).unwrap();
            assert_eq!(read.entries.len(), 3);
            let mut all = io::Cursor::new(Vec::new());
            read.write_part(&mut all, &|_| true).unwrap();
            assert_eq!(all.into_inner(), whole);
            let mut part = io::Cursor::new(Vec::new());
            read.write_part(&mut part, &|entry| entry.schema == b"b").unwrap();
            let part = part.into_inner();
            assert!(part.ends_with(&[text("rows of 3"), number(0, 4)].concat()));
            assert!(!part.windows(9).any(|window| window == b"rows of 2"));
            let mut part = io::Cursor::new(&part);
            let again = Archive::read(&mut part).unwrap();
            assert_eq!(again.entries.len(), 1);
            assert_eq!(again.entries[0].kind, b"TABLE DATA");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let whole = archive(14);
        assert!(Archive::read(&mut io::Cursor::new(archive(17))).is_err());
        for length in [0, 9, 40, 200, 300] {
            assert!(Archive::read(&mut io::Cursor::new(&whole[..length])).is_err(), "{length}");
        }
        let mut cut = io::Cursor::new(&whole[..whole.len() - 10]);
        let mut read = Archive::read(&mut cut).unwrap();
        assert!(read.write_part(&mut io::Cursor::new(Vec::new()), &|_| true).is_err());
    }
}
