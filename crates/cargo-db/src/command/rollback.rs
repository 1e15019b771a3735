//! `cargo db rollback`.

use crate::cli::RollbackArgs;
use crate::command::{Context, consent, migrate, proof};
use crate::failure::{Exit, Result};
use crate::migration;
use crate::model::target::Target;
use crate::plan::{self, Plan, RollbackRequest};
use crate::ui::Report;

pub(super) fn run(context: &Context, args: &RollbackArgs) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let request = match &args.to {
        Some(version) => RollbackRequest::To(version.clone()),
        None => RollbackRequest::Steps(args.steps),
    };
    let plan = look(context, &target, &request)?;
    if args.dry_run {
        migration::check_files(world, settings, &plan)?;
        let sql = args.show_sql.then(|| migrate::sql_of(context, &plan)).transpose()?;
        ui.report(&Report::DryRun { plan: &plan, sql });
        return Ok(Exit::Done);
    }
    if plan.is_empty() {
        ui.report(&Report::Migrated { plan: &plan, deeds: &[] });
        return Ok(Exit::Done);
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
    ui.report(&Report::Migrated { plan: &plan, deeds: &deeds });
    Ok(Exit::Done)
}

/// Facts and plan.
fn look(context: &Context, target: &Target, request: &RollbackRequest) -> Result<Plan> {
    let facts = migration::gather(&context.world, &context.settings, target)?;
    let migrations = plan::to_revert(&facts, request)?;
    let with_losses =
        migration::losses_of(&context.world, target, &context.settings.root, migrations)?;
    context.seal(plan::rollback(&facts, with_losses))
}
