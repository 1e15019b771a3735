//! What `status` says about a server and a database.

use serde::Serialize;

/// The server, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServerFacts {
    /// `15.18`.
    pub(crate) version: String,
    pub(crate) user: String,
    /// The TLS version in use, if any.
    pub(crate) tls: Option<String>,
    pub(crate) superuser: bool,
    /// Whether it is a standby, which is read-only.
    pub(crate) in_recovery: bool,
}

/// A database that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DatabaseFacts {
    /// An estimate, with the catalogs of the server.
    pub(crate) bytes: u64,
    /// The largest first; the history table is not among them.
    pub(crate) tables: Vec<TableSize>,
    /// The databases that restores kept of it, the newest first.
    pub(crate) kept: Vec<String>,
}

/// A table with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TableSize {
    /// With its schema, if that is not on the search path.
    pub(crate) name: String,
    /// An estimate.
    pub(crate) rows: u64,
    /// With indexes and TOAST; of a partitioned table, all partitions.
    pub(crate) bytes: u64,
}
