//! What is only known once all steps have their order: which step removes a difference, and which
//! hazards the transactions take away.

use crate::diff::hazard::Hazard;
use crate::diff::step::{Action, DiffStep, TransactionNeed};

/// Moves the difference of a step without statements to one of its object that makes it.
pub(super) fn joined(steps: Vec<DiffStep>) -> Vec<DiffStep> {
    let (mut steps, told): (Vec<DiffStep>, Vec<DiffStep>) =
        steps.into_iter().partition(|step| !step.statements.is_empty());
    for DiffStep { object, found, hazards, column, .. } in told {
        let is_of = |step: &DiffStep| step.object == object && step.column == column;
        let makes = |step: &&mut DiffStep| is_of(step) && step.found.is_none();
        if let Some(step) = steps.iter_mut().find(makes) {
            step.found = found;
            step.hazards.extend(hazards);
            continue;
        }
        // Every statement belongs to another difference: it stands before that of its object.
        let at = steps.iter().position(is_of);
        let at = at.or_else(|| steps.iter().rposition(|step| step.object == object)).unwrap_or(0);
        let mut alone = DiffStep::new(object, Action::Alter, Vec::new(), hazards);
        alone.found = found;
        if let Some(next) = steps.get_mut(at) {
            alone.transaction = next.transaction;
            if next.transaction == TransactionNeed::New {
                next.transaction = TransactionNeed::Same;
            }
        }
        steps.insert(at, alone);
    }
    steps
}

/// Removes the hazards of dropping an object that the same transaction creates again: nobody sees
/// that it is gone.
pub(super) fn restored(steps: &mut [DiffStep]) {
    let mut group = 0;
    let mut groups = Vec::new();
    for pair in steps.windows(2) {
        groups.push(group);
        group += usize::from(!pair[1].stays_with(&pair[0]));
    }
    groups.push(group);
    for at in 0..steps.len() {
        if steps[at].action != Action::Replace {
            continue;
        }
        let is_again =
            |step: &DiffStep| step.action == Action::Replace && step.object == steps[at].object;
        let again = (at + 1..steps.len()).find(|&later| is_again(&steps[later]));
        if again.is_none_or(|again| groups[again] == groups[at]) {
            steps[at].hazards.retain(|hazard| !is_of_absence(*hazard));
        }
    }
}

/// Whether a hazard only lasts until the object is created again.
fn is_of_absence(hazard: Hazard) -> bool {
    matches!(
        hazard,
        Hazard::RelationGone
            | Hazard::FunctionGone
            | Hazard::BanDropType
            | Hazard::BanDropSchema
            | Hazard::BanDropConstraint
            | Hazard::UniqueGone
            | Hazard::TriggerOff
    )
}
