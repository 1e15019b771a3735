//! The role that a source is loaded as.

use crate::backup::source::RestoreSource;
use crate::failure::Result;
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use pg_sql::quote::quote_literal;

/// A role, and whether it may do everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoadingRole {
    pub(crate) name: String,
    pub(crate) is_superuser: bool,
}

impl RestoreSource {
    /// The role that its statements run as.
    pub(crate) fn loading_role(&self, world: &World, target: &Target) -> Result<LoadingRole> {
        let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
        let other = self.loads_as.as_deref().map(quote_literal);
        let sql = format!(
            "SELECT rolname::pg_catalog.text AS name, rolsuper AS is_superuser \
             FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) {}",
            other.as_deref().unwrap_or("current_user")
        );
        let row = session.one("read the role that loads it", &sql)?;
        Ok(LoadingRole {
            name: row.text("name")?.to_owned(),
            is_superuser: row.flag("is_superuser")?,
        })
    }
}
