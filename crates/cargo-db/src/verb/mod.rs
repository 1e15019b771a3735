//! The verbs, one file each: arguments (the doc comments are the help), needs, effect and run. A
//! new verb is a file and a line in the registry below.

mod apply;
mod approve;
mod audit;
mod backup;
mod backups;
mod baseline;
mod check;
mod completions;
mod create;
mod declare;
mod diagram;
mod diff;
mod doctor;
mod dump;
mod env;
mod generate;
mod help;
mod hooks;
mod init;
mod key;
mod manual;
mod mcp;
mod migrate;
mod plan;
mod planned;
mod policy;
mod rebase;
mod rehearse;
mod repair;
mod reset;
mod restore;
mod rollback;
mod schema;
mod seed;
mod server;
mod shell;
mod snapshot;
mod status;
mod switch;
mod trust;
mod words;

use clap::Parser;

use crate::answer::EXIT_CODES;
use crate::cli::Global;
use crate::verb::declare::{Verb, verbs};

pub(crate) use completions::completions;
pub(crate) use help::{commands, parse};
pub(crate) use planned::{read_command, with_planned};
pub(crate) use words::with_tip;

/// Work with the PostgreSQL databases of this workspace
#[derive(Debug, Parser)]
#[command(name = "cargo db", bin_name = "cargo db", version)]
#[command(max_term_width = 100, after_long_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

verbs! {
    /// The registry: one line a verb, in the order of the help.
    Command {
        Status(status::StatusArgs),
        Doctor(doctor::DoctorArgs),
        Create(create::CreateArgs),
        Migrate(migrate::MigrateArgs),
        Rollback(rollback::RollbackArgs),
        Baseline(baseline::BaselineArgs),
        Repair(repair::RepairArgs),
        Rebase(rebase::RebaseArgs),
        Switch(switch::SwitchArgs),
        Generate(generate::GenerateArgs),
        Diff(diff::DiffArgs),
        Init(init::InitArgs),
        Seed(seed::SeedArgs),
        Reset(reset::ResetArgs),
        Backup(backup::BackupArgs),
        Backups(backups::BackupsArgs),
        Dump(dump::DumpArgs),
        Restore(restore::RestoreArgs),
        Snapshot(snapshot::SnapshotArgs),
        Schema(schema::SchemaArgs),
        Diagram(diagram::DiagramArgs),
        Check(check::CheckArgs),
        Rehearse(rehearse::RehearseArgs),
        Plan(plan::PlanArgs),
        Apply(apply::ApplyArgs),
        Approve(approve::ApproveArgs),
        Env(env::EnvArgs),
        Key(key::KeyArgs),
        Policy(policy::PolicyArgs),
        Trust(trust::TrustArgs),
        #[command(alias = "history")]
        Audit(audit::AuditArgs),
        Hooks(hooks::HooksArgs),
        Mcp(mcp::McpArgs),
        Server(server::ServerArgs),
        Shell(shell::ShellArgs),
        Completions(completions::CompletionsArgs),
        Help(help::HelpArgs),
    }
}
