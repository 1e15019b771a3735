//! `cargo db env`.

use crate::cli::{EnvAction, EnvArgs};
use crate::command::{Context, consent};
use crate::failure::{Exit, Kind, Result};
use crate::model::environment::Environment;
use crate::plan::{Plan, Step, Verb};
use crate::ui::Report;
use crate::world::pg::{Purpose, Session, marker};

pub(super) fn run(context: &Context, args: &EnvArgs) -> Result<Exit> {
    match &args.action {
        EnvAction::Show => {}
        EnvAction::Set { environment, dry_run } => {
            let marked = Environment::named(environment).ok_or_else(|| Kind::Usage {
                what: format!(
                    "no environment is called `{environment}`; there are development, test, staging and production"
                ),
            })?;
            if change(context, Some(marked), *dry_run)? {
                return Ok(Exit::Done);
            }
        }
        EnvAction::Clear { dry_run } => {
            if change(context, None, *dry_run)? {
                return Ok(Exit::Done);
            }
        }
    }
    let target = context.target()?;
    let mut session = Session::open(&context.world, &target, Purpose::Read)?;
    let marker = marker::read(&mut session)?;
    let environment = context.settings.environment.clone().marked_anew(marker.as_ref());
    let environment = &environment;
    context.ui.report(&Report::Environment {
        target: &target,
        environment,
        marker: marker.as_ref(),
    });
    Ok(Exit::Done)
}

/// Marks the database, or removes its marker. Returns whether that was only asked about.
fn change(context: &Context, environment: Option<Environment>, dry_run: bool) -> Result<bool> {
    let target = context.target()?;
    let verb = if environment.is_some() { Verb::Mark } else { Verb::Unmark };
    let here = context.settings.environment.environment;
    // Marking a database as production is as weighty as anything that is done in it.
    let judged_in = environment.map_or(here, |marked| marked.max(here));
    let steps = vec![Step::Mark { environment }];
    let plan = context.seal(Plan::from_basis(verb, &target, judged_in, steps, String::new()))?;
    if dry_run {
        context.ui.report(&Report::DryRun { plan: &plan, sql: None });
        return Ok(true);
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
    Ok(false)
}
