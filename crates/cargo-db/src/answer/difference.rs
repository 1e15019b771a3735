//! The difference between two schemas.

use pg_logical::diff::{Action, DiffStep};
use serde::Serialize;

use crate::answer::{Answer, BOLD, DIM, Style};
use crate::generate::SchemaDifference;

/// What changes one schema into another.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DifferenceReport {
    /// The states, as they were typed.
    from: String,
    to: String,
    /// Whether they differ.
    differs: bool,
    /// The steps from the first to the second, in the order in which they can run.
    steps: Vec<DiffStepView>,
    /// The statements of all steps, with the settings that they need.
    sql: String,
    #[serde(skip)]
    shows_sql: bool,
}

/// A step, which changes one object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DiffStepView {
    /// The object that changes.
    object: String,
    /// `create`, `alter`, `drop`, `replace`, `rename` or `authorize`.
    action: &'static str,
    /// The difference in words; `null` if the step only follows from another one.
    change: Option<String>,
    statements: Vec<String>,
    /// What to consider: names of rules of `check`, `authz-changed` or `untrackable-dependency`.
    hazards: Vec<&'static str>,
}

impl From<&DiffStep> for DiffStepView {
    fn from(step: &DiffStep) -> DiffStepView {
        DiffStepView {
            object: step.object.to_string(),
            action: word(step.action),
            change: step.found.clone(),
            statements: step.statements.clone(),
            hazards: step.hazards.iter().map(|hazard| hazard.word()).collect(),
        }
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Alter => "alter",
        Action::Drop => "drop",
        Action::Replace => "replace",
        Action::Rename => "rename",
        Action::Authorize => "authorize",
    }
}

impl DifferenceReport {
    /// The difference between two states.
    pub(crate) fn of(
        (from, to): (&str, &str),
        difference: &SchemaDifference,
        shows_sql: bool,
    ) -> DifferenceReport {
        let statements = difference.statements.iter();
        DifferenceReport {
            from: from.to_owned(),
            to: to.to_owned(),
            differs: !difference.plan.steps.is_empty(),
            steps: difference.plan.steps.iter().map(DiffStepView::from).collect(),
            sql: statements.map(|statement| format!("{statement};\n")).collect(),
            shows_sql,
        }
    }
}

impl Answer for DifferenceReport {
    fn text(&self, style: &Style) -> String {
        if self.shows_sql {
            return self.sql.clone();
        }
        let DifferenceReport { from, to, .. } = self;
        if !self.differs {
            return format!("no difference between {from} and {to}");
        }
        let mut lines = vec![style.paint(BOLD, &format!("from {from} to {to}:"))];
        for step in &self.steps {
            let Some(change) = &step.change else { continue };
            let hazards = match &step.hazards[..] {
                [] => String::new(),
                some => style.paint(DIM, &format!("  ({})", some.join(", "))),
            };
            lines.push(format!("  {change}{hazards}"));
        }
        lines.join("\n")
    }
}
