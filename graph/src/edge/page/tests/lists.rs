//! Lists that come at once: the pages are those of their edges one by one.

use super::*;
use crate::edge::page::Packer;

/// Packs lists in pieces of any length.
fn by_lists(size: PageSize, fill: u8, keys: &Keys, rng: &mut Rng) -> Vec<PackedLeaf> {
    let (mut packer, mut leaves) = (Packer::<false>::new(size, fill), Vec::new());
    let keys: Vec<EdgeKey> = keys.iter().copied().collect();
    for list in keys.chunk_by(|a, b| (a.vertex, a.edge_type) == (b.vertex, b.edge_type)) {
        let mut rest = list;
        while !rest.is_empty() {
            let some = if rng.below(2) == 0 { rest.len() } else { rng.index(rest.len()) + 1 };
            let (now, later) = rest.split_at(some);
            let neighbors = now.iter().map(|key| key.neighbor);
            packer
                .push_list(list[0].vertex, list[0].edge_type, neighbors, &mut leaves)
                .expect("ranks are left");
            rest = later;
        }
    }
    packer.finish(&mut leaves);
    leaves
}

/// Edges whose ranks count from 0 at each neighbour: one of `ids` for each, of one of `types`, so many a vertex.
fn graph(rng: &mut Rng, vertices: u64, degree: u64, ids: u64, types: u64) -> Keys {
    let mut keys = Keys::new();
    for vertex in 0..vertices {
        for _ in 0..rng.below(degree + 1) {
            let (edge_type, neighbor) = (rng.below(types) as u32, rng.below(ids) * (u64::MAX / ids));
            let all =
                key(vertex * 3, edge_type, neighbor, 0)..=key(vertex * 3, edge_type, neighbor, u32::MAX);
            let rank = keys.range(all).next_back().map_or(0, |last| last.rank + 1);
            keys.insert(key(vertex * 3, edge_type, neighbor, rank));
        }
    }
    keys
}

#[test]
fn lists_make_the_same_pages_as_their_edges_one_by_one() {
    for seed in 70..76 {
        let rng = &mut Rng::new(seed);
        let graphs = [
            graph(rng, 3000, 20, 1 << 30, 1),
            graph(rng, 500, 60, 9, 1),
            graph(rng, 300, 60, 40, 5),
            graph(rng, 3, 40_000, 1 << 40, 1),
            graph(rng, 2, 30_000, 5000, 2),
        ];
        for keys in &graphs {
            for (size, fill) in [(PageSize::K4, 100), (PageSize::K4, 50), (PageSize::K16, 95)] {
                let (wanted, got) = (pack(size, fill, keys), by_lists(size, fill, keys, rng));
                assert_eq!(got.len(), wanted.len(), "seed {seed}, {} edges", keys.len());
                for (got, wanted) in got.iter().zip(&wanted) {
                    assert_eq!((&got.separator, got.count), (&wanted.separator, wanted.count), "seed {seed}");
                    assert!(got.image.bytes() == wanted.image.bytes(), "seed {seed}, {} edges", keys.len());
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "ascend")]
fn a_list_that_does_not_ascend_is_a_bug() {
    let mut packer = Packer::<false>::new(PageSize::K4, 100);
    let _ = packer.push_list(1, 0, [5, 4].into_iter(), &mut Vec::new());
}
