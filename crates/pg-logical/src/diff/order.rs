//! Puts all changes in one order: an object is dropped after those that depend on it, created after
//! those that it depends on, and altered in between.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

use crate::catalog::{Definition, Kind, Link};
use crate::diff::checks;
use crate::diff::closure::{ColumnFate, Fate, Fates, Name, names};
use crate::diff::compare::{Side, constraint_of};
use crate::diff::inherited;
use crate::diff::node::Node;
use crate::graph::{self, Step};

/// The changes, and which of them must come before which.
pub(super) struct ChangeGraph {
    nodes: Vec<Node>,
    numbers: HashMap<Node, usize>,
    needs: Vec<BTreeSet<usize>>,
    /// The position of each step in the order in which the new database is dumped.
    ranks: HashMap<Step, usize>,
    /// The position of the table or domain of each inlined constraint.
    part_ranks: HashMap<usize, usize>,
}

impl ChangeGraph {
    pub(super) fn new(fates: &Fates<'_>) -> ChangeGraph {
        let (nodes, numbers, needs) = (Vec::new(), HashMap::new(), Vec::new());
        let steps = fates.comparison.after.order.steps.iter().enumerate();
        let ranks: HashMap<Step, usize> = steps.map(|(rank, step)| (*step, rank)).collect();
        let after = &fates.comparison.after;
        let rank = |new| Some((new, *ranks.get(&Step::Create(after.inlined_in(new)?))?));
        let part_ranks = (0..after.catalog.objects.len()).filter_map(rank).collect();
        let mut graph = ChangeGraph { nodes, numbers, needs, ranks, part_ranks };
        graph.makes(fates);
        graph.after_partitions(fates);
        graph.goings(fates);
        graph.links(fates);
        graph.names(fates);
        graph.parts(fates);
        graph
    }

