//! Backups: taken from one snapshot, read back before they count as complete, verified on request;
//! and restores, built beside the old database and swapped in.

mod allowed;
mod argument;
mod aside;
mod bytes;
mod compare;
mod content;
mod copied;
mod doubts;
mod dump;
mod folder;
mod grants;
mod inplace;
mod integrity;
mod ledger;
mod limited;
mod load;
mod loading;
mod locale;
mod login;
mod owner;
mod owners;
mod parameters;
mod part;
mod plain;
mod preflight;
mod properties;
mod publications;
mod restore;
mod retention;
mod roles;
mod set;
mod sibling;
mod snapshot;
mod source;
mod subjects;
mod subscriptions;
mod survey;
mod swap;
mod tables;
mod take;
mod taken;
mod template;
mod verify;
mod visible;

pub(crate) use allowed::{Allowed, LoadFilter, beginning};
pub(crate) use argument::{RestoreArgument, from_folder};
pub(crate) use copied::{Copied, dump_into_scratch};
pub(crate) use dump::{BackupRequest, compression};
pub(crate) use folder::{BackupFolder, BackupListing, refuse_part, warn_about_unusable};
pub(crate) use inplace::{LockedScope, begin, gather, replace};
pub(crate) use login::loading_role;
pub(crate) use part::{BackupPart, RestoreScope};
pub(crate) use plain::{Place, Plain, PlainDump, PlainRequest};
pub(crate) use preflight::{RestoreOptions, preflight};
pub(crate) use restore::{analyse, build, carry_properties, finish, scratch};
pub(crate) use retention::{RetentionContext, clock_behind, remove};
pub(crate) use roles::{create_roles, missing_roles};
pub(crate) use sibling::{
    SCRATCH, SiblingDatabase, clone_database, clone_sibling, create_sibling, left_by_killed_runs,
    sibling_name, stem,
};
pub(crate) use snapshot::system_identifier;
pub(crate) use source::RestoreSource;
pub(crate) use subscriptions::warnings as warnings_of_subscriptions;
pub(crate) use swap::{
    KeptDatabase, OldDatabase, drop_previous, end_sessions, previous, select_previous, set_aside,
    swap, swap_and_drop, undo,
};
pub(crate) use taken::take;
pub(crate) use template::{SchemaTemplate, surroundings};
pub(crate) use verify::Verifier;
pub(crate) use visible::hidden_rows;
