//! A schema in several parts: what stands before all tables, each table with all that is of it, and
//! what needs several tables. Loaded in this order they make the same schema; of the parts of
//! tables, none needs another one, so that their order makes no difference.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::{Catalog, Definition, Kind, Object, class};
use crate::graph::{DumpOrder, Step};

/// Which part something is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceOfPart {
    /// Before all tables.
    First,
    /// With a table, by its place in the catalog. Partitions, and tables that inherit from it, are
    /// with it.
    Table(usize),
    /// After all tables: foreign keys, views, and whatever else needs two of them.
    Last,
}

/// A part.
#[derive(Debug)]
pub struct SchemaPart {
    /// Which one it is.
    pub place: PlaceOfPart,
    pub(crate) steps: Vec<Step>,
    /// The objects whose privileges it has.
    pub(crate) objects: BTreeSet<usize>,
}

/// The parts in the order in which they are loaded. Only what is chosen is in them.
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
        // What has no step of its own fires, or applies to what is made later.
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
    /// Sequences of a table that another table uses, too.
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

    /// Where each step is: as near to its table as what it needs allows.
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

    /// Where a step belongs for who reads it.
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

    /// The table that a table is a partition of, or the first that it inherits from.
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
