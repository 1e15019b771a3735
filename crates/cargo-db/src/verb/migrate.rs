//! `cargo db migrate`.

use std::path::PathBuf;

use clap::Args;

use crate::answer::{DryRun, Migrated, Outcome};
use crate::audit::Trail;
use crate::change::{
    Change, Database, Effect, Ending, Mode, Proved, Proving, Workspace, apply_or_restore,
    backup_obstacle, batched, lock_migrations, perform, preview, prove, receipt_of,
    receipts_are_accepted, refresh_schema_file, same_plan, wants_all_or_nothing,
};
use crate::failure::Result;
use crate::migration::{self, AppliedMigration, Witness};
use crate::model::consent::Consent;
use crate::plan::{self, MigrateRequest, Plan, Tolerance};
use crate::verb::declare::Verb;
use crate::world::pg::Lock;

const EFFECT: Effect = Effect::ChangesSchema;

/// Apply pending migrations
///
/// Each migration runs in one transaction that also records it in the history table. A file that
/// begins with `-- no-transaction` runs statement by statement instead.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct MigrateArgs {
    /// Stop after this version
    #[arg(long, value_name = "VERSION", visible_alias = "target-version")]
    to: Option<String>,
    /// Apply at most N migrations
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "to")]
    steps: Option<usize>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Also show the SQL of the plan
    #[arg(long)]
    show_sql: bool,
    /// Apply all pending migrations or none (default in staging)
    #[arg(long)]
    all_or_nothing: bool,
    /// Use this receipt, the signed result of a rehearsal that ran on another machine
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Continue even if the file of an applied migration is missing
    #[arg(long)]
    ignore_missing: bool,
    /// Apply migrations that are older than the newest applied one, even if the policy refuses this
    #[arg(long)]
    allow_out_of_order: bool,
}

impl Verb for MigrateArgs {
    fn name(&self) -> &'static str {
        "migrate"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let Database { settings, target, .. } = &database;
        let ui = &workspace.ui;
        warn_of_unfinished(&database)?;
        if settings.migrations.layout.is_asked() && !self.dry_run {
            // The tool's command reads the pending migrations from the database, so that has to
            // exist.
            migration::create_if_absent(&workspace.world, settings, target)?;
        }
        let mut change = Migrating::new(self);
        match perform(&database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) => self.show(&database, &plan),
            Ending::Nothing(plan) if change.has_no_files => {
                if let Some(reason) = migration::no_migrations_hint(settings) {
                    let reason = format!("nothing to do: {reason}");
                    return Ok(Outcome::done(Migrated::nothing(&plan, reason)));
                }
                let dir = &settings.migrations.dir.value;
                let shown = dir.strip_prefix(&settings.root).unwrap_or(dir).display();
                let reason = format!(
                    "nothing to do: there is no migration of {} in `{shown}`",
                    settings.migrations.layout.key()
                );
                Ok(Outcome::done(Migrated::nothing(&plan, reason)))
            }
            Ending::Nothing(plan) => {
                plan.warnings.iter().for_each(|warning| ui.warning(warning));
                Ok(Outcome::done(Migrated::of(&plan, &[])))
            }
            Ending::Done { plan, done, .. } => {
                refresh_schema_file(&database);
                Ok(Outcome::done(Migrated::of(&plan, &done)))
            }
        }
    }
}

impl MigrateArgs {
    /// A dry run: the plan, and what is known about its migrations.
    fn show(&self, database: &Database<'_>, plan: &Plan) -> Result<Outcome> {
        let workspace = database.workspace;
        migration::check_files(&workspace.world, &database.settings, plan)?;
        let sql = self.show_sql.then(|| migration::sql_of(&database.settings, plan)).transpose()?;
        if plan.is_empty() {
            return Ok(Outcome::done(DryRun::of(plan).with_sql(sql)));
        }
        let answer = DryRun::of(plan).with_sql(sql);
        let stops = backup_obstacle(database, plan)?.is_some();
        let preview = match preview(database, plan, self.receipt.as_deref()) {
            // A database that cannot be backed up usually cannot be copied either, and that has
            // been reported already.
            Err(_) if stops => return Ok(Outcome::done(answer).finding_if(stops)),
            preview => preview?,
        };
        let answer = answer.with_preview(plan, &preview);
        Ok(Outcome::done(answer).finding_if(stops || !preview.is_safe()))
    }
}

/// Pending migrations, about to be applied.
struct Migrating<'a> {
    args: &'a MigrateArgs,
    /// Whether the project has no migration at all, and no file that was meant to be one.
    has_no_files: bool,
    /// How they are proved, once that is known.
    proving: Option<Proving<'a>>,
    proved: Proved,
}

