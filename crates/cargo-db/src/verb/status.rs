//! `cargo db status`.

use clap::Args;

use crate::answer::Outcome;
use crate::change::{Effect, Needs, SetNeed, Workspace, over_sets, status_of};
use crate::failure::{Exit, Result};
use crate::verb::declare::Verb;

const EFFECT: Effect = Effect::Reads;

/// Show the state of the database
///
/// Shows the connection, environment, migrations, tables and settings, in a read-only session.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct StatusArgs {
    /// Exit with code 1 if a migration is pending, and with 9 if one has a problem or the schema
    /// has drifted
    #[arg(long)]
    check: bool,
    /// Wait for the server to accept connections (default: 60 seconds)
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "60")]
    wait: Option<u64>,
}

impl Verb for StatusArgs {
    fn name(&self) -> &'static str {
        "status"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs { set: SetNeed::Each, ..Needs::DATABASE }
    }

    /// Shows the state of the database of each set. A set that cannot be read does not hide the
    /// others.
    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        over_sets(workspace, |workspace| {
            let status = status_of(workspace, self.wait)?;
            let finding = status.finding().filter(|_| self.check);
            Ok((status, finding.unwrap_or(Exit::Done)))
        })
    }
}
