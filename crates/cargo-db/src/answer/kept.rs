//! Plans that were kept, applied and approved.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::answer::outcome::AnyAnswer;
use crate::answer::{Answer, Style, TargetView};
use crate::model::environment::Environment;
use crate::model::key::PublicKey;
use crate::model::target::Target;
use crate::plan::Plan;

/// The plans that were kept, and what the command showed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KeptPlans {
    plans: Vec<KeptPlanView>,
    /// What the command itself answers to `--dry-run`.
    shown: Value,
    #[serde(skip)]
    answer: Option<Box<dyn AnyAnswer>>,
}

/// A plan that was kept.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KeptPlanView {
    id: String,
    verb: &'static str,
    /// Relative to the project.
    file: String,
    database: String,
    environment: Environment,
    /// What the policy asks for, in words.
    policy: String,
    /// Whether a person has to approve it.
    needs_approval: bool,
    /// Whether it was left in the database for the person who approves it; absent if that was not
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<bool>,
    /// The command that carries it out.
    apply: String,
}

impl KeptPlanView {
    /// Of a plan, and the file that it was kept in.
    pub(crate) fn of(plan: &Plan, file: &Path, requested: Option<bool>) -> KeptPlanView {
        let (id, database) = (plan.id().to_string(), plan.target.database.clone());
        KeptPlanView {
            id,
            verb: plan.verb.name(),
            file: file.display().to_string(),
            database,
            environment: plan.environment,
            policy: plan.terms.clone(),
            needs_approval: plan.needs_approval,
            requested,
            apply: plan.consent.clone(),
        }
    }

    fn text(&self, style: &Style) -> String {
        let KeptPlanView { id, file, .. } = self;
        let command = |command: &str| style.command(command);
        let approve = match self.requested {
            _ if !self.needs_approval && self.requested.is_none() => String::new(),
            Some(false) => format!(
                "\na person has to approve it: `{}` on this machine; on another one, they need the \
                 file, for `--plan-file FILE`",
                command(&format!("cargo db approve {id}"))
            ),
            _ => format!(
                "\na person has to approve it: `{}`",
                command(&format!("cargo db approve {id}"))
            ),
        };
        format!("kept in {file} for 24 hours{approve}\nto carry it out: `{}`", command(&self.apply))
    }
}

impl KeptPlans {
    /// The kept plans, and what was shown of them.
    pub(crate) fn of(plans: Vec<KeptPlanView>, shown: Box<dyn AnyAnswer>) -> KeptPlans {
        KeptPlans { plans, shown: shown.value().unwrap_or_default(), answer: Some(shown) }
    }
}

impl Answer for KeptPlans {
    fn text(&self, style: &Style) -> String {
        let shown = self.answer.iter().map(|answer| answer.text(style));
        let kept = self.plans.iter().map(|plan| plan.text(style));
        shown.chain(kept).collect::<Vec<_>>().join("\n\n")
    }
}

/// A kept plan that was carried out.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AppliedPlan {
    id: String,
    /// The command that the plan is of.
    command: String,
    /// What the command itself answers.
    result: Value,
    #[serde(skip)]
    answer: Option<Box<dyn AnyAnswer>>,
}

impl AppliedPlan {
    /// A plan, and what came of it.
    pub(crate) fn of(id: &str, verb: &str, done: Box<dyn AnyAnswer>) -> AppliedPlan {
        let result = done.value().unwrap_or_default();
        AppliedPlan { id: id.to_owned(), command: verb.to_owned(), result, answer: Some(done) }
    }
}

impl Answer for AppliedPlan {
    fn text(&self, style: &Style) -> String {
        self.answer.as_ref().map(|answer| answer.text(style)).unwrap_or_default()
    }
}

/// A plan that was approved.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Approved {
    id: String,
    command: &'static str,
    target: TargetView,
    environment: Environment,
    /// The role that approved it, or where the key is that signed it.
    by: String,
}

impl Approved {
    /// A plan, and who approved it.
    pub(crate) fn of(plan: &Plan, by: String) -> Approved {
        Approved {
            id: plan.id().to_string(),
            command: plan.verb.name(),
            target: (&plan.target).into(),
            environment: plan.environment,
            by,
        }
    }
}

impl Answer for Approved {
    fn text(&self, _: &Style) -> String {
        let Approved { id, command, by, .. } = self;
        format!("approved the plan {id} of `{command}` by {by}: for one run in the next 24 hours")
    }
}

/// The keys whose signed approvals a database accepts.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ApprovalKeys {
    target: TargetView,
    keys: Vec<String>,
}

impl ApprovalKeys {
    /// Of a database.
    pub(crate) fn of(target: &Target, keys: &[PublicKey]) -> ApprovalKeys {
        ApprovalKeys { target: target.into(), keys: keys.iter().map(ToString::to_string).collect() }
    }
}

impl Answer for ApprovalKeys {
    fn text(&self, _: &Style) -> String {
        match self.keys.as_slice() {
            [] => format!("{} accepts no signed approval", self.target),
            keys => format!("{} accepts approvals of {}", self.target, keys.join(", ")),
        }
    }
}
