//! `cargo db env`.

use crate::answer::{DryRun, EnvironmentReport, Outcome};
use crate::cli::{EnvAction, EnvArgs};
use crate::command::{Context, consent};
use crate::failure::{Kind, Result};
use crate::model::environment::Environment;
use crate::plan::{Plan, Step, Verb};
use crate::world::pg::{Purpose, Session, marker};

pub(super) fn run(context: &Context, args: &EnvArgs) -> Result<Outcome> {
    match &args.action {
        EnvAction::Show => {}
        EnvAction::Set { environment, dry_run } => {
            let marked = Environment::named(environment).ok_or_else(|| Kind::Usage {
                what: format!(
                    "no environment is called `{environment}`; there are development, test, staging and production"
                ),
            })?;
            if let Some(asked) = change(context, Some(marked), *dry_run)? {
                return Ok(asked);
            }
        }
        EnvAction::Clear { dry_run } => {
            if let Some(asked) = change(context, None, *dry_run)? {
                return Ok(asked);
            }
        }
    }
    let target = context.target()?;
    let mut session = Session::open(&context.world, &target, Purpose::Read)?;
    let marker = marker::read(&mut session)?;
    let environment = context.settings.environment.clone().marked_anew(marker.as_ref());
    Ok(Outcome::done(EnvironmentReport::of(&target, environment, marker)))
}

/// Marks the database, or removes its marker; or says what it would do.
fn change(
    context: &Context,
    environment: Option<Environment>,
    dry_run: bool,
) -> Result<Option<Outcome>> {
    let target = context.target()?;
    let verb = if environment.is_some() { Verb::Mark } else { Verb::Unmark };
    let here = context.settings.environment.environment;
    // Marking a database as production is as weighty as anything that is done in it.
    let judged_in = environment.map_or(here, |marked| marked.max(here));
    let steps = vec![Step::Mark { environment }];
    let plan = context.seal(Plan::from_basis(verb, &target, judged_in, steps, String::new()))?;
    if dry_run {
        return Ok(Some(Outcome::done(DryRun::of(&plan))));
    }
    context.ui.plan(&plan);
    let given = consent::to_plan(context, &plan)?;
    context.carry_out(&plan, given, None, || {
        let mut session = Session::open(&context.world, &target, Purpose::Write)?;
        match environment {
            Some(environment) => marker::write(&mut session, environment),
            None => marker::clear(&mut session),
        }
    })?;
    Ok(None)
}
