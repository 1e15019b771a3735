//! Migration tools as facts: how each names its files and keeps its history, which locks and
//! environment variables it uses, how it gets its database and by which commands it runs.
//!
//! No file is opened here, no process started and no query sent: who uses this crate hands in what
//! was read, and runs what it gets back.
//!
//! Everything that is known of one tool stands in one file of `tools`, and one line of the list
//! in `tools/mod.rs` makes it known. What is in these files was read in the tools' sources, which
//! each file names, and is held against the real tools by `scripts/test --tools`.

pub mod command;
mod error;
pub mod history;
pub mod migration;
mod naming;
mod profile;
mod program;
mod project;
pub mod recognition;
mod section;
pub mod status;
mod tool;
mod tools;
mod unsupported;
mod variables;

pub use error::ToolError;
pub use naming::NewMigration;
pub use profile::{
    Confidence, Generated, HistoryEntry, HistoryTable, LockPlace, Profile, RollbackSupport,
    ToolKind,
};
pub use project::ProjectTool;
pub use section::{FormatProblem, Mark, Repeats, Sections};
pub use tool::{FoundFile, Tool, ToolSettings};
pub use tools::{supported, unsupported};
pub use unsupported::UnsupportedTool;
pub use variables::{Connection, Variable};
