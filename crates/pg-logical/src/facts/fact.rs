//! Facts about a database, and the difference between two sets of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::Address;

/// One fact about an object, a column, an owner, a privilege or a comment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// What kind of thing it describes: `table`, `column`, `owner`.
    pub kind: &'static str,
    /// Which one it describes: `public.users.name`.
    pub name: String,
    /// The description, such as the type of a column.
    pub text: String,
    /// The number of a column; 0 for anything else.
    pub(super) number: u32,
    /// Whether the fact is the same in every environment. Owners, privileges and facts that name a
    /// role are not.
    pub is_structure: bool,
}

/// The kind and the name of a fact.
pub type Subject<'a> = (&'static str, &'a str);

/// What stands for the object of facts that belong to none.
pub(super) const NO_OBJECT: Address = Address { class: 0, oid: 0 };

/// The facts of each object, including those of what belongs to it. The first one is about the
/// object itself.
pub(super) type Roots = BTreeMap<Address, Arc<Vec<Fact>>>;

/// The facts of a database. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct SchemaFacts(pub(super) Arc<Roots>);

/// The difference between two sets of facts. It leaves out objects whose facts are shared by both.
#[derive(Debug, Default)]
pub struct Difference<'a> {
    /// The old facts.
    pub before: BTreeMap<Subject<'a>, &'a Fact>,
    /// The new facts.
    pub after: BTreeMap<Subject<'a>, &'a Fact>,
    /// The objects whose facts may differ.
    pub roots: BTreeSet<Address>,
}

impl SchemaFacts {
    /// All facts, in the order of the objects' OIDs, which differ between databases.
    pub fn all(&self) -> impl Iterator<Item = &Fact> {
        self.0.values().flat_map(|facts| facts.iter())
    }

    /// The facts that are the same in every environment, sorted, one per line.
    pub fn structure(&self) -> String {
        let mut all: Vec<&Fact> = self.all().filter(|fact| fact.is_structure).collect();
        all.sort_unstable();
        let mut text = String::new();
        for fact in all {
            text.extend([fact.kind, " ", &fact.name, " ", &fact.text, "\n"]);
        }
        text
    }

    /// Each fact with the one about the object that it belongs to, which may be the same one.
    pub fn with_objects(&self) -> impl Iterator<Item = (&Fact, &Fact)> {
        self.0.iter().flat_map(|(address, facts)| {
            let first = facts.first().filter(|_| *address != NO_OBJECT);
            facts.iter().map(move |fact| (first.unwrap_or(fact), fact))
        })
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
    /// Compares the facts only, not the OIDs of the objects.
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
