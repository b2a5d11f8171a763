//! Graphs of many shapes through packer and readers, without a device.

mod damage;
mod layout;
mod lines;
mod lists;
mod pages;
mod shapes;
mod simd;

use super::count::closed;
use super::leaf::Leaf;
use super::{EdgeKey, EdgeLeaf, goes_on};
use crate::btree::Growth;
use crate::btree::format::{LeafFormat, LeafPacker, PackedLeaf};
use std::collections::BTreeSet;
use std::ops::{Bound, RangeBounds};
use storage_core::device::sim::rng::Rng;
use storage_core::page::{PageKind, PageSize};

const SIZES: [PageSize; 3] = [PageSize::K4, PageSize::K16, PageSize::K64];

type Keys = BTreeSet<EdgeKey>;

fn key(vertex: u64, edge_type: u32, neighbor: u64, rank: u32) -> EdgeKey {
    EdgeKey { vertex, edge_type, neighbor, rank }
}

fn pack(size: PageSize, fill: u8, keys: &Keys) -> Vec<PackedLeaf> {
    let (mut packer, mut leaves) = (EdgeLeaf::<false>::packer(size, fill), Vec::new());
    keys.iter().for_each(|key| packer.push(*key, (), &mut leaves));
    packer.finish(&mut leaves);
    leaves
}

/// Packs the pages again, vertex by vertex in stretches as they come, each with changes: some edges are new, some are put where
/// they stand, some are deleted, some that never were there as well. It is what a model says.
fn passed_on(size: PageSize, leaves: &[PackedLeaf], keys: &Keys) {
    let rng = &mut Rng::new(leaves.len() as u64);
    let (mut packer, mut again) = (EdgeLeaf::<false>::packer(size, 100), Vec::new());
    let (mut model, mut growth) = (keys.clone(), Growth::default());
    for leaf in leaves {
        for edges in
            edges_of(open(leaf)).expect("a packed page can be read").chunk_by(|a, b| a.vertex == b.vertex)
        {
            let mut rest = edges;
            while !rest.is_empty() {
                let (stretch, behind) = rest.split_at(1 + rng.index(rest.len()));
                let (mut there, mut changes) = (Vec::new(), Vec::new());
                for (index, key) in stretch.iter().enumerate() {
                    let change = rng.below(8);
                    if change != 0 {
                        there.push(key.entry());
                    }
                    match change {
                        0 | 1 => changes.push((*key, Some(()))),
                        2 => {
                            model.remove(key);
                            changes.push((*key, None));
                        }
                        _ => {}
                    }
                    // The edge behind it, if it is none of these.
                    let next = stretch.get(index + 1).or(behind.first());
                    let gap = key.next().filter(|gap| next.is_none_or(|next| gap < next));
                    if change == 3
                        && let Some(gap) = gap.filter(|gap| gap.vertex == key.vertex)
                    {
                        changes.push((gap, None));
                    }
                }
                let changes: Vec<_> = changes.iter().map(|(key, change)| (key, change)).collect();
                let last = packer.push_merged(edges[0].vertex, &there, (&changes, &mut growth), &mut again);
                assert_eq!(last, model.range(stretch[0]..=stretch[stretch.len() - 1]).next_back().copied());
                rest = behind;
            }
        }
    }
    packer.finish(&mut again);
    assert!(again.iter().flat_map(|leaf| edges_of(open(leaf)).expect("readable")).eq(model));
}

fn open(leaf: &PackedLeaf) -> Leaf<'_> {
    Leaf::parse(leaf.image.bytes(), leaf.image.used(), super::CODEC).expect("a packed page")
}

