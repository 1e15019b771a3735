//! `cargo db reset`.

use clap::Args;

use crate::answer::text::plural;
use crate::answer::{self, DryRun, Outcome};
use crate::audit::DatabaseIdentity;
use crate::backup::{self, OldDatabase};
use crate::change::{
    Change, Database, Effect, Ending, Mode, SwapLocks, Workspace, lock_migrations, old_database,
    perform, refuse_maintenance, same_plan, within_bounds,
};
use crate::failure::{ConsentError, Failure, Result};
use crate::migration;
use crate::model::consent::Consent;
use crate::model::history::History;
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest, Plan, SeedRequest, Step};
use crate::seed::{self, RowsLoaded};
use crate::verb::declare::Verb;
use crate::world::pg::{Purpose, Session};

const EFFECT: Effect = Effect::Destroys;

/// Rebuild the database from migrations and seeds
///
/// Takes a backup, builds a new database beside the old one and swaps it in. If a migration or seed
/// fails, the old database stays in place.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct ResetArgs {
    /// Same as `--yes`
    #[arg(short, long)]
    force: bool,
    /// Load no seeds
    #[arg(long)]
    no_seed: bool,
    /// Keep only the newest N backups afterwards
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for ResetArgs {
    fn name(&self) -> &'static str {
        "reset"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn implies_yes(&self) -> bool {
        self.force
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        Ok(match perform(&database, Mode::of(self.dry_run), &mut Rebuilding::of(self))? {
            Ending::DryRun(plan) | Ending::Nothing(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Done { plan, done: rows, backup } => {
                let migrations = plan.migrations().count();
                Outcome::done(answer::Rebuilt::of(&database.target, migrations, &rows, backup))
            }
        })
    }
}

/// A database about to be rebuilt from migrations and seeds.
struct Rebuilding<'a> {
    reset: &'a ResetArgs,
    /// The consent that was given; known from `still_agreed` on.
    given: Consent,
}

impl<'a> Rebuilding<'a> {
    fn of(reset: &'a ResetArgs) -> Rebuilding<'a> {
        Rebuilding { reset, given: Consent::Free }
    }

    /// Fails if the old database now holds more than the consent covers: other sessions may have
    /// written to it while the new one was migrated and seeded.
    fn last_look(&self, database: &Database<'_>, plan: &Plan, old: &Target) -> Result<()> {
        if self.given == Consent::Free {
            return Ok(());
        }
        let mut session = Session::open(&database.workspace.world, old, Purpose::Read)?;
        let layout = &database.settings.migrations.layout;
        let found = migration::losses_where(&mut session, layout, "true")?;
        let mut now = plan.clone();
        for step in &mut now.steps {
            if let Step::Swap { loses, .. } = step {
                loses.clone_from(&found);
            }
        }
        now.bound(&plan.at_most());
        within_bounds(database, now.losses())?;
        same_plan(plan, &now)
    }
}

impl Change for Rebuilding<'_> {
    type Held = SwapLocks;
    type Done = RowsLoaded;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        refuse_maintenance(&database.target)?;
        let (world, settings) = (&database.workspace.world, &database.settings);
        let facts = migration::gather(world, settings, &database.target)?;
        let exists = facts.database_exists;
        let own = facts.history.table.clone();
        // The new database has no history.
        let missing_schema = plan::schema_of_new(&facts.layout, &facts.target);
        let fresh = plan::MigrationFacts {
            history: History::default(),
            database_exists: true,
            missing_schema,
            ..facts
        };
        let migrated = plan::migrate(&fresh, &MigrateRequest::default())?;
        let (mut steps, mut warnings) = (vec![Step::BuildEmpty], migrated.warnings);
        steps.extend(migrated.steps);
        if !self.reset.no_seed {
            steps.extend(seeding(database)?);
        }
        let name = database.target.database.clone();
        if exists {
            let (swap, what_goes) = replacing(database, own.as_deref())?;
            warnings.extend(what_goes);
            steps.push(swap);
        } else {
            steps.push(Step::Name { name });
        }
        let (verb, target) = (plan::Operation::Reset, &database.target);
        let mut plan = Plan::from_basis(verb, target, fresh.environment, steps, String::new());
        plan.warnings = warnings;
        plan.keeps_backups = self.reset.keep;
        Ok(plan)
    }

    fn lock(&mut self, database: &Database<'_>, plan: &Plan) -> Result<SwapLocks> {
        SwapLocks::acquire(database, &database.target, plan)
    }

    fn check_still_consented(
        &mut self,
        _database: &Database<'_>,
        before: &Plan,
        now: &Plan,
        given: Consent,
    ) -> Result<()> {
        self.given = given;
        same_plan(before, now)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        _locks: SwapLocks,
        _: Option<&str>,
    ) -> Result<RowsLoaded> {
        let (world, target) = (&database.workspace.world, &database.target);
        let mut built = backup::create_sibling(world, target, "reset", None)?;
        let rows = fill(database, plan, &built.target)?;
        backup::finish(world, target, &mut built, None)?;
        if old_database(plan) == OldDatabase::Absent {
            backup::swap(world, target, built, OldDatabase::Absent)?;
            return Ok(rows);
        }
        let identity = DatabaseIdentity::of(world, target)?.of_new();
        identity.give(world, &built.target)?;
        self.last_look(database, plan, target)?;
        backup::swap_and_drop(world, target, built, |old| self.last_look(database, plan, old))?;
        Ok(rows)
    }
}

