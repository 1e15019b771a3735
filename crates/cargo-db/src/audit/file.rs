//! The file of the trail, and whether it is as it was written: lines that were changed, taken out
//! or only half written, and the head, which tells whether the end is missing.

use std::path::{Path, PathBuf};

use crate::failure::{AuditError, CausedBy, Result};
use crate::model::audit::Record;
use crate::world::clock::now;
use crate::world::files;
use crate::world::records::hash_of;

/// The trail of a project.
pub(crate) struct Trail {
    pub(super) file: PathBuf,
}

/// What is wrong with a trail, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The number of the record.
    pub(crate) sequence: u64,
    pub(crate) why: String,
}

impl Broken {
    fn at(sequence: u64, why: &str) -> Broken {
        Broken { sequence, why: why.to_owned() }
    }
}

/// The last record as the head has it, so that a trail that was cut off at its end shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) hash: String,
    /// The record that was written when there was no head, though there were records or plans that
    /// were used: what stood before it nobody knows.
    pub(super) missing_at: Option<u64>,
}

impl Head {
    fn parse(text: &str) -> Option<Head> {
        let mut lines = text.lines();
        let first = lines.next()?.trim();
        let (sequence, hash) = first.split_once(' ').unwrap_or((first, ""));
        let missing_at = lines.find_map(|line| line.strip_prefix("missing ")?.parse().ok());
        Some(Head { sequence: sequence.parse().ok()?, hash: hash.to_owned(), missing_at })
    }

    pub(super) fn to_text(&self) -> String {
        let missing = self.missing_at.map(|at| format!("missing {at}\n")).unwrap_or_default();
        format!("{} {}\n{missing}", self.sequence, self.hash)
    }

    fn is_of(&self, record: &Record) -> bool {
        self.sequence == record.sequence && self.hash == record.hash
    }
}

/// The text of a trail, taken apart.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) lines: Vec<String>,
    /// Whether the last line has no end: it was written only in part.
    pub(super) torn: bool,
}

impl Lines {
    /// The newest line that is a record.
    pub(super) fn last(&self) -> Option<Record> {
        self.lines.iter().rev().find_map(|line| serde_json::from_str(line).ok())
    }
}

impl Trail {
    /// The trail of the project in `root`.
    pub(crate) fn of(root: &Path) -> Trail {
        Trail { file: root.join(".db/audit.jsonl") }
    }

    /// Reads the file.
    pub(super) fn read(&self) -> Result<Lines> {
        let text = self.text(&self.file)?.unwrap_or_default();
        let torn = !text.is_empty() && !text.ends_with('\n');
        Ok(Lines { lines: text.lines().map(str::to_owned).collect(), torn })
    }

    /// What the head says; nothing where there is none, or one that says nothing.
    pub(super) fn head(&self) -> Result<Option<Head>> {
        Ok(self.text(&self.head_file())?.as_deref().and_then(Head::parse))
    }

    /// Where the last record's number and hash are kept.
    pub(super) fn head_file(&self) -> PathBuf {
        self.file.with_extension("head")
    }

    /// Where the ids of plans that were used are kept beside the trail.
    pub(super) fn used_file(&self) -> PathBuf {
        self.file.with_extension("used")
    }

    /// Whether any plan was used.
    pub(super) fn has_used(&self) -> Result<bool> {
        Ok(self.text(&self.used_file())?.is_some_and(|text| !text.is_empty()))
    }

    /// The text of one of these files; nothing where there is none.
    pub(super) fn text(&self, path: &Path) -> Result<Option<String>> {
        files::read_if_there(path).map_err(|error| {
            // The plans that were used are known from that file alone: it stays where it is.
            let aside = (path != self.used_file()).then(|| self.putting_aside());
            let (path, why) = (path.to_owned(), error.to_string());
            AuditError::Unreadable { path, why, aside }.caused_by(error)
        })
    }

    /// The command that puts a trail aside which does not hold: a new one begins with the next
    /// record, and the plans that were used stay known.
    pub(crate) fn putting_aside(&self) -> String {
        let when = now();
        let folder = self.file.with_file_name(format!(
            "audit-{}-{:02}{:02}{:02}",
            when.date(),
            when.hour(),
            when.minute(),
            when.second()
        ));
        let quoted = |path: &Path| shell_words::quote(&path.display().to_string()).into_owned();
        let head = self.head_file();
        let moved = [&self.file, &head].into_iter().filter(|file| files::is_there(file));
        let moved: Vec<String> = moved.map(|file| quoted(file)).collect();
        let begin = format!("echo 0 > {}", quoted(&head));
        if moved.is_empty() {
            // Nothing but the plans that were used is left.
            return begin;
        }
        let (folder, moved) = (quoted(&folder), moved.join(" "));
        format!("mkdir {folder} && mv {moved} {folder} && {begin}")
    }

    /// Looks for the first record that was changed or taken out.
    pub(crate) fn verify(&self) -> Result<std::result::Result<u64, Broken>> {
        let (read, head) = (self.read()?, self.head()?);
        let mut last: Option<Record> = None;
        // Where a trail was put aside, a new one begins with a head that is about no record.
        let mut head_is_there = head == Some(Head::default());
        for line in &read.lines {
            match next(line, last.as_ref()) {
                Ok(record) => {
                    // A run that was killed between record and head leaves a head that is one
                    // behind.
                    head_is_there |= head.as_ref().is_some_and(|head| head.is_of(&record));
                    last = Some(record);
                }
                Err(broken) => return Ok(Err(broken)),
            }
        }
        let sequence = last.as_ref().map_or(0, |last| last.sequence);
        Ok(match head {
            Some(Head { missing_at: Some(at), .. }) => Err(Broken::at(at, NO_HEAD_THEN)),
            Some(_) if !head_is_there => Err(Broken::at(sequence + 1, CUT)),
            None if sequence > 0 || self.has_used()? => Err(Broken::at(sequence + 1, NO_HEAD)),
            _ => Ok(sequence),
        })
    }
}

const CUT: &str = "the records from here on were removed, or the trail was replaced";
const NO_HEAD: &str =
    "the head of the trail is missing: later records may have been removed with it";
const NO_HEAD_THEN: &str = "the head of the trail was missing when this was written: earlier \
                            records may have been removed";

/// The record that a line is, if it is the one that follows the last.
fn next(line: &str, last: Option<&Record>) -> std::result::Result<Record, Broken> {
    let sequence = last.map_or(0, |last| last.sequence) + 1;
    let previous = last.map_or("", |last| last.hash.as_str());
    let Ok(record) = serde_json::from_str::<Record>(line) else {
        return Err(Broken::at(sequence, "not a valid record"));
    };
    if record.sequence != sequence {
        return Err(Broken::at(sequence, "it was removed or moved"));
    }
    if hash_of(&record) != record.hash {
        return Err(Broken::at(sequence, "it was changed"));
    }
    if record.previous != previous {
        return Err(Broken::at(sequence, "the record before it was replaced"));
    }
    Ok(record)
}
