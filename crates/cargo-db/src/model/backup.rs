//! Backups: their forms, names, manifests, and which of them stay.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use pg_logical::content::TableEntry;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::model::properties::Properties;

/// What a backup is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Format {
    /// One file of SQL, compressed by us.
    Sql,
    /// `pg_dump`'s custom format: one file.
    Custom,
    /// `pg_dump`'s directory format: a folder, written and read in parallel.
    Directory,
    /// A folder with a dump of everything, one of each schema, and SQL of each table.
    Set,
}

impl Format {
    /// Whether it is a folder of files.
    pub(crate) fn is_folder(self) -> bool {
        matches!(self, Format::Directory | Format::Set)
    }
}

/// How a file of SQL is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    /// Level 1 to 9.
    Gzip(u32),
    /// Level 1 to 19.
    Zstd(i32),
}

impl Compression {
    /// Reads `gzip`, `zstd`, `gzip:9`, `zstd:3`, `none`.
    pub(crate) fn parse(text: &str) -> Option<Compression> {
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level.parse::<u32>().ok()?)),
            None => (text, None),
        };
        match (name, level) {
            ("none", None) => Some(Compression::None),
            ("gzip", level) => Some(Compression::Gzip(level.unwrap_or(6)))
                .filter(|_| level.is_none_or(|l| (1..=9).contains(&l))),
            ("zstd", None) => Some(Compression::Zstd(3)),
            ("zstd", Some(level @ 1..=19)) => Some(Compression::Zstd(i32::try_from(level).ok()?)),
            _ => None,
        }
    }

    /// Whether this build can write it: for zstd it needs the cargo feature, which compiles C.
    pub(crate) fn is_built_in(self) -> bool {
        cfg!(feature = "zstd") || !matches!(self, Compression::Zstd(_))
    }

    /// What a file name ends with.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip(_) => ".gz",
            Compression::Zstd(_) => ".zst",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compression::None => f.write_str("none"),
            Compression::Gzip(level) => write!(f, "gzip:{level}"),
            Compression::Zstd(level) => write!(f, "zstd:{level}"),
        }
    }
}

/// `{database}_{YYYY-MM-DDTHH-MM-SSZ}` with the ending of its form. What a file system or a shell
/// could stumble over in the database's name is percent-encoded; the manifest has the real name.
pub(crate) fn file_name(
    database: &str,
    when: OffsetDateTime,
    format: Format,
    compression: Compression,
) -> String {
    let moment = moment(when);
    let ending = match format {
        Format::Set => return format!("{SET_PREFIX}{moment}"),
        Format::Sql => format!(".sql{}", compression.ending()),
        Format::Custom => ".dump".to_owned(),
        Format::Directory => ".dir".to_owned(),
    };
    format!("{}_{moment}{ending}", encode_name(database))
}

/// `2026-01-31T23-59-59Z`.
pub(crate) fn moment(when: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");
    when.format(format).unwrap_or_default()
}

/// The folder of the newest set.
pub(crate) const LATEST: &str = "latest";
pub(crate) const ARCHIVE: &str = "archive";

/// What the name of a set begins with while it is the latest.
const SET_PREFIX: &str = "latest_";

/// What a set is called once a newer one took its place:
/// `{moment}--{repository}--{event}--{commit}`.
pub(crate) fn archived_name(manifest: &Manifest) -> String {
    let moment = manifest.name.strip_prefix(SET_PREFIX).unwrap_or(&manifest.name);
    format!(
        "{moment}--{}--{}--{}",
        encode_name(&manifest.repository),
        encode_name(&manifest.event),
        encode_name(manifest.git_commit.as_deref().map_or("nocommit", beginning))
    )
}

