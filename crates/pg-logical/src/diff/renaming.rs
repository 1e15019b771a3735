//! The statements that rename an object or a column.

use pg_sql::quote::name as quoted;

use crate::catalog::{Identity, Kind, Object};
use crate::diff::compare::constraint_of;
use crate::diff::hazard::Hazard;
use crate::diff::step::{Action, DiffStep};

/// An object or a column of the old database, and its new name.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) identity: Identity,
    /// Whether it is a constraint of a domain.
    is_of_domain: bool,
    pub(super) column: Option<String>,
    pub(super) new: String,
}

impl Named {
    pub(super) fn of(object: &Object, column: Option<String>, new: String) -> Named {
        let is_of_domain = constraint_of(object).is_some_and(|constraint| constraint.is_of_domain);
        Named { identity: object.identity.clone(), is_of_domain, column, new }
    }

    /// The identity of the object afterwards.
    pub(super) fn renamed(&self) -> Identity {
        match self.column {
            Some(_) => self.identity.clone(),
            None => Identity { name: self.new.clone(), ..self.identity.clone() },
        }
    }

    pub(super) fn there(&self) -> DiffStep {
        let old = self.column.as_ref().unwrap_or(&self.identity.name);
        self.step(&self.identity, (old, &self.new))
    }

    pub(super) fn back(&self) -> DiffStep {
        let old = self.column.as_ref().unwrap_or(&self.identity.name);
        self.step(&self.renamed(), (&self.new, old))
    }

    fn step(&self, identity: &Identity, (from, to): (&str, &str)) -> DiffStep {
        let (was, new) = (quoted(from), quoted(to));
        let word = identity.kind.word().to_uppercase();
        let (what, rename) = match (self.column.is_some(), identity.kind) {
            (true, Kind::Type) => ("attribute", format!("RENAME ATTRIBUTE {was} TO {new}")),
            (true, _) => ("column", format!("RENAME COLUMN {was} TO {new}")),
            (false, Kind::Constraint) => {
                ("constraint", format!("RENAME CONSTRAINT {was} TO {new}"))
            }
            (false, kind) => (kind.word(), format!("RENAME TO {new}")),
        };
        let statement = match (identity.kind, &identity.part_of) {
            (Kind::Constraint, Some(domain)) if self.is_of_domain => {
                format!("ALTER DOMAIN {domain} {rename}")
            }
            (Kind::Constraint, Some(table)) => format!("ALTER TABLE {table} {rename}"),
            _ => format!("ALTER {word} {} {rename}", identity.target()),
        };
        let from_column = from;
        let of = identity.sql();
        let of = pg_sql::name::short(&of);
        let from = if self.column.is_some() { format!("{of}.{was}") } else { was };
        DiffStep {
            column: self.column.as_ref().map(|_| from_column.to_owned()),
            found: Some(format!("renamed {what} {from} to {new}")),
            ..DiffStep::new(identity.clone(), Action::Rename, vec![statement], vec![self.hazard()])
        }
    }

    fn hazard(&self) -> Hazard {
        match self.identity.kind {
            _ if self.column.is_some() => Hazard::RenamingColumn,
            kind if is_relation(kind) => Hazard::RenamingTable,
            _ => Hazard::RenamingObject,
        }
    }
}

/// Whether an object of this kind is a table or a view.
pub(super) fn is_relation(kind: Kind) -> bool {
    matches!(kind, Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView)
}
