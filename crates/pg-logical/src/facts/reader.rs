//! Reads the facts of a database repeatedly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::{self, Address, Catalog, Object, Part, Scope, class};
use crate::facts::fact::{Fact, NO_OBJECT, Roots, SchemaFacts};
use crate::facts::of_object;
use crate::facts::watch::{CatalogChange, Watch};
use crate::source::{Row, Source, SourceError};

/// What is left out of the facts.
pub struct Omitted {
    /// Schemas that are left out with everything in them.
    pub schemas: Vec<String>,
    /// Schemas that are left out, but not the objects in them.
    pub schema_names: Vec<String>,
    /// A query that selects the OIDs of relations as `oid` from `pg_class c`. It has to end in a
    /// condition, because another one is appended.
    pub relations: String,
}

/// What belongs to some objects is found by keys. To consider other ways takes the planner more
/// time than all the rest.
const BY_KEYS: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off";

/// Reads the facts of a database repeatedly.
pub struct FactReader {
    omitted: Omitted,
    watch: Watch,
    facts: SchemaFacts,
}

impl FactReader {
    /// A reader whose first read is complete.
    pub fn new(omitted: Omitted) -> FactReader {
        FactReader { omitted, watch: Watch::default(), facts: SchemaFacts::default() }
    }

    /// Makes the next read complete.
    pub fn forget(&mut self) {
        self.watch = Watch::default();
    }

    /// Names the relations that were probably changed since the last read: those that a transaction
    /// had locked. The next read is as complete as without them, and faster if there are no others.
    pub fn expect(&mut self, relations: Vec<u32>) {
        self.watch.expect(relations);
    }

    /// Reads what was written since the last read, or everything. Also returns the objects that
    /// were read; `None` means all.
    pub fn read(
        &mut self,
        source: &mut dyn Source,
    ) -> Result<(SchemaFacts, Option<BTreeSet<Address>>), SourceError> {
        let written = self.watch.poll(source)?;
        if let CatalogChange::Of(written) = written
            && let Some(facts) = self.read_again(source, &written)?
        {
            self.facts = facts;
            return Ok((self.facts.clone(), Some(written)));
        }
        Ok((self.read_all(source)?, None))
    }

    /// Reads everything, without looking at what was written.
    pub fn read_all(&mut self, source: &mut dyn Source) -> Result<SchemaFacts, SourceError> {
        let catalog = catalog::read_scope(source, Scope::Definitions)?;
        let mut roots = self.roots(source, &catalog, None)?;
        roots.insert(NO_OBJECT, of_object::of_others(&catalog));
        self.facts = self.facts.renewed(roots);
        Ok(self.facts.clone())
    }

    /// Rereads some objects. `None` if one was renamed: facts about others may contain its name.
    fn read_again(
        &self,
        source: &mut dyn Source,
        written: &BTreeSet<Address>,
    ) -> Result<Option<SchemaFacts>, SourceError> {
        let oids = |class: u32| {
            written.iter().filter(|of| of.class == class).map(|of| of.oid).collect::<Vec<u32>>()
        };
        let part = Part {
            relations: oids(class::CLASS),
            types: oids(class::TYPE),
            routines: oids(class::PROC),
        };
        if written.is_empty() {
            return Ok(Some(self.facts.clone()));
        }
        source.sets("prepare to read objects", BY_KEYS)?;
        let catalog = catalog::read_scope(source, Scope::Part(&part))?;
        source.sets("prepare to read objects", "RESET enable_hashjoin; RESET enable_mergejoin")?;
        let roots = self.roots(source, &catalog, Some(&part))?;
        let old = &self.facts.0;
        let is_renamed = |(of, now): (&Address, &Vec<Fact>)| {
            old.get(of).is_some_and(|then| is_renamed(then, now))
        };
        // Facts about other objects would still contain the old name.
        if roots.iter().any(is_renamed) {
            return Ok(None);
        }
        let mut all = Roots::clone(old);
        all.retain(|of, _| !written.contains(of) || roots.contains_key(of));
        let kept = |of: &Address, now: Vec<Fact>| match old.get(of) {
            Some(then) if **then == now => Arc::clone(then),
            _ => Arc::new(now),
        };
        all.extend(roots.into_iter().map(|(of, facts)| (of, kept(&of, facts))));
        Ok(Some(SchemaFacts(Arc::new(all))))
    }

