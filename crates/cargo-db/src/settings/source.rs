//! The sources of settings, and how each value records its source.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
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
    /// The command as it was typed, without consent flags.
    pub(crate) command: String,
    /// Whether no set has to be named: the verb uses none, or all of them.
    pub(crate) any_set: bool,
    /// Whether the verb needs no database, so that it does not matter which one is selected.
    pub(crate) without_database: bool,
    /// Whether a sample of a folder's files is enough to know its tool: for completions, which only
    /// suggest.
    pub(crate) samples_files: bool,
    /// Whether the verb grants trust and therefore has to read settings that are not trusted yet.
    pub(crate) gives_trust: bool,
    pub(crate) lock_timeout: Option<Duration>,
    pub(crate) ddl_lock_timeout: Option<Duration>,
    pub(crate) concurrently_timeout: Option<Duration>,
}

impl Flags {
    /// Whether one of them selects a database, an environment or files.
    pub(crate) fn select_something(&self) -> bool {
        let Flags { environment, database_url, env_files, migrations_dir, set, .. } = self;
        let is_named = environment.is_some() || database_url.is_some() || set.is_some();
        is_named || self.no_dotenv || !env_files.is_empty() || migrations_dir.is_some()
    }
}

/// The inputs from which settings are resolved.
#[derive(Clone)]
pub(crate) struct Sources<'a> {
    pub(crate) flags: Flags,
    /// The process environment.
    pub(crate) process: BTreeMap<String, String>,
    /// The folder the command was started in.
    pub(crate) cwd: PathBuf,
    /// Reads a file; `None` if it does not exist.
    pub(crate) read: &'a dyn Fn(&Path) -> io::Result<Option<String>>,
    /// Whether a path exists.
    pub(crate) exists: &'a dyn Fn(&Path) -> bool,
    /// Some of the files in a folder, down to a depth; relative to it.
    pub(crate) list: &'a dyn Fn(&Path, usize) -> Vec<PathBuf>,
    /// The owner of a file; `None` if it does not exist.
    pub(crate) owner: &'a dyn Fn(&Path) -> Option<FileOwner>,
    pub(crate) caller: Caller,
}

/// The ownership of a file, which decides whether its content is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileOwner {
    /// The owners of the file, of the link to it, and of the folder that contains it.
    pub(crate) uids: Vec<u32>,
    /// Whether it is a file, and no pipe or device.
    pub(crate) is_file: bool,
    /// Whether only its owner can read or write it.
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
    /// The user's state folder.
    pub(crate) state: Option<PathBuf>,
    /// Where this user's programs keep what the user settled.
    pub(crate) config: Option<PathBuf>,
    /// What `CARGO_DB_TRUST` lists.
    pub(crate) trusted: Vec<PathBuf>,
}

impl Sources<'_> {
    /// The text of a file; `None` if it does not exist.
    pub(super) fn text(&self, path: &Path) -> Result<Option<String>> {
        (self.read)(path).map_err(|error| {
            FileError::Failed { doing: "read", path: path.to_owned(), why: error.to_string() }
                .caused_by(error)
        })
    }

    /// The same, with other flags.
    pub(crate) fn with_flags(&self, flags: Flags) -> Sources<'_> {
        Sources { flags, ..self.clone() }
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
    /// The same with the line, for the person who has to change it.
    pub(crate) fn place(&self) -> String {
        match self {
            Origin::EnvFile { line, .. } => format!("{self}, line {line}"),
            _ => self.to_string(),
        }
    }
}

/// A value and its source.
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

    /// A default value.
    pub(super) fn default(value: T) -> Setting<T> {
        Setting { value, origin: Origin::Default }
    }
}
