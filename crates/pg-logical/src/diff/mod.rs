//! The DDL that changes one database into another, as steps in an order in which each can run.
//!
//! Objects are paired by kind and name. An object that PostgreSQL can alter in place is altered;
//! any other is replaced (dropped and recreated), with the objects that depend on it and with its
//! comments, owner and privileges. A change that would lose the rows of a table that stays is
//! refused, and the error names the object. The order of a table's columns is not compared, because
//! no `ALTER TABLE` can change it.
//!
//! The reverse migration is the difference in the opposite direction. Both databases must have the
//! same major version of PostgreSQL.

mod acting;
mod attributes;
mod checks;
mod closure;
mod column;
mod commits;
mod compare;
mod contained;
mod conversion;
mod declared;
mod edit;
mod faithful;
mod finish;
mod foreign;
mod hazard;
mod identities;
mod inherited;
mod mentions;
mod node;
mod options;
mod order;
mod plan;
mod possible;
mod refusal;
mod relation;
mod rename;
mod renaming;
mod repair;
mod rights;
mod routine;
mod rules;
mod sequence;
mod shape;
mod step;
mod stored;
mod told;
mod types;
mod unlocked;
mod words;

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::diff::closure::Fates;
use crate::diff::compare::Comparison;
use crate::diff::order::ChangeGraph;

pub use hazard::Hazard;
pub use possible::{PossibleRename, possible_renames};
pub use refusal::{DiffError, Refused};
pub use rename::{Rename, RenameError, RenameProblem, Renamed, Renaming, renames};
pub use shape::shape;
pub use step::{Action, DiffStep, Plan, StepGroup, TransactionNeed, Wanted};
pub use told::renames_of_file;

/// The steps in both directions.
#[derive(Clone, Debug)]
pub struct Plans {
    /// From the old database to the new one.
    pub up: Plan,
    /// From the new database back to the old one, or why that is not possible.
    pub down: Result<Plan, DiffError>,
}

impl Plans {
    /// Adds the steps of renames. The plans must be those of the old database after
    /// [`Renaming::there`].
    #[must_use]
    pub fn with(mut self, renaming: Renaming) -> Plans {
        self.up.steps.splice(..0, renaming.there);
        if let Ok(down) = &mut self.down {
            down.steps.extend(renaming.back);
        }
        self
    }
}

/// Returns the steps that change `before` into `after`, and those back.
pub fn both_ways(before: &Catalog, after: &Catalog, wanted: &Wanted) -> Result<Plans, DiffError> {
    Ok(Plans { up: diff(before, after, wanted)?, down: diff(after, before, wanted) })
}

/// Returns the steps that change `before` into `after`.
pub fn diff(before: &Catalog, after: &Catalog, wanted: &Wanted) -> Result<Plan, DiffError> {
    covered(before, after)?;
    let comparison = Comparison::new(before, after)?;
    let mut fates = Fates::new(&comparison);
    loop {
        fates.settle()?;
        let graph = ChangeGraph::new(&fates);
        match graph.sorted() {
            Ok(nodes) => return Ok(plan::plan(&fates, &nodes, wanted)),
            Err(circle) => fates.repair(&graph, &circle)?,
        }
    }
}

/// Refuses objects that the catalog does not cover: only their names are known, so that two of one
/// name may differ.
fn covered(before: &Catalog, after: &Catalog) -> Result<(), DiffError> {
    let all = before.uncovered.iter().chain(&after.uncovered);
    let found: BTreeSet<String> = all.map(|uncovered| uncovered.object.clone()).collect();
    if found.is_empty() { Ok(()) } else { Err(DiffError::Uncovered(found.into_iter().collect())) }
}
