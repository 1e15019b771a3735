//! PostgreSQL over the wire.

mod lock;
mod script;
mod session;
pub(crate) mod survey;
mod tls;

pub(crate) use lock::{Lock, OWN_KEY};
pub(crate) use script::{Around, Script, Stop};
pub(crate) use session::{Outcome, Purpose, Row, Session, begin, describe, outcome, server_error};
