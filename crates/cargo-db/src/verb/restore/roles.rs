//! Roles that a backup needs and the server does not have.

use crate::backup::{self, RestoreSource};
use crate::change::Database;
use crate::failure::Result;
use crate::model::target::Target;
use crate::plan::{Plan, Step};

/// Whether roles that are missing are created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roles {
    Expected,
    Created,
}

impl Roles {
    /// The roles to create.
    pub(super) fn missing(
        self,
        database: &Database<'_>,
        target: &Target,
        source: &RestoreSource,
    ) -> Result<Vec<String>> {
        match self {
            Roles::Expected => Ok(Vec::new()),
            Roles::Created => {
                let (world, settings) = (&database.workspace.world, &database.settings);
                backup::missing_roles(world, settings, target, source)
            }
        }
    }
}

/// The step that creates roles first, where any are to be created.
pub(super) fn step(roles: Vec<String>) -> Option<Step> {
    (!roles.is_empty()).then_some(Step::CreateRoles { names: roles })
}

/// Creates the roles of the plan.
pub(super) fn create(database: &Database<'_>, plan: &Plan, source: &RestoreSource) -> Result<()> {
    for step in &plan.steps {
        if let Step::CreateRoles { names } = step {
            let (world, settings) = (&database.workspace.world, &database.settings);
            backup::create_roles(world, settings, &plan.target, source, names)?;
        }
    }
    Ok(())
}