/// What a run holds: the lock, and a detector of other writers if a backup can be swapped back in.
struct Held {
    lock: Lock,
    witness: Option<Witness>,
}

impl Change for Migrating<'_> {
    type Held = Held;
    type Done = Vec<AppliedMigration>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        let tolerance = Tolerance {
            missing: self.args.ignore_missing,
            out_of_order: self.args.allow_out_of_order,
        };
        let request =
            MigrateRequest { to: self.args.to.clone(), steps: self.args.steps, tolerance };
        let facts = migration::gather(world, settings, &database.target)?;
        self.has_no_files = facts.folder.is_empty();
        let wanted = wants_all_or_nothing(database, self.args.all_or_nothing)?;
        let mut plan = plan::migrate(&facts, &request)?;
        migration::count_losses(world, settings, &mut plan)?;
        let mut plan = batched(database, plan, wanted)?;
        migration::warn_of_empty_files(settings, &mut plan);
        plan.warnings.extend(migration::unmatched_expectations(settings, &facts.folder));
        plan.receipts = receipt_of(database, &plan, self.args.receipt.as_deref())?;
        Ok(plan)
    }

    fn examine(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        receipts_are_accepted(database, plan)?;
        let settings = &database.settings;
        migration::can_run(settings, plan)?;
        let (world, layout) = (&database.workspace.world, &settings.migrations.layout);
        migration::history_has_a_place(world, layout, plan)
    }

    fn prove(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        if self.args.show_sql {
            for (file, sql) in migration::sql_of(&database.settings, plan)? {
                database.workspace.ui.note(&format!("\n-- {}\n{sql}", file.display()));
            }
        }
        self.proving = Some(prove(database, plan, self.args.receipt.as_deref())?);
        Ok(())
    }

    fn find_proof(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        if let Some(proving) = self.proving.take() {
            self.proved = proving.require(database, plan)?;
        }
        Ok(())
    }

    fn lock(&mut self, database: &Database<'_>, plan: &Plan) -> Result<Held> {
        migration::prepare_database(&database.workspace.world, plan)?;
        Ok(Held { lock: lock_migrations(database, &database.target)?, witness: None })
    }

    /// Another run may have been faster. If no consent was needed, the new plan is simply used.
    fn check_still_consented(
        &mut self,
        database: &Database<'_>,
        before: &Plan,
        now: &Plan,
        given: Consent,
    ) -> Result<()> {
        if now.migrations().eq(before.migrations()) {
            return Ok(());
        }
        let is_new = |migration| before.migrations().all(|planned| planned != migration);
        // What is new was not rehearsed either.
        if given != Consent::Free || now.migrations().any(is_new) {
            same_plan(before, now)?;
        }
        let what = "another run changed the database meanwhile";
        database.workspace.ui.status("Replanned", what);
        Ok(())
    }

    fn before_backup(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        held: &mut Held,
    ) -> Result<()> {
        self.proved.count_again(database, plan)?;
        if plan.restores_backup_on_failure() {
            // What is written after the backup's snapshot is what must not be lost.
            let (world, target) = (&database.workspace.world, &database.target);
            held.witness = Some(Witness::begin(world, target, &mut held.lock)?);
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        held: Held,
        backup: Option<&str>,
    ) -> Result<Vec<AppliedMigration>> {
        let Held { mut lock, witness } = held;
        if let (Some(backup), Some(witness)) = (backup, witness) {
            return apply_or_restore(database, plan, lock, witness, backup);
        }
        migration::carry_out(&database.workspace.world, &database.settings, plan, &mut lock)
    }

    fn afterwards(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        self.proved.hold(database, plan)
    }
}

impl<'a> Migrating<'a> {
    fn new(args: &'a MigrateArgs) -> Migrating<'a> {
        Migrating { args, has_no_files: false, proving: None, proved: Proved::default() }
    }
}

/// A killed run could not swap its backup back in, and nobody can do so without asking: other
/// sessions may have written since.
fn warn_of_unfinished(database: &Database<'_>) -> Result<()> {
    let trail = Trail::of(&database.settings.root);
    let unfinished = trail.unfinished(&database.target)?;
    let Some(record) = unfinished.filter(|record| record.verb == "migrate") else {
        return Ok(());
    };
    let back = |backup| database.workspace.ui.command(&format!("cargo db restore {backup}"));
    let back = record
        .backup
        .map(|backup| format!("; `{}` goes back to before it", back(backup)))
        .unwrap_or_default();
    let when = record.when.get(..19).unwrap_or(&record.when);
    database.workspace.ui.warning(&format!(
        "the last migrate, of {when}, has no outcome recorded (killed or still running){back}"
    ));
    Ok(())
}
