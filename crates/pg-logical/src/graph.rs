//! The order in which a database is made: what something needs comes before it, and nothing but
//! names decides about the rest.
//!
//! A default or a check that needs what needs its table is made after it. Of views that need each
//! other, one is made with the right columns and without its query first.

mod descent;
mod inherited;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use thiserror::Error;

use crate::catalog::{Address, Catalog, Definition, Kind, Object, class};
use crate::graph::descent::Descent;

pub(crate) use descent::{parent_index, usual_not_null};

/// A step, with the place of its object in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The object itself.
    Create(usize),
    /// A view that was made without its query.
    View(usize),
    /// The default of a column, by its place in the table.
    Default(usize, usize),
    /// A sequence gets the column that owns it.
    Own(usize),
    /// A partition becomes one.
    Attach(usize),
    /// The rows of a table.
    Rows(usize),
    /// The value of a sequence, or of one of a table's identity columns.
    Value(usize),
    /// The index of a partition becomes a part of its table's.
    AttachIndex(usize),
    /// A constraint that refuses NULL in new rows only.
    NotNull(usize, usize),
    /// Policies begin to limit rows.
    Protect(usize),
}

/// Objects that need each other in a way that no order fulfils.
#[derive(Debug, Error)]
#[error("these objects depend on each other, so none can be created first: {}", .0.join(", "))]
pub struct Circle(pub Vec<String>);

/// The steps in their order, and what is made with something else.
#[derive(Debug)]
pub struct DumpOrder {
    /// The steps.
    pub steps: Vec<Step>,
    /// Constraints by the table or the domain that they are made with.
    inlined: HashMap<Address, Vec<usize>>,
    /// Defaults that are not made with their tables.
    separate: HashSet<(usize, usize)>,
    dummies: HashSet<Address>,
    /// The schemas and names of constraints whose names are given explicitly.
    named: HashSet<(String, String)>,
    graph: Graph,
}

impl DumpOrder {
    /// The constraints that are made with a table or a domain.
    pub(crate) fn inlined_of(&self, address: Address) -> &[usize] {
        self.inlined.get(&address).map_or(&[], Vec::as_slice)
    }

    /// Whether a default is made with its table.
    pub(crate) fn is_inlined_default(&self, table: usize, column: usize) -> bool {
        !self.separate.contains(&(table, column))
    }

    /// The steps that have to precede each step.
    pub(crate) fn needs(&self) -> HashMap<Step, Vec<Step>> {
        let Graph { steps, needs } = &self.graph;
        let named = |needs: &Vec<usize>| needs.iter().map(|&need| steps[need]).collect();
        steps.iter().copied().zip(needs.iter().map(named)).collect()
    }

    /// Whether a constraint of the schema is given this name. The server does not choose that name
    /// for another constraint.
    pub(crate) fn is_given(&self, schema: &str, name: &str) -> bool {
        self.named.contains(&(schema.to_owned(), name.to_owned()))
    }

    /// Whether a view is made without its query first.
    pub(crate) fn is_dummy(&self, address: Address) -> bool {
        self.dummies.contains(&address)
    }
}

/// After which the rows are loaded.
const ROWS: u8 = 100;

fn rank(catalog: &Catalog, step: Step) -> u8 {
    match step {
        Step::Create(at) => match catalog.objects[at].identity.kind {
            kind if kind < Kind::Constraint => kind as u8,
            kind => ROWS + 10 + kind as u8,
        },
        Step::Own(_) | Step::Default(..) => Kind::Table as u8,
        Step::View(_) => Kind::View as u8,
        Step::Attach(_) => Kind::LargeObject as u8 + 1,
        Step::Rows(_) => ROWS,
        Step::Value(_) => ROWS + 1,
        Step::NotNull(..) => ROWS + 10,
        Step::AttachIndex(_) => ROWS + 10 + Kind::Index as u8,
        Step::Protect(_) => ROWS + 10 + Kind::Policy as u8,
    }
}

/// The steps that a catalog is made by. What is left out is made with nothing.
pub fn order(catalog: &Catalog, left_out: &BTreeSet<usize>) -> Result<DumpOrder, Circle> {
    let mut making = Making::new(catalog, left_out);
    loop {
        let graph = making.graph();
        match graph.sorted(catalog) {
            Ok(steps) => return Ok(making.order(steps, graph)),
            Err(circle) => making.repair(&graph, &circle)?,
        }
    }
}

/// What is decided so far.
struct Making<'a> {
    catalog: &'a Catalog,
    /// Constraints that are made with something, and that object.
    inlined: HashMap<usize, usize>,
    /// The same the other way round.
    inlined_by: HashMap<usize, Vec<usize>>,
    /// Constraints by the numbers of their indexes.
    by_index: HashMap<u32, usize>,
    descent: Descent,
    separate: HashSet<(usize, usize)>,
    dummies: BTreeSet<usize>,
}

