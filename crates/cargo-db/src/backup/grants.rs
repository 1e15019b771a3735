//! Privileges, as the server lists them and as they are granted again.

use crate::failure::Result;
use crate::world::pg::Row;

/// The statement that grants a row's `privilege` to its `grantee`, on an object that is named with
/// its kind.
pub(super) fn grant(row: &Row, object: &str) -> Result<String> {
    let (privilege, grantee) = (row.text("privilege")?, row.text("grantee")?);
    let option = if row.flag("is_grantable")? { " WITH GRANT OPTION" } else { "" };
    Ok(format!("GRANT {privilege} ON {object} TO {grantee}{option}"))
}
