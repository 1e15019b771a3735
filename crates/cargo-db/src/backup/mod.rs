//! Backups that can be believed: taken from one snapshot, read back before they are called done,
//! verified whenever asked; and restores that are built beside the old database and swapped in.

mod folder;
mod restore;
mod set;
mod take;
mod verify;

pub(crate) use folder::{Folder, Found};
pub(crate) use restore::{Preflight, Source, build, drop_previous, preflight, previous, swap, undo};
pub(crate) use take::{Order, take};
pub(crate) use verify::Verifier;
