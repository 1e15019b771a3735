//! `cargo db rollback`.

use clap::Args;

use crate::answer::{DryRun, Migrated, Outcome};
use crate::change::{
    Change, Database, Effect, Ending, Mode, Workspace, lock_migrations, perform, prove_rollback,
    receipts_are_accepted, receipts_of_rollback,
};
use crate::failure::Result;
use crate::migration::{self, AppliedMigration};
use crate::plan::{self, Plan, RollbackRequest};
use crate::verb::declare::Verb;
use crate::world::pg::Lock;

const EFFECT: Effect = Effect::Destroys;

/// Roll back applied migrations, newest first
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct RollbackArgs {
    /// Number of migrations to roll back
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, conflicts_with = "to")]
    steps: usize,
    /// Roll back all migrations newer than this version (0: all migrations)
    #[arg(long, value_name = "VERSION", visible_alias = "target-version")]
    to: Option<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Also show the SQL of the plan
    #[arg(long)]
    show_sql: bool,
}

impl Verb for RollbackArgs {
    fn name(&self) -> &'static str {
        "rollback"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        Ok(match perform(&database, Mode::of(self.dry_run), &mut Reverting(self))? {
            Ending::DryRun(plan) => {
                let sql = self.show_sql.then(|| migration::sql_of(&database.settings, &plan));
                Outcome::done(DryRun::of(&plan).with_sql(sql.transpose()?))
            }
            Ending::Nothing(plan) => Outcome::done(Migrated::of(&plan, &[])),
            Ending::Done { plan, done, backup } => {
                Outcome::done(Migrated::of(&plan, &done).with_backup(backup))
            }
        })
    }
}

/// Applied migrations, about to be rolled back.
struct Reverting<'a>(&'a RollbackArgs);

impl Change for Reverting<'_> {
    type Held = Lock;
    type Done = Vec<AppliedMigration>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        let request = match &self.0.to {
            Some(version) => RollbackRequest::To(version.clone()),
            None => RollbackRequest::Steps(self.0.steps),
        };
        let facts = migration::gather(world, settings, &database.target)?;
        let migrations = plan::to_revert(&facts, &request)?;
        let with_losses = migration::losses_of(world, settings, &database.target, migrations)?;
        let mut plan = plan::rollback(&facts, with_losses);
        plan.receipts = receipts_of_rollback(database, &plan)?;
        Ok(plan)
    }

    fn examine(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        migration::check_files(&database.workspace.world, &database.settings, plan)?;
        receipts_are_accepted(database, plan)
    }

    fn find_proof(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        prove_rollback(database, plan)
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_migrations(database, &database.target)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        mut lock: Lock,
        _: Option<&str>,
    ) -> Result<Vec<AppliedMigration>> {
        migration::carry_out(&database.workspace.world, &database.settings, plan, &mut lock)
    }
}
