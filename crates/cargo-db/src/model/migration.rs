//! A migration as it stands in the repository.

use std::fmt;
use std::path::PathBuf;

/// What a layout orders its migrations by: sqlx numbers them, other tools compare text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Version {
    /// Compared as a number.
    Number(i64),
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::Number(number) => f.pad(&number.to_string()),
        }
    }
}

/// The digest a layout stores for a file, in the layout's own algorithm, as hexadecimal digits:
/// a history of a thousand rows is compared by its text and decoded by nobody.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Checksum(String);

impl Checksum {
    /// The checksum with this digest.
    pub(crate) fn of_digest(digest: &[u8]) -> Checksum {
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
    pub(crate) fn stored(digits: &str) -> Checksum {
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

/// One file of a migration, as it was when it was read.
///
/// The text is not kept: a plan over thousands of files stays small, and the file is read again
/// when its turn comes and compared with the checksum the plan was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptFile {
    pub(crate) path: PathBuf,
    pub(crate) checksum: Checksum,
    /// Whether it runs in one transaction with its history row.
    pub(crate) transactional: bool,
}

/// A change of the schema, and perhaps the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Migration {
    pub(crate) version: Version,
    /// As the layout stores it; for people.
    pub(crate) name: String,
    pub(crate) up: ScriptFile,
    pub(crate) down: Option<ScriptFile>,
}

/// Everything a migrations folder holds, readable or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folder {
    /// In ascending order of version. Several may share a version: that is for
    /// [`crate::model::history::Standing`] to say.
    pub(crate) migrations: Vec<Migration>,
    /// Down files to which there is no up file.
    pub(crate) orphans: Vec<PathBuf>,
    /// Files whose name the layout forbids.
    pub(crate) misnamed: Vec<PathBuf>,
}
