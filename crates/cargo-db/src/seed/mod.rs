//! Filling a database: the facts about its tables and the seeds that it records, and carrying out a
//! plan about seeds in one transaction.

mod csv;
mod facts;
mod folder;
mod load;
mod memory;

pub(crate) use facts::{count_cleared, gather};
pub(crate) use folder::seeds;
pub(crate) use load::{RowsLoaded, carry_out};
pub(crate) use memory::SeedRecord;
