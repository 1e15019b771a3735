//! What `migrate`, `rollback`, `baseline` and `repair` did.

use std::time::Duration;

use serde::Serialize;

use crate::answer::plan::Planned;
use crate::answer::text::{elapsed, milliseconds, plural};
use crate::answer::{Answer, Style};
use crate::migration::AppliedMigration;
use crate::plan::{Operation, Plan};

/// A plan about migrations that was carried out, or had nothing to do.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Migrated {
    #[serde(flatten)]
    planned: Planned,
    /// The migrations that were applied, rolled back or recorded.
    done: Vec<DoneView>,
    /// The backup that was taken before.
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
    /// Why nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What ran afterwards: `[hooks] after-migrate`, and what writes diesel's schema file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after_steps: Vec<AfterStepView>,
}

/// A command that ran after the migrations.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AfterStepView {
    pub(crate) command: String,
    pub(crate) ok: bool,
    pub(crate) duration_ms: u64,
    /// Why it failed, or did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A migration that is done.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DoneView {
    version: String,
    name: String,
    duration_ms: u64,
}

impl From<&AppliedMigration> for DoneView {
    fn from(applied: &AppliedMigration) -> DoneView {
        let (version, name) = (applied.version.to_string(), applied.name.clone());
        DoneView { version, name, duration_ms: milliseconds(applied.elapsed) }
    }
}

impl Migrated {
    /// What was done of the plan.
    pub(crate) fn of(plan: &Plan, applied: &[AppliedMigration]) -> Migrated {
        let planned = Planned::from(plan);
        let reason = applied.is_empty().then(|| planned.nothing_to_do());
        let done = applied.iter().map(DoneView::from).collect();
        Migrated { planned, done, backup: None, reason, after_steps: Vec::new() }
    }

    /// The same, with the backup that was taken before.
    pub(crate) fn with_backup(self, backup: Option<String>) -> Migrated {
        Migrated { backup, ..self }
    }

    /// The same, with what ran afterwards.
    pub(crate) fn with_after_steps(self, after_steps: Vec<AfterStepView>) -> Migrated {
        Migrated { after_steps, ..self }
    }

    /// Nothing was to do, for this reason.
    pub(crate) fn nothing(plan: &Plan, reason: String) -> Migrated {
        Migrated { reason: Some(reason), ..Migrated::of(plan, &[]) }
    }
}

impl Answer for Migrated {
    fn text(&self, _: &Style) -> String {
        if let Some(reason) = &self.reason {
            return reason.clone();
        }
        let count = plural(self.done.len(), "migration");
        let took = Duration::from_millis(self.done.iter().map(|done| done.duration_ms).sum());
        match self.planned.plan.verb {
            Operation::Baseline => format!("{count} recorded as applied, but not run"),
            Operation::Repair => format!("{count} repaired in the history"),
            Operation::RepairDrift => format!("{count} written and recorded as applied"),
            Operation::Rebase => format!("{count} renumbered"),
            Operation::Rollback | Operation::Switch => {
                format!("{count} reverted in {}", elapsed(took))
            }
            _ => format!("{count} applied in {}", elapsed(took)),
        }
    }
}
