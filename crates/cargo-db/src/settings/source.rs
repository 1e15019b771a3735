//! What settings are made from, and how each value remembers where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    pub(crate) lock_timeout: Option<Duration>,
    pub(crate) ddl_lock_timeout: Option<Duration>,
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
    /// Some of the files in a folder, so many levels deep; relative to it.
    pub(crate) list: &'a dyn Fn(&Path, usize) -> Vec<PathBuf>,
}

impl Sources<'_> {
    /// The same, with other flags.
    pub(crate) fn with_flags(&self, flags: Flags) -> Sources<'_> {
        let (process, cwd) = (self.process.clone(), self.cwd.clone());
        Sources { flags, process, cwd, read: self.read, exists: self.exists, list: self.list }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(&'static str),
    /// A variable of the process.
    Process(String),
    /// A variable of a file.
    EnvFile(PathBuf, String),
    /// A key of `db.toml`.
    DbToml(&'static str),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => f.write_str(flag),
            Origin::Process(variable) => write!(f, "{variable} in the environment"),
            Origin::EnvFile(file, variable) => write!(f, "{variable} in {}", file.display()),
            Origin::DbToml(key) => write!(f, "{key} in db.toml"),
            Origin::Default => f.write_str("default"),
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
    /// A value that nobody chose.
    pub(super) fn default(value: T) -> Setting<T> {
        Setting { value, origin: Origin::Default }
    }
}
