//! A database as facts: a line for each object, column, owner, privilege and comment. Two databases
//! with the same facts are the same but for their rows; otherwise the facts tell the difference.
//!
//! [`FactReader`] reads them again and again, and each time only what was written since.

mod fact;
mod of_object;
mod reader;
mod watch;

pub use fact::{Difference, Fact, SchemaFacts, Subject};
pub use reader::{FactReader, Omitted};
