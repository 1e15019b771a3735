//! Backups that can be believed: taken from one snapshot, read back before they are called done,
//! verified whenever asked; and restores that are built beside the old database and swapped in.

mod allowed;
mod bytes;
mod compare;
mod content;
mod dump;
mod folder;
mod grants;
mod inplace;
mod integrity;
mod known;
mod load;
mod locale;
mod look;
mod owner;
mod part;
mod preflight;
mod properties;
mod restore;
mod retention;
mod roles;
mod set;
mod sibling;
mod snapshot;
mod source;
mod swap;
mod take;
mod verify;
mod visible;

pub(crate) use allowed::{Allowed, Wanted, beginning};
pub(crate) use dump::BackupRequest;
pub(crate) use folder::{Folder, Found, refuse_part, tell_passed_over};
pub(crate) use inplace::{LockedScope, begin, gather, replace};
pub(crate) use part::{Part, Scope};
pub(crate) use preflight::{RestoreOptions, preflight};
pub(crate) use restore::{build, finish, scratch};
pub(crate) use retention::{Surroundings, remove};
pub(crate) use roles::{create_roles, missing_roles};
pub(crate) use sibling::{Built, Copied, SCRATCH, clone_sibling, copy_into, create_sibling};
pub(crate) use snapshot::system_identifier;
pub(crate) use source::Source;
pub(crate) use swap::{OldDatabase, drop_previous, previous, swap, undo};
pub(crate) use take::take;
pub(crate) use verify::Verifier;
pub(crate) use visible::hidden_rows;
