//! `cargo db rebase`.

use std::fs::File;
use std::time::Duration;

use clap::Args;
use db_tools::Renumbering;
use time::OffsetDateTime;

use crate::answer::{DryRun, Migrated, Outcome};
use crate::change::{
    Change, Database, Effect, Ending, Mode, Workspace, lock_migrations, perform,
    refresh_schema_file,
};
use crate::cli::revision;
use crate::failure::{RebaseError, Result};
use crate::migration::{self, AppliedMigration, RebaseJournal};
use crate::plan::{self, Plan, Rebasing, Step};
use crate::verb::declare::Verb;
use crate::world::pg::Lock;
use crate::world::{clock, file_lock};

const EFFECT: Effect = Effect::Destroys;

/// Give the unmerged migrations versions after the merged ones
///
/// Renames the migrations of this branch that run before a merged one, so that they run after all
/// of them, in the same order as before. The records of those that are applied move along in the
/// history of the database; if a merged migration is not applied yet, or a file was edited, they
/// are rolled back first. Works with development and test databases only.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct RebaseArgs {
    /// Revision that has the merged migrations (default: the default branch of `origin`, or the
    /// local one)
    #[arg(long, value_name = "REV", value_parser = revision)]
    onto: Option<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for RebaseArgs {
    fn name(&self) -> &'static str {
        "rebase"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let onto = self.onto.as_deref();
        let mut change = Renumber { onto, now: clock::now(), has_database: false };
        Ok(match perform(&database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Nothing(plan) => {
                // A run that was killed at its very end left only the journal.
                RebaseJournal::remove(&database.settings)?;
                Outcome::done(Migrated::of(&plan, &[]))
            }
            Ending::Done { plan, done, .. } => {
                refresh_schema_file(&database);
                Outcome::done(Migrated::of(&plan, &done))
            }
        })
    }
}

/// The migrations of a branch, about to get other versions.
struct Renumber<'a> {
    onto: Option<&'a str>,
    /// The same moment before and after the consent: a version may be the time.
    now: OffsetDateTime,
    has_database: bool,
}

impl Change for Renumber<'_> {
    /// Nobody else writes a migration meanwhile. A database that does not exist has no lock.
    type Held = (Option<Lock>, File);
    type Done = Vec<AppliedMigration>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let Database { workspace, settings, target, .. } = database;
        let layout = &settings.migrations.layout;
        if let Renumbering::Elsewhere(order) = layout.renumbering() {
            let tool = layout.key().to_owned();
            return Err(RebaseError::OrderElsewhere { tool, order }.into());
        }
        let facts = migration::gather(&workspace.world, settings, target)?;
        self.has_database = facts.database_exists;
        if let Some(journal) = RebaseJournal::read(settings)? {
            let rest = journal.rest(settings, &facts, database.identity.as_deref())?;
            return Ok(plan::resume(&facts, rest));
        }
        let branch = migration::branch_facts(settings, self.onto)?;
        let mut rebasing = Rebasing::of(&facts, &branch, self.now)?;
        let reverted = std::mem::take(&mut rebasing.reverted);
        let reverted = match reverted.is_empty() {
            // The database may not exist.
            true => Vec::new(),
            false => migration::losses_of(&workspace.world, settings, target, reverted)?,
        };
        Ok(plan::rebase(&facts, rebasing, reverted))
    }

    fn examine(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        migration::names_are_free(&database.settings, plan)?;
        migration::check_files(&database.workspace.world, &database.settings, plan)
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Self::Held> {
        let lock = match self.has_database {
            true => Some(lock_migrations(database, &database.target)?),
            false => None,
        };
        Ok((lock, file_lock::lock_folder(&database.settings.root)?))
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        (mut lock, _alone): Self::Held,
        _: Option<&str>,
    ) -> Result<Vec<AppliedMigration>> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        if let Some((reverts, lock)) = plan.reverts().zip(lock.as_mut()) {
            migration::carry_out(world, settings, &reverts, lock)?;
        }
        migration::renumber(world, settings, plan, lock.as_mut())?;
        let done = plan.steps.iter().filter_map(|step| match step {
            Step::Renumber { migration, .. } => {
                Some(AppliedMigration::of(&migration.to, Duration::ZERO))
            }
            _ => None,
        });
        Ok(done.collect())
    }
}
