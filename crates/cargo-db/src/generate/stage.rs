//! A migration as one or more files, each of which runs in one transaction or in none.

use pg_logical::diff::{DiffError, DiffStep, Plan, StepGroup};

/// The statements of one file, without their semicolons.
#[derive(Clone, Debug)]
pub(crate) struct MigrationStage {
    pub(crate) up: Vec<String>,
    pub(crate) down: DownStage,
    pub(crate) is_in_transaction: bool,
    /// The steps of the down migration, or the reasons why there is none.
    pub(super) down_plan: std::result::Result<Plan, Vec<String>>,
}

/// How a stage is rolled back.
#[derive(Clone, Debug)]
pub(crate) enum DownStage {
    Statements(Vec<String>),
    /// It cannot be, for these reasons.
    Refused(Vec<String>),
}

/// PostgreSQL checks the body of a function when it creates it, and may not find what later steps
/// create.
const BEFORE_BODIES: &str = "SET check_function_bodies = off";
const AFTER_BODIES: &str = "RESET check_function_bodies";

impl MigrationStage {
    pub(super) fn new(
        group: StepGroup<'_>,
        down_plan: std::result::Result<Plan, Vec<String>>,
    ) -> MigrationStage {
        let StepGroup { steps, is_in_transaction } = group;
        let down = match &down_plan {
            Ok(plan) => DownStage::Statements(statements(&plan.steps)),
            Err(why) => DownStage::Refused(why.clone()),
        };
        MigrationStage { up: statements(steps), down, is_in_transaction, down_plan }
    }
}

/// The statements of some steps.
pub(super) fn statements(steps: &[DiffStep]) -> Vec<String> {
    let plan = Plan { steps: steps.to_vec() };
    let all = steps.iter().flat_map(|step| &step.statements).cloned();
    if plan.unchecked_bodies().next().is_none() {
        return all.collect();
    }
    let (first, last) = ([BEFORE_BODIES.to_owned()], [AFTER_BODIES.to_owned()]);
    first.into_iter().chain(all).chain(last).collect()
}

/// The objects for which there is no plan, with the reasons.
pub(super) fn refused(error: &DiffError) -> Vec<String> {
    error.refused().iter().map(|one| format!("{}: {}", one.object, one.why)).collect()
}