/// The abbreviated commit. A manifest may contain any text there, which must not panic.
fn beginning(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// A name as part of a file name.
pub(crate) fn encode_name(name: &str) -> String {
    let mut encoded = String::new();
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'.' if index == 0 => encoded.push_str("%2E"),
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') => {
                encoded.push(byte.into());
            }
            byte => encoded = format!("{encoded}%{byte:02X}"),
        }
    }
    encoded
}

/// The description of a backup in the file beside it. Written last: without it, there is no backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// Raised when a field is added or changes its meaning.
    pub(crate) format_version: u32,
    pub(crate) tool: String,
    /// The name of the file or folder beside the manifest; for a set, the name that it had as the
    /// latest.
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) compression: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) started: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) finished: OffsetDateTime,
    pub(crate) environment: String,
    /// What the project is called, and why the backup was taken: `manual`, `migrate`, `push`.
    pub(crate) repository: String,
    pub(crate) event: String,
    pub(crate) server: ServerIdentity,
    pub(crate) database: SourceDatabase,
    pub(crate) engine: Engine,
    /// Whether a person asked for it or the policy required it before a change; missing in older
    /// manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    /// The selection of objects, as options of the engine.
    pub(crate) selection: Vec<String>,
    /// Tables of `cargo_db` that are missing: those that the role could not read, and the
    /// fingerprint. The backup still counts as complete, because a restore never takes them from a
    /// backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unread: Vec<String>,
    pub(crate) extensions: BTreeMap<String, String>,
    /// The roles that own something in it or are granted something.
    pub(crate) roles: Vec<String>,
    /// The statements that set ownership and privileges. Older backups have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rights: Option<BTreeSet<String>>,
    /// Version and checksum of every applied migration.
    pub(crate) migrations: BTreeMap<String, String>,
    pub(crate) git_commit: Option<String>,
    pub(crate) files: Vec<FileEntry>,
    /// By qualified name, as the dump writes it.
    pub(crate) tables: BTreeMap<String, TableEntry>,
    /// By qualified name: last value, and whether it was used.
    pub(crate) sequences: BTreeMap<String, String>,
    /// Indexes of partitioned tables that were not valid, and come back as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) invalid_indexes: Vec<String>,
    /// Whether it was read back before it was called done.
    pub(crate) read_back: bool,
    /// Whether it may not be restorable, if there are doubts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restorable: Option<Restorable>,
    /// What no dump may bring back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) doubts: Vec<String>,
    /// What a restore cannot bring back, even if the backup loads without errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lost: Vec<String>,
}

/// What is known about restoring a backup when it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Restorable {
    /// It contains something that a dump may not restore.
    Unproved,
}

/// Why a backup was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Reason {
    /// A person asked for it, or a job that a person set up.
    Person,
    /// The policy wanted it before something else was done.
    Policy,
}

/// The current format of manifests.
pub(crate) const FORMAT_VERSION: u32 = 3;

/// The first format whose manifests record the reason and list unread tables separately.
const WITH_REASON: u32 = 2;

/// The first format whose manifests list `lost` separately from `doubts`.
const WITH_LOST: u32 = 3;

/// The events for which the policy took backups when manifests did not say so.
const POLICY_EVENTS: [&str; 5] = ["migrate", "rollback", "seed-fresh", "reset", "restore-in-place"];

impl Manifest {
    /// Why it was taken.
    pub(crate) fn reason(&self) -> Reason {
        let by_policy = POLICY_EVENTS.contains(&self.event.as_str());
        self.reason.unwrap_or(if by_policy { Reason::Policy } else { Reason::Person })
    }

    /// Moves entries that older manifests list among the doubts to their present place.
    pub(crate) fn upgrade(&mut self) {
        if self.format_version < WITH_LOST {
            let is_lost = |doubt: &mut String| doubt.starts_with("a restore loses ");
            self.lost.extend(self.doubts.extract_if(.., is_lost));
        }
    }