/// The steps that load the seeds.
fn seeding(database: &Database<'_>) -> Result<Vec<Step>> {
    let settings = &database.settings.seeds;
    let seeds = seed::seeds(&settings.dir.value)?;
    let here = seeds.into_iter().filter(|seed| seed.belongs_in(database.environment()));
    let command = settings.command.to_run_if_any()?;
    let command = (!command.is_empty()).then_some(Step::Run { command });
    Ok(here.map(|seed| Step::Load { seed }).chain(command).collect())
}

/// The final swap, its losses, and a description of what is dropped.
fn replacing(database: &Database<'_>, own_history: Option<&str>) -> Result<(Step, Vec<String>)> {
    let name = database.target.database.clone();
    let mut session = Session::open(&database.workspace.world, &database.target, Purpose::Read)?;
    let layout = &database.settings.migrations.layout;
    let loses = migration::losses_where(&mut session, layout, "true")?;
    let size = "SELECT pg_size_pretty(pg_database_size(current_database()))";
    let size = session.value("ask for the size", size)?.unwrap_or_default();
    let tables = plural(loses.len(), "table");
    let mut words = vec![format!("everything in {name} is dropped: {tables}, {size}")];
    let histories = migration::histories(&mut session)?.into_iter();
    let others = histories.filter(|(_, table)| own_history != Some(table.as_str()));
    words.extend(others.map(|(tool, table)| {
        format!(
            "`{table}`, the history of {tool}, is dropped too; its migrations are not applied again"
        )
    }));
    Ok((Step::Swap { name, keeps_old: false, loses }, words))
}

/// Applies the migrations and loads the seeds of the plan in the new database.
fn fill(database: &Database<'_>, plan: &Plan, target: &Target) -> Result<RowsLoaded> {
    let (world, settings) = (&database.workspace.world, &database.settings);
    let facts = migration::gather(world, settings, target)?;
    let migrated = plan::migrate(&facts, &MigrateRequest::default())?;
    if migrated.migrations().ne(plan.migrations()) {
        let (before, now) = (plan.id().to_string(), "another plan".to_owned());
        return Err(ConsentError::PlanChanged { before, now }.into());
    }
    let mut lock = lock_migrations(database, target)?;
    if !migrated.is_empty() {
        migration::carry_out(world, settings, &migrated, &mut lock).map_err(Failure::undone)?;
    }
    let wants_seeds = |step: &Step| matches!(step, Step::Load { .. } | Step::Run { .. });
    if !plan.steps.iter().any(wants_seeds) {
        return Ok(RowsLoaded::new());
    }
    let facts = seed::gather(world, settings, target)?;
    let command = settings.seeds.command.to_run_if_any()?;
    let request = SeedRequest { command, ..SeedRequest::default() };
    seed::carry_out(world, &plan::seed(&facts, &request)?, settings)
}
