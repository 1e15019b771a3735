//! What settings are made from, and how each value remembers where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::failure::{CausedBy, FileError, Result};

/// The global flags that settings can come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) environment: Option<String>,
    pub(crate) database_url: Option<String>,
    pub(crate) env_files: Vec<PathBuf>,
    pub(crate) no_dotenv: bool,
    pub(crate) migrations_dir: Option<PathBuf>,
    /// `--set`.
    pub(crate) set: Option<String>,
    /// Whether no set need be named: the verb looks at none, or at all.
    pub(crate) any_set: bool,
    /// Whether the verb asks no database: then it makes no difference which one is meant.
    pub(crate) without_database: bool,
    /// Whether the verb is the one that gives trust: it has to look at what nobody trusts yet.
    pub(crate) gives_trust: bool,
    pub(crate) lock_timeout: Option<Duration>,
    pub(crate) ddl_lock_timeout: Option<Duration>,
    pub(crate) concurrently_timeout: Option<Duration>,
}

/// Everything that settings are made from.
pub(crate) struct Sources<'a> {
    pub(crate) flags: Flags,
    /// The process environment.
    pub(crate) process: BTreeMap<String, String>,
    /// The folder the command was started in.
    pub(crate) cwd: PathBuf,
    /// Reads a file; `None` where there is none.
    pub(crate) read: &'a dyn Fn(&Path) -> io::Result<Option<String>>,
    /// Whether a path exists.
    pub(crate) exists: &'a dyn Fn(&Path) -> bool,
    /// Some of the files in a folder, down to a depth; relative to it.
    pub(crate) list: &'a dyn Fn(&Path, usize) -> Vec<PathBuf>,
    /// Whose a file is; `None` where there is none.
    pub(crate) owner: &'a dyn Fn(&Path) -> Option<FileOwner>,
    pub(crate) caller: Caller,
}

/// Whose a file is, as far as that decides whether it is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileOwner {
    /// The users who own the file, the link that leads to it, and the folder that it stands in.
    pub(crate) uids: Vec<u32>,
    /// Whether it is a file, and no pipe or device.
    pub(crate) is_file: bool,
    /// Whether nobody but its owner can read or write it.
    pub(crate) is_private: bool,
}

/// The program that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Program {
    /// An `xtask`, built from the repository that it works in.
    Built,
    /// `cargo-db`, which was installed and knows no repository.
    #[default]
    Installed,
}

/// Who runs us, and what they trust.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// The effective user.
    pub(crate) uid: u32,
    pub(crate) program: Program,
    /// Where this user's programs keep what they remember.
    pub(crate) state: Option<PathBuf>,
    /// Where this user's programs keep what the user settled.
    pub(crate) config: Option<PathBuf>,
    /// What `CARGO_DB_TRUST` lists.
    pub(crate) trusted: Vec<PathBuf>,
}

impl Sources<'_> {
    /// A file's text; `None` where there is no file.
    pub(super) fn text(&self, path: &Path) -> Result<Option<String>> {
        (self.read)(path).map_err(|error| {
            FileError::Failed { doing: "read", path: path.to_owned(), why: error.to_string() }
                .caused_by(error)
        })
    }

    /// The same, with other flags.
    pub(crate) fn with_flags(&self, flags: Flags) -> Sources<'_> {
        let (process, cwd, caller) = (self.process.clone(), self.cwd.clone(), self.caller.clone());
        Sources { flags, process, cwd, caller, ..*self }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(&'static str),
    /// A variable of the process.
    Process(String),
    /// A variable of a file.
    EnvFile {
        file: PathBuf,
        line: usize,
        variable: String,
    },
    /// A key of `db.toml`.
    DbToml(&'static str),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => f.write_str(flag),
            Origin::Process(variable) => write!(f, "{variable} in the environment"),
            Origin::EnvFile { file, variable, .. } => write!(f, "{variable} in {}", file.display()),
            Origin::DbToml(key) => write!(f, "{key} in db.toml"),
            Origin::Default => f.write_str("default"),
        }
    }
}

impl Origin {
    /// The same with the line, for whoever has to change it.
    pub(crate) fn place(&self) -> String {
        match self {
            Origin::EnvFile { line, .. } => format!("{self}, line {line}"),
            _ => self.to_string(),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Setting<T> {
    /// Whether it is the default, and was not configured.
    pub(crate) fn is_default(&self) -> bool {
        self.origin == Origin::Default
    }

    /// A value that nobody chose.
    pub(super) fn default(value: T) -> Setting<T> {
        Setting { value, origin: Origin::Default }
    }
}

/// A path without `.` and `..`.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}
