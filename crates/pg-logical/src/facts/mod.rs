//! A database as facts: one line for each object, column, owner, privilege and comment. Two
//! databases with the same facts differ at most in their rows.
//!
//! [`FactReader`] reads them repeatedly, and each time only what was written since the last read.

mod digest;
mod fact;
mod of_object;
mod reader;
mod watch;

pub use digest::catalog_digest;
pub use fact::{Difference, Fact, SchemaFacts, Subject};
pub use reader::{FactReader, Omitted};
