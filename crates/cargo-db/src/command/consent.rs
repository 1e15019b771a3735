//! Consent to a plan: what the policy asks for, given by a flag or at a prompt.

use crate::cli::Global;
use crate::command::Context;
use crate::failure::{Failure, Kind, Result};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::plan::Plan;
use crate::policy::Judgement;

/// What the command line says.
#[derive(Clone)]
pub(crate) struct Agreed {
    pub(crate) yes: bool,
    pub(crate) name: Option<String>,
    pub(crate) plan: Option<String>,
    /// The command itself, without any of these.
    pub(crate) command: String,
}

impl Agreed {
    /// What these flags, among what was typed, agree to.
    pub(crate) fn new(flags: &Global, force: bool, typed: &[String]) -> Agreed {
        let mut command = vec!["cargo".to_owned(), "db".to_owned()];
        let mut typed = typed.iter();
        while let Some(word) = typed.next() {
            match word.as_str() {
                "--confirm" | "--plan" => drop(typed.next()),
                "--yes" | "-y" | "--force" | "--dry-run" => {}
                word if word.starts_with("--confirm=") || word.starts_with("--plan=") => {}
                word => command.push(word.to_owned()),
            }
        }
        let command = shell_words::join(command);
        Agreed {
            yes: flags.yes || force,
            name: flags.confirm.clone(),
            plan: flags.plan.clone(),
            command,
        }
    }
}

/// Gets the consent that the policy asks for, or fails with what is missing, and says what was given.
/// The plan must have been shown before.
pub(super) fn to_plan(context: &Context, plan: &Plan) -> Result<Consent> {
    let verb = plan.verb.name();
    let needed = match context.policy.judge(plan) {
        Judgement::Allowed(terms) => terms.consent,
        Judgement::Never => return Err(refused(context, plan)),
    };
    let id = plan.id().to_string();
    if let Some(given) = context.agreed.plan.as_ref().filter(|given| **given != id) {
        let (given, command) = (given.clone(), context.agreed.command.clone());
        if context.used.contains(&given) {
            return Err(Kind::PlanUsedUp { given, command }.into());
        }
        return Err(Kind::WrongPlan { given, plan: id, command }.into());
    }
    obtain(context, needed, verb, &plan.target.database, plan.environment)?;
    // An id that was given is used up, also where less would have done.
    Ok(if context.agreed.plan.is_some() { Consent::ToPlan } else { needed })
}

/// Fails where the plan is another one now than the one that was consented to.
pub(super) fn unchanged(before: &Plan, now: &Plan) -> Result<()> {
    let (before, now) = (before.id().to_string(), now.id().to_string());
    if before == now { Ok(()) } else { Err(Kind::PlanChanged { before, now }.into()) }
}

/// Fails for a plan that never runs here, also where it would do nothing today.
pub(super) fn allowed(context: &Context, plan: &Plan) -> Result<()> {
    match context.policy.judge(plan) {
        Judgement::Never => Err(refused(context, plan)),
        Judgement::Allowed(_) => Ok(()),
    }
}

fn refused(context: &Context, plan: &Plan) -> Failure {
    refused_in(context, plan.verb.name(), plan.environment)
}

/// The refusal of a verb that never runs in this environment.
pub(super) fn refused_in(
    context: &Context,
    verb: &'static str,
    environment: Environment,
) -> Failure {
    Kind::Refused { verb, environment, signals: reasons(context, environment) }.into()
}

/// Why so much is asked for. Signals that were overruled explain nothing.
fn reasons(context: &Context, environment: Environment) -> Vec<String> {
    let signals = context.settings.environment.signals.iter();
    let signals = signals.filter(|signal| signal.environment == environment);
    let agent = context.settings.agent.iter();
    signals
        .map(|signal| format!("it counts as {environment} because of {signal}"))
        .chain(agent.map(|variable| {
            format!("an AI agent runs this ({variable}): it consents to plans alone")
        }))
        .collect()
}

/// Gets one kind of consent for something done to `database`.
fn obtain(
    context: &Context,
    needed: Consent,
    verb: &'static str,
    database: &str,
    environment: Environment,
) -> Result<()> {
    let agreed = &context.agreed;
    if let Some(given) = agreed.name.as_ref().filter(|given| *given != database) {
        return Err(Kind::WrongName { given: given.clone(), database: database.to_owned() }.into());
    }
    let by_flag = match (agreed.name.is_some(), agreed.plan.is_some(), agreed.yes) {
        (true, true, _) => Consent::ToPlan,
        (true, false, _) => Consent::ByName,
        (false, _, true) => Consent::Confirm,
        (false, _, false) => Consent::Free,
    };
    if by_flag >= needed {
        return Ok(());
    }
    if context.ui.can_prompt() {
        let agreed = match needed {
            Consent::Confirm => context.ui.confirm("Go on?")?,
            Consent::ByName => {
                context.ui.ask(&format!("Type the name of the database, {database}, to go on"))?
                    == database
            }
            Consent::Free | Consent::ToPlan => false,
        };
        if agreed {
            return Ok(());
        }
        if needed != Consent::ToPlan {
            return Err(Kind::Declined.into());
        }
    }
    let (command, database) = (context.agreed.command.clone(), database.to_owned());
    let signals = reasons(context, environment);
    Err(Kind::ConsentMissing { verb, command, database, environment, consent: needed, signals }
        .into())
}