#[derive(Debug)]
struct Graph {
    steps: Vec<Step>,
    needs: Vec<Vec<usize>>,
}

impl<'a> Making<'a> {
    fn new(catalog: &'a Catalog, left_out: &BTreeSet<usize>) -> Making<'a> {
        let mut inlined = HashMap::new();
        let mut by_index = HashMap::new();
        for (at, object) in catalog.objects.iter().enumerate() {
            let Definition::Constraint(constraint) = &object.definition else { continue };
            by_index.extend(constraint.index.as_ref().map(|behind| (behind.oid, at)));
            let class = if constraint.is_of_domain { class::TYPE } else { class::CLASS };
            let Some(of) = catalog.place(class, constraint.part_of) else { continue };
            let is_of_partition = catalog.objects[of].table().is_some_and(|t| t.bound.is_some());
            if object.is_inline(is_of_partition) && !left_out.contains(&at) {
                inlined.insert(at, of);
            }
        }
        let mut separate = HashSet::new();
        for (at, object) in catalog.objects.iter().enumerate() {
            // Views have defaults, but declare none.
            if matches!(object.definition, Definition::View(_)) {
                let own = object.columns().iter().enumerate();
                separate
                    .extend(own.filter(|(_, c)| c.value.is_some()).map(|(column, _)| (at, column)));
            }
        }
        let (inlined_by, dummies) = (HashMap::new(), BTreeSet::new());
        let descent = Descent::of(catalog);
        Making { catalog, inlined, inlined_by, by_index, descent, separate, dummies }
    }

    fn place(&self, class: u32, oid: u32) -> Option<usize> {
        self.catalog.place(class, oid)
    }

    fn order(self, steps: Vec<Step>, graph: Graph) -> DumpOrder {
        let mut inlined: HashMap<Address, Vec<usize>> = HashMap::new();
        for (&at, &of) in &self.inlined {
            inlined.entry(self.catalog.objects[of].address).or_default().push(at);
        }
        inlined.values_mut().for_each(|list| list.sort_unstable());
        let dummies = self.dummies.iter().map(|&at| self.catalog.objects[at].address).collect();
        let named = descent::given_names(self.catalog);
        DumpOrder { steps, inlined, separate: self.separate, dummies, named, graph }
    }

    fn graph(&mut self) -> Graph {
        self.inlined_by.clear();
        for (&at, &of) in &self.inlined {
            self.inlined_by.entry(of).or_default().push(at);
        }
        let steps = self.steps();
        let at: HashMap<Step, usize> =
            steps.iter().enumerate().map(|(at, step)| (*step, at)).collect();
        let mut graph = Graph { needs: vec![Vec::new(); steps.len()], steps };
        for number in 0..graph.steps.len() {
            let mut needs = Vec::new();
            self.needs_of(graph.steps[number], &mut |step| needs.extend(at.get(&step)));
            needs.sort_unstable();
            needs.dedup();
            needs.retain(|&need| need != number);
            graph.needs[number] = needs;
        }
        graph
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, object) in self.catalog.objects.iter().enumerate() {
            if matches!(object.identity.kind, Kind::DefaultPrivileges | Kind::EventTrigger) {
                continue;
            }
            if !self.inlined.contains_key(&at) {
                steps.push(Step::Create(at));
            }
            steps.extend(self.dummies.contains(&at).then_some(Step::View(at)));
            self.further_steps(at, object, &mut steps);
        }
        steps
    }

    fn further_steps(&self, at: usize, object: &Object, steps: &mut Vec<Step>) {
        for (number, column) in object.columns().iter().enumerate() {
            if self.separate.contains(&(at, number)) {
                steps.push(Step::Default(at, number));
            }
            if column
                .not_null_constraint
                .as_ref()
                .is_some_and(|one| !one.is_validated && (one.is_local || one.comment.is_some()))
            {
                steps.push(Step::NotNull(at, number));
            }
        }
        match &object.definition {
            Definition::Table(table) => {
                steps.extend(table.bound.is_some().then_some(Step::Attach(at)));
                let has_rows = object.identity.kind == Kind::Table && table.partition_key.is_none();
                steps.extend(has_rows.then_some(Step::Rows(at)));
                let has_values = table.columns.iter().any(|column| column.identity.is_some());
                steps.extend(has_values.then_some(Step::Value(at)));
                let is_protected = table.has_policies || table.forces_policies;
                steps.extend(is_protected.then_some(Step::Protect(at)));
            }
            Definition::Sequence(sequence) => {
                steps.extend(sequence.owned_by.is_some().then_some(Step::Own(at)));
                steps.push(Step::Value(at));
            }
            Definition::Index(index) if index.marks.parent.is_some() => {
                steps.push(Step::AttachIndex(at));
            }
            Definition::Constraint(constraint) => {
                let parent =
                    constraint.index.as_ref().and_then(|behind| behind.marks.parent.as_ref());
                steps.extend(parent.map(|_| Step::AttachIndex(at)));
            }
            _ => {}
        }
    }

