//! `cargo db seed`.

use std::collections::BTreeMap;

use crate::answer::{DryRun, Outcome, Seeded};
use crate::cli::SeedArgs;
use crate::command::{Context, consent};
use crate::failure::{Kind, Result};
use crate::model::target::Target;
use crate::plan::{self, Plan, SeedRequest};
use crate::seed;
use crate::settings::SeedSettings;
use crate::world::pg::{Lock, OWN_KEY};

pub(super) fn run(context: &Context, args: &SeedArgs) -> Result<Outcome> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let plan = look(context, args, &target)?;
    consent::allowed(context, &plan)?;
    if args.dry_run {
        return Ok(Outcome::done(DryRun::of(&plan)));
    }
    if plan.is_empty() {
        plan.skipped.iter().for_each(|skipped| ui.note(&format!("  {skipped}")));
        return Ok(Outcome::done(Seeded::of(&plan, &seed::Rows::new())));
    }
    ui.plan(&plan);
    let given = consent::to_plan(context, &plan)?;

    let _lock = Lock::acquire(world, &target, &[OWN_KEY], settings.limits.lock_timeout.value)?;
    let now = look(context, args, &target)?;
    consent::unchanged(&plan, &now)?;
    let backup = context.back_up(&plan)?;
    let rows = context
        .carry_out(&plan, given, backup, || seed::carry_out(world, &plan, &settings.root))?;
    Ok(Outcome::done(Seeded::of(&plan, &rows)))
}

/// Facts and plan.
fn look(context: &Context, args: &SeedArgs, target: &Target) -> Result<Plan> {
    let facts = seed::gather(&context.world, &context.settings, target)?;
    let settings = &context.settings.seeds;
    let paths: Vec<String> = facts.seeds.iter().map(|seed| seed.path.clone()).collect();
    let request = SeedRequest {
        fresh: args.fresh,
        only: args.only.clone(),
        command: settings.command.clone(),
        groups: groups(settings, &paths)?,
    };
    context.seal(plan::seed(&facts, &request)?)
}

/// `[seeds.groups]`, with each pattern replaced by the seeds that it fits.
fn groups(settings: &SeedSettings, paths: &[String]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut groups = BTreeMap::new();
    for (name, patterns) in &settings.groups {
        let mut fitting = Vec::new();
        for pattern in patterns {
            let parsed = glob::Pattern::new(pattern).map_err(|error| Kind::BadSetting {
                source_name: format!("seeds.groups.{name} in db.toml"),
                value: pattern.clone(),
                why: error.msg.to_owned(),
            })?;
            fitting.extend(paths.iter().filter(|path| parsed.matches(path)).cloned());
        }
        groups.insert(name.clone(), fitting);
    }
    Ok(groups)
}
