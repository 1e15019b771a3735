//! Facts about migration tools: how each names its files and keeps its history, which locks and
//! environment variables it uses, how it gets its database and by which commands it runs.
//!
//! This crate opens no file, starts no process and sends no query: its user passes in what was
//! read, and runs what is returned.
//!
//! Each tool has one file in `tools` and one line in `tools/mod.rs`. The facts were read in the
//! tools' sources, which each file names, and `scripts/test --tools` compares them with the real
//! tools.

pub mod command;
mod error;
pub mod history;
pub mod migration;
mod naming;
mod profile;
mod program;
mod project;
pub mod recognition;
mod renumbering;
mod section;
pub mod status;
mod tool;
mod tools;
mod unsupported;
mod variables;
mod written;

pub use error::ToolError;
pub use naming::NewMigration;
pub use profile::{
    Confidence, Generated, HistoryEntry, HistoryTable, LockPlace, NoTransactionForm, Profile,
    Renumbering, RollbackSupport, ToolKind,
};
pub use project::ProjectTool;
pub use section::{FormatProblem, Mark, Repeats, Sections};
pub use tool::{FoundFile, Tool, ToolSettings};
pub use tools::{supported, unsupported};
pub use unsupported::UnsupportedTool;
pub use variables::{Connection, Variable};
pub use written::NewStatements;
