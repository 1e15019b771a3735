//! Migrations on a real database: what is known about them, and how a plan is carried out.

mod execute;
mod facts;

pub(crate) use execute::{Deed, carry_out, prepare_database};
pub(crate) use facts::{connect_or_none, gather, losses_of, read_from, table_question};
