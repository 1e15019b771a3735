//! Splits a schema into parts: what precedes all tables, each table with everything that belongs to
//! it, and what needs several tables. Loaded in this order, the parts create the same schema. No
//! table's part needs another table's part, so the order of these does not matter.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::{Catalog, Definition, Kind, Object, class};
use crate::graph::{DumpOrder, Step};

/// Which part of a schema something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceOfPart {
    /// Before all tables.
    First,
    /// With a table, by its position in the catalog. Partitions and child tables are in the part of
    /// their root.
    Table(usize),
    /// After all tables: foreign keys, views, and everything else that needs more than one table.
    Last,
}

/// One part of a schema.
#[derive(Debug)]
pub struct SchemaPart {
    /// Which part this is.
    pub place: PlaceOfPart,
    pub(crate) steps: Vec<Step>,
    /// The objects whose privileges are in this part.
    pub(crate) objects: BTreeSet<usize>,
}

/// The parts in the order in which they are loaded, with the chosen objects only.
pub fn parts(
    catalog: &Catalog,
    order: &DumpOrder,
    chosen: Option<&BTreeSet<usize>>,
) -> Vec<SchemaPart> {
    let places = Splitting::of(catalog, order).placed();
    let mut parts: BTreeMap<PlaceOfPart, SchemaPart> = BTreeMap::new();
    let mut part = |place| {
        let empty = SchemaPart { place, steps: Vec::new(), objects: BTreeSet::new() };
        parts.entry(place).or_insert(empty);
    };
    part(PlaceOfPart::First);
    part(PlaceOfPart::Last);
    places.values().for_each(|&place| part(place));
    let is_chosen = |at: usize| chosen.is_none_or(|chosen| chosen.contains(&at));
    for &step in order.steps.iter().filter(|step| is_chosen(step.object())) {
        let Some(part) = places.get(&step).and_then(|place| parts.get_mut(place)) else { continue };
        part.steps.push(step);
    }
    for at in (0..catalog.objects.len()).filter(|&at| is_chosen(at)) {
        // Event triggers and default privileges have no step, and affect what is loaded later.
        let place = places.get(&Step::Create(at)).copied().unwrap_or(PlaceOfPart::Last);
        if let Some(part) = parts.get_mut(&place) {
            part.objects.insert(at);
        }
    }
    let is_empty = |part: &SchemaPart| part.steps.is_empty() && part.objects.is_empty();
    parts.into_values().filter(|part| !is_empty(part)).collect()
}

struct Splitting<'a> {
    catalog: &'a Catalog,
    order: &'a DumpOrder,
    needs: HashMap<Step, Vec<Step>>,
    /// Sequences of one table that another table uses too.
    shared: BTreeSet<usize>,
}

impl Splitting<'_> {
    fn of<'a>(catalog: &'a Catalog, order: &'a DumpOrder) -> Splitting<'a> {
        let needs = order.needs();
        let mut splitting = Splitting { catalog, order, needs, shared: BTreeSet::new() };
        let is_sequence =
            |at: usize| matches!(catalog.objects[at].definition, Definition::Sequence(_));
        let mut shared = BTreeSet::new();
        for (&step, needs) in &splitting.needs {
            let own = splitting.natural(step);
            let others = needs.iter().filter(|need| is_sequence(need.object()));
            shared.extend(
                others.filter(|need| splitting.natural(**need) != own).map(|need| need.object()),
            );
        }
        splitting.shared = shared;
        splitting
    }

    /// The part of each step: that of its table, unless the step needs something of another part.
    fn placed(&self) -> HashMap<Step, PlaceOfPart> {
        let mut places: HashMap<Step, PlaceOfPart> = HashMap::new();
        for &step in &self.order.steps {
            let own = self.natural(step);
            let needs = self.needs.get(&step).into_iter().flatten();
            let is_beyond = |need: &Step| match places.get(need) {
                None | Some(PlaceOfPart::First) => false,
                Some(&place) => place != own,
            };
            let is_early = needs.into_iter().any(is_beyond);
            places.insert(step, if is_early { PlaceOfPart::Last } else { own });
        }
        places
    }

    /// The part in which a reader looks for a step.
    fn natural(&self, step: Step) -> PlaceOfPart {
        let at = step.object();
        let object = &self.catalog.objects[at];
        if step == Step::Create(at) && self.shared.contains(&at) {
            return PlaceOfPart::First;
        }
        let of = match object.whole() {
            Some(whole) if whole.class == class::CLASS => {
                self.catalog.place(whole.class, whole.oid)
            }
            Some(_) => None,
            None => Some(at),
        };
        match of.filter(|&at| is_table(&self.catalog.objects[at])) {
            Some(table) => PlaceOfPart::Table(self.root(table)),
            None => PlaceOfPart::First,
        }
    }

    /// The root table: found through the partitioned table, or the first parent, of each table.
    fn root(&self, table: usize) -> usize {
        let parents = self.catalog.objects[table].table().map(|table| &table.parents[..]);
        let parent = parents.and_then(|parents| parents.first());
        match parent.and_then(|&oid| self.catalog.place(class::CLASS, oid)) {
            Some(parent) => self.root(parent),
            None => table,
        }
    }
}

fn is_table(object: &Object) -> bool {
    matches!(object.identity.kind, Kind::Table | Kind::ForeignTable)
}
