//! The sequence of every change, in one place: facts, plan, policy, consent, lock, facts again,
//! backup, change, record. A verb that changes something implements [`Change`] and calls
//! [`perform()`]; it works with a [`Workspace`] and, for each database, a [`Database`].

mod after_steps;
mod agent;
mod agree;
mod apply_kept;
mod approval;
mod batch;
mod compared;
mod consent;
mod drift;
mod drop_kept;
mod expected;
mod generating;
mod history_edit;
mod kept_plan;
mod lock;
mod needs;
mod notify;
mod perform;
mod preview;
mod proof;
mod receipts;
mod record;
mod restore_snapshot;
mod retain;
mod schema_file;
mod seal;
mod sets;
mod status;
mod swap;
mod swap_back;
mod trail;
mod workspace;

pub(crate) use after_steps::after_migrate;
pub(crate) use agent::refuse_agent;
pub(crate) use agree::to_load;
pub(crate) use apply_kept::{apply_kept, run_kept};
pub(crate) use approval::SignedApproval;
pub(crate) use batch::{batched, shares_a_transaction, wants_all_or_nothing};
pub(crate) use compared::BuiltSchema;
pub(crate) use consent::{refused_in, within_bounds};
pub(crate) use drift::drift_of;
pub(crate) use drop_kept::{DropKept, KeptToDrop};
pub(crate) use generating::{
    has_generate_command, live_schema, refuse_own_generator, told_renames, with_answers,
};
pub(crate) use history_edit::HistoryEdit;
pub(crate) use kept_plan::{KeptPlan, signed_approval};
pub(crate) use lock::{lock_database, lock_files, lock_migrations};
pub(crate) use needs::{DatabaseNeed, Effect, Needs, SetNeed, ToolNeed, TrustNeed};
pub(crate) use notify::notify_of_failure;
pub(crate) use perform::{Change, Ending, Mode, foresee, perform, same_plan};
pub(crate) use preview::preview;
pub(crate) use proof::{Proved, Proving, prove, prove_rollback};
pub(crate) use receipts::{
    ReceiptState, receipt_is_there, receipt_of, receipts_are_accepted, receipts_of_rollback,
};
pub(crate) use restore_snapshot::restore_snapshot;
pub(crate) use retain::{after_backup, pruning};
pub(crate) use schema_file::{generated_schema, refresh_schema_file};
pub(crate) use seal::backup_obstacle;
pub(crate) use sets::{
    EndedSets, each_set, outcome_of_sets, outcome_with_consent, over_sets, sets_in_order,
};
pub(crate) use status::status_of;
pub(crate) use swap::{SwapLocks, old_database, refuse_maintenance, swap_in, taking_name};
pub(crate) use swap_back::apply_or_restore;
pub(crate) use workspace::{Database, TypedCommand, Workspace};
