//! The schema of a database as people read it, and the file that holds the schema to which the
//! migrations lead.

mod base;
mod built;
mod chain;
mod difference;
mod file;
mod folder;
mod masked;
mod shown;
mod text;

pub(crate) use built::{GeneratedSchema, generate};
pub(crate) use difference::{Difference, LineOf};
pub(crate) use file::{Comparison, DifferingFile, FileState, SchemaFile};
pub(crate) use shown::{OWN_SCHEMA, ShownSchema, gather};
