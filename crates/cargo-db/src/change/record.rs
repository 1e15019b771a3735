//! A deed between two records of the audit trail.

use crate::audit::{self, About, Trail};
use crate::change::workspace::Database;
use crate::failure::Result;
use crate::model::consent::Consent;
use crate::plan::Plan;

/// Does what was agreed to, between two records of the audit trail.
pub(super) fn record<T>(
    database: &Database<'_>,
    plan: &Plan,
    given: Consent,
    backup: Option<String>,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let Database { workspace, settings, .. } = database;
    let about = About {
        by: audit::by(&plan.target.user, settings.actor()),
        consent: given.word().to_owned(),
        backup,
        in_database: plan.verb.changes_a_database() && !plan.environment.is_disposable(),
    };
    let trail = Trail::of(&settings.root);
    let pending = trail.begin(&workspace.world, plan, about)?;
    let outcome = work().map_err(|failure| workspace.world.as_interrupted(failure));
    if let Err(failure) = pending.end(&outcome) {
        let warning = format!("the audit trail does not know the outcome: {failure}");
        workspace.ui.warning(&warning);
    }
    outcome
}
