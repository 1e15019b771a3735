//! Tables in layers from left to right, after Sugiyama, Tagawa and Toda, "Methods for Visual
//! Understanding of Hierarchical System Structures" (1981): a table stands right of the tables that
//! it refers to, and a foreign key that crosses a layer has a place of its own in it.

use std::collections::BTreeMap;

/// How often the order in the layers is improved. The orders hardly change after that.
const SWEEPS: usize = 12;

/// A table without its content: its height, and where lines end on its sides.
pub(super) struct Block {
    /// Pixels.
    pub(super) height: i32,
}

/// A foreign key between two blocks, which end it at heights below their tops.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) from_port: i32,
    pub(super) to: usize,
    pub(super) to_port: i32,
}

/// A block, or the place where a line crosses a layer.
pub(super) struct LayerItem {
    /// The block; nothing for a line.
    pub(super) block: Option<usize>,
    pub(super) height: i32,
}

/// A line between items of neighbouring layers. Connectors of one trunk begin at the same place.
pub(super) struct Connector {
    pub(super) trunk: usize,
    pub(super) layer: usize,
    pub(super) left: usize,
    pub(super) left_port: i32,
    pub(super) right: usize,
    pub(super) right_port: i32,
}

/// Items in layers, and the connectors between them.
pub(super) struct Layers {
    pub(super) nodes: Vec<LayerItem>,
    pub(super) links: Vec<Connector>,
    /// The nodes of each layer, from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
}

impl Layers {
    /// Puts blocks into layers that are about as high as given. No edge leads from a block to
    /// itself.
    pub(super) fn of(blocks: &[Block], edges: &[Edge], height: i32) -> Layers {
        let ranks = split(blocks, &ranks(blocks.len(), edges), height);
        let depth = ranks.iter().max().map_or(0, |last| last + 1);
        let nodes = blocks.iter().enumerate();
        let nodes = nodes.map(|(at, block)| LayerItem { block: Some(at), height: block.height });
        let mut layers =
            Layers { nodes: nodes.collect(), links: Vec::new(), layers: vec![Vec::new(); depth] };
        ranks.iter().enumerate().for_each(|(block, &rank)| layers.layers[rank].push(block));
        for (trunk, ((left, port), ends)) in trunks(edges, &ranks).into_iter().enumerate() {
            layers.add(trunk, (left, port), &ends, &ranks);
        }
        layers.sort();
        layers
    }

    /// Adds the links of a trunk, and a node in each layer that it crosses.
    fn add(&mut self, trunk: usize, start: (usize, i32), ends: &[(usize, i32)], ranks: &[usize]) {
        let last = ends.iter().map(|&(block, _)| ranks[block]).max().unwrap_or_default();
        let (mut left, mut left_port) = start;
        for layer in ranks[start.0]..last {
            let link =
                |right, right_port| Connector { trunk, layer, left, left_port, right, right_port };
            let here = ends.iter().filter(|(block, _)| ranks[*block] == layer + 1);
            self.links.extend(here.map(|&(block, port)| link(block, port)));
            if layer + 1 < last {
                let crossing = self.nodes.len();
                self.links.push(link(crossing, 0));
                self.nodes.push(LayerItem { block: None, height: 0 });
                self.layers[layer + 1].push(crossing);
                (left, left_port) = (crossing, 0);
            }
        }
    }

    /// Sorts each layer by where the neighbours of its nodes are, so that fewer lines cross.
    fn sort(&mut self) {
        let last = self.layers.len().saturating_sub(1);
        for sweep in 0..SWEEPS {
            let forward = sweep % 2 == 0;
            for step in 1..=last {
                let layer = if forward { step } else { last - step };
                let middles = self.middles(forward);
                self.layers[layer].sort_by(|one, other| middles[*one].total_cmp(&middles[*other]));
            }
        }
    }

    /// For each node the middle of its neighbours on one side, or its own place.
    fn middles(&self, of_left: bool) -> Vec<f64> {
        let mut places = vec![0.0; self.nodes.len()];
        for layer in &self.layers {
            let count = layer.len().max(1) as f64;
            layer.iter().enumerate().for_each(|(at, &node)| places[node] = at as f64 / count);
        }
        let mut sums = vec![(0.0, 0.0); self.nodes.len()];
        for link in &self.links {
            let (node, neighbour) =
                if of_left { (link.right, link.left) } else { (link.left, link.right) };
            sums[node].0 += places[neighbour];
            sums[node].1 += 1.0;
        }
        let middle = |(place, (sum, count)): (f64, (f64, f64))| {
            if count > 0.0 { sum / count } else { place }
        };
        places.into_iter().zip(sums).map(middle).collect()
    }
}

/// For each block a rank: blocks that refer to each other never have the same. A block follows
/// those that it refers to; in a circle, the block with the fewest others to wait for comes first.
fn ranks(count: usize, edges: &[Edge]) -> Vec<usize> {
    let mut neighbours = vec![Vec::new(); count];
    let mut waits_for = vec![0_usize; count];
    for edge in edges {
        neighbours[edge.from].push(edge.to);
        neighbours[edge.to].push(edge.from);
        waits_for[edge.from] += 1;
    }
    let mut ranks: Vec<Option<usize>> = vec![None; count];
    let mut referring = vec![Vec::new(); count];
    edges.iter().for_each(|edge| referring[edge.to].push(edge.from));
    let unranked = |ranks: &[Option<usize>], waits_for: &[usize]| {
        (0..count).filter(|&block| ranks[block].is_none()).min_by_key(|&block| waits_for[block])
    };
    while let Some(block) = unranked(&ranks, &waits_for) {
        let before = neighbours[block].iter().filter_map(|&other| ranks[other]).max();
        ranks[block] = Some(before.map_or(0, |rank| rank + 1));
        referring[block].iter().for_each(|&other| waits_for[other] -= 1);
    }
    let ranks: Vec<usize> = ranks.into_iter().flatten().collect();
    (0..count).map(|block| close(block, &neighbours[block], &ranks)).collect()
}

/// A block with nothing on its left moves next to the nearest block on its right.
fn close(block: usize, neighbours: &[usize], ranks: &[usize]) -> usize {
    let nearest = neighbours.iter().map(|&other| ranks[other]).min();
    match nearest {
        Some(nearest) if ranks[block] == 0 => nearest.saturating_sub(1),
        _ => ranks[block],
    }
}

/// Splits ranks whose blocks are higher together than a layer should be.
fn split(blocks: &[Block], ranks: &[usize], height: i32) -> Vec<usize> {
    let mut layers = vec![0; blocks.len()];
    let mut layer = 0;
    for rank in 0..=ranks.iter().copied().max().unwrap_or_default() {
        let mut filled = 0;
        for (block, _) in ranks.iter().enumerate().filter(|(_, own)| **own == rank) {
            if filled > 0 && filled + blocks[block].height > height {
                (layer, filled) = (layer + 1, 0);
            }
            filled += blocks[block].height;
            layers[block] = layer;
        }
        layer += usize::from(filled > 0);
    }
    layers
}

/// The places where lines begin on the left, with the places where they end on the right.
type Trunks = BTreeMap<(usize, i32), Vec<(usize, i32)>>;

fn trunks(edges: &[Edge], ranks: &[usize]) -> Trunks {
    let mut trunks = Trunks::new();
    for edge in edges {
        let (from, to) = ((edge.from, edge.from_port), (edge.to, edge.to_port));
        let (left, right) = if ranks[edge.from] < ranks[edge.to] { (from, to) } else { (to, from) };
        trunks.entry(left).or_default().push(right);
    }
    trunks
}
