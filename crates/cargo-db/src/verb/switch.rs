//! `cargo db switch`.

use clap::Args;

use crate::answer::{DryRun, Migrated, Outcome};
use crate::change::{
    Change, Database, Effect, Ending, Mode, Workspace, lock_migrations, perform,
    refresh_schema_file, restore_snapshot,
};
use crate::failure::{Result, SwitchError};
use crate::migration::{self, AppliedMigration, Copies};
use crate::model::migration::Checksum;
use crate::model::snapshot::SnapshotRecord;
use crate::plan::{self, Plan, RollbackRequest};
use crate::settings::Runner;
use crate::snapshot;
use crate::verb::declare::Verb;
use crate::world::pg::Lock;
use crate::world::revisions::common_ancestor;

const EFFECT: Effect = Effect::Destroys;

/// Roll back the applied migrations that are not on the branch that is checked out
///
/// Run it after `git switch`. Git has the files of the other branch: each migration is rolled back
/// by the down file of the version that was applied. Migrations that were applied with another
/// content than they have here are rolled back too, and are pending afterwards. If one cannot be
/// rolled back, the database goes to the newest snapshot that was saved on this branch. Works with
/// development and test databases only.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct SwitchArgs {
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for SwitchArgs {
    fn name(&self) -> &'static str {
        "switch"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let mode = Mode::of(self.dry_run);
        let ending = match perform(&database, mode, &mut Leaving::default()) {
            Err(failure) if failure.is_one_way() => {
                let Some(name) = snapshot_of_branch(&database)? else { return Err(failure) };
                let note = format!("{failure}: going to the snapshot {name} instead");
                workspace.ui.warning(&note);
                return restore_snapshot(&database, mode, Some(&name));
            }
            ending => ending?,
        };
        Ok(match ending {
            Ending::DryRun(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Nothing(plan) => Outcome::done(Migrated::of(&plan, &[])),
            Ending::Done { plan, done, backup } => {
                refresh_schema_file(&database);
                Outcome::done(Migrated::of(&plan, &done).with_backup(backup))
            }
        })
    }
}

/// The newest snapshot that was saved at the commit that is checked out, or at an earlier one in
/// its history, and whose migrations the branch has, the last one with the same content.
fn snapshot_of_branch(database: &Database<'_>) -> Result<Option<String>> {
    let Database { workspace, settings, target, .. } = database;
    let root = settings.root.as_path();
    let folder = migration::read_folder(settings)?;
    let file_of =
        |version: &String| folder.migrations.iter().find(|one| one.version.to_string() == *version);
    let is_as_here = |record: &SnapshotRecord| {
        let last = record.migrations.last().and_then(file_of);
        let stored = record.checksum.as_deref().map(Checksum::stored);
        record.migrations.iter().all(|version| file_of(version).is_some())
            && stored.is_none_or(|stored| last.is_some_and(|file| file.is_recorded_as(&stored)))
    };
    let is_earlier =
        |commit: &String| common_ancestor(root, commit, "HEAD").as_ref() == Some(commit);
    let all = snapshot::snapshots(&workspace.world, target)?;
    let fitting = all
        .into_iter()
        .map(|one| one.record)
        .find(|record| is_as_here(record) && record.commit.as_ref().is_some_and(is_earlier));
    Ok(fitting.map(|record| record.name))
}

/// The migrations of another branch, about to be rolled back.
#[derive(Default)]
struct Leaving {
    copies: Option<Copies>,
}

impl Change for Leaving {
    type Held = Lock;
    type Done = Vec<AppliedMigration>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let Database { workspace, settings, target, .. } = database;
        let migrations = &settings.migrations;
        let mut facts = migration::gather(&workspace.world, settings, target)?;
        if plan::departed(&facts).is_empty() {
            return Ok(plan::switch(&facts, Vec::new(), Vec::new()));
        }
        if migrations.runner == Runner::Tool || migrations.layout.is_asked() {
            return Err(SwitchError::ByTool { tool: migrations.layout.key().to_owned() }.into());
        }
        // Those of the plan that was consented to go before there are new ones.
        self.copies = None;
        let (departed, copies) = migration::copy_departed(settings, &mut facts)?;
        self.copies = Some(copies);
        let places = departed.iter().map(|one| format!("{}: {}", one.migration.title(), one.place));
        let places = places.collect();
        let departed: Vec<_> = departed.into_iter().map(|one| one.migration).collect();
        let versions = departed.iter().map(|one| one.version.clone()).collect();
        let as_applied = plan::with_departed(&facts, &departed);
        let reverted = plan::to_revert(&as_applied, &RollbackRequest::These(versions))?;
        let reverted = migration::losses_of(&workspace.world, settings, target, reverted)?;
        Ok(plan::switch(&facts, reverted, places))
    }

    fn examine(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        migration::check_files(&database.workspace.world, &database.settings, plan)
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
        let Some(reverts) = plan.reverts() else { return Ok(Vec::new()) };
        let Database { workspace, settings, .. } = database;
        migration::carry_out(&workspace.world, settings, &reverts, &mut lock)
    }
}
