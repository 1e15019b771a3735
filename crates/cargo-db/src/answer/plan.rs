//! Plans: what will be done, or would be.

use serde::Serialize;

use crate::answer::step::StepView;
use crate::answer::text::{MIGRATIONS_SHOWN, NARROW, and_more, command_lines, fitted_if_narrow};
use crate::answer::visible::one_line;
use crate::answer::{CYAN, DIM, Style, YELLOW};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::plan::{APPLY, Operation, Plan, shell_word};

/// The database, without its password.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "String")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TargetView {
    url: String,
    pub(super) database: String,
    pub(super) server: String,
}

impl From<&Target> for TargetView {
    fn from(target: &Target) -> TargetView {
        let (url, database) = (target.to_string(), target.database.clone());
        TargetView { url, database, server: target.server() }
    }
}

impl From<TargetView> for String {
    fn from(target: TargetView) -> String {
        target.url
    }
}

impl std::fmt::Display for TargetView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

/// A plan with the database that it is for.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Planned {
    pub(super) target: TargetView,
    pub(super) environment: Environment,
    pub(super) plan: PlanView,
}

/// What will be done, in this order, and nothing else.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PlanView {
    /// What `--plan` takes.
    pub(super) id: String,
    /// What the policy asks for, in words.
    pub(super) policy: String,
    /// The digest of the receipts that it needs; null if it needs none, or none is valid.
    receipts: Option<String>,
    /// The value of `--lose-at-most`; null if nothing is lost.
    lose_at_most: Option<String>,
    /// The command that consents to exactly this plan.
    consent: String,
    pub(super) steps: Vec<StepView>,
    /// What needs nothing done.
    pub(super) skipped: Vec<String>,
    /// The commands of a migration tool that carry it out.
    commands: Vec<String>,
    warnings: Vec<String>,
    #[serde(skip)]
    needs: Consent,
    #[serde(skip)]
    pub(super) verb: Operation,
    /// Whether all pending migrations were requested.
    #[serde(skip)]
    takes_all_pending: bool,
}

impl From<&Plan> for Planned {
    fn from(plan: &Plan) -> Planned {
        Planned {
            target: (&plan.target).into(),
            environment: plan.environment,
            plan: PlanView {
                id: plan.id().to_string(),
                policy: plan.terms.clone(),
                receipts: plan.receipts.clone(),
                needs: plan.needs,
                lose_at_most: Some(plan.at_most().to_string()).filter(|some| !some.is_empty()),
                consent: plan.consent.clone(),
                steps: plan.steps.iter().map(StepView::from).collect(),
                skipped: plan.skipped.clone(),
                commands: plan.commands.clone(),
                warnings: plan.warnings.clone(),
                verb: plan.verb,
                takes_all_pending: plan.takes_all_pending,
            },
        }
    }
}

/// Suggests the command that consents to a plan, or to several.
pub(super) fn consent_hint(command: &str, style: &Style) -> String {
    let help = style.paint(CYAN, "help:");
    if style.width >= NARROW {
        return format!("{help} consent to exactly this: `{command}`");
    }
    // On lines of its own, without quotes, the command can still be copied whole.
    let lines = command_lines(command, style.width - 2).join("\n  ");
    format!("{help} consent to exactly this:\n  {lines}")
}

