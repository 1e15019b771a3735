//! Where the nodes of each layer stand: as close to their neighbours as they fit.

use super::layers::Layers;

/// Free pixels between two nodes of a layer.
const GAP: f64 = 22.0;
/// How often each layer is moved towards its neighbours.
const SWEEPS: usize = 10;

/// The tops of all nodes, from 0.
pub(super) fn tops(layers: &Layers) -> Vec<i32> {
    let mut tops = stacked(layers);
    let last = layers.layers.len().saturating_sub(1);
    for sweep in 0..SWEEPS {
        for step in 0..=last {
            let layer = if sweep % 2 == 0 { step } else { last - step };
            move_layer(layers, layer, &mut tops);
        }
    }
    let first = tops.iter().copied().fold(f64::INFINITY, f64::min);
    // A diagram is much smaller than 2^31 pixels.
    #[expect(clippy::cast_possible_truncation, reason = "see above")]
    tops.iter().map(|top| (top - first).round() as i32).collect()
}

/// Each layer from top to bottom, in the middle of the highest.
fn stacked(layers: &Layers) -> Vec<f64> {
    let mut tops = vec![0.0; layers.nodes.len()];
    for layer in &layers.layers {
        let height: f64 = layer.iter().map(|&node| height(layers, node) + GAP).sum();
        let mut top = -height / 2.0;
        for &node in layer {
            tops[node] = top;
            top += height_with_gap(layers, node);
        }
    }
    tops
}

fn height(layers: &Layers, node: usize) -> f64 {
    f64::from(layers.nodes[node].height)
}

fn height_with_gap(layers: &Layers, node: usize) -> f64 {
    height(layers, node) + GAP
}

/// Moves the nodes of a layer so that their lines are as straight as their order allows.
fn move_layer(layers: &Layers, layer: usize, tops: &mut [f64]) {
    let nodes = &layers.layers[layer];
    let mut sums = vec![(0.0, 0.0); layers.nodes.len()];
    let near = |link: &&super::layers::Connector| link.layer == layer || link.layer + 1 == layer;
    for link in layers.links.iter().filter(near) {
        let slope = tops[link.left] + f64::from(link.left_port)
            - tops[link.right]
            - f64::from(link.right_port);
        let (node, wanted) = match link.layer == layer {
            true => (link.left, tops[link.left] - slope),
            false => (link.right, tops[link.right] + slope),
        };
        sums[node].0 += wanted;
        sums[node].1 += 1.0;
    }
    let mut offset = 0.0;
    let mut wanted = Vec::with_capacity(nodes.len());
    let mut offsets = Vec::with_capacity(nodes.len());
    for &node in nodes {
        let (sum, count) = sums[node];
        let top = if count > 0.0 { sum / count } else { tops[node] };
        // A node without neighbours gives way.
        wanted.push((top - offset, if count > 0.0 { 1.0 } else { 0.01 }));
        offsets.push(offset);
        offset += height_with_gap(layers, node);
    }
    let found = ascending(&wanted);
    for ((&node, top), offset) in nodes.iter().zip(found).zip(offsets) {
        tops[node] = top + offset;
    }
}

/// The values that never descend and are nearest to the wanted ones, by the sum of the weighted
/// squares: isotonic regression with the pool-adjacent-violators algorithm.
fn ascending(wanted: &[(f64, f64)]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for &(value, weight) in wanted {
        pools.push((value, weight, 1));
        while let [.., (before, own, count), (after, other, more)] = pools[..] {
            if before <= after {
                break;
            }
            let weight = own + other;
            pools.truncate(pools.len() - 2);
            pools.push(((before * own + after * other) / weight, weight, count + more));
        }
    }
    pools.iter().flat_map(|&(value, _, count)| std::iter::repeat_n(value, count)).collect()
}
