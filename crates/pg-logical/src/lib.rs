//! A PostgreSQL dump as a value: the rows that its COPY blocks hold, and the parts of an archive.
//!
//! Everything that looks at each row of a dump lives here, in a crate of its own, because it is
//! optimised in the dev profile too: the rest of cargo db is not, and half a gigabyte of rows
//! passes through this code. Nothing here is generic over its input for the same reason: a
//! generic function is compiled where it is used.
//!
//! No I/O but reading from what is handed in, and no client tools.

pub mod archive;
pub mod content;
