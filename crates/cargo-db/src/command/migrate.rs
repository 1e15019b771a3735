//! `cargo db migrate`.

use std::path::PathBuf;

use crate::cli::MigrateArgs;
use crate::command::{Context, consent};
use crate::failure::{Exit, Kind, Result};
use crate::migration;
use crate::model::consent::Consent;
use crate::model::migration::Version;
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest, Plan, Tolerance};
use crate::ui::Report;
use crate::world::files;
use crate::world::pg::{Lock, OWN_KEY};

pub(super) fn run(context: &Context, args: &MigrateArgs) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let request = MigrateRequest {
        to: args.to.map(Version::Number),
        steps: args.steps,
        tolerance: Tolerance { missing: args.ignore_missing, out_of_order: args.allow_out_of_order },
    };
    let facts = migration::gather(world, settings, &target)?;
    let plan = context.seal(plan::migrate(&facts, &request)?)?;
    if args.dry_run {
        migration::look_through(world, &plan, &settings.root)?;
        let sql = args.show_sql.then(|| sql_of(context, &plan)).transpose()?;
        ui.report(&Report::DryRun { plan: &plan, sql });
        return Ok(Exit::Done);
    }
    if plan.is_empty() {
        plan.warnings.iter().for_each(|warning| ui.warning(warning));
        ui.report(&Report::Migrated { plan: &plan, deeds: &[] });
        return Ok(Exit::Done);
    }
    ui.plan(&plan);
    if args.show_sql {
        sql_of(context, &plan)?
            .iter()
            .for_each(|(file, sql)| ui.note(&format!("\n-- {}\n{sql}", file.display())));
    }
    let given = consent::to_plan(context, &plan)?;

    migration::prepare_database(world, &plan)?;
    let mut lock = lock(context, &target)?;
    // Another run may have been faster. What nobody had to agree to is simply planned anew.
    let facts = migration::gather(world, settings, &target)?;
    let now = context.seal(plan::migrate(&facts, &request)?)?;
    if now.migrations().ne(plan.migrations()) {
        if given != Consent::Free {
            return Err(Kind::PlanChanged { before: plan.id().to_string(), now: now.id().to_string() }.into());
        }
        ui.status("Replanned", "another run changed the database meanwhile");
    }
    let plan = now;
    if plan.is_empty() {
        ui.report(&Report::Migrated { plan: &plan, deeds: &[] });
        return Ok(Exit::Done);
    }
    let backup = context.back_up(&plan)?;
    let deeds = context.carry_out(&plan, given, backup, || {
        migration::carry_out(world, &plan, &settings.limits, &settings.root, &mut lock)
    })?;
    ui.report(&Report::Migrated { plan: &plan, deeds: &deeds });
    Ok(Exit::Done)
}

/// The lock of a run: our own, and the one that the layout's tool takes.
pub(super) fn lock(context: &Context, target: &Target) -> Result<Lock> {
    let own = std::iter::once(OWN_KEY);
    let keys: Vec<i64> = own.chain(crate::model::layout::Layout::Sqlx.lock_key(&target.database)).collect();
    Lock::acquire(&context.world, target, &keys, context.settings.limits.lock_timeout.value)
}

/// The files that a plan runs, with their text.
pub(super) fn sql_of(context: &Context, plan: &Plan) -> Result<Vec<(PathBuf, String)>> {
    let files = plan.files().map(|file| {
        let bytes = files::read(&context.settings.root.join(&file.path))?;
        Ok((file.path.clone(), String::from_utf8_lossy(&bytes).into_owned()))
    });
    files.collect()
}
