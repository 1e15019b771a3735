//! A migration in the repository.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use pg_sql::lexer::{Lexed, Token, token};

use crate::section::{FormatProblem, leaves_open};

/// What a tool knows its migrations by: sqlx numbers them, other tools compare text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Compared as a number.
    Number(i64),
    /// Several numbers with dots between them: 1.10 is later than 1.9.
    Dotted(Vec<u64>),
    /// Compared as text.
    Text(String),
    /// A migration that runs again whenever it changes, after all others.
    Repeated(String),
}

impl Version {
    /// A version as text that is compared as text.
    pub fn text(text: &str) -> Version {
        Version::Text(text.to_owned())
    }

    /// A version that is a number; `None` if the text is not a number.
    pub fn number(text: &str) -> Option<Version> {
        Some(Version::Number(text.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::Number(number) => f.pad(&number.to_string()),
            Version::Dotted(parts) => {
                f.pad(&parts.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
            }
            Version::Text(text) | Version::Repeated(text) => f.pad(text),
        }
    }
}

/// The digest that a tool stores for a file, in its own algorithm, as hexadecimal digits. Kept as
/// text: histories of a thousand rows are compared without decoding anything.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Checksum(String);

impl Checksum {
    /// The checksum with this digest.
    pub fn of_digest(digest: &[u8]) -> Checksum {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = vec![0; digest.len() * 2];
        // A plain loop over a slice: without optimisation it runs ten times as fast as iterators.
        let (out, mut at) = (text.as_mut_slice(), 0);
        while at < digest.len() {
            out[at * 2] = DIGITS[usize::from(digest[at] >> 4)];
            out[at * 2 + 1] = DIGITS[usize::from(digest[at] & 15)];
            at += 1;
        }
        Checksum(String::from_utf8(text).unwrap_or_default())
    }

    /// The checksum that was stored as these digits.
    pub fn stored(digits: &str) -> Checksum {
        Checksum(digits.to_owned())
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

/// One file of a migration, or a part of it, as it was when it was read.
///
/// The text is not kept: a plan over thousands of files stays small, and the file is read again
/// when its turn comes and compared with the checksum the plan was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFile {
    /// Its path, as messages show it.
    pub path: PathBuf,
    /// Of the whole file.
    pub checksum: Checksum,
    /// Whether it runs in one transaction with its history row.
    pub transactional: bool,
    /// Whether its tool sends it as one query, without a transaction around it: then a BEGIN in it
    /// joins the block that the server opens for the query, and a COMMIT ends that block.
    pub has_own_blocks: bool,
    /// The byte ranges that run, in order; `None` if the whole file runs.
    pub part: Option<Vec<Range<usize>>>,
    /// Whether it is a program that only its own tool can run.
    pub is_code: bool,
}

impl ScriptFile {
    /// The bytes that run, at their positions in the file; everything else is blanked.
    pub fn part_of(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if let Some(parts) = &self.part {
            keep(&mut bytes, parts);
        }
        divided(bytes)
    }

    /// The same with the comments for cargo db before the first section, which are about the whole
    /// migration.
    pub fn with_head(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if let Some(parts) = &self.part {
            let first = parts.first().map_or(0, |part| part.start);
            let kept: Vec<Range<usize>> =
                head_comments(&bytes, first).into_iter().chain(parts.iter().cloned()).collect();
            keep(&mut bytes, &kept);
        }
        divided(bytes)
    }

    /// What runs, for a message: the file, or its section for this direction, `up` or `down`.
    pub fn described(&self, direction: &str) -> String {
        let path = self.path.display();
        match &self.part {
            Some(_) => format!("the {direction} section of `{path}`"),
            None => format!("`{path}`"),
        }
    }

    /// The line of the marker that the section begins with, in a file with this content; `None` for
    /// a whole file, or a section without a marker.
    pub fn section_line(&self, bytes: &[u8]) -> Option<usize> {
        let begin = self.part.as_ref()?.first()?.start;
        let before = bytes.get(..begin).filter(|before| !before.is_empty())?;
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        Some(before.iter().filter(|&&byte| byte == b'\n').count() + 1)
    }
}

/// The lines with comments for cargo db among the comments that a file begins with, up to a place.
fn head_comments(bytes: &[u8], end: usize) -> Vec<Range<usize>> {
    let (mut kept, mut at) = (Vec::new(), 0);
    for line in bytes[..end.min(bytes.len())].split_inclusive(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let comment = text.trim().strip_prefix("--");
        if comment.is_none() && !text.trim().is_empty() {
            break;
        }
        if comment.is_some_and(|comment| comment.trim_start().starts_with("cargo-db:")) {
            kept.push(at..at + line.len());
        }
        at += line.len();
    }
    kept
}

/// The bytes of a file in which each statement ends with a semicolon. drizzle may separate
/// statements by a comment only.
pub fn divided(bytes: Vec<u8>) -> Vec<u8> {
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains(BREAKPOINT) => ended_at_breakpoints(text).into_bytes(),
        _ => bytes,
    }
}

/// The comment with which drizzle ends a statement, even without a semicolon.
const BREAKPOINT: &str = "--> statement-breakpoint";

/// The text with a semicolon before each breakpoint that is not inside a string.
fn ended_at_breakpoints(text: &str) -> String {
    let (mut ended, mut at) = (String::with_capacity(text.len()), 0);
    while at < text.len() {
        let Lexed::Token(kind, length) = token(&text.as_bytes()[at..], true) else { break };
        let word = &text[at..at + length];
        if kind == Token::Comment && word.starts_with(BREAKPOINT) {
            ended.push(';');
        }
        ended.push_str(word);
        at += length;
    }
    ended.push_str(&text[at..]);
    ended
}

/// Blanks everything but these parts, and ends each of them as a statement ends.
fn keep(bytes: &mut Vec<u8>, parts: &[Range<usize>]) {
    let mut at = 0;
    for (index, part) in parts.iter().enumerate() {
        let (start, end) = (part.start.min(bytes.len()), part.end.min(bytes.len()));
        for byte in &mut bytes[at..start] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        // Another part follows: the comment between them makes room for a semicolon.
        let is_open = leaves_open(&String::from_utf8_lossy(&bytes[start..end]));
        at = end;
        if is_open && index + 1 < parts.len() && end < bytes.len() {
            bytes[end] = b';';
            at = end + 1;
        }
    }
    bytes.truncate(at);
}

/// What the history holds as the checksum of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The tool stores none.
    Nothing,
    /// That of the up file.
    Digest,
    /// The first of these is written, and each of them is accepted.
    OneOf(Vec<Checksum>),
}

/// A change of the schema, and perhaps how to roll it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// What its tool knows it by.
    pub version: Version,
    /// As the tool stores it; for people.
    pub name: String,
    /// What applies it.
    pub up: ScriptFile,
    /// What rolls it back.
    pub down: Option<ScriptFile>,
    /// What the history holds as its checksum.
    pub recorded: Recorded,
    /// Additional data that only the tool itself reads.
    pub detail: String,
}

