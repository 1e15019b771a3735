//! `cargo db repair --drift`: the changes that were made by hand become a migration, which is
//! recorded as applied where they were made.

use std::fs::File;
use std::time::Duration;

use pg_logical::diff::Rename;

use crate::answer::{DryRun, Migrated, Outcome, hazard_lines, not_run};
use crate::change::{
    Change, Database, Ending, Mode, drift_of, live_schema, lock_migrations, perform,
    refresh_schema_file, refuse_own_generator, told_renames, with_answers,
};
use crate::failure::{Exit, Result};
use crate::generate::{
    self, ComparedSchema, GeneratedMigration, Generating, NewFile, WantedSchema,
};
use crate::migration::{self, AppliedMigration};
use crate::model::migration::MigrationFolder;
use crate::plan::{self, Plan};
use crate::schema::Drift;
use crate::world::pg::Lock;
use crate::world::{file_lock, files};

/// What was asked for.
pub(super) struct DriftRequest<'a> {
    pub(super) name: &'a str,
    /// The renames that were named, as `old=new`.
    pub(super) renames: &'a [String],
    pub(super) mode: Mode,
}

/// Writes and records the migration.
pub(super) fn run(database: &Database<'_>, request: &DriftRequest<'_>) -> Result<Outcome> {
    refuse_own_generator(&database.settings)?;
    let name = migration::checked_name(request.name)?;
    let told = told_renames(request.renames)?;
    let mut repair =
        DriftRepair { name, told, mode: request.mode, is_asked: false, found: None, files: vec![] };
    Ok(match perform(database, request.mode, &mut repair)? {
        Ending::DryRun(plan) => {
            let texts = generate::texts(&database.settings, &repair.files);
            Outcome::done(DryRun::of(&plan).with_sql((!texts.is_empty()).then_some(texts)))
        }
        Ending::Nothing(plan) => {
            warn_of_rest(database, &plan)?;
            Outcome::done(Migrated::of(&plan, &[]))
        }
        Ending::Done { plan, done, .. } => {
            refresh_schema_file(database);
            warn_of_rest(database, &plan)?;
            Outcome::done(Migrated::of(&plan, &done))
        }
    })
}

/// Names what still differs: no generated migration contains it.
fn warn_of_rest(database: &Database<'_>, plan: &Plan) -> Result<()> {
    let is_applied = !plan.applied.is_empty() || !plan.is_empty();
    let drift = if is_applied { drift_of(database)? } else { None };
    let Some(Drift::Found { objects, .. }) = drift else { return Ok(()) };
    let objects = objects.iter().map(|one| format!("{} ({})", one.object, one.how));
    let objects = objects.collect::<Vec<_>>().join(", ");
    database.workspace.ui.warning(&format!(
        "what depends on the server is not written into a migration, and still differs: {objects}"
    ));
    Ok(())
}

struct DriftRepair {
    name: String,
    told: Vec<Rename>,
    mode: Mode,
    /// Whether possible renames were asked about.
    is_asked: bool,
    found: Option<FoundChanges>,
    files: Vec<NewFile>,
}

/// The changes, with what they were found in.
struct FoundChanges {
    folder: MigrationFolder,
    live: ComparedSchema,
    /// `None` if there are none.
    migration: Option<GeneratedMigration>,
}

impl FoundChanges {
    /// Whether nothing changed since.
    fn is_current(&self, folder: &MigrationFolder, live: &ComparedSchema) -> bool {
        // No role is named if owners are not compared.
        let difference = generate::compare(&self.live, live, "");
        self.folder == *folder && difference.is_ok_and(|found| found.plan.steps.is_empty())
    }
}

impl DriftRepair {
    /// Generates the migration, unless it is the same as before.
    fn find(&mut self, database: &Database<'_>) -> Result<&FoundChanges> {
        let Database { workspace, settings, target, .. } = database;
        let source = live_schema(database)?;
        let folder = generate::folder(settings)?;
        let wanted = generate::wanted(&workspace.world, settings, target, &source)?;
        let live = ComparedSchema::masked(wanted.catalog.clone(), false);
        let found = match self.found.take().filter(|found| found.is_current(&folder, &live)) {
            Some(found) => found,
            None => FoundChanges { folder, live, migration: self.generate(database, wanted)? },
        };
        Ok(self.found.insert(found))
    }

    fn generate(
        &mut self,
        database: &Database<'_>,
        wanted: WantedSchema,
    ) -> Result<Option<GeneratedMigration>> {
        let Database { workspace, settings, target, .. } = database;
        let generating = Generating::new(&workspace.world, settings, target, wanted, false)?;
        if !std::mem::replace(&mut self.is_asked, true) {
            if !generating.not_run().is_empty() {
                workspace.ui.warning(&not_run(generating.not_run()));
            }
            let (told, is_dry_run) = (std::mem::take(&mut self.told), self.mode == Mode::DryRun);
            self.told = with_answers(workspace, &generating, told, is_dry_run)?;
        }
        generating.migration(&self.told)
    }
}

/// The digest of the statements of each file.
fn digests(migration: &GeneratedMigration) -> impl Iterator<Item = String> {
    migration.stages.iter().map(|stage| {
        let statements = format!("{:?} {:?}", stage.up, stage.down);
        files::sha256(statements.as_bytes()).to_string()
    })
}

impl Change for DriftRepair {
    /// Nobody else writes a migration meanwhile.
    type Held = (Lock, File);
    type Done = Vec<AppliedMigration>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let Database { workspace, settings, target, .. } = database;
        let facts = migration::gather(&workspace.world, settings, target)?;
        plan::refuse_unapplied(&facts)?;
        let name = self.name.clone();
        let FoundChanges { folder, migration, .. } = self.find(database)?;
        let Some(migration) = migration else {
            self.files.clear();
            return Ok(plan::repair_drift(&facts, Vec::new()));
        };
        let files = generate::new_files(settings, &name, &migration.stages, folder.clone())?;
        let new = generate::migrations(settings, &files).into_iter().zip(digests(migration));
        let mut plan = plan::repair_drift(&facts, new.collect());
        plan.warnings = hazard_lines(migration);
        self.files = files;
        Ok(plan)
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Self::Held> {
        let lock = lock_migrations(database, &database.target)?;
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
        generate::write(&self.files)?;
        if let Err(failure) = migration::write_history(world, settings, plan, &mut lock) {
            if failure.exit() == Exit::Failed {
                generate::remove(&self.files);
            }
            return Err(failure);
        }
        Ok(plan.migrations().map(|one| AppliedMigration::of(one, Duration::ZERO)).collect())
    }
}