    /// The options that make it a partial backup; empty for a complete one.
    pub(crate) fn part(&self) -> Vec<String> {
        // Older builds named here what the role might not read.
        let is_ours = |option: &str| {
            self.format_version < WITH_REASON && option.starts_with("--exclude-table=cargo_db.")
        };
        let chooses = |option: &&String| *option != "--no-owner" && !is_ours(option);
        let mut part: Vec<String> = self.selection.iter().filter(chooses).cloned().collect();
        part.sort();
        part
    }

    /// Why it cannot be used as the newest backup of the database.
    pub(crate) fn unusable_reason(&self, now: OffsetDateTime) -> Option<String> {
        let part = self.part();
        if !part.is_empty() {
            Some(format!("partial (taken with {})", part.join(" ")))
        } else if self.reason() == Reason::Policy {
            Some(format!("taken before {}", self.event))
        } else if self.is_dated_in_future(now) {
            Some("dated in the future".to_owned())
        } else {
            None
        }
    }

    /// Whether a clock was wrong when it was taken, or is now. A few minutes are two machines'.
    pub(crate) fn is_dated_in_future(&self, now: OffsetDateTime) -> bool {
        self.finished - now > time::Duration::minutes(5)
    }
}

/// Which server it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerIdentity {
    /// `15.18`.
    pub(crate) version: String,
    /// `pg_control_system()`'s, where the role may ask.
    pub(crate) system_identifier: Option<String>,
}

/// The database that was backed up, and the properties that a new one needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceDatabase {
    pub(crate) name: String,
    pub(crate) oid: String,
    pub(crate) locale: Locale,
    pub(crate) collation_version: Option<String>,
    /// How large it was.
    pub(crate) bytes: u64,
    /// Owner, rights, settings and the like; older manifests do not have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<Properties>,
}

/// How a database encodes and sorts text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Locale {
    pub(crate) encoding: String,
    pub(crate) collate: String,
    pub(crate) ctype: String,
    /// `c` for the C library's, `i` for ICU's; servers before 15 know only the first.
    pub(crate) provider: Option<String>,
    pub(crate) icu: Option<String>,
}

/// What wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) major: u32,
}

/// One file of the backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    /// Relative to the backup folder, or inside the folder that the backup is.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// Of a set: the schema that it is a part of, by its real name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<String>,
    /// Of a set: the table that it is a part of, by its real name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<String>,
}

/// The result of a verification, stored beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verification {
    pub(crate) level: Level,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) when: OffsetDateTime,
    pub(crate) ok: bool,
    /// What is wrong, each with the name of the check.
    pub(crate) problems: Vec<String>,
    /// The role that loaded it, if this project did not take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) loaded_as: Option<LoadedAs>,
}

/// The role that loads a backup that this project did not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LoadedAs {
    /// Whether it is a role without rights that is created to load it, and dropped with the
    /// database.
    pub(crate) is_limited: bool,
    /// The connecting role, which creates the role without rights, or else loads the backup itself.
    pub(crate) connected_as: String,
}

impl LoadedAs {
    /// In words.
    pub(crate) fn describe(&self) -> &str {
        if self.is_limited {
            "a role without rights that is created for it"
        } else {
            &self.connected_as
        }
    }
}

/// How thorough a verification is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Level {
    /// The manifest, the sizes, the ends of the files
    Quick,
    /// Every byte: checksums, decompression, rows and their hashes
    Full,
    /// A scratch database, loaded and compared
    Restore,
}

/// A backup as it is found on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backup {
    pub(crate) manifest: Manifest,
    pub(crate) verification: Option<Verification>,
}

impl Backup {
    /// Whether it was read back when it was made, or verified since, and not found wanting.
    pub(crate) fn is_verified(&self) -> bool {
        match &self.verification {
            Some(verification) => {
                verification.ok && (verification.level >= Level::Full || self.manifest.read_back)
            }
            None => self.manifest.read_back,
        }
    }

