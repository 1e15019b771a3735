//! A change between two records of the audit trail.

use crate::audit::{self, RecordContext, Reservation, Trail, TrailWatch};
use crate::change::workspace::Database;
use crate::cli::ConsentFlags;
use crate::failure::Result;
use crate::model::consent::Consent;
use crate::plan::Plan;

/// Carries out the change, with a record in the audit trail before and after it. If the run creates
/// its database, its second plan no longer contains the creation, but the records have the id of
/// the plan that was shown.
pub(super) fn record<T>(
    database: &Database<'_>,
    (shown, plan): (&Plan, &Plan),
    (given, approved_by): (Consent, Option<String>),
    backup: Option<String>,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let Database { workspace, settings, .. } = database;
    let mut watch = TrailWatch::begin(&workspace.world, plan)?;
    let reserves = reservation(&workspace.consent, given);
    let about = RecordContext {
        by: audit::by(&plan.target.user, settings.actor()),
        plan: shown.id().to_string(),
        consent: given.word().to_owned(),
        approved_by,
        backup,
        in_database: keeps_trail_in_database(database, plan, reserves.is_some()),
        before: watch.as_ref().map(TrailWatch::before),
        reserves,
    };
    let trail = Trail::of(&settings.root);
    let pending = trail.begin(&workspace.world, plan, about)?;
    let begun = match (&mut watch, pending.intent_in_database()) {
        (Some(watch), Some(_)) => watch.begun(&workspace.world),
        _ => Ok(()),
    };
    let outcome =
        begun.and_then(|()| work()).map_err(|failure| workspace.world.as_interrupted(failure));
    let warn = |text: &str| workspace.ui.warning(text);
    let (outcome, looked) = match watch {
        Some(watch) => {
            watch.conclude(&workspace.world, pending.intent_in_database(), outcome, &warn)
        }
        None => (outcome, true),
    };
    if let Err(failure) = pending.end(&outcome, looked) {
        let warning = format!("could not record the outcome in the audit trail: {failure}");
        workspace.ui.warning(&warning);
    }
    outcome
}

/// Whether the database keeps the record too. In development and test it does for a plan that was
/// consented to by its id, if the role may: the id stays used even if `.db` is deleted.
fn keeps_trail_in_database(database: &Database<'_>, plan: &Plan, has_reserved: bool) -> bool {
    if !plan.verb.changes_a_database() {
        return false;
    }
    let may_keep = || audit::may_keep_in_database(&database.workspace.world, &plan.target);
    !plan.environment.is_disposable() || has_reserved && may_keep()
}

/// The id that was consented to, as it was passed: the current plan may contain the database that
/// this run has created.
fn reservation(agreed: &ConsentFlags, given: Consent) -> Option<Reservation> {
    let plan = agreed.plan.clone().filter(|_| given == Consent::ToPlan)?;
    Some(Reservation { plan, command: agreed.command.clone() })
}
