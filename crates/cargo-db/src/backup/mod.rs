//! Backups that can be believed: taken from one snapshot, read back before they are called done,
//! verified whenever asked; and restores that are built beside the old database and swapped in.

mod beside;
mod folder;
mod inplace;
mod part;
mod restore;
mod retention;
mod roles;
mod set;
mod source;
mod take;
mod verify;

pub(crate) use beside::{Built, SCRATCH, clone_beside, copy_into, create_beside};
pub(crate) use folder::{Folder, Found};
pub(crate) use inplace::{LockedScope, begin, look, replace};
pub(crate) use part::{Part, Scope};
pub(crate) use restore::{build, drop_previous, finish, previous, scratch, swap, undo};
pub(crate) use retention::{keep_last, prune, remove, verdicts};
pub(crate) use roles::{create_roles, missing_roles};
pub(crate) use source::{Demands, Source, preflight};
pub(crate) use take::{Order, system_identifier, take};
pub(crate) use verify::Verifier;
