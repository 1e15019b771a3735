//! Consent to a plan: what the policy asks for, given by a flag or at a prompt.

use crate::change::approval;
use crate::change::workspace::{Database, Workspace};
use crate::failure::{ConsentError, Failure, Kind, Result, SettingsError};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::plan::{AtMost, Loss, Plan};
use crate::policy::Judgement;

/// Obtains the consent that the policy requires, or fails with what is missing; returns what was
/// given. The plan must have been shown before.
pub(super) fn to_plan(database: &Database<'_>, plan: &Plan) -> Result<Consent> {
    to_plan_by(database, plan, database.workspace.ui.can_prompt())
}

/// The same, with a prompt if `can_prompt`, and otherwise from the flags alone.
fn to_plan_by(database: &Database<'_>, plan: &Plan, can_prompt: bool) -> Result<Consent> {
    let needed = match database.workspace.policy.judge(plan) {
        Judgement::Allowed(terms) => terms.consent,
        Judgement::Never => return Err(refused(database, plan)),
    };
    let agreed = &database.workspace.consent;
    let id = plan.id().to_string();
    if let Some(given) = agreed.plan.as_ref().filter(|given| **given != id) {
        let (given, command) = (given.clone(), agreed.command.clone());
        if database.used.contains(&given) {
            return Err(ConsentError::PlanUsedUp { given, command }.into());
        }
        let objects = plan.unbounded();
        if !objects.is_empty() {
            return Err(ConsentError::NoBound { objects, command }.into());
        }
        return Err(ConsentError::WrongPlan { given, plan: id, command }.into());
    }
    obtain(database, plan, needed, can_prompt)?;
    approval::require(database, plan)?;
    // An id that was given is used up, also where less would have done.
    Ok(if agreed.plan.is_some() { Consent::ToPlan } else { needed })
}

/// The failure of a plan that lacks a proof. If the consent is missing too and cannot be prompted
/// for, that is reported first.
pub(super) fn without(database: &Database<'_>, plan: &Plan, lacking: Failure) -> Failure {
    match foresee(database, plan) {
        Ok(()) => lacking,
        Err(missing) => missing.with_other(lacking),
    }
}

/// Fails if a consent is missing, or is for something else, and no prompt will ask for it.
pub(super) fn foresee(database: &Database<'_>, plan: &Plan) -> Result<()> {
    let can_prompt = database.workspace.ui.can_prompt();
    match to_plan_by(database, plan, false) {
        Err(missing) if can_prompt && is_prompted(&missing) => Ok(()),
        given => given.map(drop),
    }
}

/// Whether a consent is missing that a prompt can ask for.
fn is_prompted(failure: &Failure) -> bool {
    matches!(failure.kind(), Kind::Consent(ConsentError::Missing { consent, .. })
        if *consent < Consent::ToPlan)
}

/// The bounds for the losses of a plan: those that were passed. Without a plan id, other losses are
/// bounded by the counts and a little more; a plan id only covers bounds that were passed.
pub(super) fn bounds(database: &Database<'_>, plan: &Plan) -> AtMost {
    let agreed = &database.workspace.consent;
    match agreed.plan {
        Some(_) => agreed.at_most.clone(),
        None => plan.bounds_by_count().and(&agreed.at_most),
    }
}

/// Fails where a bound is of something that stays. With an id that is another plan's, and that is
/// the better reason.
pub(super) fn bounds_are_of_losses(database: &Database<'_>, plan: &Plan) -> Result<()> {
    let agreed = &database.workspace.consent;
    let others = agreed.at_most.not_lost_by(plan);
    if agreed.plan.is_some() || others.is_empty() {
        return Ok(());
    }
    let what = format!(
        "`--lose-at-most` names objects that this plan does not lose: {}",
        others.join(", ")
    );
    Err(SettingsError::Usage { what }.into())
}

/// Fails where more would go than may.
pub(crate) fn within_bounds<'l>(
    database: &Database<'_>,
    mut losses: impl Iterator<Item = &'l Loss>,
) -> Result<()> {
    let Some(loss) = losses.find(|loss| loss.is_beyond()) else { return Ok(()) };
    let command = database.workspace.consent.command.clone();
    let (object, found) = (loss.name().to_owned(), loss.rows);
    let bound = loss.at_most.unwrap_or_default();
    Err(ConsentError::MoreLost { object, found, bound, command }.into())
}

