//! The schema of a database as people read it, and the file that holds the schema to which the
//! migrations lead.

mod base;
mod built;
mod chain;
mod difference;
mod drift;
mod file;
mod fingerprint;
mod folder;
mod kept;
mod masked;
mod place;
mod reader;
mod server_wide;
mod shown;
mod text;

pub(crate) use base::without_restrict;
pub(crate) use built::{
    GeneratedSchema, MigratedScratch, OUTSIDE, earlier, generate, migrated_scratch, scratch_up_to,
};
pub(crate) use difference::{Difference, LineOf};
pub(crate) use drift::{
    Drift, DriftedObject, Glance, SchemaBefore, UnknownDrift, histories_of_other_sets,
};
pub(crate) use file::{Comparison, DifferingFile, FileState, SchemaFile};
pub(crate) use masked::mask;
pub(crate) use place::FingerprintKeeper;
pub(crate) use reader::SchemaReader;
pub(crate) use server_wide::is_inside;
pub(crate) use shown::{OWN_SCHEMA, ShownSchema, gather, read};
pub(crate) use text::is_marked;