impl Planned {
    /// The steps, one a line.
    pub(crate) fn text(&self, style: &Style) -> String {
        let plan = &self.plan;
        let head = format!(
            "{} {} on {} ({})",
            style.paint(CYAN, "Plan"),
            plan.id,
            self.target,
            self.environment
        );
        let dim = |text: String| style.paint(DIM, &format!("  {}", one_line(&text)));
        let mut lines = vec![head, dim(format!("policy: {}", plan.policy))];
        lines.extend(plan.skipped.iter().map(|skipped| dim(skipped.clone())));
        lines.extend(plan.commands.iter().map(|command| dim(format!("by `{command}`"))));
        let count = plan.steps.iter().filter(|step| step.is_plain_migration()).count();
        let (most, mut seen) = (if style.details { count } else { MIGRATIONS_SHOWN }, 0);
        for step in &plan.steps {
            seen += usize::from(step.is_plain_migration());
            if step.is_plain_migration() && seen > most {
                let more = and_more(count, most).filter(|_| seen == most + 1);
                lines.extend(more.map(|more| format!("  {more}, which lose no rows")));
                continue;
            }
            lines.push(format!("  {}", one_line(&step.describe())));
            let losses = step.losses().iter();
            let losses = losses.map(|loss| format!("    {}", one_line(&loss.describe())));
            lines.extend(losses.map(|loss| style.paint(YELLOW, &loss)));
        }
        fitted_if_narrow(lines.join("\n"), style.width)
    }

    /// The command that consents to it, if the policy requires consent or something is lost.
    pub(super) fn how_to_consent(&self) -> Option<&str> {
        let PlanView { needs, lose_at_most, consent, steps, .. } = &self.plan;
        // How a kept plan is carried out is said where it is kept.
        let is_kept = consent.starts_with(APPLY);
        let is_asked = !is_kept && (*needs == Consent::ToPlan || lose_at_most.is_some());
        (is_asked && !steps.is_empty()).then_some(consent)
    }

    /// The flags that consent to it if the command runs for several sets.
    pub(super) fn consent_of_set(&self, set: Option<&str>) -> Option<String> {
        self.how_to_consent()?;
        let PlanView { id, lose_at_most, .. } = &self.plan;
        let of_set = |value: &str| match set {
            Some(set) => shell_word(&format!("{set}={value}")),
            None => shell_word(value),
        };
        let (name, id) = (of_set(&self.target.database), of_set(id));
        let bounds = lose_at_most.as_deref().map(of_set);
        let bounds = bounds.map(|bounds| format!(" --lose-at-most {bounds}")).unwrap_or_default();
        Some(format!(" --confirm {name} --plan {id}{bounds}"))
    }

    /// Unusual conditions that do not stop the run.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.plan.warnings
    }

    /// Why there is nothing to do.
    pub(super) fn nothing_to_do(&self) -> String {
        let database = &self.target.database;
        match self.plan.verb {
            Operation::Migrate | Operation::Baseline if !self.plan.takes_all_pending => {
                format!("nothing to do: the selected migrations are already applied in {database}")
            }
            Operation::Migrate => {
                format!("nothing to do: no migration is pending in {database}")
            }
            Operation::Baseline => "nothing to do: no migration is pending".to_owned(),
            Operation::Restore
            | Operation::RestoreInPlace
            | Operation::Reset
            | Operation::Mark
            | Operation::Unmark
            | Operation::Key
            | Operation::Approve
            | Operation::Prune
            | Operation::Destroy
            | Operation::SnapshotSave
            | Operation::SnapshotRestore => "nothing to do".to_owned(),
            Operation::SnapshotDrop => format!("nothing to do: no snapshot of {database} expired"),
            Operation::Repair => "nothing to do: the history needs no repair".to_owned(),
            Operation::RepairDrift => {
                format!("nothing to do: the migrations build the schema of {database} already")
            }
            Operation::Rebase => {
                "nothing to do: the unmerged migrations run after all merged ones".to_owned()
            }
            Operation::Switch => {
                format!("nothing to do: this branch has all migrations that {database} has")
            }
            Operation::Rollback => {
                format!("nothing to roll back: no such migration is applied in {database}")
            }
            Operation::Seed | Operation::SeedFresh if self.plan.skipped.is_empty() => {
                "nothing to do: no seed files found".to_owned()
            }
            Operation::Seed | Operation::SeedFresh => {
                format!("nothing to do: all seeds are already loaded in {database}")
            }
        }
    }
}
