//! The difference between two databases, as the steps that lead from one to the other.

use pg_logical::catalog::Catalog;
use pg_logical::diff::{Plan, Wanted, diff};

use crate::failure::{GenerateError, Result};
use crate::generate::stage::{refused, statements};
use crate::model::target::Target;
use crate::schema;
use crate::world::World;
use crate::world::pg::{Purpose, Session};

/// A schema to compare.
pub(crate) struct ComparedSchema {
    catalog: Catalog,
    /// Whether cargo db built it on the server of the target, so that its owners and privileges can
    /// be compared.
    is_built: bool,
}

impl ComparedSchema {
    /// Options of foreign servers are masked: the difference is shown, and may be a password.
    pub(crate) fn masked(mut catalog: Catalog, is_built: bool) -> ComparedSchema {
        schema::mask(&mut catalog);
        ComparedSchema { catalog, is_built }
    }
}

/// Fails if PostgreSQL describes the objects of two databases differently.
pub(super) fn same_major(one: &Catalog, other: &Catalog) -> Result<(), GenerateError> {
    let (one, other) = (one.about.major, other.about.major);
    if one == other { Ok(()) } else { Err(GenerateError::OtherMajor { one, other }) }
}

/// The role that owns what a migration creates: the one that the session has after the settings of
/// the connection, not always the one that logs in.
pub(crate) fn role(world: &World, target: &Target) -> Result<String> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    Ok(session.value("ask for the role", "SELECT current_user")?.unwrap_or_default())
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
    same_major(&from.catalog, &to.catalog)?;
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
