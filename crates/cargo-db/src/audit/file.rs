//! The trail's file and its integrity: records that were changed, removed or only partly written,
//! and the head, which shows whether the end is missing.

use std::path::{Path, PathBuf};

use crate::failure::{AuditError, CausedBy, Failure, FileError, Kind, Result};
use crate::model::audit::Record;
use crate::world::clock::now;
use crate::world::records::hash_of;
use crate::world::{edit, file_lock, files};

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

/// The last record according to the head, so that a truncated trail is detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeadRecord {
    pub(super) sequence: u64,
    pub(super) hash: String,
    /// The record that was written while the head was missing, although there were records or used
    /// plans: the records before it cannot be verified.
    pub(super) missing_at: Option<u64>,
}

impl HeadRecord {
    fn parse(text: &str) -> Option<HeadRecord> {
        let mut lines = text.lines();
        let first = lines.next()?.trim();
        let (sequence, hash) = first.split_once(' ').unwrap_or((first, ""));
        let missing_at = lines.find_map(|line| line.strip_prefix("missing ")?.parse().ok());
        Some(HeadRecord { sequence: sequence.parse().ok()?, hash: hash.to_owned(), missing_at })
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

    /// The content of the head; `None` if it is missing or empty.
    pub(super) fn head(&self) -> Result<Option<HeadRecord>> {
        Ok(self.text(&self.head_file())?.as_deref().and_then(HeadRecord::parse))
    }

    /// Where the last record's number and hash are kept.
    pub(super) fn head_file(&self) -> PathBuf {
        self.file.with_extension("head")
    }

    /// The file with the ids of used plans, next to the trail.
    pub(super) fn used_file(&self) -> PathBuf {
        self.file.with_extension("used")
    }

    /// Whether any plan was used.
    pub(super) fn has_used(&self) -> Result<bool> {
        Ok(self.text(&self.used_file())?.is_some_and(|text| !text.is_empty()))
    }

    /// The text of one of these files; `None` if it does not exist.
    pub(super) fn text(&self, path: &Path) -> Result<Option<String>> {
        files::read_if_there(path).map_err(|error| {
            // That file is the only list of the used plans, so it must not be set aside.
            let aside = (path != self.used_file()).then(|| self.putting_aside());
            let (path, why) = (path.to_owned(), error.to_string());
            AuditError::Unreadable { path, why, aside }.caused_by(error)
        })
    }

    /// Fails if nothing can be recorded: a change that cannot be recorded is not made.
    pub(crate) fn is_writable(&self) -> Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let opened =
            files::create_own_dir(folder).and_then(|()| file_lock::lock(&self.lock_file()));
        // The head is replaced by renaming a file, so the folder has to be writable.
        let all = [folder, &self.file, &self.used_file()];
        let writable = opened.and_then(|_lock| all.into_iter().try_for_each(edit::can_write));
        writable.map_err(|error| self.refused(error))
    }

    /// The file whose lock prevents two runs from writing at the same time.
    pub(super) fn lock_file(&self) -> PathBuf {
        self.file.with_extension("lock")
    }

    fn refused(&self, failure: Failure) -> Failure {
        let Kind::File(FileError::Failed { doing, path, why }) = failure.kind() else {
            return failure;
        };
        let why = format!("failed to {doing} `{}`: {why}", path.display());
        AuditError::NotWritable { path: self.file.clone(), why }.caused_by(failure)
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
        let moved = [&self.file, &head].into_iter().filter(|file| files::exists(file));
        let moved: Vec<String> = moved.map(|file| quoted(file)).collect();
        let begin = format!("echo 0 > {}", quoted(&head));
        if moved.is_empty() {
            // Only the list of used plans is left.
            return begin;
        }
        let (folder, moved) = (quoted(&folder), moved.join(" "));
        format!("mkdir {folder} && mv {moved} {folder} && {begin}")
    }

    /// Looks for the first record that was changed or removed.
    pub(crate) fn verify(&self) -> Result<std::result::Result<u64, Broken>> {
        let (read, head) = (self.read()?, self.head()?);
        let mut last: Option<Record> = None;
        // If a trail was set aside, the new one begins with an empty head.
        let mut head_is_there = head == Some(HeadRecord::default());
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
            Some(HeadRecord { missing_at: Some(at), .. }) => Err(Broken::at(at, NO_HEAD_THEN)),
            Some(_) if !head_is_there => Err(Broken::at(sequence + 1, CUT)),
            None if sequence > 0 || self.has_used()? => Err(Broken::at(sequence + 1, NO_HEAD)),
            _ => Ok(sequence),
        })
    }
}

