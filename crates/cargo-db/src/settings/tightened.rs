//! What `db.toml` requires beyond the built-in policy.

use std::collections::BTreeMap;

use crate::model::environment::Environment;
use crate::settings::file::{DbToml, EnvironmentTable};

/// What `db.toml` requires in an environment beyond the built-in policy, by verb.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tightened {
    /// Of everybody.
    pub(crate) policy: BTreeMap<String, String>,
    /// Of AI agents.
    pub(crate) agents: BTreeMap<String, String>,
}

/// The tables of the environments.
pub(super) fn tightened(toml: &DbToml) -> BTreeMap<Environment, Tightened> {
    let of_table = |(name, table): (&String, &EnvironmentTable)| {
        let (policy, agents) = (table.policy.clone(), table.agents.clone());
        Some((Environment::named(name)?, Tightened { policy, agents }))
    };
    toml.environments.iter().filter_map(of_table).collect()
}
