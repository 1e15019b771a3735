//! Facts, and what differs between those of two moments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::Address;

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// What it is of: `table`, `column`, `owner`.
    pub kind: &'static str,
    /// Of which one: `public.users.name`.
    pub name: String,
    /// What is so.
    pub text: String,
    /// The number of a column; 0 for all else.
    pub(super) number: u32,
    /// Whether it is the same in every environment: owners, privileges and whatever names a role
    /// are not.
    pub is_structure: bool,
}

/// What a fact is about: its kind and its name.
pub type Subject<'a> = (&'static str, &'a str);

/// The facts of each object.
pub(super) type Roots = BTreeMap<Address, Arc<Vec<Fact>>>;

/// The facts of a database. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct SchemaFacts(pub(super) Arc<Roots>);

/// What differs between two moments: the facts that one of them has and the other has not.
#[derive(Debug, Default)]
pub struct Difference<'a> {
    /// As it was.
    pub before: BTreeMap<Subject<'a>, &'a Fact>,
    /// As it is.
    pub after: BTreeMap<Subject<'a>, &'a Fact>,
    /// The objects whose facts differ.
    pub roots: BTreeSet<Address>,
}

impl SchemaFacts {
    /// All of them, in the order of objects, which is another one in every database.
    pub fn all(&self) -> impl Iterator<Item = &Fact> {
        self.0.values().flat_map(|facts| facts.iter())
    }

    /// The lines that are the same wherever the schema is, sorted.
    pub fn structure(&self) -> String {
        let mut all: Vec<&Fact> = self.all().filter(|fact| fact.is_structure).collect();
        all.sort_unstable();
        let mut text = String::new();
        for fact in all {
            text.extend([fact.kind, " ", &fact.name, " ", &fact.text, "\n"]);
        }
        text
    }

    /// The difference between these facts and later ones of the same database.
    pub fn to<'a>(&'a self, after: &'a SchemaFacts) -> Difference<'a> {
        let mut found = Difference::default();
        for (address, facts) in self.0.iter() {
            let same = after.0.get(address).is_some_and(|now| Arc::ptr_eq(now, facts));
            if !same {
                found.roots.insert(*address);
                found.before.extend(facts.iter().map(|fact| (fact.subject(), fact)));
            }
        }
        for (address, facts) in after.0.iter() {
            let same = self.0.get(address).is_some_and(|then| Arc::ptr_eq(then, facts));
            if !same {
                found.roots.insert(*address);
                found.after.extend(facts.iter().map(|fact| (fact.subject(), fact)));
            }
        }
        found
    }
}

impl PartialEq for SchemaFacts {
    /// Whether the facts are the same, of whatever numbers the objects are.
    fn eq(&self, other: &SchemaFacts) -> bool {
        let difference = self.to(other);
        difference.before == difference.after
    }
}

impl Eq for SchemaFacts {}

impl Fact {
    pub(super) fn subject(&self) -> Subject<'_> {
        (self.kind, &self.name)
    }
}
