//! Whether the role sees every row: PostgreSQL does not dump tables of which row security hides
//! rows.

use crate::failure::{BackupError, Result};
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Session};

const SQL: &str = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind = 'r' AND c.relrowsecurity AND n.nspname !~ '^pg_' \
       AND pg_catalog.row_security_active(c.oid) ORDER BY 1";

/// Why a backup would fail because of row security; `None` if it would not.
pub(crate) fn hidden_rows(world: &World, target: &Target) -> Result<Option<BackupError>> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let tables = session.column("find row security", SQL)?;
    let (database, role) = (target.database.clone(), target.user.clone());
    Ok((!tables.is_empty()).then_some(BackupError::HiddenRows { database, role, tables }))
}