    fn needs_of(&self, step: Step, add: &mut dyn FnMut(Step)) {
        match step {
            Step::Create(at) if self.dummies.contains(&at) => {
                for column in self.catalog.objects[at].columns() {
                    let kind = self.place(class::TYPE, column.type_oid);
                    let collation = self.place(class::COLLATION, column.collation_oid);
                    kind.into_iter().chain(collation).for_each(|place| self.made(place, add));
                }
                self.schema_of(at, add);
            }
            Step::Create(at) => {
                self.needs_of_object(at, add);
                self.needs_of_inherited(at, add);
                if matches!(
                    self.catalog.objects[at].definition,
                    Definition::Domain(_) | Definition::Table(_)
                ) {
                    self.needs_of_inlined(at, add);
                }
            }
            Step::View(at) => {
                add(Step::Create(at));
                self.needs_of_object(at, add);
            }
            Step::Default(at, column) => {
                add(Step::Create(at));
                self.needs_of_default(at, column, add);
            }
            Step::Own(at) => {
                add(Step::Create(at));
                if let Definition::Sequence(sequence) = &self.catalog.objects[at].definition
                    && let Some(owned) = &sequence.owned_by
                    && let Some(place) = self.place(class::CLASS, owned.table)
                {
                    add(Step::Create(place));
                }
            }
            Step::Attach(at) => {
                add(Step::Create(at));
                let parents = self.catalog.objects[at].table().map(|table| &table.parents[..]);
                for &parent in parents.unwrap_or_default() {
                    self.place(class::CLASS, parent)
                        .into_iter()
                        .for_each(|at| add(Step::Create(at)));
                }
            }
            Step::Rows(at) => {
                add(Step::Create(at));
                add(Step::Attach(at));
            }
            Step::Value(at) => add(Step::Create(at)),
            Step::NotNull(at, column) => {
                add(Step::Create(at));
                add(Step::Rows(at));
                self.needs_of_not_null(at, column, add);
            }
            Step::Protect(at) => {
                add(Step::Create(at));
                add(Step::Rows(at));
            }
            Step::AttachIndex(at) => {
                add(Step::Create(at));
                if let Some(parent) =
                    parent_index(&self.catalog.objects[at]).and_then(|(oid, _)| {
                        self.place(class::CLASS, *oid).or(self.by_index.get(oid).copied())
                    })
                {
                    add(Step::Create(parent));
                }
            }
        }
    }

    fn schema_of(&self, at: usize, add: &mut dyn FnMut(Step)) {
        for &need in &self.catalog.needs[at] {
            if self.catalog.objects[need].identity.kind == Kind::Schema {
                add(Step::Create(need));
            }
        }
    }

    /// The object, or what it is made with.
    fn made(&self, at: usize, add: &mut dyn FnMut(Step)) {
        add(Step::Create(self.inlined.get(&at).copied().unwrap_or(at)));
    }

    fn needs_of_object(&self, at: usize, add: &mut dyn FnMut(Step)) {
        let is_after = self.catalog.objects[at].identity.kind >= Kind::Constraint;
        let is_check = self.catalog.objects[at].is_inline(false);
        for &need in &self.catalog.needs[at] {
            if self.is_copy(at, need) {
                continue;
            }
            self.made(need, add);
            // What comes after the rows of one table comes after those of all that it needs.
            if is_after && !is_check {
                add(Step::Rows(need));
            }
        }
    }

    fn needs_of_inlined(&self, at: usize, add: &mut dyn FnMut(Step)) {
        for &constraint in self.inlined_by.get(&at).into_iter().flatten() {
            self.catalog.needs[constraint].iter().for_each(|&need| self.made(need, add));
        }
        for (number, _) in self.catalog.objects[at].columns().iter().enumerate() {
            if !self.separate.contains(&(at, number)) {
                self.needs_of_default(at, number, add);
            }
        }
    }

    fn needs_of_default(&self, at: usize, column: usize, add: &mut dyn FnMut(Step)) {
        let value = self.catalog.objects[at].columns().get(column).and_then(|c| c.value.as_ref());
        let needs = value.and_then(|value| self.catalog.value_needs.get(&value.oid));
        needs.into_iter().flatten().for_each(|&need| self.made(need, add));
    }

