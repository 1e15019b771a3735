//! Which seeds are loaded, and what is cleared before.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::{Result, SeedError};
use crate::model::seed::{Loaded, Seed};
use crate::plan::{Loss, MigrationFacts, Operation, Plan, Step};

/// What to load.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeedRequest {
    /// Clear the tables first.
    pub(crate) fresh: bool,
    /// Names of groups; empty for all seeds.
    pub(crate) only: Vec<String>,
    /// `[seeds] command`.
    pub(crate) command: Vec<String>,
    /// `[seeds.groups]`, each with the paths of its seeds.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

/// A table of the database, as far as seeding needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableFacts {
    /// With its schema.
    pub(crate) name: String,
    /// How many rows it holds.
    pub(crate) rows: u64,
    /// The tables with foreign keys that refer to it.
    pub(crate) referenced_by: BTreeSet<String>,
}

/// The facts from which a plan about seeds is built.
#[derive(Clone, Debug)]
pub(crate) struct SeedFacts {
    pub(crate) facts: MigrationFacts,
    pub(crate) seeds: Vec<Seed>,
    pub(crate) loaded: Vec<Loaded>,
    /// By qualified name.
    pub(crate) tables: BTreeMap<String, TableFacts>,
    /// The order in which schemas are searched for names without a schema.
    pub(crate) search_path: Vec<String>,
}

/// Plans to load seeds.
pub(crate) fn seed(facts: &SeedFacts, request: &SeedRequest) -> Result<Plan> {
    let chosen = choose(facts, request)?;
    let verb = if request.fresh { Operation::SeedFresh } else { Operation::Seed };
    let (here, new): (Vec<Seed>, Vec<Seed>) =
        chosen.into_iter().partition(|seed| !request.fresh && facts.is_loaded(seed));

    let mut steps = Vec::new();
    if request.fresh {
        let tables = to_clear(facts, &new)?;
        steps.extend((!tables.is_empty()).then_some(Step::Clear { tables }));
    }
    steps.extend(new.into_iter().map(|seed| Step::Load { seed }));
    if !request.command.is_empty() && request.only.is_empty() {
        steps.push(Step::Run { command: request.command.clone() });
    }
    let mut plan = facts.facts.plan(verb, steps);
    plan.skipped =
        here.into_iter().map(|seed| format!("`{}` is already loaded", seed.path)).collect();
    Ok(plan)
}

impl SeedFacts {
    /// Whether the database remembers this very content, and still holds rows in every table
    /// that it filled: a table emptied by hand wants its seeds back.
    fn is_loaded(&self, seed: &Seed) -> bool {
        self.loaded.iter().any(|loaded| {
            loaded.path == seed.path
                && loaded.checksum == seed.checksum
                && loaded
                    .tables
                    .iter()
                    .all(|table| self.tables.get(table).is_some_and(|facts| facts.rows > 0))
        })
    }

    /// The qualified name of a table that a seed names.
    fn resolve(&self, name: &str) -> Option<&TableFacts> {
        let in_path = || {
            self.search_path.iter().find_map(|schema| self.tables.get(&format!("{schema}.{name}")))
        };
        self.tables.get(name).or_else(in_path)
    }
}

fn choose(facts: &SeedFacts, request: &SeedRequest) -> Result<Vec<Seed>> {
    let environment = facts.facts.environment;
    let here = facts.seeds.iter().filter(|seed| seed.belongs_in(environment));
    let here: Vec<&Seed> = here.collect();
    if request.only.is_empty() {
        return Ok(here.into_iter().cloned().collect());
    }
    let means = |name: &String, seed: &Seed| match request.groups.get(name) {
        Some(paths) => paths.contains(&seed.path),
        None => seed.is_called(name),
    };
    if let Some(name) = request.only.iter().find(|name| !here.iter().any(|seed| means(name, seed)))
    {
        return Err(SeedError::Unknown { name: name.clone(), environment }.into());
    }
    let chosen = here.into_iter().filter(|seed| request.only.iter().any(|name| means(name, seed)));
    Ok(chosen.cloned().collect())
}

/// The tables that the seeds fill, and empty tables that refer to them. A table with other rows
/// that refers to one of them is an error: clearing would orphan or delete rows that no seed
/// restores.
fn to_clear(facts: &SeedFacts, seeds: &[Seed]) -> Result<Vec<Loss>> {
    let remembered =
        facts.loaded.iter().filter(|loaded| seeds.iter().any(|seed| seed.path == loaded.path));
    let named = seeds
        .iter()
        .flat_map(|seed| &seed.tables)
        .chain(remembered.flat_map(|loaded| &loaded.tables));
    let mut clear: BTreeSet<&str> =
        named.filter_map(|name| Some(facts.resolve(name)?.name.as_str())).collect();
    let mut open: Vec<&str> = clear.iter().copied().collect();
    while let Some(name) = open.pop() {
        let referrers =
            facts.tables[name].referenced_by.iter().filter_map(|name| facts.tables.get(name));
        for referrer in
            referrers.filter(|referrer| !clear.contains(referrer.name.as_str())).collect::<Vec<_>>()
        {
            if referrer.rows > 0 {
                let (table, refers_to) = (referrer.name.clone(), name.to_owned());
                return Err(SeedError::ReferredTo { table, rows: referrer.rows, refers_to }.into());
            }
            clear.insert(&referrer.name);
            open.push(&referrer.name);
        }
    }
    let loss = |name: &str| Loss::of(name, Some(facts.tables[name].rows));
    Ok(clear.into_iter().map(loss).collect())
}
