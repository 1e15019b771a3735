//! `cargo db baseline`.

use std::time::Duration;

use crate::cli::BaselineArgs;
use crate::command::{Context, consent, migrate};
use crate::failure::{Exit, Kind, Result};
use crate::migration::{self, AppliedMigration};
use crate::model::target::Target;
use crate::plan::{self, Plan};
use crate::ui::Report;

pub(super) fn run(context: &Context, args: &BaselineArgs) -> Result<Exit> {
    let look = |target: &Target| {
        let facts = migration::gather(&context.world, &context.settings, target)?;
        let mut plan = plan::baseline(&facts, args.to.as_deref())?;
        if !plan.is_empty() && !migration::holds_tables(&context.world, target, &facts.layout)? {
            plan.warnings.push(
                "the database is empty: nothing that these migrations make is there".to_owned(),
            );
        }
        context.seal(plan)
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
    let layout = &settings.migrations.layout;
    if layout.is_code() {
        let doing = "let cargo db write its history: its own has to".to_owned();
        return Err(Kind::ToolCannot { tool: layout.key().to_owned(), doing, key: "" }.into());
    }
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
    let given = consent::to_plan(context, &plan)?;
    let mut lock = migrate::lock(context, &target)?;
    consent::unchanged(&plan, &look(&target)?)?;
    context.carry_out(&plan, given, None, || {
        migration::write_history(world, settings, &plan, &mut lock)
    })?;
    let deeds: Vec<AppliedMigration> =
        plan.migrations().map(|one| AppliedMigration::of(one, Duration::ZERO)).collect();
    ui.report(&Report::Migrated { plan: &plan, deeds: &deeds });
    Ok(Exit::Done)
}