    fn node(&mut self, node: Node) -> usize {
        if let Some(&number) = self.numbers.get(&node) {
            return number;
        }
        self.nodes.push(node);
        self.needs.push(BTreeSet::new());
        self.numbers.insert(node, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn edge(&mut self, first: Node, then: Node) {
        if first != then {
            let (first, then) = (self.node(first), self.node(then));
            self.needs[then].insert(first);
        }
    }

    /// Adds the changes that create or alter new objects, in the order of a dump.
    fn makes(&mut self, fates: &Fates<'_>) {
        let after = &fates.comparison.after;
        let needs = after.order.needs();
        for &step in &after.order.steps {
            let needs = needs.get(&step).cloned().unwrap_or_default();
            self.node(Node::Make(step));
            if let Some(partition) = made_before_attached(fates, step) {
                self.made_before(fates, step, partition);
                continue;
            }
            needs.into_iter().for_each(|need| self.edge(Node::Make(need), Node::Make(step)));
        }
        self.attached_indexes(fates);
        self.ready_before_inherited(fates);
        for new in 0..after.catalog.objects.len() {
            let node = making(fates, new);
            self.checked_before_attached(fates, new, node);
            if self.numbers.contains_key(&node) {
                continue;
            }
            self.node(node);
            if let Some(whole) = after.inlined_in(new) {
                self.edge(Node::Make(Step::Create(whole)), node);
            }
            for &need in &after.catalog.needs[new] {
                self.edge(making(fates, need), node);
            }
        }
    }

    /// Attaches an index to that of a partitioned table after its table has become a partition.
    fn attached_indexes(&mut self, fates: &Fates<'_>) {
        let after = &fates.comparison.after;
        for &step in &after.order.steps {
            let Step::AttachIndex(index) = step else { continue };
            let attach = after.whole(index).map(|table| Node::Make(Step::Attach(table)));
            let attach = attach.filter(|attach| self.numbers.contains_key(attach));
            attach.into_iter().for_each(|attach| self.edge(attach, Node::Make(step)));
        }
    }

    /// Attaches a table after it has the checks of the partitioned table.
    fn checked_before_attached(&mut self, fates: &Fates<'_>, new: usize, node: Node) {
        let after = &fates.comparison.after;
        let is_check = constraint_of(after.object(new)).is_some_and(|one| one.kind == 'c');
        let table = after.whole(new).filter(|_| is_check);
        let attach = table.map(|table| Node::Make(Step::Attach(table)));
        let attach = attach.filter(|attach| self.numbers.contains_key(attach));
        attach.into_iter().for_each(|attach| self.edge(node, attach));
    }

    /// Lets a table inherit from others once they have their checks, and only columns that stay.
    fn ready_before_inherited(&mut self, fates: &Fates<'_>) {
        let after = &fates.comparison.after;
        for pair in
            (0..fates.of.len()).filter(|&old| !fates.goes(old)).filter_map(|old| fates.pair(old))
        {
            let child = making(fates, pair.new_at);
            let parents = inherited::gained(&pair);
            let tables: Vec<usize> =
                parents.iter().flat_map(|&parent| checks::lineage(after, parent)).collect();
            for check in checks::of_tables(after, &tables) {
                self.edge(making(fates, check), child);
            }
            for old in tables.iter().filter_map(|&table| fates.comparison.originals[table]) {
                for column in fates.comparison.before.object(old).columns() {
                    if fates.column_fate(old, column.number) == ColumnFate::Drop {
                        self.edge(Node::DropColumn(old, column.number), child);
                    }
                }
            }
        }
    }

    /// Creates an index of a partitioned table after its partitions are attached: otherwise,
    /// attaching a partition would create a second index on the partition.
    fn after_partitions(&mut self, fates: &Fates<'_>) {
        let after = &fates.comparison.after;
        let mut partitions: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (new, object) in after.catalog.objects.iter().enumerate() {
            let Some(table) = object.table().filter(|table| table.bound.is_some()) else {
                continue;
            };
            table.parents.iter().for_each(|of| partitions.entry(*of).or_default().push(new));
        }
        for (new, object) in after.catalog.objects.iter().enumerate() {
            let has_index = match &object.definition {
                Definition::Index(_) => true,
                Definition::Constraint(constraint) => constraint.index.is_some(),
                _ => false,
            };
            let Some(whole) = object.whole().filter(|_| has_index && is_made(fates, new)) else {
                continue;
            };
            for &partition in partitions.get(&whole.oid).into_iter().flatten() {
                let (attach, make) = (Step::Attach(partition), Step::Create(new));
                self.edge(Node::Make(attach), Node::Make(make));
            }
        }
    }

    /// Creates an index of a partition before the partition is attached: otherwise, attaching it
    /// would create another one.
    fn made_before(&mut self, fates: &Fates<'_>, step: Step, partition: usize) {
        for &need in &fates.comparison.after.catalog.needs[step.object()] {
            self.edge(making(fates, need), Node::Make(step));
        }
        self.edge(Node::Make(Step::Create(partition)), Node::Make(step));
        self.edge(Node::Make(step), Node::Make(Step::Attach(partition)));
        self.constraints_after_indexes(fates, step, partition);
    }

    /// Creates an index of a partition before its constraints. If both have the same columns,
    /// PostgreSQL takes the older one for the index of the partitioned table, and then lacks one
    /// for the constraint.
    fn constraints_after_indexes(&mut self, fates: &Fates<'_>, step: Step, partition: usize) {
        let after = &fates.comparison.after;
        if constraint_of(after.object(step.object())).is_none() {
            return;
        }
        for (at, object) in after.catalog.objects.iter().enumerate() {
            let is_index = matches!(object.definition, Definition::Index(_));
            let index = Step::Create(at);
            if is_index && made_before_attached(fates, index) == Some(partition) {
                self.edge(Node::Make(index), Node::Make(step));
            }
        }
    }

    /// Adds the changes that drop, loosen and detach.
    fn goings(&mut self, fates: &Fates<'_>) {
        for old in 0..fates.of.len() {
            if let Some(node) = self.vanishing(fates, old) {
                self.node(node);
            }
            if fates.retired.contains(&old) {
                self.edge(Node::Retire(old), Node::Discard(old));
            }
            if let (Fate::Replace, Some(new)) = (fates.of[old], fates.comparison.twins[old])
                && let Some(node) = self.vanishing(fates, old)
            {
                self.edge(node, making(fates, new));
            }
            if fates.pair(old).is_some_and(|pair| inherited::is_detached(&pair))
                && let Some(new) = fates.comparison.twins[old]
            {
                self.edge(Node::Detach(old), Node::Make(Step::Create(new)));
            }
            self.columns_that_go(fates, old);
        }
        for &(old, number) in &fates.apart_defaults {
            let going = self.vanishing(fates, old);
            going.into_iter().for_each(|going| self.edge(Node::Loosen(old, number), going));
        }
    }

    fn columns_that_go(&mut self, fates: &Fates<'_>, old: usize) {
        let Some(new) = fates.comparison.twins[old].filter(|_| !fates.goes(old)) else { return };
        if fates.comparison.before.object(old).table().is_none() {
            return;
        }
        let make = Node::Make(Step::Create(new));
        for column in fates.comparison.before.object(old).columns() {
            if fates.facets.loosened.contains(&(old, column.number)) {
                self.edge(Node::Loosen(old, column.number), make);
            }
            match fates.column_fate(old, column.number) {
                ColumnFate::Drop => {
                    let drop = Node::DropColumn(old, column.number);
                    self.node(drop);
                    for partition in attached(fates, new) {
                        self.edge(drop, Node::Make(Step::Attach(partition)));
                    }
                }
                ColumnFate::Remake => self.edge(Node::DropColumn(old, column.number), make),
                ColumnFate::Keep | ColumnFate::Retype => {}
            }
        }
    }

    /// The node that drops an old object, or renames it if it is retired; `None` if it stays.
    pub(super) fn vanishing(&self, fates: &Fates<'_>, old: usize) -> Option<Node> {
        if !fates.goes(old) {
            return None;
        }
        if fates.retired.contains(&old) {
            return Some(Node::Retire(old));
        }
        if fates.apart.contains(&old) {
            return Some(Node::Drop(old));
        }
        let before = &fates.comparison.before;
        if let Some(whole) = before.whole(old) {
            if fates.goes(whole) {
                return self.vanishing(fates, whole);
            }
            if let Some(column) = dropped_with(fates, old, whole) {
                return Some(Node::DropColumn(whole, column));
            }
        }
        let is_detached = before.whole(old).and_then(|whole| fates.pair(whole));
        let is_detached = is_detached.is_some_and(|whole| inherited::is_detached(&whole));
        let parent = parent_index(before, old).filter(|_| !is_detached);
        if let Some(parent) = parent.filter(|parent| fates.goes(*parent)) {
            return self.vanishing(fates, parent);
        }
        Some(Node::Drop(old))
    }

    /// The node after which an object no longer depends on another.
    fn leaving(&self, fates: &Fates<'_>, link: &Link) -> Option<Node> {
        let old = link.from;
        if fates.retired.contains(&old) {
            return Some(Node::Discard(old));
        }
        let number = link.from_column;
        if link.is_value && fates.apart_defaults.contains(&(old, number)) {
            return Some(Node::Loosen(old, number));
        }
        if fates.goes(old) {
            return self.vanishing(fates, old);
        }
        if matches!(fates.column_fate(old, number), ColumnFate::Drop | ColumnFate::Remake) {
            return Some(Node::DropColumn(old, number));
        }
        if link.is_value && fates.facets.loosened.contains(&(old, number)) {
            return Some(Node::Loosen(old, number));
        }
        let is_parent = number == 0 && fates.comparison.before.object(link.on).table().is_some();
        if is_parent && self.numbers.contains_key(&Node::Detach(old)) {
            return Some(Node::Detach(old));
        }
        let new = fates.comparison.twins[old]?;
        let own = Node::Make(Step::Own(new));
        let is_owned = fates.comparison.before.whole(old) == Some(link.on);
        Some(if is_owned && self.numbers.contains_key(&own) { own } else { making(fates, new) })
    }

    fn links(&mut self, fates: &Fates<'_>) {
        for link in &fates.comparison.before.catalog.links {
            let Some(leaving) = self.leaving(fates, link) else { continue };
            if fates.goes(link.on) {
                let is_of_column =
                    link.from_column != 0 && !link.is_value && !fates.goes(link.from);
                let is_last = fates.retired.contains(&link.on)
                    && (is_of_column || fates.retired.contains(&link.from));
                let going = if is_last {
                    Some(Node::Discard(link.on))
                } else {
                    self.vanishing(fates, link.on)
                };
                going.into_iter().for_each(|going| self.edge(leaving, going));
                continue;
            }
            self.column_link(fates, link, leaving);
        }
    }

    fn column_link(&mut self, fates: &Fates<'_>, link: &Link, leaving: Node) {
        let column = Node::DropColumn(link.on, link.on_column);
        let stays = matches!(leaving, Node::Make(_) | Node::Part(_));
        match fates.column_fate(link.on, link.on_column) {
            ColumnFate::Drop if link.from != link.on || !stays => self.edge(leaving, column),
            ColumnFate::Remake if !stays => self.edge(leaving, column),
            ColumnFate::Retype if !stays => {
                let new = fates.comparison.twins[link.on];
                new.into_iter().for_each(|new| self.edge(leaving, Node::Make(Step::Create(new))));
            }
            _ => {}
        }
    }

    /// Frees each name before another object takes it.
    fn names(&mut self, fates: &Fates<'_>) {
        let mut taken: BTreeMap<Name, Vec<Node>> = BTreeMap::new();
        for (old, object) in fates.comparison.before.catalog.objects.iter().enumerate() {
            let mut add = |name: Name, node: Node| taken.entry(name).or_default().push(node);
            if let Some(node) = self.vanishing(fates, old) {
                names(object).into_iter().for_each(|name| add(name, node));
                continue;
            }
            for column in object.columns() {
                let Some(sequence) = &column.identity else { continue };
                let name = (0, Some(sequence.schema.clone()), sequence.name.clone());
                let key = (old, column.number);
                if fates.facets.loosened.contains(&key) {
                    add(name, Node::Loosen(old, column.number));
                } else if fates.column_fate(old, column.number) == ColumnFate::Drop {
                    add(name, Node::DropColumn(old, column.number));
                }
            }
        }
        for (new, object) in fates.comparison.after.catalog.objects.iter().enumerate() {
            let is_made = is_made(fates, new);
            let mut wanted = if is_made { names(object) } else { Vec::new() };
            wanted.extend(object.columns().iter().filter_map(|column| {
                let sequence = column.identity.as_ref()?;
                Some((0, Some(sequence.schema.clone()), sequence.name.clone()))
            }));
            let make = making(fates, new);
            for node in wanted.iter().filter_map(|name| taken.get(name)).flatten() {
                let is_of_itself = matches!(node, Node::DropColumn(old, _)
                    if fates.comparison.twins[*old] == Some(new));
                if !is_of_itself {
                    self.edge(*node, make);
                }
            }
        }
    }

    /// Drops parts of a table, except sequences, before the table is altered.
    fn parts(&mut self, fates: &Fates<'_>) {
        for old in 0..fates.of.len() {
            let Some(whole) = fates.comparison.before.whole(old) else { continue };
            let Some(new) = fates.comparison.twins[whole].filter(|_| !fates.goes(whole)) else {
                continue;
            };
            if let Some(node @ Node::Drop(_)) = self.vanishing(fates, old)
                && fates.comparison.before.object(old).identity.kind != Kind::Sequence
            {
                self.edge(node, making(fates, new));
            }
        }
    }

    /// The nodes in order, or those that depend on each other.
    pub(super) fn sorted(&self) -> Result<Vec<Node>, Vec<Node>> {
        let mut waits: Vec<usize> = self.needs.iter().map(BTreeSet::len).collect();
        let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (number, needs) in self.needs.iter().enumerate() {
            needs.iter().for_each(|&need| needed_by[need].push(number));
        }
        let key = |number: usize| Reverse((self.rank(self.nodes[number]), number));
        let ready = (0..self.nodes.len()).filter(|&number| waits[number] == 0);
        let mut ready: BinaryHeap<_> = ready.map(key).collect();
        let mut sorted = Vec::with_capacity(self.nodes.len());
        while let Some(Reverse((_, number))) = ready.pop() {
            sorted.push(self.nodes[number]);
            for &next in &needed_by[number] {
                waits[next] -= 1;
                if waits[next] == 0 {
                    ready.push(key(next));
                }
            }
        }
        if sorted.len() == self.nodes.len() {
            return Ok(sorted);
        }
        Err(self.circle(&waits, &needed_by))
    }

    /// The order of nodes that do not depend on each other.
    fn rank(&self, node: Node) -> (u8, usize, Node) {
        let place = |step: &Step| self.ranks.get(step).copied().unwrap_or(usize::MAX);
        let (phase, place) = match node {
            Node::Loosen(..) | Node::Detach(_) => (0, 0),
            Node::Drop(old) | Node::Retire(old) => (1, usize::MAX - old),
            // Event triggers and default privileges, which have no place in a dump's order.
            Node::Make(step) if !self.ranks.contains_key(&step) => (5, 0),
            Node::Make(step) => (2, place(&step)),
            Node::Part(new) => (2, self.part_ranks.get(&new).copied().unwrap_or(usize::MAX - 1)),
            Node::DropColumn(..) => (3, 0),
            Node::Discard(_) => (4, 0),
        };
        (phase, place, node)
    }

    /// Of the nodes that can never run, those in a cycle or between two cycles, without those that
    /// only wait for them.
    fn circle(&self, waits: &[usize], needed_by: &[Vec<usize>]) -> Vec<Node> {
        let mut left: HashSet<usize> =
            (0..self.nodes.len()).filter(|&number| waits[number] > 0).collect();
        loop {
            let is_needed = |number: usize| needed_by[number].iter().any(|n| left.contains(n));
            let ends: Vec<usize> = left.iter().copied().filter(|&n| !is_needed(n)).collect();
            if ends.is_empty() {
                let mut nodes: Vec<Node> = left.iter().map(|&number| self.nodes[number]).collect();
                nodes.sort_unstable();
                return nodes;
            }
            ends.iter().for_each(|number| {
                left.remove(number);
            });
        }
    }
}

/// Whether a new object is created, for the first time or again.
pub(super) fn is_made(fates: &Fates<'_>, new: usize) -> bool {
    fates.comparison.originals[new].is_none_or(|old| fates.goes(old))
}

/// The node that creates or alters a new object.
pub(super) fn making(fates: &Fates<'_>, new: usize) -> Node {
    match fates.comparison.after.inlined_in(new) {
        Some(whole) if is_made(fates, whole) => Node::Make(Step::Create(whole)),
        Some(_) => Node::Part(new),
        None => Node::Make(Step::Create(new)),
    }
}

/// Of a table and its partitions, those that are attached as partitions: their columns must match
/// by then.
fn attached(fates: &Fates<'_>, new: usize) -> Vec<usize> {
    let after = &fates.comparison.after;
    let own = after.object(new).address.oid;
    let objects = after.catalog.objects.iter().enumerate().filter(|(at, object)| {
        let table = object.table().filter(|table| table.bound.is_some());
        table.is_some_and(|table| *at == new || table.parents.contains(&own))
    });
    let is_attached = |at: &usize| {
        let pair = fates.comparison.originals[*at].and_then(|old| fates.pair(old));
        is_made(fates, *at) || pair.is_some_and(|pair| inherited::is_attached(&pair))
    };
    objects.map(|(at, _)| at).filter(is_attached).collect()
}

/// The column whose `DROP COLUMN` also drops this part of a table that stays.
fn dropped_with(fates: &Fates<'_>, old: usize, whole: usize) -> Option<u32> {
    let object = fates.comparison.before.object(old);
    let may = match &object.definition {
        Definition::Constraint(constraint) => constraint.kind != 'p' && !constraint.is_of_domain,
        Definition::Index(_) | Definition::Sequence(_) => true,
        _ => false,
    };
    let goes = |column: u32| {
        matches!(fates.column_fate(whole, column), ColumnFate::Drop | ColumnFate::Remake)
    };
    let links = fates.comparison.before.catalog.links.iter();
    let mut own = links.filter(|link| link.from == old && link.on == whole && !link.is_value);
    own.find(|link| may && goes(link.on_column)).map(|link| link.on_column)
}

/// The partition that a new index is on, if the partitioned table already has the parent index.
fn made_before_attached(fates: &Fates<'_>, step: Step) -> Option<usize> {
    let Step::Create(new) = step else { return None };
    let after = &fates.comparison.after;
    let parent = parent_index(after, new)?;
    let partition = after.whole(new)?;
    let is_kept = is_made(fates, new) && !is_made(fates, parent);
    let is_partition = after.object(partition).table().is_some_and(|table| table.bound.is_some());
    (is_kept && is_partition).then_some(partition)
}

/// The index of the partitioned table to which an index of a partition is attached.
fn parent_index(side: &Side<'_>, at: usize) -> Option<usize> {
    let (oid, _) = graph::parent_index(side.object(at))?;
    let is_parent = |object: &crate::catalog::Object| match &object.definition {
        Definition::Index(_) => object.address.oid == *oid,
        Definition::Constraint(constraint) => {
            constraint.index.as_ref().is_some_and(|behind| behind.oid == *oid)
        }
        _ => false,
    };
    side.catalog.objects.iter().position(is_parent)
}