    /// Takes one thing out of a circle.
    fn repair(&mut self, graph: &Graph, circle: &[usize]) -> Result<(), Circle> {
        let steps: HashSet<Step> = circle.iter().map(|&number| graph.steps[number]).collect();
        let mut is_repaired = false;
        for &step in &steps {
            if let Step::Create(at) = step {
                is_repaired |= self.separate_constraints(at, &steps);
                is_repaired |= self.separate_defaults(at, &steps);
            }
        }
        if is_repaired {
            return Ok(());
        }
        let is_view = |at: &usize| {
            self.catalog.objects[*at].identity.kind == Kind::View && !self.dummies.contains(at)
        };
        let mut members: Vec<usize> = steps.iter().map(|step| step.object()).collect();
        members.sort_unstable();
        members.dedup();
        match members.iter().copied().find(is_view) {
            Some(view) => {
                self.dummies.insert(view);
                Ok(())
            }
            None => {
                let name = |&at: &usize| self.catalog.objects[at].identity.to_string();
                Err(Circle(members.iter().map(name).collect()))
            }
        }
    }

    fn separate_constraints(&mut self, at: usize, circle: &HashSet<Step>) -> bool {
        let own = self.inlined_by.get(&at).cloned().unwrap_or_default();
        let mut found = false;
        for constraint in own {
            let mut is_in = false;
            for &need in self.catalog.needs[constraint].iter().filter(|&&need| need != at) {
                self.made(need, &mut |step| is_in |= circle.contains(&step));
            }
            if is_in {
                self.inlined.remove(&constraint);
                found = true;
            }
        }
        found
    }

    fn separate_defaults(&mut self, at: usize, circle: &HashSet<Step>) -> bool {
        let catalog = self.catalog;
        let Some(table) = catalog.objects[at].table() else { return false };
        let mut found = false;
        for (number, column) in catalog.objects[at].columns().iter().enumerate() {
            // A generated column cannot become one later.
            if column.generated.is_some() || self.separate.contains(&(at, number)) {
                continue;
            }
            let mut is_in = false;
            self.needs_of_default(at, number, &mut |step| {
                is_in |= step != Step::Create(at) && circle.contains(&step);
            });
            if is_in && (table.declares(column) || column.value.is_some()) {
                self.separate.insert((at, number));
                found = true;
            }
        }
        found
    }
}

impl Step {
    /// The place of its object in the catalog.
    pub fn object(self) -> usize {
        match self {
            Step::Create(at) | Step::View(at) | Step::Default(at, _) | Step::Own(at) => at,
            Step::Attach(at) | Step::Rows(at) | Step::Value(at) | Step::AttachIndex(at) => at,
            Step::NotNull(at, _) | Step::Protect(at) => at,
        }
    }
}

impl Graph {
    /// The steps in order, or those that need each other.
    fn sorted(&self, catalog: &Catalog) -> Result<Vec<Step>, Vec<usize>> {
        let mut waits: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); self.steps.len()];
        for (number, needs) in self.needs.iter().enumerate() {
            needs.iter().for_each(|&need| needed_by[need].push(number));
        }
        let key = |number: usize| {
            let step = self.steps[number];
            Reverse((rank(catalog, step), step.object(), step, number))
        };
        let mut ready: BinaryHeap<_> =
            (0..self.steps.len()).filter(|&number| waits[number] == 0).map(key).collect();
        let mut sorted = Vec::with_capacity(self.steps.len());
        while let Some(Reverse((_, _, step, number))) = ready.pop() {
            sorted.push(step);
            for &next in &needed_by[number] {
                waits[next] -= 1;
                if waits[next] == 0 {
                    ready.push(key(next));
                }
            }
        }
        if sorted.len() == self.steps.len() {
            return Ok(sorted);
        }
        Err(self.circle(&waits, &needed_by))
    }

    /// Of the steps that wait for ever, those that others of them wait for.
    fn circle(&self, waits: &[usize], needed_by: &[Vec<usize>]) -> Vec<usize> {
        let mut left: HashSet<usize> =
            (0..self.steps.len()).filter(|&number| waits[number] > 0).collect();
        loop {
            let is_needed =
                |number: &usize| needed_by[*number].iter().any(|next| left.contains(next));
            let ends: Vec<usize> =
                left.iter().copied().filter(|number| !is_needed(number)).collect();
            if ends.is_empty() {
                return left.into_iter().collect();
            }
            ends.iter().for_each(|number| {
                left.remove(number);
            });
        }
    }
}