/// Fails for a plan that the policy refuses, even if it would do nothing.
pub(super) fn allowed(database: &Database<'_>, plan: &Plan) -> Result<()> {
    match database.workspace.policy.judge(plan) {
        Judgement::Never => Err(refused(database, plan)),
        Judgement::Allowed(_) => Ok(()),
    }
}

/// Fails if the role may not read the marker or the trail: facts that cannot be checked again under
/// the lock are no basis for a change.
pub(super) fn may_read(database: &Database<'_>, plan: &Plan) -> Result<()> {
    if database.unread.is_empty() {
        return Ok(());
    }
    let (role, tables) = (plan.target.user.clone(), database.unread.clone());
    Err(ConsentError::Unreadable { verb: plan.verb.name(), role, tables }.into())
}

/// Fails if the policy refuses the new plan, or if the plan id was used in the meantime.
pub(super) fn check_still_allowed(database: &Database<'_>, now: &Plan) -> Result<()> {
    let agreed = &database.workspace.consent;
    if let Some(given) = agreed.plan.as_ref().filter(|given| database.used.contains(given)) {
        let (given, command) = (given.clone(), agreed.command.clone());
        return Err(ConsentError::PlanUsedUp { given, command }.into());
    }
    allowed(database, now)
}

fn refused(database: &Database<'_>, plan: &Plan) -> Failure {
    refused_in(database, plan.verb.name(), plan.environment)
}

/// The refusal of a verb that never runs in this environment.
pub(crate) fn refused_in(
    database: &Database<'_>,
    verb: &'static str,
    environment: Environment,
) -> Failure {
    ConsentError::Refused { verb, environment, signals: reasons(database, environment) }.into()
}

/// Why this consent is required. Overruled signals explain nothing and are left out.
fn reasons(database: &Database<'_>, environment: Environment) -> Vec<String> {
    let signals = database.settings.environment.signals.iter();
    let signals = signals.filter(|signal| signal.environment == environment);
    let agent = database.settings.agent.known_by(environment);
    signals
        .map(|signal| format!("environment: {environment}, from {signal}"))
        .chain(agent.into_iter().map(|variable| {
            format!("an AI agent called this command ({variable}): it can consent only to a plan")
        }))
        .collect()
}

/// Gets one kind of consent, from the flags or at the prompt.
fn obtain(database: &Database<'_>, plan: &Plan, needed: Consent, can_prompt: bool) -> Result<()> {
    let Workspace { consent: agreed, ui, .. } = database.workspace;
    let name = &plan.target.database;
    if let Some(given) = agreed.name.as_ref().filter(|given| *given != name) {
        let command = match agreed.plan {
            Some(_) => plan.consent.clone(),
            None => format!("{} --confirm {}", agreed.command, shell_words::quote(name)),
        };
        let (given, database) = (given.clone(), name.clone());
        return Err(ConsentError::WrongName { given, database, command }.into());
    }
    if agreed.kind() >= needed {
        return Ok(());
    }
    if can_prompt {
        let said_yes = match needed {
            Consent::Confirm => ui.confirm("Proceed?")?,
            Consent::ByName => {
                ui.ask(&format!("Type the name of the database, {name}, to proceed"))? == *name
            }
            Consent::Free | Consent::ToPlan => false,
        };
        if said_yes {
            return Ok(());
        }
        if needed != Consent::ToPlan {
            return Err(ConsentError::Declined.into());
        }
    }
    let unfinished = plan
        .is_unfinished
        .then(|| "a migration contains no statement: it is probably not finished".to_owned());
    Err(ConsentError::Missing {
        verb: plan.verb.name(),
        command: agreed.command.clone(),
        database: name.clone(),
        environment: plan.environment,
        consent: needed,
        bounds: plan.at_most().flag(),
        signals: reasons(database, plan.environment).into_iter().chain(unfinished).collect(),
        approval: plan.needs_approval,
    }
    .into())
}
