//! Migrations from the difference between two schemas: the one that the migrations build and a
//! wanted one. A migration is proved on scratch databases before it is written.

mod bodies;
mod candidates;
mod compared;
mod content;
mod files;
mod filling;
mod insert;
mod migration;
mod own;
mod proof;
mod reading;
mod server_wide;
mod stage;
mod types;
mod wanted;

pub(crate) use compared::{ComparedSchema, SchemaDifference, compare, role};
pub(crate) use files::{
    NewFile, check, folder, last_version, migrations, new_files, remove, texts, write,
};
pub(crate) use filling::EmptyTable;
pub(crate) use migration::{GeneratedHazard, GeneratedMigration, Generating, is_told};
pub(crate) use own::catalog;
pub(crate) use proof::RowsInTheWay;
pub(crate) use stage::{DownStage, MigrationStage};
pub(crate) use wanted::{SchemaSource, WantedSchema, wanted};
