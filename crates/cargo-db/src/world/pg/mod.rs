//! PostgreSQL over the wire.

mod lock;
pub(crate) mod marker;
mod script;
mod session;
pub(crate) mod survey;
mod tls;
mod tls_stream;

pub(crate) use lock::{Lock, OWN_KEY};
pub(crate) use script::{Around, Script, Stop};
pub(crate) use session::{
    Backend, Purpose, Row, Session, Transaction, after_the_end_of, backend, describe, opened_in,
    opens_another_in, server_error,
};
