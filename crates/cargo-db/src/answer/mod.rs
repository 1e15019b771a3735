//! The answer of each verb, as types. Every ending of every verb is one: it serialises to the JSON
//! that `docs/schema` describes, and has a text form for people.

mod audit;
mod backups;
mod check;
mod create;
mod deploy;
mod diagram;
mod difference;
mod doctor;
mod drift;
mod dry_run;
mod dump;
mod env;
mod error;
mod exit_code;
mod generate;
mod help;
mod hooks;
mod init;
mod kept;
mod key;
mod keyboard;
mod loss;
mod migrate;
mod outcome;
mod plan;
mod policy;
mod rehearsal;
mod rehearsed;
mod report;
mod restore;
mod schema;
mod schema_file;
mod schema_types;
mod seed;
mod server;
mod sets;
mod snapshot;
mod status;
mod step;
mod style;
pub(crate) mod text;
mod trust;
pub(crate) mod visible;

use serde::Serialize;

pub(crate) use audit::{AuditShown, AuditTrail, TrailSound};
pub(crate) use backups::{BackedUp, BackupList, BackupShown, Pruned, Verified};
pub(crate) use check::CheckReport;
pub(crate) use create::Created;
pub(crate) use deploy::{
    ConnectionsView, DeployFacts, DeployReport, NewestBackup, PendingReport, ReceiptView,
};
pub(crate) use diagram::Drawn;
pub(crate) use difference::DifferenceReport;
pub(crate) use doctor::{DoctorReport, ExaminedView, HealthState};
pub(crate) use dry_run::DryRun;
pub(crate) use dump::Dumped;
pub(crate) use env::EnvironmentReport;
pub(crate) use error::ErrorView;
pub(crate) use exit_code::{EXIT_CODES, ExitCodeView};
pub(crate) use generate::{GeneratedView, hazard_lines};
pub(crate) use help::{ArgumentView, CommandView, HelpView};
pub(crate) use hooks::{BranchNotice, HookReport, HookView, PreDeployScript, SetNotice};
pub(crate) use init::{Added, AgentFilesChecked, Initialised};
pub(crate) use kept::{AppliedPlan, ApprovalKeys, Approved, KeptPlanView, KeptPlans};
pub(crate) use key::{AcceptedKeys, KeyView};
pub(crate) use keyboard::{ManualPages, ShellScript};
pub(crate) use migrate::{AfterStepView, Migrated};
pub(crate) use outcome::{AnyAnswer, Outcome};
pub(crate) use plan::{Planned, TargetView};
pub(crate) use policy::{PolicyCell, PolicyTable};
pub(crate) use rehearsal::{NothingRehearsed, RehearsalReport, RehearsalView};
pub(crate) use rehearsed::{
    LockView, RehearsedView, RollbackView, RollbackWord, RowsView, StatementView,
};
#[cfg(feature = "ci")]
pub(crate) use report::PROGRAM_VERSION;
pub(crate) use report::{FileReport, SetReport, counts};
pub(crate) use restore::{Dropped, Restored};
pub(crate) use schema::{TableList, TableShown};
pub(crate) use schema_file::SchemaFileView;
pub(crate) use seed::{Rebuilt, Seeded};
pub(crate) use server::{ReapedServers, ServerList, ServerState, ServerUrl, ServerView};
pub(crate) use sets::{AnswerOfSets, SetAnswer, SetEnding, WITHOUT_NAME};
pub(crate) use snapshot::{SnapshotList, SnapshotRestored, SnapshotSaved, SnapshotsDropped};
pub(crate) use status::{SettingView, StatusFacts, StatusReport};
pub(crate) use style::{BOLD, CYAN, DIM, GREEN, RED, Style, YELLOW};
pub(crate) use text::not_run;
pub(crate) use trust::{TrustList, TrustRevoked, TrustView};

/// An ending of a verb: success, or a finding.
pub(crate) trait Answer: Serialize {
    /// The same for people.
    fn text(&self, style: &Style) -> String;

    /// The findings in each set of migrations, if the verb looks for any.
    fn reports(&self, _: &Style) -> Vec<SetReport> {
        Vec::new()
    }

    /// The text of the answers for several sets.
    fn text_of_sets(sets: &[SetAnswer<Self>], style: &Style) -> String
    where
        Self: Sized,
    {
        sets::one_after_the_other(sets, style)
    }
}

/// One of two answers that a verb can give.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum EitherAnswer<A, B> {
    One(A),
    Other(B),
}

impl<A: Answer, B: Answer> Answer for EitherAnswer<A, B> {
    fn text(&self, style: &Style) -> String {
        match self {
            EitherAnswer::One(answer) => answer.text(style),
            EitherAnswer::Other(answer) => answer.text(style),
        }
    }

    fn reports(&self, style: &Style) -> Vec<SetReport> {
        match self {
            EitherAnswer::One(answer) => answer.reports(style),
            EitherAnswer::Other(answer) => answer.reports(style),
        }
    }
}
