//! Snapshots: copies of a database that its server keeps beside it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How a database is copied on its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum CopyStrategy {
    /// The server copies the files and lets the file system share their blocks, if it can.
    FileClone,
    /// The server copies the files.
    FileCopy,
    /// The server copies the pages and writes them to its log.
    WalLog,
    /// A dump is loaded into a new database.
    Dump,
}

impl CopyStrategy {
    /// In words, after `by`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            CopyStrategy::FileClone => "cloning its files",
            CopyStrategy::FileCopy => "copying its files",
            CopyStrategy::WalLog => "copying its pages",
            CopyStrategy::Dump => "a dump",
        }
    }
}

/// A strategy, and why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ChosenStrategy {
    pub(crate) strategy: CopyStrategy,
    /// In words, after `because`.
    pub(crate) because: String,
}

/// What a snapshot says of itself, in the comment of its database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotRecord {
    pub(crate) name: String,
    /// The name of the database that it is a copy of.
    pub(crate) database: String,
    /// The oid that this database had.
    pub(crate) oid: u32,
    /// The set of migrations for which it was saved.
    pub(crate) set: Option<String>,
    /// The branch and the commit of git that were checked out.
    pub(crate) branch: Option<String>,
    pub(crate) commit: Option<String>,
    /// The versions of the applied migrations, in order.
    pub(crate) migrations: Vec<String>,
    /// The checksum of the last one, where the tool records it.
    pub(crate) checksum: Option<String>,
    pub(crate) bytes: u64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created: OffsetDateTime,
    /// `None` for a pinned one, which never expires.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) expires: Option<OffsetDateTime>,
    pub(crate) copied: ChosenStrategy,
}

impl SnapshotRecord {
    /// Whether it is no longer wanted at this moment.
    pub(crate) fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
