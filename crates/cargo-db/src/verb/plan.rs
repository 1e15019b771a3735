//! `cargo db plan`.

use std::ffi::OsString;

use clap::Args;

use crate::answer::{KeptPlanView, KeptPlans, Outcome};
use crate::change::{Effect, KeptPlan, Needs, TypedCommand, Workspace};
use crate::failure::{Failure, Result};
use crate::plan::Plan;
use crate::verb::declare::Verb;
use crate::world::pg::approvals::{self, RoleOfApproval};
use crate::world::pg::{Purpose, Session};

const FOR_APPROVAL: &str = "--for-approval";
pub(super) const DRY_RUN: &str = "--dry-run";

/// Show the plan of a command, and keep it
///
/// Shows what the command would do, as its `--dry-run` does, and keeps the plan in `.db/plans`.
/// Then `cargo db apply ID` carries out exactly this plan, and `cargo db approve ID` lets an AI
/// agent do so. A kept plan is valid for 24 hours.
#[derive(Debug, Args)]
#[command(after_help = "Effect on the database: none; with --for-approval: changes data")]
pub(crate) struct PlanArgs {
    /// Also leave the plan in the database for the person who approves it
    #[arg(long)]
    for_approval: bool,
    /// The command and its arguments, for example `rollback --steps 2`; `migrate` without it
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
    /// The command, once it was read.
    #[arg(skip)]
    planned: Option<TypedCommand>,
}

impl PlanArgs {
    /// The whole line, which ends with the words, as the line of a dry run of the command.
    pub(super) fn line_of_command(&self, typed: &[OsString]) -> Vec<OsString> {
        let before = &typed[..typed.len() - self.words.len()];
        let plan = before.iter().rposition(|word| word == "plan");
        let own = before.iter().enumerate().filter(|(place, _)| Some(*place) != plan);
        let mut line: Vec<OsString> = own.map(|(_, word)| word.clone()).collect();
        line.extend(self.words.iter().map(OsString::from));
        line.retain(|word| word != FOR_APPROVAL && word != DRY_RUN);
        line.extend(self.words.is_empty().then(|| "migrate".into()));
        line.push(DRY_RUN.into());
        line
    }

    /// With the command that the words are.
    pub(super) fn of(&self, planned: TypedCommand) -> PlanArgs {
        let for_approval = self.for_approval || self.words.iter().any(|word| word == FOR_APPROVAL);
        PlanArgs { for_approval, words: self.words.clone(), planned: Some(planned) }
    }

    /// The command as it was typed, without what makes it a plan.
    fn command(&self, typed: &str) -> String {
        let typed = shell_words::split(typed).unwrap_or_default();
        let typed: Vec<OsString> = typed.into_iter().map(OsString::from).collect();
        let words = self.line_of_command(&typed);
        let words = words.iter().map(|word| word.to_string_lossy());
        shell_words::join(words.filter(|word| word != DRY_RUN))
    }
}

impl Verb for PlanArgs {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn effect(&self) -> Effect {
        if self.for_approval { Effect::ChangesData } else { Effect::Reads }
    }

    fn needs(&self) -> Needs {
        self.planned.as_ref().map_or(Needs::DATABASE, |planned| planned.needs)
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let Some(planned) = &self.planned else { return Ok(Outcome::said()) };
        let command = self.command(&workspace.consent.command);
        let planning = workspace.planning(command, planned.effect);
        let outcome = (planned.run)(&planning)?;
        let keep = |(plan, command): &(Plan, String)| self.keep(workspace, plan, command);
        let plans = planning.shown_plans.all().iter().map(keep).collect::<Result<Vec<_>>>()?;
        Ok(outcome.with_answer(|shown| KeptPlans::of(plans, shown)))
    }
}

impl PlanArgs {
    fn keep(&self, workspace: &Workspace, plan: &Plan, command: &str) -> Result<KeptPlanView> {
        let root = &workspace.settings.root;
        let kept = KeptPlan::of(plan, command);
        let file = kept.keep(root)?;
        let file = file.strip_prefix(root).unwrap_or(&file);
        let requested = self.for_approval.then(|| requested(workspace, plan, &kept)).transpose()?;
        Ok(KeptPlanView::of(plan, file, requested))
    }
}

/// Leaves the plan in the database for whoever approves it. Returns whether that could be done:
/// where nothing was ever approved, there is no place for it.
fn requested(workspace: &Workspace, plan: &Plan, kept: &KeptPlan) -> Result<bool> {
    let leave = |mut session: Session| {
        let is_place = approvals::is_there(&mut session)?
            && approvals::doubts(&mut session, &RoleOfApproval::OfSession)?.is_empty();
        Ok(is_place && approvals::request(&mut session, &kept.id, &kept.to_text())?)
    };
    let left = Session::open(&workspace.world, &plan.target, Purpose::Write).and_then(leave);
    // A role that may not even look there, and a database that does not exist yet.
    let is_refused = |failure: &Failure| failure.is_no_database() || failure.is_denied();
    left.or_else(|failure| if is_refused(&failure) { Ok(false) } else { Err(failure) })
}
