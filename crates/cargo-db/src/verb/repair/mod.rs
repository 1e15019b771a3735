//! `cargo db repair`.

mod drift;
mod history;

use clap::Args;

use crate::answer::{DryRun, Migrated, Outcome};
use crate::change::{Effect, Ending, HistoryEdit, Mode, Workspace, perform};
use crate::failure::Result;
use crate::verb::declare::Verb;
use crate::verb::repair::drift::DriftRequest;

const EFFECT: Effect = Effect::ChangesData;

/// Repair the migration history where it is safe
///
/// Records the new checksum of an applied migration if only its comments or white space changed,
/// and removes the row of a failed run. Any other repair is refused with a reason.
/// With `--drift`, writes the changes that were made to the database by hand as a migration, and
/// records it as applied in this database, so that other databases get the changes with `migrate`.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct RepairArgs {
    /// Write a migration with the changes made to the database by hand, and record it as applied
    #[arg(long)]
    drift: bool,
    /// With `--drift`: name of the migration
    #[arg(long, value_name = "NAME", requires = "drift", default_value = "drift")]
    name: String,
    /// With `--drift`: a rename, such as `users=people` or `users.mail=email`; may be repeated
    #[arg(long, value_name = "OLD=NEW", requires = "drift")]
    rename: Vec<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for RepairArgs {
    fn name(&self) -> &'static str {
        "repair"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let (database, mode) = (workspace.database()?, Mode::of(self.dry_run));
        if self.drift {
            let (name, renames) = (&self.name, &self.rename);
            return drift::run(&database, &DriftRequest { name, renames, mode });
        }
        Ok(match perform(&database, mode, &mut HistoryEdit(history::plan))? {
            Ending::DryRun(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Nothing(plan) => {
                plan.warnings.iter().for_each(|warning| workspace.ui.warning(warning));
                Outcome::done(Migrated::of(&plan, &[]))
            }
            Ending::Done { plan, done, .. } => Outcome::done(Migrated::of(&plan, &done)),
        })
    }
}