    /// Its size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.manifest.files.iter().map(|file| file.bytes).sum()
    }

    /// The path of the file to restore from, relative to the backup folder.
    pub(crate) fn main_file(&self) -> String {
        let name = &self.manifest.name;
        let is_main = |file: &&FileEntry| {
            file.schema.is_none()
                && Path::new(&file.path).extension().is_some_and(|ending| ending == "dump")
        };
        match self.manifest.files.iter().find(is_main) {
            Some(file) if self.manifest.format == Format::Set => format!("{name}/{}", file.path),
            _ => name.clone(),
        }
    }

    /// The database that it is of, and its server.
    pub(crate) fn group(&self) -> (Option<String>, String) {
        (self.manifest.server.system_identifier.clone(), self.manifest.database.name.clone())
    }
}

/// `<name>.manifest.json`; a set has its own inside.
pub(crate) fn manifest_name(name: &str) -> String {
    if name.contains('/') {
        format!("{name}/{SET_MANIFEST}")
    } else {
        format!("{name}.manifest.json")
    }
}

/// `<name>.verified.json`; a set has its own inside.
pub(crate) fn verification_name(name: &str) -> String {
    if name.contains('/') {
        format!("{name}/{SET_VERIFICATION}")
    } else {
        format!("{name}.verified.json")
    }
}

/// Files in a set that are not part of it.
pub(crate) const SET_MANIFEST: &str = "manifest.json";
/// The roles of the server, without their passwords, inside a set.
pub(crate) const SET_ROLES: &str = "roles.sql";
pub(crate) const SET_VERIFICATION: &str = "verified.json";

/// Whether a path may be the name of a backup: it stays in the folder.
pub(crate) fn is_safe_name(name: &str) -> bool {
    let path = Path::new(name);
    let mut parts = path.components();
    let single =
        matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(_)), None));
    let taken = name.starts_with('.')
        || name.ends_with(".partial")
        || name.ends_with(".json")
        || name == LATEST
        || name == ARCHIVE;
    single && !name.contains('/') && !taken
}

/// Whether a path may be that of a set.
pub(crate) fn is_set_name(name: &str) -> bool {
    matches!(name.split_once('/'), Some((LATEST | ARCHIVE, set)) if is_safe_name(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_tell_the_time() {
        let when = OffsetDateTime::from_unix_timestamp(1_767_225_599).unwrap();
        assert_eq!(
            file_name("school", when, Format::Sql, Compression::Gzip(6)),
            "school_2025-12-31T23-59-59Z.sql.gz"
        );
        assert_eq!(
            file_name("a/b", when, Format::Custom, Compression::None),
            "a%2Fb_2025-12-31T23-59-59Z.dump"
        );
        for bad in
            ["../x", "/etc/x", "a/b", ".hidden", "", "x.partial", "x.manifest.json", "latest"]
        {
            assert!(!is_safe_name(bad), "{bad}");
        }
        assert!(is_set_name("latest/latest_2025-12-31T23-59-59Z") && is_set_name("archive/x--y"));
        for bad in ["latest/../x", "other/x", "latest/a/b", "/latest/x", "latest/", "latest/.x"] {
            assert!(!is_set_name(bad), "{bad}");
        }
        assert!(is_safe_name("before release.sql.gz"));
    }

    #[test]
    fn what_looks_like_a_commit_has_a_beginning_too() {
        for (commit, wanted) in
            [("0123456789", "0123456"), ("abc", "abc"), ("", ""), ("日本語", "日本語")]
        {
            assert_eq!(beginning(commit), wanted);
        }
    }

    #[test]
    fn compressions_are_read_with_their_levels() {
        assert_eq!(Compression::parse("gzip"), Some(Compression::Gzip(6)));
        assert_eq!(Compression::parse("zstd:1"), Some(Compression::Zstd(1)));
        for bad in ["gzip:0", "gzip:10", "zstd:99", "lz4", "none:1", ""] {
            assert_eq!(Compression::parse(bad), None, "{bad}");
        }
    }
}
