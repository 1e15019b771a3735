//! PostgreSQL over the wire.

mod lock;
pub(crate) mod marker;
mod row;
mod script;
mod session;
pub(crate) mod survey;
mod tls;

pub(crate) use lock::{Lock, OWN_KEY};
pub(crate) use row::Row;
pub(crate) use script::{Script, StatementObserver, Stop};
pub(crate) use session::{
    Backend, Purpose, Session, Transaction, after_the_end_of, backend, describe, only_row,
    server_error,
};
