//! Snapshots: copies of a database that its server keeps beside it. Each is a database to which
//! nobody can connect, so that it can be copied at any time. Its comment says what it is: that
//! survives the loss of `.db`, and neither a dump of the database nor `pg_dumpall` contains it.

mod copying;
mod index;
mod kept;

pub(crate) use copying::{PlannedCopy, copy_snapshot, copy_source, plan_copy, plan_restore};
pub(crate) use index::{names_in_index, write_index};
pub(crate) use kept::{KeptSnapshot, drop_all, expired, find, follow, keep, snapshots};