const CUT: &str = "the records from here on were removed, or the trail was replaced";
const NO_HEAD: &str =
    "the head of the trail is missing, and later records may have been removed too";
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
        return Err(Broken::at(sequence, "the record was removed or moved"));
    }
    if hash_of(&record) != record.hash {
        return Err(Broken::at(sequence, "the record was changed"));
    }
    if record.previous != previous {
        return Err(Broken::at(sequence, "the record before it was replaced"));
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::intent;
    use crate::model::audit::By;
    use crate::model::environment::Environment;
    use crate::model::target::{from_keywords, parse_url};
    use crate::world::records::line_of;

    fn record(sequence: u64, previous: &str) -> Record {
        let by = By {
            user: String::new(),
            role: String::new(),
            host: String::new(),
            kind: "human".to_owned(),
        };
        let url = parse_url("postgres://ada@localhost/school", "x").expect("a URL");
        let target = from_keywords(&url, "x", "ada").expect("a target");
        let mut record = Record {
            sequence,
            when: "2026-01-31T23:59:59Z".to_owned(),
            run: String::new(),
            previous: previous.to_owned(),
            ..intent("migrate", &target, Environment::Development, by)
        };
        record.hash = hash_of(&record);
        record
    }

    /// Records numbered from 1, each with the hash of the previous one.
    fn chain(count: u64) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        for sequence in 1..=count {
            let previous = records.last().map_or("", |last| last.hash.as_str()).to_owned();
            records.push(record(sequence, &previous));
        }
        records
    }

    fn head_of(record: &Record) -> HeadRecord {
        HeadRecord { sequence: record.sequence, hash: record.hash.clone(), missing_at: None }
    }

    /// The result of verifying these files: the number of records, or the first break.
    fn found(
        records: &[Record],
        head: Option<&HeadRecord>,
        used: &str,
    ) -> std::result::Result<u64, Broken> {
        let lines: String = records.iter().map(|record| line_of(record) + "\n").collect();
        found_in(&lines, head, used)
    }

    fn found_in(
        lines: &str,
        head: Option<&HeadRecord>,
        used: &str,
    ) -> std::result::Result<u64, Broken> {
        let root = tempfile::tempdir().expect("a folder");
        let trail = Trail::of(root.path());
        let put = |path: &Path, text: &str| files::replace(path, text).expect("a file");
        files::create_own_dir(&root.path().join(".db")).expect("a folder");
        put(&trail.file, lines);
        if let Some(head) = head {
            put(&trail.head_file(), &head.to_text());
        }
        put(&trail.used_file(), used);
        trail.verify().expect("files that can be read")
    }

    fn broken(sequence: u64, why: &str) -> std::result::Result<u64, Broken> {
        Err(Broken::at(sequence, why))
    }

    #[test]
    fn a_whole_trail_has_as_many_records_as_its_head_says() {
        let all = chain(3);
        assert_eq!(found(&all, Some(&head_of(&all[2])), ""), Ok(3));
        assert_eq!(found(&[], None, ""), Ok(0));
        // After a trail was set aside, its head counts no records.
        assert_eq!(found(&[], Some(&HeadRecord::default()), "a plan\n"), Ok(0));
        // A run that was killed after writing a record leaves a head that is one record behind.
        assert_eq!(found(&all, Some(&head_of(&all[1])), ""), Ok(3));
    }

    #[test]
    fn an_invalid_line_is_named() {
        let all = chain(1);
        let torn = format!("{}\n{{\"sequence\":2", line_of(&all[0]));
        assert_eq!(found_in(&torn, Some(&head_of(&all[0])), ""), broken(2, "not a valid record"));
    }

    #[test]
    fn a_record_that_was_removed_or_moved_is_named() {
        let mut all = chain(3);
        let head = head_of(&all[2]);
        all.swap(1, 2);
        assert_eq!(found(&all, Some(&head), ""), broken(2, "the record was removed or moved"));
        assert_eq!(found(&all[2..], Some(&head), ""), broken(1, "the record was removed or moved"));
    }

    #[test]
    fn a_record_that_was_changed_is_named() {
        let mut all = chain(3);
        let head = head_of(&all[2]);
        all[1].verb = "seed".to_owned();
        assert_eq!(found(&all, Some(&head), ""), broken(2, "the record was changed"));
    }

    #[test]
    fn a_record_that_follows_another_one_than_it_did_is_named() {
        let mut all = chain(3);
        let head = head_of(&all[2]);
        // If a record is changed with its hash, the next record still contains the old hash.
        all[1].verb = "seed".to_owned();
        all[1].hash = hash_of(&all[1]);
        assert_eq!(found(&all, Some(&head), ""), broken(3, "the record before it was replaced"));
    }

    #[test]
    fn a_truncated_trail_is_detected_by_the_head() {
        let all = chain(3);
        let head = head_of(&all[2]);
        assert_eq!(found(&all[..2], Some(&head), ""), broken(3, CUT));
        assert_eq!(found(&[], Some(&head), ""), broken(1, CUT));
        // The head of another trail does not match this one either.
        let other = HeadRecord { hash: "other".to_owned(), ..head };
        assert_eq!(found(&all, Some(&other), ""), broken(4, CUT));
    }

    #[test]
    fn a_head_that_is_missing_or_was_missing_shows() {
        let all = chain(2);
        assert_eq!(found(&all, None, ""), broken(3, NO_HEAD));
        // Only the list of used plans shows that there were records.
        assert_eq!(found(&[], None, "a plan\n"), broken(1, NO_HEAD));
        let later = HeadRecord { missing_at: Some(2), ..head_of(&all[1]) };
        assert_eq!(found(&all, Some(&later), ""), broken(2, NO_HEAD_THEN));
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let heads = [
            HeadRecord::default(),
            HeadRecord { sequence: 7, hash: "ab".to_owned(), missing_at: None },
            HeadRecord { sequence: 7, hash: "ab".to_owned(), missing_at: Some(3) },
        ];
        for head in heads {
            assert_eq!(HeadRecord::parse(&head.to_text()), Some(head));
        }
        assert_eq!(HeadRecord::parse("0\n"), Some(HeadRecord::default()));
        assert_eq!((HeadRecord::parse(""), HeadRecord::parse("x y\n")), (None, None));
    }
}
