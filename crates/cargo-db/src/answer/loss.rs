//! What a step of a plan does away with.

use serde::Serialize;

use crate::answer::text::{number, plural};
use crate::plan::Loss;
use pg_sql::name::short;

/// What a step does away with.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LossView {
    /// A table, or a column of one.
    object: String,
    /// The number of rows with a value; null if not counted.
    rows: Option<u64>,
    /// The upper bound; null if not counted and not passed.
    at_most: Option<u64>,
}

pub(super) fn losses(losses: &[Loss]) -> Vec<LossView> {
    let view = |loss: &Loss| LossView {
        object: loss.object.clone(),
        rows: loss.rows,
        at_most: loss.at_most,
    };
    losses.iter().map(view).collect()
}

impl LossView {
    pub(super) fn describe(&self) -> String {
        let object = short(&self.object);
        let Some(rows) = self.rows else { return format!("loses {object}: row count unknown") };
        let rows = plural(usize::try_from(rows).unwrap_or(usize::MAX), "row");
        let rows = if rows == "0 rows" { "no rows" } else { &rows };
        let most = self.at_most.map(|most| format!(" now, at most {} when it runs", number(most)));
        format!("loses {object}: {rows}{}", most.unwrap_or_default())
    }
}
