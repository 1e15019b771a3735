//! `cargo db audit`.

use clap::Args;

use crate::answer::{AuditTrail, Outcome, TrailSound};
use crate::audit::{self, Trail};
use crate::change::{Effect, Needs, Workspace};
use crate::failure::{AuditError, Result};
use crate::verb::declare::{Verb, verbs};
use crate::world::pg::{Purpose, Session};

const EFFECT: Effect = Effect::Reads;

/// Show the audit trail: what was done, by whom, and the outcome
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    action: Option<Action>,
    /// Show the trail kept in the database instead of this project's file
    #[arg(long)]
    database: bool,
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
    Action { Verify(VerifyAuditArgs), }
}

/// Verify the audit trail; report the first record that was changed or removed
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
        Needs::WORKSPACE
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let records = if self.database {
            let target = workspace.target()?;
            let mut session = Session::open(&workspace.world, &target, Purpose::Read)?;
            audit::in_database(&mut session)?
        } else {
            Trail::of(&workspace.settings.root).records()?
        };
        Ok(Outcome::done(AuditTrail { records }))
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
        Needs::WORKSPACE
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let records = Trail::of(&workspace.settings.root)
            .verify()?
            .map_err(|broken| AuditError::Broken { sequence: broken.sequence, why: broken.why })?;
        Ok(Outcome::done(TrailSound { records }))
    }
}
