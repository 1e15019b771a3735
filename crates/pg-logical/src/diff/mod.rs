//! What DDL leads from one database to another: steps in an order in which each of them can run.
//!
//! Objects are paired by what they are called. What PostgreSQL can alter in place is altered; what
//! it cannot is dropped and made again, with everything that needs it and with all that is said of
//! it. What cannot be done without losing rows is refused by name. The columns of a table have no
//! order here, since no `ALTER TABLE` gives them another one.
//!
//! The way back is the difference the other way round. Both databases have to be on the same major
//! version.

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

/// The steps that lead from `before` to `after`.
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

/// Of what the catalog does not cover only the names are known: two of one name may differ.
fn covered(before: &Catalog, after: &Catalog) -> Result<(), DiffError> {
    let all = before.uncovered.iter().chain(&after.uncovered);
    let found: BTreeSet<String> = all.map(|uncovered| uncovered.object.clone()).collect();
    if found.is_empty() { Ok(()) } else { Err(DiffError::Uncovered(found.into_iter().collect())) }
}
