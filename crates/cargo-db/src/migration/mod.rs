//! Migrations of a real database: its state, and how a plan is carried out.

mod accepted;
mod applied;
mod batch;
mod blocks;
mod branches;
mod command;
mod concurrently;
mod database;
mod deferred;
mod departed;
mod execute;
mod facts;
mod files;
mod folder;
mod history;
mod leftovers;
mod losses;
mod lost;
mod new_files;
mod non_transactional;
mod one_by_one;
mod other_folders;
mod outcome;
mod record;
mod recorded;
mod renumber;
mod retry;
mod run;
mod runner;
mod session;
mod step;
mod tables;
mod tool;
mod unknown;
mod unmerged;
mod vendored;
mod verify;
mod waiting;
mod watchdog;
mod witness;

pub(crate) use accepted::accept_losses;
pub(crate) use applied::{AppliedMigration, AppliedVersions};
pub(crate) use branches::{name_branches, with_branches};
pub(crate) use command::{ask, commands_of, run_task, task_exists, verify_tool_target};
pub(crate) use database::{
    connect_or_none, create_if_absent, history_has_a_place, holds_rows, holds_tables,
    prepare_database, prepare_schema_of_copy,
};
pub(crate) use deferred::{check_deferred, defer_constraints};
pub(crate) use departed::{Copies, copy_departed};
pub(crate) use execute::check_files;
pub(crate) use facts::gather;
pub(crate) use files::{
    empty_down_file, has_no_statement, read_script, sql_of, warn_of_empty_files, without_statement,
};
pub(crate) use folder::{
    check_contexts, folder_in_git, migrations, named_folder_exists, read_folder,
    unmatched_expectations,
};
pub(crate) use history::{create_history, histories, read_history, read_table};
pub(crate) use losses::{count_losses, losses_of, losses_where};
pub(crate) use lost::{LostObject, dropped_by};
pub(crate) use new_files::{GeneratedFiles, checked_name, written_by_tool};
pub(crate) use other_folders::{
    DEPTH, ambiguous_tools, configured_tool, elsewhere, elsewhere_hint, guessed_instead_of,
    in_folders, in_words, is_project, no_migrations_hint,
};
pub(crate) use record::write_history;
pub(crate) use recorded::{applied_versions, changed_history};
pub(crate) use renumber::{RebaseJournal, names_are_free, renumber};
pub(crate) use runner::{can_run, carry_out};
pub(crate) use session::session_settings;
pub(crate) use tables::{PROJECT_SCHEMA, project_relation};
pub(crate) use unknown::{suggestion, with_suggestion};
pub(crate) use unmerged::branch_facts;
pub(crate) use vendored::{Vendored, folders_of_project, is_workspace, manifest_of, name_of};
pub(crate) use witness::Witness;
