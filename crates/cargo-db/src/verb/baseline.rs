//! `cargo db baseline`.

use clap::Args;

use crate::answer::{DryRun, Migrated, Outcome};
use crate::change::{BuiltSchema, Database, Effect, Ending, HistoryEdit, Mode, Workspace, perform};
use crate::failure::Result;
use crate::migration;
use crate::plan::{self, Plan, Step};
use crate::verb::declare::Verb;

const EFFECT: Effect = Effect::ChangesData;

/// Record pending migrations as applied, without running them
///
/// Use this for a database that already has the changes of these migrations, because it was created
/// in another way or migrated by another tool. In development and test, they are first applied to a
/// scratch database: if the database differs from that, nothing is recorded, unless the differences
/// are accepted.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct BaselineArgs {
    /// Stop after this version
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Record them although the database differs from what they build
    #[arg(long)]
    accept_differences: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for BaselineArgs {
    fn name(&self) -> &'static str {
        "baseline"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let mut built = BuiltSchema::default();
        let mut change = HistoryEdit(|database: &Database<'_>| self.plan(database, &mut built));
        Ok(match perform(&database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Nothing(plan) => Outcome::done(Migrated::of(&plan, &[])),
            Ending::Done { plan, done, .. } => Outcome::done(Migrated::of(&plan, &done)),
        })
    }
}

impl BaselineArgs {
    fn plan(&self, database: &Database<'_>, built: &mut BuiltSchema) -> Result<Plan> {
        let (world, target) = (&database.workspace.world, &database.target);
        let facts = migration::gather(world, &database.settings, target)?;
        let mut plan = plan::baseline(&facts, self.to.as_deref())?;
        if plan.is_empty() {
            return Ok(plan);
        }
        if !migration::holds_tables(world, target, &facts.layout)? {
            let warning = "the database is empty: it does not have the changes of these migrations";
            plan.warnings.push(warning.to_owned());
        }
        let comparison = built.compare(database, &plan)?;
        plan.steps.insert(0, Step::Compare { comparison, is_accepted: self.accept_differences });
        Ok(plan)
    }
}
