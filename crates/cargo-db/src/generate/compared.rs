//! The difference between two databases, as the steps that lead from one to the other.

use pg_logical::catalog::Catalog;
use pg_logical::diff::{Plan, Wanted, diff};

use crate::failure::{GenerateError, Result};
use crate::generate::stage::{refused, statements};

/// A schema to compare.
pub(crate) struct ComparedSchema {
    pub(crate) catalog: Catalog,
    /// Whether cargo db built it on the server of the target, so that its owners and privileges can
    /// be compared.
    pub(crate) is_built: bool,
}

/// The steps from one schema to another, and their statements.
pub(crate) struct SchemaDifference {
    pub(crate) plan: Plan,
    pub(crate) statements: Vec<String>,
}

/// Compares two schemas. `role` owns what it creates.
pub(crate) fn compare(
    from: &ComparedSchema,
    to: &ComparedSchema,
    role: &str,
) -> Result<SchemaDifference> {
    let (one, other) = (from.catalog.about.major, to.catalog.about.major);
    if one != other {
        return Err(GenerateError::OtherMajor { one, other }.into());
    }
    let are_built = from.is_built && to.is_built;
    let wanted = Wanted {
        role: role.to_owned(),
        has_owners: are_built,
        has_rights: are_built,
        avoids_locks: false,
    };
    let plan = diff(&from.catalog, &to.catalog, &wanted)
        .map_err(|error| GenerateError::NoDdl { objects: refused(&error) })?;
    let statements = statements(&plan.steps);
    Ok(SchemaDifference { plan, statements })
}
