//! `[budget]`: how long the migrations of a deployment may take.

use std::time::Duration;

use crate::failure::Result;
use crate::settings::duration::parse_duration;
use crate::settings::file::{BudgetTable, DbToml};
use crate::settings::sets;

/// How long the migrations of a deployment may take; `None` if any duration is fine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Budget {
    /// All statements of a migration together.
    pub(crate) migration: Option<Duration>,
    pub(crate) statement: Option<Duration>,
    /// A lock that other sessions wait for.
    pub(crate) lock: Option<Duration>,
}

impl Budget {
    /// The budget of a set, or of the migrations without a set. What the set does not say, the
    /// whole says.
    pub(super) fn of(toml: &DbToml, set: Option<&String>) -> Result<Budget> {
        let BudgetTable { sets: of_sets, .. } = &toml.budget;
        if let Some(unknown) = of_sets.keys().find(|set| !toml.migrations.sets.contains_key(*set)) {
            let (source_name, value) = ("[budget] in db.toml".to_owned(), unknown.clone());
            return Err(sets::unknown(&toml.migrations, source_name, value));
        }
        let of_set = set.and_then(|set| Some((format!("budget.{set}"), of_sets.get(set)?)));
        let all = of_set.into_iter().chain([("budget".to_owned(), &toml.budget)]);
        let all: Vec<(String, &BudgetTable)> = all.collect();
        let said = |key: &str, of: fn(&BudgetTable) -> Option<&String>| -> Result<_> {
            let found = all.iter().find_map(|(table, said)| Some((table, of(said)?)));
            let parse = |(table, text): (&String, &String)| {
                let source_name = format!("{table}.{key} in db.toml");
                parse_duration(text, &source_name)
            };
            found.map(parse).transpose()
        };
        Ok(Budget {
            migration: said("migration", |table| table.migration.as_ref())?,
            statement: said("statement", |table| table.statement.as_ref())?,
            lock: said("lock", |table| table.lock.as_ref())?,
        })
    }

    /// Whether nothing is limited.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Budget::default()
    }
}
