//! `cargo db migrate`.

use std::path::PathBuf;

use crate::audit::Trail;
use crate::backup::{self, Folder, OldDatabase, Source};
use crate::cli::MigrateArgs;
use crate::command::{Context, Word, consent, proof};
use crate::failure::{Exit, Failure, Kind, Result};
use crate::migration::{self, AppliedMigration, Witness};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::plan::{self, Batch, Facts, MigrateRequest, Plan, Step, Tolerance};
use crate::settings::{Migrations, Runner};
use crate::ui::Report;
use crate::world::files;
use crate::world::pg::{Lock, OWN_KEY};
use db_tools::LockPlace;

pub(super) fn run(context: &Context, args: &MigrateArgs) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let request = MigrateRequest {
        to: args.to.clone(),
        steps: args.steps,
        tolerance: Tolerance {
            missing: args.ignore_missing,
            out_of_order: args.allow_out_of_order,
        },
    };
    warn_of_unfinished(context, &target)?;
    if settings.migrations.layout.is_asked() && !args.dry_run {
        // What is pending is asked of a command, which looks for it in the database.
        migration::create_if_absent(world, settings, &target)?;
    }
    let facts = migration::gather(world, settings, &target)?;
    let wanted = wants_all_or_nothing(context, args)?;
    let look =
        |facts: &Facts| context.seal(batched(context, plan::migrate(facts, &request)?, wanted)?);
    let plan = look(&facts)?;
    if args.dry_run {
        migration::can_run(settings, &plan)?;
        migration::check_files(world, settings, &plan)?;
        let sql = args.show_sql.then(|| sql_of(context, &plan)).transpose()?;
        if plan.is_empty() {
            ui.report(&Report::DryRun { plan: &plan, sql });
            return Ok(Exit::Done);
        }
        let foresight = proof::foresee(context, &plan, args.receipt.as_deref())?;
        ui.report(&Report::Foreseen { plan: &plan, sql, foresight: &foresight });
        return Ok(if foresight.is_safe() { Exit::Done } else { Exit::Finding });
    }
    if plan.is_empty() && facts.folder.migrations.is_empty() {
        let dir = &settings.migrations.dir.value;
        let shown = dir.strip_prefix(&settings.root).unwrap_or(dir).display();
        let text = format!(
            "nothing to do: there is no migration of {} in `{shown}`",
            settings.migrations.layout.key()
        );
        ui.report(&Report::Line(&text));
        return Ok(Exit::Done);
    }
    if plan.is_empty() {
        plan.warnings.iter().for_each(|warning| ui.warning(warning));
        ui.report(&Report::Migrated { plan: &plan, deeds: &[] });
        return Ok(Exit::Done);
    }
    migration::can_run(settings, &plan)?;
    ui.plan(&plan);
    if args.show_sql {
        sql_of(context, &plan)?
            .iter()
            .for_each(|(file, sql)| ui.note(&format!("\n-- {}\n{sql}", file.display())));
    }
    let proving = proof::begin(context, &plan, args.receipt.as_deref())?;
    let given = consent::to_plan(context, &plan)?;
    let proved = proving.settle(context, &plan)?;

    migration::prepare_database(world, &plan)?;
    let mut lock = lock(context, &target)?;
    // Another run may have been faster. What nobody had to agree to is simply planned anew.
    let facts = migration::gather(world, settings, &target)?;
    let now = look(&facts)?;
    if now.migrations().ne(plan.migrations()) {
        if given != Consent::Free {
            consent::unchanged(&plan, &now)?;
        }
        if now.migrations().any(|migration| plan.migrations().all(|planned| planned != migration)) {
            // It was not rehearsed.
            consent::unchanged(&plan, &now)?;
        }
        ui.status("Replanned", "another run changed the database meanwhile");
    }
    let plan = now;
    if plan.is_empty() {
        ui.report(&Report::Migrated { plan: &plan, deeds: &[] });
        return Ok(Exit::Done);
    }
    proof::count_again(context, &plan, &proved)?;
    // What is written after the backup's snapshot is what must not be lost.
    let witness =
        plan.swaps_back().then(|| Witness::begin(world, &target, &mut lock)).transpose()?;
    let backup = context.back_up(&plan)?;
    let deeds = context.carry_out(&plan, given, backup.clone(), || match (backup, witness) {
        (Some(backup), Some(witness)) => or_swap_back(context, &plan, lock, witness, &backup),
        _ => migration::carry_out(world, settings, &plan, &mut lock),
    })?;
    proved.hold(context, &plan)?;
    ui.report(&Report::Migrated { plan: &plan, deeds: &deeds });
    Ok(Exit::Done)
}

/// A run that was killed could not swap its backup back in, and nobody can do so unasked any more:
/// others may have written since.
fn warn_of_unfinished(context: &Context, target: &Target) -> Result<()> {
    let trail = Trail::of(&context.settings.root);
    let Some(record) = trail.unfinished(target)?.filter(|record| record.verb == "migrate") else {
        return Ok(());
    };
    let back =
        record.backup.map(|backup| format!("; `cargo db restore {backup}` goes back to before it"));
    context.ui.warning(&format!(
        "the last migrate, of {}, has no outcome: it was killed, or is at work{}",
        record.when.get(..19).unwrap_or(&record.when),
        back.unwrap_or_default()
    ));
    Ok(())
}

