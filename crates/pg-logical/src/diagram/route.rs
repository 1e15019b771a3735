//! The lines of foreign keys: horizontal out of a table, vertical between two layers, horizontal
//! into the other table. Lines that begin at one place share their vertical part.

use std::collections::BTreeMap;

use super::layers::{Connector, Layers};
use super::shapes::Line;

/// Free pixels beside the tables of a layer, for the ends of the lines.
const BESIDE: i32 = 18;
/// Pixels between two vertical lines.
const TRACK: i32 = 10;

/// The lines of a component, and where its layers begin.
pub(super) struct Routes {
    pub(super) lefts: Vec<i32>,
    pub(super) width: i32,
    pub(super) lines: Vec<Line>,
}

/// A vertical line between two layers.
struct Vertical<'a> {
    links: Vec<&'a Connector>,
    top: i32,
    bottom: i32,
    track: i32,
}

/// Finds the lines. `widths` are those of the blocks.
pub(super) fn route(layers: &Layers, tops: &[i32], widths: &[i32]) -> Routes {
    let width = |node: &usize| layers.nodes[*node].block.map_or(0, |block| widths[block]);
    let mut routes = Routes { lefts: Vec::new(), width: 0, lines: Vec::new() };
    let mut left = 0;
    for (layer, nodes) in layers.layers.iter().enumerate() {
        let right = left + nodes.iter().map(width).max().unwrap_or_default();
        routes.lefts.push(left);
        routes.width = right;
        let crossings = nodes.iter().filter(|&&node| layers.nodes[node].block.is_none());
        routes.lines.extend(crossings.map(|&node| Line::level(left, right, tops[node])));
        let verticals = verticals(layers, layer, tops);
        let tracks = verticals.iter().map(|vertical| vertical.track + 1).max().unwrap_or_default();
        let next = right + 2 * BESIDE + tracks * TRACK;
        for vertical in verticals {
            let x = right + BESIDE + vertical.track * TRACK;
            let begin = |link: &Connector| match layers.nodes[link.left].block {
                Some(block) => left + widths[block],
                None => right,
            };
            routes.lines.extend(vertical.lines(tops, x, next, begin));
        }
        left = next;
    }
    routes
}

/// The vertical lines right of a layer. Those that would touch are on different tracks.
fn verticals<'a>(layers: &'a Layers, layer: usize, tops: &[i32]) -> Vec<Vertical<'a>> {
    let mut by_trunk: BTreeMap<usize, Vec<&Connector>> = BTreeMap::new();
    for link in layers.links.iter().filter(|link| link.layer == layer) {
        by_trunk.entry(link.trunk).or_default().push(link);
    }
    let mut verticals: Vec<Vertical<'_>> =
        by_trunk.into_values().map(|links| Vertical::of(links, tops)).collect();
    verticals.sort_by_key(|vertical| (vertical.top, vertical.bottom));
    let mut ends: Vec<i32> = Vec::new();
    for vertical in &mut verticals {
        let free = ends.iter().position(|&end| end + TRACK < vertical.top);
        let track = free.unwrap_or(ends.len());
        match free {
            Some(track) => ends[track] = vertical.bottom,
            None => ends.push(vertical.bottom),
        }
        vertical.track = i32::try_from(track).unwrap_or(i32::MAX);
    }
    verticals
}

impl<'a> Vertical<'a> {
    fn of(links: Vec<&'a Connector>, tops: &[i32]) -> Vertical<'a> {
        let ends = links.iter().flat_map(|link| {
            [tops[link.left] + link.left_port, tops[link.right] + link.right_port]
        });
        let top = ends.clone().min().unwrap_or_default();
        let bottom = ends.max().unwrap_or_default();
        Vertical { links, top, bottom, track: 0 }
    }

    fn lines(
        &self,
        tops: &[i32],
        x: i32,
        next: i32,
        begin: impl Fn(&Connector) -> i32,
    ) -> Vec<Line> {
        let mut lines = vec![Line { from: (x, self.top), to: (x, self.bottom) }];
        lines.extend(
            self.links
                .iter()
                .take(1)
                .map(|link| Line::level(begin(link), x, tops[link.left] + link.left_port)),
        );
        lines.extend(
            self.links.iter().map(|link| Line::level(x, next, tops[link.right] + link.right_port)),
        );
        lines.retain(|line| line.from != line.to);
        lines
    }
}
