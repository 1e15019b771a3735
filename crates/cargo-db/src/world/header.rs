//! The header of a `pg_dump` archive: which client can read it, and which database it contains.

use pg_logical::archive::Header;

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArchiveHeader {
    /// The version of the format, after the point.
    minor: u8,
    /// The version of the server that it is of.
    pub(crate) server: String,
    /// The version of the `pg_dump` that wrote it.
    pub(crate) program: String,
}

impl ArchiveHeader {
    /// Reads the first bytes of a custom archive, or of the `toc.dat` of a directory or tar
    /// archive.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<ArchiveHeader> {
        let Header { minor, server, program, .. } = Header::read(&mut bytes).ok()?;
        Some(ArchiveHeader { minor, server, program })
    }

    /// The first major version whose `pg_restore` can read it.
    pub(crate) fn reader(&self) -> u32 {
        match self.minor {
            ..15 => 0,
            15 => 16,
            16 => 17,
            // A format that we do not know yet: its writer reads it.
            _ => major(&self.program).unwrap_or(u32::MAX),
        }
    }

    /// The major version of the server that it is of.
    pub(crate) fn server_major(&self) -> Option<u32> {
        major(&self.server)
    }
}

/// The first number of a version.
fn major(version: &str) -> Option<u32> {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn number(value: u8) -> Vec<u8> {
        vec![0, value, 0, 0, 0]
    }

    fn text(text: &str) -> Vec<u8> {
        [&number(u8::try_from(text.len()).unwrap())[..], text.as_bytes()].concat()
    }

    /// As `pg_dump` of this version writes it.
    pub(in crate::world) fn header(minor: u8, program: &str) -> Vec<u8> {
        let compression = if minor < 15 { number(1) } else { vec![0] };
        let begin = [b"PGDMP\x01".as_slice(), &[minor, 0, 4, 8, 1]].concat();
        let moment = (0..7).flat_map(|_| number(9)).collect();
        let parts = [begin, compression, moment, text("school"), text("15.18 (Debian)")];
        [parts.concat(), text(program)].concat()
    }

    #[test]
    fn a_header_tells_who_reads_it() {
        for (minor, program, reader) in
            [(14, "15.18", 0), (15, "16.15", 16), (16, "18.6", 17), (17, "19beta1", 19)]
        {
            let header = ArchiveHeader::read(&header(minor, program)).unwrap();
            assert_eq!((header.reader(), header.program.as_str()), (reader, program));
            assert_eq!(header.server_major(), Some(15));
        }
    }

    #[test]
    fn what_was_cut_off_is_no_header() {
        let whole = header(16, "17.11");
        for length in 0..whole.len() {
            assert_eq!(ArchiveHeader::read(&whole[..length]), None, "{length}");
        }
        let mut long = header(16, "17.11");
        let at = long.len() - "17.11".len() - 4;
        long[at..at + 4].fill(0xff);
        assert_eq!(ArchiveHeader::read(&long), None);
        // A number that has no positive counterpart.
        let lowest = [0xff, 0, 0, 0, 0, 0, 0, 0, 0x80];
        let crafted = [b"PGDMP\x01\x10\x00\x08\x08\x01\x00".as_slice(), &lowest.repeat(9)];
        assert_eq!(ArchiveHeader::read(&crafted.concat()), None);
    }
}
