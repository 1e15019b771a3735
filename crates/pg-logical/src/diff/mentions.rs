//! Functions whose bodies are text and mention what is dropped or changed. PostgreSQL does not
//! record what such a body depends on.

use std::collections::{BTreeMap, BTreeSet};

use pg_sql::lexer::words;

use crate::catalog::{Catalog, Definition, Identity};
use crate::diff::hazard::Hazard;
use crate::diff::routine;
use crate::diff::step::DiffStep;

/// Names in each step the functions of the catalog that mention its object, with the hazard.
pub(super) fn mention(catalog: &Catalog, steps: &mut [DiffStep]) {
    if !steps.iter().any(matters) {
        return;
    }
    let bodies = Bodies::new(catalog);
    for step in steps.iter_mut().filter(|step| matters(step)) {
        step.mentioned_in = bodies.with(&step.object, step.column.as_deref());
        if !step.mentioned_in.is_empty() {
            step.hazards.push(Hazard::UntrackableDependency);
        }
    }
}

/// Whether a body that mentions the object of the step may no longer work.
fn matters(step: &DiffStep) -> bool {
    let is_felt = |hazard: &Hazard| {
        matches!(
            hazard,
            Hazard::RelationGone
                | Hazard::ColumnGone
                | Hazard::ColumnTypeChanged
                | Hazard::FunctionGone
                | Hazard::EnumValueGone
                | Hazard::BanDropType
                | Hazard::BanDropSequence
                | Hazard::BanDropSchema
                | Hazard::RenamingTable
                | Hazard::RenamingColumn
                | Hazard::RenamingObject
        )
    };
    step.hazards.iter().any(is_felt)
}

/// The functions with each word.
struct Bodies<'a>(BTreeMap<String, BTreeSet<&'a Identity>>);

impl<'a> Bodies<'a> {
    fn new(catalog: &'a Catalog) -> Bodies<'a> {
        let mut found: BTreeMap<String, BTreeSet<&Identity>> = BTreeMap::new();
        for object in &catalog.objects {
            let Definition::Function(function) = &object.definition else { continue };
            if routine::is_untracked(object) {
                for word in words(&function.source) {
                    found.entry(word).or_default().insert(&object.identity);
                }
            }
        }
        Bodies(found)
    }

    /// The functions that mention an object, and its column if there is one.
    fn with(&self, object: &Identity, column: Option<&str>) -> Vec<Identity> {
        let empty = BTreeSet::new();
        let of = |name: &str| self.0.get(name).unwrap_or(&empty);
        let own = of(&object.name);
        let of_column = column.map(of);
        let is_found = |function: &&&Identity| {
            **function != object && of_column.is_none_or(|functions| functions.contains(**function))
        };
        own.iter().filter(is_found).map(|&function| function.clone()).collect()
    }
}
