//! `cargo db migrate`.

use std::path::PathBuf;

use clap::Args;

use crate::answer::{AfterStepView, DryRun, EitherAnswer, Migrated, Outcome, SetEnding};
use crate::audit::Trail;
use crate::change::{
    Change, Database, Effect, Ending, Mode, Needs, Proved, Proving, SetNeed, Workspace,
    after_migrate, apply_or_restore, backup_obstacle, batched, each_set, foresee, lock_migrations,
    outcome_with_consent, perform, preview, prove, receipt_is_there, receipt_of,
    receipts_are_accepted, refresh_schema_file, same_plan, sets_in_order, wants_all_or_nothing,
};
use crate::failure::{Exit, Result};
use crate::migration::{self, AppliedMigration, Witness};
use crate::model::consent::Consent;
use crate::plan::{self, MigrateRequest, Plan, Tolerance};
use crate::settings::Settings;
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
    /// Use the receipts in this file, which `rehearse --receipt-to FILE` wrote on another machine
    #[arg(long = "receipt", value_name = "FILE")]
    receipts: Vec<PathBuf>,
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

    /// A version or a number of migrations belongs to one set.
    fn needs(&self) -> Needs {
        let is_of_one = self.to.is_some() || self.steps.is_some();
        let set = if is_of_one { SetNeed::One } else { SetNeed::Each };
        Needs { set, ..Needs::DATABASE }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        if !self.dry_run {
            return sets_in_order(workspace, |set| self.foresee(set), |set| self.migrate(set));
        }
        let mut sets = each_set(workspace, |set| self.migrate(set))?;
        let flags = match sets.len() {
            1 => String::new(),
            _ => sets.iter_mut().filter_map(consent_of_set).collect(),
        };
        let consent = format!("{}{flags}", workspace.consent.command);
        let consent = Some(consent).filter(|_| !flags.is_empty());
        outcome_with_consent(workspace, sets, consent)
    }
}

/// What a run ends with.
type MigrateAnswer = EitherAnswer<Migrated, DryRun>;

/// The flags that consent to the plan of one of several sets.
fn consent_of_set(
    (set, ending): &mut (Option<String>, SetEnding<MigrateAnswer>),
) -> Option<String> {
    match ending {
        SetEnding::Answered(EitherAnswer::Other(plan), _) => plan.consent_of_set(set.as_deref()),
        _ => None,
    }
}

impl MigrateArgs {
    /// Fails if the migrations cannot be applied, as far as that is known before.
    fn foresee(&self, workspace: &Workspace) -> Result<()> {
        foresee(&workspace.database()?, &mut PendingMigrations::new(self))
    }

    fn migrate(&self, workspace: &Workspace) -> Result<(MigrateAnswer, Exit)> {
        let database = workspace.database()?;
        let Database { settings, target, .. } = &database;
        let ui = &workspace.ui;
        warn_of_unfinished(&database)?;
        if settings.migrations.layout.is_asked() && !self.dry_run {
            // The tool's command reads the pending migrations from the database, so that has to
            // exist.
            migration::create_if_absent(&workspace.world, settings, target)?;
        }
        let mut change = PendingMigrations::new(self);
        let migrated = match perform(&database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) => {
                let (shown, exit) = self.show(&database, &plan)?;
                return Ok((EitherAnswer::Other(shown), exit));
            }
            Ending::Nothing(plan) if change.has_no_files => {
                Migrated::nothing(&plan, no_files(settings))
            }
            Ending::Nothing(plan) => {
                plan.warnings.iter().for_each(|warning| ui.warning(warning));
                Migrated::of(&plan, &[])
            }
            Ending::Done { plan, done, backup } => {
                refresh_schema_file(&database);
                let migrated = Migrated::of(&plan, &done).with_backup(backup);
                migrated.with_after_steps(change.after_steps)
            }
        };
        Ok((EitherAnswer::One(migrated), Exit::Done))
    }

    /// A dry run: the plan, and what is known about its migrations.
    fn show(&self, database: &Database<'_>, plan: &Plan) -> Result<(DryRun, Exit)> {
        let workspace = database.workspace;
        migration::check_files(&workspace.world, &database.settings, plan)?;
        let sql = self.show_sql.then(|| migration::sql_of(&database.settings, plan)).transpose()?;
        if plan.is_empty() {
            return Ok((DryRun::of(plan).with_sql(sql), Exit::Done));
        }
        let answer = DryRun::of(plan).with_sql(sql);
        let stops = backup_obstacle(database, plan)?.is_some();
        let preview = match preview(database, plan, &self.receipts) {
            // A database that cannot be backed up usually cannot be copied either, and that has
            // been reported already.
            Err(_) if stops => return Ok((answer, Exit::Finding)),
            preview => preview?,
        };
        let exit = Exit::finding_if(stops || !preview.is_safe());
        Ok((answer.with_preview(plan, &preview), exit))
    }
}

/// Why there is no migration at all.
fn no_files(settings: &Settings) -> String {
    if let Some(reason) = migration::no_migrations_hint(settings) {
        return format!("nothing to do: {reason}");
    }
    let dir = &settings.migrations.dir.value;
    let shown = dir.strip_prefix(&settings.root).unwrap_or(dir).display();
    let tool = settings.migrations.layout.key();
    format!("nothing to do: there is no migration of {tool} in `{shown}`")
}

/// Pending migrations, about to be applied.
struct PendingMigrations<'a> {
    args: &'a MigrateArgs,
    /// Whether the project has no migration at all, and no file that was meant to be one.
    has_no_files: bool,
    after_steps: Vec<AfterStepView>,
    /// How they are proved, once that is known.
    proving: Option<Proving<'a>>,
    proved: Proved,
}

/// What a run holds: the lock, and a detector of other writers if a backup can be swapped back in.
struct Held {
    lock: Lock,
    witness: Option<Witness>,
}

impl Change for PendingMigrations<'_> {
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
        plan.receipts = receipt_of(database, &plan, &self.args.receipts)?;
        Ok(plan)
    }

    fn examine(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        receipts_are_accepted(database, plan)?;
        let settings = &database.settings;
        settings.after_migrate.iter().try_for_each(|step| step.command.to_run().map(drop))?;
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
        self.proving = Some(prove(database, plan, &self.args.receipts)?);
        Ok(())
    }

    fn find_proof(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        if let Some(proving) = self.proving.take() {
            self.proved = proving.require(database, plan)?;
        }
        Ok(())
    }

    fn foresee_proof(&mut self, database: &Database<'_>, plan: &Plan) -> Result<()> {
        receipt_is_there(database, plan, &self.args.receipts)
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
        self.proved.hold(database, plan)?;
        self.after_steps = after_migrate(database)?;
        Ok(())
    }
}

impl<'a> PendingMigrations<'a> {
    fn new(args: &'a MigrateArgs) -> PendingMigrations<'a> {
        PendingMigrations {
            args,
            has_no_files: false,
            after_steps: Vec::new(),
            proving: None,
            proved: Proved::default(),
        }
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
