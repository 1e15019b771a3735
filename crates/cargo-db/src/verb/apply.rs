//! `cargo db apply`.

use std::path::PathBuf;

use clap::Args;

use crate::answer::Outcome;
use crate::change::{Effect, Needs, Workspace, apply_kept};
use crate::failure::Result;
use crate::verb::declare::Verb;

const EFFECT: Effect = Effect::Destroys;

/// Carry out a plan that `cargo db plan` kept
///
/// The plan is made again from the database and the files, and is carried out only if it has the
/// same id. The policy applies as if the command itself were run.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct ApplyArgs {
    /// The id of the plan
    #[arg(value_name = "PLAN-ID")]
    id: String,
    /// Read the plan from this file, for example one that was made on another machine
    #[arg(long, value_name = "FILE")]
    plan_file: Option<PathBuf>,
}

impl Verb for ApplyArgs {
    fn name(&self) -> &'static str {
        "apply"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs::REPOSITORY
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        apply_kept(workspace, &self.id, self.plan_file.as_deref(), None)
    }
}