/// All edges of a page, by the strict walk.
fn edges_of(leaf: Leaf<'_>) -> Result<Vec<EdgeKey>, &'static str> {
    let (mut walk, mut keys, mut edges) = (leaf.strict(), Vec::new(), Vec::new());
    while let Some(vertex) = walk.next(leaf.bytes, &mut edges)? {
        keys.extend(
            edges.drain(..).map(|(edge_type, neighbor, rank)| key(vertex, edge_type, neighbor, rank)),
        );
    }
    Ok(keys)
}

/// The leaves from the one that covers the first key of `vertex` on, as the tree goes: while the next one's bound says so.
fn leaves_of(leaves: &[PackedLeaf], vertex: u64) -> &[PackedLeaf] {
    let first = EdgeKey::first_of(vertex).to_bytes();
    let from = leaves.partition_point(|leaf| leaf.separator.as_slice() <= first.as_slice()).max(1) - 1;
    let mut to = from + 1;
    while leaves.get(to).is_some_and(|next| goes_on(&next.separator, vertex)) {
        to += 1;
    }
    &leaves[from..to]
}

/// Packs, and compares everything that can be read with the keys.
fn round_trip(size: PageSize, fill: u8, keys: &Keys) -> Vec<PackedLeaf> {
    let leaves = pack(size, fill, keys);
    passed_on(size, &leaves, keys);
    let mut found = Vec::new();
    let mut before: Option<[u8; 24]> = None;
    let mut rng = Rng::new(keys.len() as u64);
    for leaf in &leaves {
        assert_eq!(leaf.image.kind(), PageKind::EdgeOut);
        assert!(leaf.image.used() <= size.bytes() - 32);
        let view = open(leaf);
        view.strict().check_all(view.bytes).expect("a packed page is valid");
        let edges = edges_of(view).expect("a packed page can be read");
        let first = edges[0].to_bytes();
        assert!(leaf.separator.as_slice() <= first.as_slice(), "a separator is a lower bound");
        assert!(
            before.is_none_or(|before| before.as_slice() < leaf.separator.as_slice()),
            "and above all before"
        );
        assert_eq!((view.head.first, view.last()), (edges[0].vertex, edges[edges.len() - 1].vertex));
        assert_eq!(leaf.count, edges.len() as u64, "a packer counts what it packs");
        counts(view, &edges, &mut rng);
        before = edges.last().map(EdgeKey::to_bytes);
        found.extend(edges);
    }
    assert!(found.iter().eq(keys), "all edges come back in order");
    look_ups(&leaves, keys);
    leaves
}

/// Compares how many edges lie between any two keys.
fn counts(leaf: Leaf<'_>, edges: &[EdgeKey], rng: &mut Rng) {
    let any = |rng: &mut Rng| {
        let mut key = edges[rng.index(edges.len())];
        // The key itself, one beside it, or the first or last of a neighbour, a type, or a vertex.
        match rng.index(8) {
            0 => key = key.next().expect("not the last key"),
            1 => key = key.before().unwrap_or(key),
            2 => (key.edge_type, key.neighbor, key.rank) = (0, 0, 0),
            3 => (key.edge_type, key.neighbor, key.rank) = (u32::MAX, u64::MAX, u32::MAX),
            4 => (key.neighbor, key.rank) = (0, 0),
            5 => (key.neighbor, key.rank) = (u64::MAX, u32::MAX),
            6 => key.rank = u32::MAX * rng.below(2) as u32,
            _ => {}
        }
        match rng.index(12) {
            0 => Bound::Unbounded,
            1..4 => Bound::Excluded(key),
            _ => Bound::Included(key),
        }
    };
    for _ in 0..30 {
        let (from, to) = (any(rng), any(rng));
        let found = closed(from.as_ref(), to.as_ref()).map_or(Ok(0), |(from, to)| leaf.count(from, to));
        let expected = edges.iter().filter(|key| (from, to).contains(key)).count();
        assert_eq!(found, Ok(expected as u64), "{from:?} to {to:?}");
    }
    assert_eq!(leaf.count(EdgeKey::MIN, EdgeKey::MAX), Ok(edges.len() as u64));
}

/// Compares look-ups of about 300 vertices, and of vertices that are not there.
fn look_ups(leaves: &[PackedLeaf], keys: &Keys) {
    let vertices: BTreeSet<u64> = keys.iter().map(|key| key.vertex).collect();
    let step = vertices.len() / 300 + 1;
    let near = vertices.iter().step_by(step).flat_map(|v| [v.wrapping_sub(1), *v, v + 1]);
    for vertex in near.collect::<BTreeSet<_>>() {
        let range = EdgeKey::first_of(vertex)..=key(vertex, u32::MAX, u64::MAX, u32::MAX);
        let expected: Vec<_> = keys.range(range).map(|k| (k.edge_type, k.neighbor, k.rank)).collect();
        let (mut targets, mut edges, mut degree) = (vec![7], vec![(7, 7, 7)], 0);
        let leaves = leaves_of(leaves, vertex);
        for leaf in leaves {
            open(leaf).targets(vertex, None, &mut targets).expect("readable");
            open(leaf).edges(vertex, &mut edges).expect("readable");
            degree += open(leaf).degree(vertex, None).expect("readable");
        }
        assert_eq!(edges[1..], expected);
        assert!(targets[1..].iter().eq(expected.iter().map(|(_, neighbor, _)| neighbor)));
        assert_eq!(degree, expected.len() as u64);
        let types: BTreeSet<u32> = expected.iter().map(|(edge_type, ..)| *edge_type).collect();
        for edge_type in types.iter().step_by(types.len() / 8 + 1).flat_map(|t| [*t, t.wrapping_add(1)]) {
            one_type(leaves, vertex, edge_type, &expected);
        }
    }
}

fn one_type(leaves: &[PackedLeaf], vertex: u64, edge_type: u32, all: &[(u32, u64, u32)]) {
    let expected: Vec<_> = all.iter().filter(|(t, ..)| *t == edge_type).collect();
    let (mut targets, mut degree) = (Vec::new(), 0);
    for leaf in leaves {
        open(leaf).targets(vertex, Some(edge_type), &mut targets).expect("readable");
        degree += open(leaf).degree(vertex, Some(edge_type)).expect("readable");
    }
    assert!(targets.iter().eq(expected.iter().map(|(_, neighbor, _)| neighbor)));
    assert_eq!(degree, expected.len() as u64);
    for (_, neighbor, rank) in expected.iter().step_by(expected.len() / 10 + 1) {
        for wanted in [*neighbor, neighbor.wrapping_add(1), neighbor.wrapping_sub(1)] {
            let ranks: Vec<u32> = expected.iter().filter(|e| e.1 == wanted).map(|e| e.2).collect();
            let (mut found, mut contained) = (Vec::new(), false);
            for leaf in leaves {
                let Some(list) = open(leaf).find(vertex, edge_type).expect("readable") else { continue };
                list.ranks_of(wanted, &mut found).expect("readable");
                contained |= list.contains(wanted).expect("readable");
            }
            assert_eq!((&found, contained), (&ranks, !ranks.is_empty()));
        }
        let edge = key(vertex, edge_type, *neighbor, *rank);
        let has = |edge| leaves.iter().any(|leaf| super::read::find_in(open(leaf), &edge).expect("readable"));
        assert!(has(edge));
        assert!(!has(EdgeKey { rank: u32::MAX - 1, ..edge }) || *rank == u32::MAX - 1);
    }
}

/// A graph with skewed degrees and targets near the source, as links between web pages are.
fn web(seed: u64, vertices: u64) -> Keys {
    let mut rng = Rng::new(seed);
    let mut keys = Keys::new();
    for vertex in 0..vertices {
        if rng.chance(1, 4) {
            continue;
        }
        let degree =
            1 + rng.below(8) * (1 + rng.below(4)) + if rng.chance(1, 100) { rng.below(300) } else { 0 };
        for _ in 0..degree {
            let near = vertex.saturating_sub(60) + rng.below(120);
            let target = if rng.chance(9, 10) { near.min(vertices) } else { rng.below(vertices) };
            // Links come in runs, as menus do.
            let run = if rng.chance(1, 3) { 1 + rng.below(6) } else { 1 };
            keys.extend((target..target + run).map(|target| key(vertex, 0, target, 0)));
        }
    }
    keys
}