    /// The facts of the objects in a catalog, grouped by root.
    fn roots(
        &self,
        source: &mut dyn Source,
        catalog: &Catalog,
        part: Option<&Part>,
    ) -> Result<BTreeMap<Address, Vec<Fact>>, SourceError> {
        let omitted = self.omitted_relations(source, part)?;
        let mut roots: BTreeMap<Address, Vec<Fact>> = BTreeMap::new();
        for object in &catalog.objects {
            let root = root_of(object);
            let is_omitted =
                omitted.contains(&root) || object.whole().is_some_and(|of| omitted.contains(&of));
            if !is_omitted && !self.is_in_omitted_schema(object) {
                let of_root = roots.entry(root).or_default();
                let (mut facts, at) = (Vec::new(), of_root.len());
                of_object::add(catalog, object, &mut facts);
                // What is about the object itself comes first.
                let at = if object.address == root { 0 } else { at };
                of_root.splice(at..at, facts);
            }
        }
        for index in &catalog.unfinished {
            if let Some(facts) = roots.get_mut(&Address { class: class::CLASS, oid: index.table }) {
                facts.push(of_object::unfinished(&index.name));
            }
        }
        Ok(roots)
    }

    fn omitted_relations(
        &self,
        source: &mut dyn Source,
        part: Option<&Part>,
    ) -> Result<BTreeSet<Address>, SourceError> {
        let among = part.map(|part| {
            let oids: Vec<String> = part.relations.iter().map(u32::to_string).collect();
            format!(" AND c.oid = ANY ('{{{}}}'::oid[])", oids.join(","))
        });
        let query = format!("{}{}", self.omitted.relations, among.unwrap_or_default());
        let sets = source.sets("find the tables of tools", &query)?;
        let oids = sets.iter().flatten().map(|record| Row::new(&**record).oid("oid"));
        oids.map(|oid| Ok(Address { class: class::CLASS, oid: oid? })).collect()
    }

    fn is_in_omitted_schema(&self, object: &Object) -> bool {
        let identity = &object.identity;
        match (&identity.schema, &object.definition) {
            (Some(schema), _) => self.omitted.schemas.contains(schema),
            (None, catalog::Definition::Schema(_)) => {
                self.omitted.schemas.contains(&identity.name)
                    || self.omitted.schema_names.contains(&identity.name)
            }
            (None, _) => false,
        }
    }
}

impl SchemaFacts {
    /// The new facts, sharing the memory of those that did not change.
    fn renewed(&self, roots: BTreeMap<Address, Vec<Fact>>) -> SchemaFacts {
        let kept = |(of, now): (Address, Vec<Fact>)| match self.0.get(&of) {
            Some(then) if **then == now => (of, Arc::clone(then)),
            _ => (of, Arc::new(now)),
        };
        SchemaFacts(Arc::new(roots.into_iter().map(kept).collect()))
    }
}

/// The object with which this one is read: its table, or itself. A sequence is read by itself.
fn root_of(object: &Object) -> Address {
    match &object.definition {
        catalog::Definition::Sequence(_) => object.address,
        _ => object.whole().unwrap_or(object.address),
    }
}

/// Whether an object, a column, a constraint or a value of an enum was renamed.
fn is_renamed(then: &[Fact], now: &[Fact]) -> bool {
    let other_name = |was: &&Fact| match was.number {
        0 => match was.kind {
            // The body of a function may name a constraint.
            "constraint" => {
                !now.iter().any(|is| is.subject() == was.subject())
                    && now.iter().any(|is| is.kind == was.kind && is.text == was.text)
            }
            "enum value" => !now.iter().any(|is| is.subject() == was.subject()),
            _ => false,
        },
        number => now.iter().any(|is| is.number == number && is.name != was.name),
    };
    let own = |facts: &[Fact]| facts.first().map(|fact| (fact.kind, fact.name.clone()));
    own(then) != own(now) || then.iter().any(|was| other_name(&was))
}
