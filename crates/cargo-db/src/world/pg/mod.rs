//! PostgreSQL over the wire.

pub(crate) mod approvals;
mod catalog;
mod client;
mod connections;
mod handover;
mod held;
mod lock;
pub(crate) mod marker;
pub(crate) mod oid;
mod others;
pub(crate) mod own_tables;
mod pin;
mod pooler;
mod row;
mod script;
mod session;
pub(crate) mod survey;
mod tls;
mod transaction;
pub(crate) mod unread;

pub(crate) use catalog::{AlongWith, Pair, failure as catalog_failure};
pub(crate) use connections::FreeConnections;
pub(crate) use held::{wait_for_tables, wait_to_read};
pub(crate) use lock::{Lock, OWN_KEY};
pub(crate) use others::others_connected;
pub(crate) use own_tables::{OwnTables, TableComparison};
pub(crate) use pin::{Purpose, SearchPath, UserSettings};
pub(crate) use row::Row;
pub(crate) use script::{Script, ScriptStop, StatementObserver, TransactionContext};
pub(crate) use session::{Session, only_row};
pub(crate) use transaction::{Backend, Transaction, after_the_end_of, backend};
