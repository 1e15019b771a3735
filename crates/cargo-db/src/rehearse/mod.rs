//! Predicts the effects of migrations: every pending migration runs on a scratch copy of the
//! database and is measured there, statement by statement; then its down migration runs.

mod advice;
mod aftermath;
mod back;
mod baseline;
mod batch;
mod capture;
mod content;
mod cost;
mod cover;
mod dropped;
mod filled;
mod folded;
mod forward;
mod guarantees;
mod hidden;
mod history;
mod invalid;
mod judge;
mod lost_guarantees;
mod measure;
mod measured;
mod orphans;
mod overwrites;
mod partitions;
mod program;
mod queries;
mod receipt;
mod recorded;
mod rehearsal;
mod request;
mod rollback_proof;
mod rows;
mod run;
mod schema_facts;
mod scratch;
mod sequences;
mod shared;
mod sizes;
mod snapshot;
mod stage;
mod watch;

#[cfg(test)]
pub(crate) use cost::LargerTable;
pub(crate) use cost::{CostEstimate, Estimate, MigrationEstimate};
pub(crate) use cover::chains;
pub(crate) use judge::only_locks;
pub(crate) use queries::read as read_queries;
pub(crate) use receipt::{Receipt, Receipts, SchemaState, estimated_rows};
pub(crate) use rehearsal::rehearse;
pub(crate) use request::{CopySource, Request};
pub(crate) use scratch::{Scratch, make as copy};