/// Whether all or nothing is asked for, here or in db.toml, or is what the environment customarily wants.
fn wants_all_or_nothing(context: &Context, args: &MigrateArgs) -> Result<bool> {
    let settings = &context.settings;
    if args.all_or_nothing && settings.migrations.runner == Runner::Tool {
        let (tool, doing) =
            (settings.migrations.layout.key().to_owned(), "apply all or nothing".to_owned());
        return Err(Kind::ToolCannot { tool, doing, key: "" }.into());
    }
    let customarily = settings.environment.environment == Environment::Staging;
    Ok(args.all_or_nothing || settings.all_or_nothing.unwrap_or(customarily))
}

/// Makes a plan all or nothing, if that is wanted, and says how.
fn batched(context: &Context, mut plan: Plan, wanted: bool) -> Result<Plan> {
    let migrations: Vec<_> = plan.migrations().collect();
    let Migrations { layout, runner, .. } = &context.settings.migrations;
    if *runner == Runner::Tool {
        // It commits by its own rules, and its sessions cannot be told from those of others.
        plan.warnings
            .extend(wanted.then(|| format!("not all or nothing: {} runs them", layout.key())));
        return Ok(plan);
    }
    let always = layout.profile().is_one_transaction;
    if !(wanted || always) || migrations.is_empty() {
        return Ok(plan);
    }
    let mut files = Vec::new();
    for migration in migrations {
        let bytes =
            migration.up.part_of(files::read(&context.settings.root.join(&migration.up.path))?);
        files.push((migration, String::from_utf8_lossy(&bytes).into_owned()));
    }
    // Where it is how the tool does it, whatever is in the files.
    let how = if always { Batch::OneTransaction } else { plan::all_or_nothing(&files) };
    if matches!(how, Batch::SwapBack { .. }) {
        plan.steps.insert(0, Step::Backup);
    }
    let after = plan.steps.iter().take_while(|step| **step == Step::Backup).count();
    plan.steps.insert(after, Step::AllOrNothing { how });
    Ok(plan)
}

/// Applies the migrations, and swaps the backup back in if one fails and nobody else has written since
/// it was taken: else that would lose their work.
fn or_swap_back(
    context: &Context,
    plan: &Plan,
    mut lock: Lock,
    mut witness: Witness,
    backup: &str,
) -> Result<Vec<AppliedMigration>> {
    let Context { world, settings, .. } = context;
    let target = &plan.target;
    let failure = match migration::carry_out(world, settings, plan, &mut lock) {
        Ok(deeds) => return Ok(deeds),
        Err(failure) => world.heeding_the_signal(failure),
    };
    // Going back has to come through also after a signal.
    let world = &world.uninterrupted();
    let mut alone = || match witness.doubts(world)? {
        doubts if doubts.is_empty() => Ok(()),
        doubts => {
            let (why, backup) = (failure.why(), backup.to_owned());
            Err(Failure::from(Kind::NotSwappedBack {
                failure: failure.to_string(),
                backup,
                doubts,
                why,
            }))
        }
    };
    alone()?;
    let folder = Folder::of(settings);
    let source = Source::of(&folder, &folder.find(Some(backup), &target.database)?);
    let built = backup::build(world, settings, target, &source)?;
    Word::succeed(world, target, &built.target)?;
    // Building takes its time, in which somebody may have come.
    alone()?;
    drop((witness, lock));
    backup::swap(world, target, built, OldDatabase::Dropped)?;
    // Nothing of it stays; but whoever stopped it by a signal is told that it was the signal.
    let exit = match failure.exit() {
        exit @ (Exit::Interrupted | Exit::Terminated) => exit,
        _ => Exit::Failed,
    };
    let (code, why) = (failure.code(), failure.why());
    Err(Kind::SwappedBack { failure: failure.to_string(), why, code, exit }.into())
}

/// The lock of a run: our own, and the one that the layout's tool takes.
pub(super) fn lock(context: &Context, target: &Target) -> Result<Lock> {
    let own = std::iter::once(OWN_KEY);
    let migrations = &context.settings.migrations;
    // A program that takes its lock itself must find it free.
    let shared =
        migrations.runner == Runner::Builtin || !migrations.layout.profile().takes_own_lock;
    let schema = migrations.layout.schema().or(target.search_path()).unwrap_or("public");
    let schema = schema.split(',').next().unwrap_or(schema);
    let place =
        LockPlace { database: &target.database, schema, table: migrations.layout.table_name() };
    let of_tool = migrations.layout.lock_key(&place).filter(|_| shared);
    let keys: Vec<i64> = own.chain(of_tool).collect();
    Lock::acquire(&context.world, target, &keys, context.settings.limits.lock_timeout.value)
}

/// The files that a plan runs, with their text.
pub(super) fn sql_of(context: &Context, plan: &Plan) -> Result<Vec<(PathBuf, String)>> {
    // What a program will do, its text does not say.
    let files = plan.files().filter(|file| !file.is_code).map(|file| {
        let bytes = file.part_of(files::read(&context.settings.root.join(&file.path))?);
        Ok((file.path.clone(), String::from_utf8_lossy(bytes.trim_ascii()).into_owned() + "\n"))
    });
    files.collect()
}
