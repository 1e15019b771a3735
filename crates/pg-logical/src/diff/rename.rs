//! Renames that the user asked for. The caller runs them in a copy of the old database and compares
//! that, so that PostgreSQL itself updates every definition that refers to the object.

use pg_sql::quote::name as quoted;
use thiserror::Error;

use crate::catalog::{Catalog, Identity, Kind, Object};
use crate::diff::step::DiffStep;
use crate::diff::words;

/// A rename that the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The kind of the object; `None` for a column.
    pub kind: Option<Kind>,
    /// The current name, such as `public.users`, `public.users.mail` or `users_idx`.
    pub old: String,
    /// The new name, without schema and quotes.
    pub new: String,
}

/// Why a rename is not possible.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RenameError {
    /// Nothing has the old name.
    #[error("cannot rename `{0}`: nothing has that name")]
    Nothing(String),
    /// Several objects have the old name.
    #[error("cannot rename `{old}`: it may be {}", .found.join(" or "))]
    Several {
        /// The old name.
        old: String,
        /// The objects with that name.
        found: Vec<String>,
    },
    /// The new name is already taken.
    #[error("cannot rename `{old}` to `{new}`: that exists already")]
    Taken {
        /// The old name.
        old: String,
        /// The new name.
        new: String,
    },
}

/// Returns the step that renames an object, and the one that reverses it.
pub fn rename(catalog: &Catalog, wanted: &Rename) -> Result<(DiffStep, DiffStep), RenameError> {
    let mut found = match wanted.kind {
        None => columns(catalog, wanted),
        Some(kind) => objects(catalog, wanted, kind),
    };
    match found.len() {
        0 => Err(RenameError::Nothing(wanted.old.clone())),
        1 => found.remove(0).changes(wanted),
        _ => {
            let found = found.iter().map(|one| words::of(&one.object.identity)).collect();
            Err(RenameError::Several { old: wanted.old.clone(), found })
        }
    }
}

/// An object or a column with the old name.
struct Named<'a> {
    object: &'a Object,
    column: Option<&'a str>,
    is_taken: bool,
}

fn is_called(identity: &Identity, name: &str) -> bool {
    let schema = identity.schema.as_deref().unwrap_or_default();
    name == identity.name
        || name == identity.sql()
        || name == identity.name_sql()
        || name.split_once('.').is_some_and(|(s, rest)| s == schema && rest == identity.name)
}

fn objects<'a>(catalog: &'a Catalog, wanted: &Rename, kind: Kind) -> Vec<Named<'a>> {
    let objects = catalog.objects.iter().filter(|object| object.identity.kind == kind);
    let named = objects.filter(|object| is_called(&object.identity, &wanted.old));
    let taken = |object: &Object| {
        let new = Identity { name: wanted.new.clone(), ..object.identity.clone() };
        catalog.objects.iter().any(|other| other.identity == new)
    };
    let found = |object| Named { object, column: None, is_taken: taken(object) };
    named.map(found).collect()
}

fn columns<'a>(catalog: &'a Catalog, wanted: &Rename) -> Vec<Named<'a>> {
    let Some((table, column)) = wanted.old.rsplit_once('.') else { return Vec::new() };
    let mut found = Vec::new();
    for object in catalog.objects.iter().filter(|object| is_called(&object.identity, table)) {
        let has = |name: &str| object.columns().iter().find(|column| column.name == name);
        if let Some(column) = has(column) {
            let (column, is_taken) = (Some(column.name.as_str()), has(&wanted.new).is_some());
            found.push(Named { object, column, is_taken });
        }
    }
    found
}

impl Named<'_> {
    fn changes(&self, wanted: &Rename) -> Result<(DiffStep, DiffStep), RenameError> {
        let Rename { old, new, .. } = wanted.clone();
        if self.is_taken {
            return Err(RenameError::Taken { old, new });
        }
        let identity = &self.object.identity;
        match self.column {
            Some(column) => {
                Ok((self.change(identity, (column, &new)), self.change(identity, (&new, column))))
            }
            None => {
                let renamed = Identity { name: new.clone(), ..identity.clone() };
                Ok((
                    self.change(identity, (&identity.name, &new)),
                    self.change(&renamed, (&new, &identity.name)),
                ))
            }
        }
    }

    fn change(&self, identity: &Identity, (from, to): (&str, &str)) -> DiffStep {
        let (was, new) = (quoted(from), quoted(to));
        let word = identity.kind.word().to_uppercase();
        let (what, rename) = match (self.column, identity.kind) {
            (Some(_), Kind::Type) => ("attribute", format!("RENAME ATTRIBUTE {was} TO {new}")),
            (Some(_), _) => ("column", format!("RENAME COLUMN {was} TO {new}")),
            (None, Kind::Constraint) => ("constraint", format!("RENAME CONSTRAINT {was} TO {new}")),
            (None, kind) => (kind.word(), format!("RENAME TO {new}")),
        };
        let statement = match (identity.kind, &identity.part_of) {
            (Kind::Constraint, Some(table)) => format!("ALTER TABLE {table} {rename}"),
            _ => format!("ALTER {word} {} {rename}", identity.target()),
        };
        let found = vec![format!("{what} {was} is now {new}")];
        let (object, hazards) = (identity.clone(), Vec::new());
        DiffStep { object, found, statements: vec![statement], hazards }
    }
}