impl Migration {
    /// Version and name, for people.
    pub fn title(&self) -> String {
        title(&self.version, &self.name)
    }

    /// The title in backticks, for use in a sentence.
    pub fn quoted(&self) -> String {
        quoted(&self.version, &self.name)
    }

    /// Whether the checksum in the history belongs to this file.
    pub fn is_recorded_as(&self, stored: &Checksum) -> bool {
        match &self.recorded {
            Recorded::Nothing => true,
            Recorded::Digest => *stored == self.up.checksum,
            Recorded::OneOf(accepted) => {
                accepted.contains(stored)
                    || stored.0.len() < 64
                        && accepted
                            .iter()
                            .any(|one| one.0.len() == 64 && unpadded(&one.0) == stored.0)
            }
        }
    }

    /// The checksum that the history gets.
    pub fn stored_checksum(&self) -> Option<&Checksum> {
        match &self.recorded {
            Recorded::Nothing => None,
            Recorded::Digest => Some(&self.up.checksum),
            Recorded::OneOf(accepted) => accepted.first(),
        }
    }
}

/// Hexadecimal digits with no zero before a byte of one digit: so old versions of Prisma wrote
/// them.
pub fn unpadded(digits: &str) -> String {
    let pairs =
        digits.as_bytes().chunks(2).map(|pair| if pair[0] == b'0' { &pair[1..] } else { pair });
    String::from_utf8(pairs.flatten().copied().collect()).unwrap_or_default()
}

