//! The commands of kept plans: read from their words, and carried out or only shown.

use std::path::Path;

use crate::answer::{AppliedPlan, Outcome};
use crate::audit::Trail;
use crate::change::kept_plan::KeptPlan;
use crate::change::perform::Mode;
use crate::change::workspace::{TypedCommand, Workspace};
use crate::cli::ConsentFlags;
use crate::failure::{ApprovalError, ConsentError, Failure, Kind, Result};
use crate::model::consent::Consent;

/// Carries out the kept plan with this id, if it is of the wanted command.
pub(crate) fn apply_kept(
    workspace: &Workspace,
    id: &str,
    file: Option<&Path>,
    wanted: Option<&'static str>,
) -> Result<Outcome> {
    let kept = KeptPlan::find(&workspace.settings.root, id, file)?;
    if let Some(wanted) = wanted.filter(|wanted| kept.verb != *wanted) {
        let (plan, verb) = (kept.id, kept.verb);
        return Err(ApprovalError::OtherVerb { plan, verb, wanted }.into());
    }
    let used = Trail::of(&workspace.settings.root).used().unwrap_or_default();
    if used.contains(&kept.id) {
        let (given, command) = (kept.id.clone(), kept.typed());
        return Err(ConsentError::PlanUsedUp { given, command }.into());
    }
    let mut workspace = workspace.clone();
    workspace.consent.plan_file = file.map(Path::to_owned);
    let (outcome, _) = run_kept(&workspace, &kept, Mode::Run)?;
    let outcome = outcome.with_failure(|failure| of_apply(failure, &workspace, &kept));
    Ok(outcome.with_answer(|done| AppliedPlan::of(&kept.id, &kept.verb, done)))
}

/// The failure, where the command of the plan would suggest something else than to apply it.
fn of_apply(failure: Failure, workspace: &Workspace, kept: &KeptPlan) -> Failure {
    match failure.kind() {
        Kind::Consent(ConsentError::WrongPlan { plan: now, .. }) => {
            let (plan, now, command) = (kept.id.clone(), now.clone(), kept.typed());
            ApprovalError::Changed { plan, now, command }.into()
        }
        Kind::Consent(ConsentError::Missing { environment, approval: false, signals, .. })
            if workspace.consent.name.is_none() =>
        {
            ConsentError::Missing {
                verb: "apply",
                command: workspace.consent.command.clone(),
                database: kept.database.clone(),
                environment: *environment,
                consent: Consent::ByName,
                bounds: String::new(),
                signals: signals.clone(),
                approval: false,
            }
            .into()
        }
        Kind::Consent(ConsentError::Missing { environment, .. })
            if workspace.consent.name.is_none() =>
        {
            ApprovalError::Missing {
                plan: kept.id.clone(),
                verb: "apply",
                database: kept.database.clone(),
                environment: *environment,
                command: kept.typed(),
            }
            .into()
        }
        _ => failure,
    }
}

/// Runs the command of a kept plan: carries it out with consent to this plan, by the name of the
/// database that was typed, or only shows it. Returns what it ended with, and its workspace.
pub(crate) fn run_kept(
    workspace: &Workspace,
    kept: &KeptPlan,
    mode: Mode,
) -> Result<(Outcome, Workspace)> {
    let mut words = kept.words();
    if mode == Mode::DryRun {
        words.push("--dry-run".to_owned());
        // Who approves sees what will run.
        words.extend((kept.verb == "migrate").then(|| "--show-sql".to_owned()));
    }
    let TypedCommand { mut global, verb, needs, effect, run } = (workspace.commands)(&words)?;
    global.confirm = workspace.consent.name.iter().cloned().collect();
    global.plan = if mode == Mode::Run { vec![kept.id.clone()] } else { Vec::new() };
    global.yes = false;
    let consent = ConsentFlags::new(&global, false, &words);
    let inner = workspace.of_call(&global, (verb, needs, effect), consent)?;
    let outcome = run(&inner).unwrap_or_else(Outcome::from);
    Ok((outcome.of_call(global.kept()), inner))
}
