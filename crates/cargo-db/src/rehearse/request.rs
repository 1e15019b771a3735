//! The request for a rehearsal.

use crate::model::migration::Migration;
use crate::rehearse::queries::Query;
use crate::settings::Settings;

/// What is to be rehearsed.
pub(crate) struct Request<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) migrations: &'a [Migration],
    /// Whether they run in one transaction.
    pub(crate) is_one_transaction: bool,
    /// Whether the scratch database stays.
    pub(crate) keep: bool,
    pub(crate) queries: Vec<Query>,
}

/// What the copy is to be made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CopySource {
    /// The database as it is now, unless it is very large: then its schema.
    Auto,
    Live,
    /// A backup's name, or the newest.
    Backup(Option<String>),
    Schema,
}
