//! `cargo db audit`.

use std::num::NonZeroUsize;

use clap::Args;

use crate::answer::{AuditShown, AuditTrail, Outcome, TrailSound};
use crate::audit::{self, Trail};
use crate::change::{Effect, Needs, SetNeed, Workspace, over_sets};
use crate::failure::{AuditError, Exit, Result};
use crate::model::audit::Record;
use crate::verb::declare::{Verb, verbs};
use crate::world::pg::{Purpose, Session};

const EFFECT: Effect = Effect::Reads;

/// Show the audit trail: what was done, by whom, and the outcome
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help(), args_conflicts_with_subcommands = true)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    action: Option<Action>,
    /// Show the trail in the database instead of the file of this project
    #[arg(long)]
    database: bool,
    /// Show only the newest operations
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
}

impl AuditArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        match &self.action {
            None => self,
            Some(action) => action.verb(),
        }
    }
}

verbs! {
    /// What else to do with the trail.
    Action { Show(ShowAuditArgs), Verify(VerifyAuditArgs), }
}

/// Show all that is recorded about one operation
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct ShowAuditArgs {
    /// Number of the operation, as `cargo db audit` shows it
    number: usize,
    /// Search the trail in the database instead of the file of this project
    #[arg(long)]
    database: bool,
}

/// Verify the audit trail and report the first record that was changed or removed
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct VerifyAuditArgs {}

impl Verb for AuditArgs {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        needs(self.database, SetNeed::Each)
    }

    /// The file is of the project; each set may have a database of its own.
    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let trail = |workspace: &Workspace| {
            let trail = AuditTrail::of(records(workspace, self.database)?);
            let newest = self.limit.map_or(usize::MAX, NonZeroUsize::get);
            Ok((trail.newest(newest), Exit::Done))
        };
        match self.database {
            true => over_sets(workspace, trail),
            false => trail(workspace).map(|(trail, _)| Outcome::done(trail)),
        }
    }
}

/// The trail of the project is that of all sets.
fn needs(is_of_database: bool, of_database: SetNeed) -> Needs {
    let set = if is_of_database { of_database } else { SetNeed::None };
    Needs { set, ..Needs::WORKSPACE }
}

/// The records of the project, or of the database.
fn records(workspace: &Workspace, is_of_database: bool) -> Result<Vec<Record>> {
    if !is_of_database {
        return Trail::of(&workspace.settings.root).records();
    }
    let target = workspace.target()?;
    audit::in_database(&mut Session::open(&workspace.world, &target, Purpose::Read)?)
}

impl Verb for ShowAuditArgs {
    fn name(&self) -> &'static str {
        "audit show"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        needs(self.database, SetNeed::One)
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let records = records(workspace, self.database)?;
        let shown =
            AuditShown::of(&records, self.number).map_err(|count| AuditError::NoOperation {
                number: self.number,
                count: count.0,
                command: format!(
                    "cargo db audit{}",
                    if self.database { " --database" } else { "" }
                ),
            })?;
        Ok(Outcome::done(shown))
    }
}

impl Verb for VerifyAuditArgs {
    fn name(&self) -> &'static str {
        "audit verify"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let records = Trail::of(&workspace.settings.root)
            .verify()?
            .map_err(|broken| AuditError::Broken { sequence: broken.sequence, why: broken.why })?;
        Ok(Outcome::done(TrailSound { records }))
    }
}
