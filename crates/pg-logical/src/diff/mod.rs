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
mod closure;
mod column;
mod compare;
mod edit;
mod faithful;
mod foreign;
mod inherited;
mod node;
mod options;
mod order;
mod plan;
mod relation;
mod rename;
mod repair;
mod rights;
mod routine;
mod rules;
mod sequence;
mod step;
mod stored;
mod types;
mod words;

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::diff::closure::Fates;
use crate::diff::compare::Comparison;
use crate::diff::order::ChangeGraph;

pub use rename::{Rename, RenameError, rename};
pub use step::{DiffError, DiffStep, Hazard, Plan, Wanted};

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
