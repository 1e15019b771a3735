//! The nouns of cargo db, and what can be said about them without looking at the world.
//!
//! Nothing here does I/O, reads a clock or an environment variable: a function of this floor is
//! given all it needs, so its tests need no database.

pub(crate) mod agent;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod consent;
pub(crate) mod direction;
pub(crate) mod environment;
pub(crate) mod event;
pub(crate) mod finding;
pub(crate) mod format;
pub(crate) mod hex;
pub(crate) mod hook;
pub(crate) mod host;
pub(crate) mod key;
pub(crate) mod link;
pub(crate) mod overview;
pub(crate) mod path;
pub(crate) mod properties;
pub(crate) mod rehearsal;
pub(crate) mod seed;
pub(crate) mod snapshot;
pub(crate) mod statement;
pub(crate) mod stray;
pub(crate) mod target;

pub(crate) use db_tools::{history, migration};
