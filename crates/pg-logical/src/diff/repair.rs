//! Breaks cycles of changes that depend on each other.

use std::collections::BTreeSet;

use crate::catalog::{Kind, Link};
use crate::diff::closure::Fates;
use crate::diff::node::Node;
use crate::diff::order::ChangeGraph;
use crate::diff::refusal::DiffError;
use crate::diff::words;
use crate::graph::Step;

impl Fates<'_> {
    /// Breaks a cycle of changes, or fails with the names of the objects in it.
    pub(super) fn repair(&mut self, graph: &ChangeGraph, circle: &[Node]) -> Result<(), DiffError> {
        if self.outlive(circle)
            || self.replace_in(graph, circle, true)
            || self.drop_apart(graph, circle)
            || self.replace_in(graph, circle, false)
        {
            return Ok(());
        }
        let names = circle.iter().filter_map(|node| self.name_of(*node));
        let names: BTreeSet<String> = names.collect();
        Err(DiffError::Circle(names.into_iter().collect()))
    }

    /// Renames a type in the cycle before it is dropped, if columns of remaining tables or other
    /// renamed types use it.
    fn outlive(&mut self, circle: &[Node]) -> bool {
        let before = self.outlived.len();
        for link in &self.comparison.before.catalog.links {
            let kind = self.comparison.before.object(link.on).identity.kind;
            let is_type = matches!(kind, Kind::Type | Kind::Domain | Kind::Collation);
            let is_of_column = link.from_column != 0 && !link.is_value && !self.goes(link.from);
            let is_used = is_of_column || self.retired.contains(&link.from);
            if is_type && is_used && circle.contains(&Node::Drop(link.on)) {
                self.outlived.insert(link.on);
            }
        }
        self.outlived.len() > before
    }

    /// Replaces objects that would be altered in place. With `must_need`, only those that depend on
    /// an object that is dropped in the cycle.
    fn replace_in(&mut self, graph: &ChangeGraph, circle: &[Node], must_need: bool) -> bool {
        let mut found = Vec::new();
        for node in circle {
            let Some(old) = self.altered(*node) else { continue };
            let mut links = self.comparison.before.catalog.links.iter();
            let needs = |link: &Link| {
                link.from == old
                    && self.goes(link.on)
                    && graph.vanishing(self, link.on).is_some_and(|node| circle.contains(&node))
            };
            if !must_need || links.any(needs) {
                found.push(old);
            }
        }
        let before = self.forced.len();
        self.forced.extend(found);
        self.forced.len() > before
    }

    /// The old object that a node alters, if it may be replaced.
    fn altered(&self, node: Node) -> Option<usize> {
        let (Node::Make(Step::Create(new)) | Node::Part(new)) = node else { return None };
        let old = self.comparison.originals[new]?;
        let kind = self.comparison.before.object(old).identity.kind;
        let may = !matches!(
            kind,
            Kind::Schema | Kind::Extension | Kind::Table | Kind::Sequence | Kind::LargeObject
        );
        (may && !self.goes(old)).then_some(old)
    }

    /// Drops parts and defaults of a table in steps before it, where they depend on something in
    /// the cycle.
    fn drop_apart(&mut self, graph: &ChangeGraph, circle: &[Node]) -> bool {
        let mut found = Vec::new();
        let mut defaults = Vec::new();
        for link in &self.comparison.before.catalog.links {
            let whole = self.comparison.before.whole(link.from);
            let whole = if link.is_value { Some(link.from) } else { whole };
            let is_in = |old| graph.vanishing(self, old).is_some_and(|node| circle.contains(&node));
            if whole == Some(link.on) || !whole.is_some_and(is_in) || !is_in(link.on) {
                continue;
            }
            if link.is_value {
                defaults.push((link.from, link.from_column));
            } else {
                found.push(link.from);
            }
        }
        let before = self.apart.len() + self.apart_defaults.len();
        self.apart.extend(found);
        self.apart_defaults.extend(defaults);
        self.apart.len() + self.apart_defaults.len() > before
    }

    fn name_of(&self, node: Node) -> Option<String> {
        let (before, after) = (&self.comparison.before, &self.comparison.after);
        let identity = match node {
            Node::Make(step) => &after.object(step.object()).identity,
            Node::Part(new) => &after.object(new).identity,
            Node::Drop(old) | Node::Retire(old) | Node::Discard(old) | Node::Detach(old) => {
                &before.object(old).identity
            }
            Node::Loosen(old, _) | Node::DropColumn(old, _) => &before.object(old).identity,
        };
        Some(words::of(identity))
    }
}