/// Version and name of a migration; some tools have no more than one of them.
pub fn title(version: &impl fmt::Display, name: &str) -> String {
    if name.is_empty() { version.to_string() } else { format!("{version} {name}") }
}

/// A title in backticks, so that it is not read as words of the sentence.
pub fn quoted(version: &impl fmt::Display, name: &str) -> String {
    format!("`{}`", title(version, name))
}

/// Everything a migrations folder holds, readable or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationFolder {
    /// In the order in which they run. Several may share a version; comparing them with a history
    /// reports that.
    pub migrations: Vec<Migration>,
    /// Down files without an up file.
    pub orphans: Vec<PathBuf>,
    /// Files that the tool cannot read, each with the reason.
    pub misnamed: Vec<(PathBuf, &'static str)>,
    /// Files that are not as their tool has them, each with the place and the reason.
    pub faulty: Vec<(PathBuf, FormatProblem)>,
    /// Migrations whose files look like files of another tool. Reported only for pending
    /// migrations.
    pub doubtful: Vec<(Version, PathBuf, FormatProblem)>,
    /// Migrations whose name has no version where the others have theirs, each with the reason.
    /// Reported only for pending migrations.
    pub unversioned: Vec<(Version, PathBuf, String)>,
    /// Files that the tool leaves alone, each with the reason.
    pub ignored: Vec<(PathBuf, &'static str)>,
}

impl MigrationFolder {
    /// Gives each migration its down file.
    pub fn join_downs(&mut self, downs: Vec<(Version, ScriptFile)>) {
        let place = |(index, migration): (usize, &Migration)| (migration.version.clone(), index);
        let places: BTreeMap<Version, usize> =
            self.migrations.iter().enumerate().map(place).collect();
        for (version, down) in downs {
            match places.get(&version) {
                Some(&index) => self.migrations[index].down = Some(down),
                None => self.orphans.push(down.path),
            }
        }
    }

    /// Whether there is no migration in it, and no file that was meant to be one.
    pub fn is_empty(&self) -> bool {
        let named = [&self.misnamed, &self.ignored];
        self.migrations.is_empty()
            && self.orphans.is_empty()
            && self.faulty.is_empty()
            && named.iter().all(|files| files.is_empty())
    }

    /// Whether most migrations have a down file, so that the others are expected to have one too.
    pub fn is_reversible(&self) -> bool {
        let with_down = self.migrations.iter().filter(|one| one.down.is_some()).count();
        with_down * 2 > self.migrations.len()
    }

    /// The files of a migration, each with its direction: true for up.
    pub fn scripts(&self) -> impl Iterator<Item = (&ScriptFile, bool)> {
        self.migrations.iter().flat_map(|one| {
            std::iter::once((&one.up, true)).chain(one.down.as_ref().map(|down| (down, false)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakpoint_ends_a_statement_unless_it_is_in_a_string() {
        let text = "SELECT 1\n--> statement-breakpoint\nSELECT '--> statement-breakpoint', \
                    $$ --> statement-breakpoint $$";
        let ended = "SELECT 1\n;--> statement-breakpoint\nSELECT '--> statement-breakpoint', \
                     $$ --> statement-breakpoint $$";
        assert_eq!(ended_at_breakpoints(text), ended);
    }

    #[test]
    fn several_parts_keep_their_positions() {
        let script = ScriptFile {
            path: PathBuf::new(),
            checksum: Checksum::of_digest(&[]),
            transactional: true,
            has_own_blocks: false,
            part: Some(vec![3..12, 20..29]),
            is_code: false,
        };
        let text = b"--\nSELECT 1\n-- down\nSELECT 2\n-- x\n".to_vec();
        let kept = String::from_utf8(script.part_of(text)).unwrap();
        assert_eq!(kept, "  \nSELECT 1\n;      \nSELECT 2\n");
    }
}
