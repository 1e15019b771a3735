//! `cargo db rollback`.

use crate::answer::{DryRun, Migrated, Outcome};
use crate::cli::RollbackArgs;
use crate::command::{Context, consent, migrate, proof};
use crate::failure::Result;
use crate::migration;
use crate::model::target::Target;
use crate::plan::{self, Plan, RollbackRequest};

pub(super) fn run(context: &Context, args: &RollbackArgs) -> Result<Outcome> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let request = match &args.to {
        Some(version) => RollbackRequest::To(version.clone()),
        None => RollbackRequest::Steps(args.steps),
    };
    let plan = look(context, &target, &request)?;
    if args.dry_run {
        migration::look_through(world, settings, &plan)?;
        let sql = args.show_sql.then(|| migrate::sql_of(context, &plan)).transpose()?;
        return Ok(Outcome::done(DryRun::of(&plan).with_sql(sql)));
    }
    if plan.is_empty() {
        return Ok(Outcome::done(Migrated::of(&plan, &[])));
    }
    ui.plan(&plan);
    let given = consent::to_plan(context, &plan)?;
    proof::of_rollback(context, &plan)?;

    let mut lock = migrate::lock(context, &target)?;
    let now = look(context, &target, &request)?;
    consent::unchanged(&plan, &now)?;
    let backup = context.back_up(&plan)?;
    let deeds = context.carry_out(&plan, given, backup, || {
        migration::carry_out(world, settings, &plan, &mut lock)
    })?;
    Ok(Outcome::done(Migrated::of(&plan, &deeds)))
}

/// Facts and plan.
fn look(context: &Context, target: &Target, request: &RollbackRequest) -> Result<Plan> {
    let facts = migration::gather(&context.world, &context.settings, target)?;
    let migrations = plan::to_revert(&facts, request)?;
    let with_losses =
        migration::losses_of(&context.world, target, &context.settings.root, migrations)?;
    context.seal(plan::rollback(&facts, with_losses))
}
