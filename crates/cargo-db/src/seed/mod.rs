//! Filling a database: what is known about its tables and the seeds that it remembers, and how a
//! plan about seeds is carried out, all of it in one transaction.

mod csv;
mod facts;
mod folder;
mod load;
mod memory;

pub(crate) use facts::{count_cleared, gather};
pub(crate) use folder::seeds;
pub(crate) use load::{RowsLoaded, carry_out};
pub(crate) use memory::SeedRecord;
