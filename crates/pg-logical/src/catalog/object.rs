//! What every object has: an identity, an owner, privileges, a comment and a definition.

use crate::catalog::column::Column;
use crate::catalog::definition::Definition;
use crate::catalog::identity::{Address, Identity, ObjectHeader, class};
use crate::catalog::relation::Table;
use crate::catalog::rights::Rights;

/// An object of a database.
#[derive(Clone, Debug)]
pub struct Object {
    /// Where its catalog has it: another one in every database.
    pub address: Address,
    /// What it is called.
    pub identity: Identity,
    /// The role that owns it, if its kind has owners.
    pub owner: Option<String>,
    /// Its privileges and those of its columns, where they differ from what it was made with.
    pub rights: Vec<Rights>,
    /// What `COMMENT ON` says of it.
    pub comment: Option<String>,
    /// The extensions with which it is dropped.
    pub drops_with: Vec<String>,
    /// What it is made of.
    pub definition: Definition,
}

impl Object {
    /// Without what is said of it elsewhere.
    pub(super) fn new(header: ObjectHeader, definition: Definition) -> Object {
        let ObjectHeader { address, identity, owner } = header;
        let (rights, drops_with) = (Vec::new(), Vec::new());
        Object { address, identity, owner, rights, comment: None, drops_with, definition }
    }

    /// The columns of what has some.
    pub fn columns(&self) -> &[Column] {
        match &self.definition {
            Definition::Table(table) => &table.columns,
            Definition::View(view) => &view.columns,
            Definition::Composite(composite) => &composite.columns,
            _ => &[],
        }
    }

    /// The table that it is.
    pub fn table(&self) -> Option<&Table> {
        match &self.definition {
            Definition::Table(table) => Some(table),
            _ => None,
        }
    }

    /// What it is a part of: the table of an index, the domain of a check.
    pub fn whole(&self) -> Option<Address> {
        let oid = match &self.definition {
            Definition::Constraint(constraint) if constraint.is_of_domain => {
                return Some(Address { class: class::TYPE, oid: constraint.part_of });
            }
            Definition::Constraint(constraint) => constraint.part_of,
            Definition::Index(index) => index.table,
            Definition::Statistics(statistics) => statistics.table,
            Definition::Rule(rule) => rule.table,
            Definition::Trigger(trigger) => trigger.table,
            Definition::Policy(policy) => policy.table,
            Definition::Sequence(sequence) => sequence.owned_by.as_ref()?.table,
            _ => return None,
        };
        Some(Address { class: class::CLASS, oid })
    }

    /// Whether a constraint is made with its table or domain, if nothing speaks against it.
    pub(crate) fn is_inline(&self, is_of_partition: bool) -> bool {
        let Definition::Constraint(constraint) = &self.definition else { return false };
        match constraint.kind {
            'c' if constraint.is_of_domain => constraint.is_validated,
            'c' => constraint.is_validated && (constraint.is_local || is_of_partition),
            'n' => constraint.is_of_domain,
            _ => false,
        }
    }
}
