//! The catalog of a database, put together.

use std::collections::HashMap;

use crate::catalog::definition::Definition;
use crate::catalog::identity::{Address, Identity, Kind, class};
use crate::catalog::object::Object;
use crate::catalog::rights::Rights;

/// The server that a catalog is of, and its database.
#[derive(Clone, Debug)]
pub struct About {
    /// As it says it: `15.18 (Debian 15.18-0+deb12u1)`.
    pub version: String,
    /// The major version.
    pub major: u32,
    /// The encoding of the database.
    pub encoding: String,
    /// The name of the database.
    pub database: String,
}

/// The rows of an extension's table that belong to the database.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The extension.
    pub extension: Address,
    /// Schema and name as SQL.
    pub table: String,
    /// `WHERE …` or nothing.
    pub condition: String,
    /// The columns that are not generated.
    pub columns: Vec<String>,
}

/// Privileges of an object that is not in the catalog: the system's or an extension's.
#[derive(Clone, Debug)]
pub struct OthersRights {
    /// As `GRANT … ON` names it: `FUNCTION pg_catalog.pg_ls_dir(text)`.
    pub target: String,
    /// The letter of its kind of privileges, as `acldefault` takes it.
    pub letter: char,
    /// The role that owns it.
    pub rights: Rights,
}

/// What the catalog does not cover.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uncovered {
    /// As `COMMENT ON` would name it: `language plsample`.
    pub object: String,
}

/// An index that the server does not use, because its build failed or is still running.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnfinishedIndex {
    /// The qualified name, as SQL.
    pub name: String,
    /// The OID of its table.
    pub table: u32,
}

/// A dependency between two objects: a row of `pg_depend`, with positions in `objects`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The dependent object.
    pub from: usize,
    /// The number of the dependent column; 0 for the object itself.
    pub from_column: u32,
    /// Whether the default or the generation expression of that column is what depends.
    pub is_value: bool,
    /// The object that it depends on.
    pub on: usize,
    /// The number of the column that it depends on; 0 for the object itself.
    pub on_column: u32,
}

/// A database.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The server and the database.
    pub about: About,
    /// Every object, in the order of their identities.
    pub objects: Vec<Object>,
    /// Where each of them is.
    pub(super) places: HashMap<Address, usize>,
    /// For each of them the others that it needs, by their places in `objects`.
    pub needs: Vec<Vec<usize>>,
    /// What a default or an inlined constraint needs, by the number of the default.
    pub value_needs: HashMap<u32, Vec<usize>>,
    /// All dependencies with their columns, sorted.
    pub links: Vec<Link>,
    /// Rows of extensions' tables.
    pub configured: Vec<Configured>,
    /// Privileges of what is not in `objects`.
    pub others: Vec<OthersRights>,
    /// What the model does not cover.
    pub uncovered: Vec<Uncovered>,
    /// Indexes that the server does not use. They are not in `objects`.
    pub unfinished: Vec<UnfinishedIndex>,
}

impl Catalog {
    /// The place of an object in the list.
    pub fn place(&self, class: u32, oid: u32) -> Option<usize> {
        self.places.get(&Address { class, oid }).copied()
    }

    /// The position of the object with this identity.
    pub fn named(&self, identity: &Identity) -> Option<usize> {
        self.objects.binary_search_by(|object| object.identity.cmp(identity)).ok()
    }

    /// The checks of parent tables from which a check is inherited.
    pub(crate) fn checks_above(&self, check: &Object) -> Vec<usize> {
        let table = match &check.definition {
            Definition::Constraint(constraint) if !constraint.is_of_domain => {
                self.find(class::CLASS, constraint.part_of).and_then(Object::table)
            }
            _ => None,
        };
        let of_parent = |&oid: &u32| {
            let parent = &self.find(class::CLASS, oid)?.identity;
            let name = check.identity.name.clone();
            self.named(&Identity::part(Kind::Constraint, parent, name))
        };
        table.map(|table| table.parents.iter().filter_map(of_parent).collect()).unwrap_or_default()
    }

    /// The object of an address.
    pub fn find(&self, class: u32, oid: u32) -> Option<&Object> {
        Some(&self.objects[self.place(class, oid)?])
    }
}
