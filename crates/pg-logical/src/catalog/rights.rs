//! Privileges, as the items of an access control list.

use crate::source::{Row, SourceError};

/// What one role was granted by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Nothing for PUBLIC.
    pub grantee: Option<String>,
    /// Who granted it.
    pub grantor: String,
    /// Each privilege, and whether it may be passed on.
    pub privileges: Vec<(String, bool)>,
}

impl Grant {
    pub(super) fn read(row: Row<'_>) -> Result<Option<Grant>, SourceError> {
        let Some(privileges) = row.optional("privileges")? else { return Ok(None) };
        let is_role = row.flag("is_role")?;
        let grantee = row.optional("grantee")?.filter(|_| is_role);
        // A name of two words has no blank here: `string_agg` joins with one, and no privilege of
        // these objects has two words.
        let privileges = privileges.split(' ').map(|text| match text.strip_suffix('*') {
            Some(privilege) => (privilege.to_owned(), true),
            None => (text.to_owned(), false),
        });
        let privileges = privileges.collect();
        Ok(Some(Grant { grantee, grantor: row.text("grantor")?, privileges }))
    }
}

/// The privileges of an object or of a column of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The column.
    pub column: Option<String>,
    /// What the object was made with.
    pub first: Vec<Grant>,
    /// What it has now, in the order of the list.
    pub now: Vec<Grant>,
}

impl Rights {
    pub(super) fn add(&mut self, row: Row<'_>) -> Result<(), SourceError> {
        if let Some(grant) = Grant::read(row)? {
            let list = if row.str("state")? == "now" { &mut self.now } else { &mut self.first };
            list.push(grant);
        }
        Ok(())
    }
}

/// The privileges that objects of a kind will be made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultRights {
    /// The role that makes them.
    pub role: String,
    /// The schema that they are made in.
    pub schema: Option<String>,
    /// `r`, `S`, `f`, `T`, `n` or `L`, as in `pg_default_acl`.
    pub kind: char,
    /// The privileges.
    pub rights: Rights,
}
