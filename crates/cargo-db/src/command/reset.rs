//! `cargo db reset`.

use crate::backup::{self, Folder, OldDatabase};
use crate::cli::ResetArgs;
use crate::command::{Context, Word, backups, consent, migrate};
use crate::failure::{Exit, Kind, Result};
use crate::migration;
use crate::model::history::History;
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest, Plan, SeedRequest, Step, Verb};
use crate::seed::{self, Rows};
use crate::ui::Report;
use crate::world::pg::{Lock, OWN_KEY, Purpose, Session};

pub(super) fn run(context: &Context, args: &ResetArgs) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let plan = look(context, args, &target)?;
    // Where it is never allowed, a plan of it would only give ideas.
    consent::allowed(context, &plan)?;
    if args.dry_run {
        ui.report(&Report::DryRun { plan: &plan, sql: None });
        return Ok(Exit::Done);
    }
    ui.plan(&plan);
    let given = consent::to_plan(context, &plan)?;

    let exists = plan.steps.iter().any(|step| matches!(step, Step::Swap { .. }));
    let server = target.maintenance();
    let _lock = Lock::acquire(world, &server, &[OWN_KEY], settings.limits.lock_timeout.value)?;
    let of_target = exists.then(|| migrate::lock(context, &target)).transpose()?;
    let now = look(context, args, &target)?;
    consent::unchanged(&plan, &now)?;
    let taken = context.back_up(&plan)?;
    let rows = context.carry_out(&plan, given, taken.clone(), || {
        let mut built = backup::create_sibling(world, &target, "reset", None)?;
        let rows = fill(context, &plan, &built.target)?;
        backup::finish(world, &target, &mut built)?;
        if exists {
            Word::succeed(world, &target, &built.target)?;
        }
        // The swap ends every session, and that of the lock is one.
        drop(of_target);
        let old = if exists { OldDatabase::Dropped } else { OldDatabase::Absent };
        backup::swap(world, &target, built, old)?;
        Ok(rows)
    })?;
    if let Some(keep) = args.keep {
        backups::keep_last(&Folder::of(settings), keep)?;
    }
    let migrations = plan.migrations().count();
    ui.report(&Report::Reset {
        target: &target,
        migrations,
        rows: &rows,
        backup: taken.as_deref(),
    });
    Ok(Exit::Done)
}

/// Facts and plan.
fn look(context: &Context, args: &ResetArgs, target: &Target) -> Result<Plan> {
    let Context { world, settings, .. } = context;
    let facts = migration::gather(world, settings, target)?;
    let exists = facts.database_exists;
    let own = facts.history.table.clone();
    // The new database has no history.
    let fresh = plan::Facts { history: History::default(), database_exists: true, ..facts };
    let migrated = plan::migrate(&fresh, &MigrateRequest::default())?;
    let (mut steps, mut warnings) = (vec![Step::BuildEmpty], migrated.warnings);
    steps.extend(migrated.steps);
    if !args.no_seed {
        let seeds = seed::seeds(&settings.seeds.dir.value)?;
        let here = seeds.into_iter().filter(|seed| seed.belongs_in(fresh.environment));
        steps.extend(here.map(|seed| Step::Load { seed }));
        let command = settings.seeds.command.clone();
        steps.extend((!command.is_empty()).then_some(Step::Run { command }));
    }
    let name = target.database.clone();
    if exists {
        let mut session = Session::open(world, target, Purpose::Read)?;
        let loses =
            migration::losses_where(&mut session, &context.settings.migrations.layout, "true")?;
        let size = "SELECT pg_size_pretty(pg_database_size(current_database()))";
        let size = session.value("ask for the size", size)?;
        warnings.push(format!(
            "all of {name} goes: {} tables, {}",
            loses.len(),
            size.unwrap_or_default()
        ));
        let others = migration::histories(&mut session)?
            .into_iter()
            .filter(|(_, table)| own.as_ref() != Some(table));
        warnings.extend(others.map(|(tool, table)| {
            format!("so does `{table}`, a history of {tool}: what it has applied is not made anew")
        }));
        steps.push(Step::Swap { name, keeps_old: false, loses });
    } else {
        steps.push(Step::Name { name });
    }
    let mut plan = Plan::from_basis(Verb::Reset, target, fresh.environment, steps, String::new());
    plan.warnings = warnings;
    context.seal(plan)
}

/// Applies the migrations and loads the seeds of the plan in the new database.
fn fill(context: &Context, plan: &Plan, target: &Target) -> Result<Rows> {
    let Context { world, settings, .. } = context;
    let facts = migration::gather(world, settings, target)?;
    let migrated = plan::migrate(&facts, &MigrateRequest::default())?;
    if migrated.migrations().ne(plan.migrations()) {
        return Err(Kind::PlanChanged {
            before: plan.id().to_string(),
            now: "another one".to_owned(),
        }
        .into());
    }
    let mut lock = migrate::lock(context, target)?;
    if !migrated.is_empty() {
        migration::carry_out(world, settings, &migrated, &mut lock)?;
    }
    let wants_seeds = |step: &Step| matches!(step, Step::Load { .. } | Step::Run { .. });
    if !plan.steps.iter().any(wants_seeds) {
        return Ok(Rows::new());
    }
    let facts = seed::gather(world, settings, target)?;
    let request = SeedRequest { command: settings.seeds.command.clone(), ..SeedRequest::default() };
    seed::carry_out(world, &plan::seed(&facts, &request)?, &settings.root)
}
