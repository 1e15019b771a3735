//! `cargo db baseline`.

use crate::cli::BaselineArgs;
use crate::command::{Context, consent, migrate};
use crate::failure::{Exit, Result};
use crate::migration;
use crate::model::target::Target;
use crate::plan::{self, Plan};
use crate::ui::Report;

pub(super) fn run(context: &Context, args: &BaselineArgs) -> Result<Exit> {
    let look = |target: &Target| {
        let facts = migration::gather(&context.world, &context.settings, target)?;
        context.seal(plan::baseline(&facts, args.to.as_deref())?)
    };
    write_down(context, args.dry_run, look)
}

/// Shows a plan about the history alone, and carries it out if that is agreed to.
pub(super) fn write_down(
    context: &Context,
    dry_run: bool,
    look: impl Fn(&Target) -> Result<Plan>,
) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let plan = look(&target)?;
    if dry_run {
        ui.report(&Report::DryRun { plan: &plan, sql: None });
        return Ok(Exit::Done);
    }
    if plan.is_empty() {
        ui.report(&Report::Migrated { plan: &plan, deeds: &[] });
        return Ok(Exit::Done);
    }
    ui.plan(&plan);
    plan.warnings.iter().for_each(|warning| ui.warning(warning));
    let given = consent::to_plan(context, &plan)?;
    let mut lock = migrate::lock(context, &target)?;
    consent::unchanged(&plan, &look(&target)?)?;
    context.carry_out(&plan, given, None, || migration::write_down(world, settings, &plan, &mut lock))?;
    ui.report(&Report::Migrated { plan: &plan, deeds: &[] });
    Ok(Exit::Done)
}
