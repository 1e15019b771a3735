//! Migrations on a real database: what is known about them, and how a plan is carried out.

mod batch;
mod execute;
mod facts;
mod outside;
mod verify;
mod watchdog;
mod witness;

pub(crate) use execute::{Deed, carry_out, look_through, prepare_database, read_script, session_settings};
pub(crate) use facts::{
    connect_or_none, gather, holds_rows, losses_of, losses_where, named_folder_exists, read_folder,
    read_history, read_table,
};
pub(crate) use witness::Witness;
