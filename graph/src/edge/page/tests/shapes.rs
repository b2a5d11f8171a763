//! Graphs of every shape come back, at every page size.

use super::*;
use storage_core::device::sim::rng::splitmix64;

fn all_sizes(keys: &Keys) {
    for size in SIZES {
        for fill in [100, 90, 50] {
            round_trip(size, fill, keys);
        }
    }
}

#[test]
fn nothing_pushed_gives_no_page() {
    assert!(pack(PageSize::K16, 100, &Keys::new()).is_empty());
}

#[test]
fn one_edge_is_a_page_wherever_its_ends_are() {
    const MAX: u64 = u64::MAX - 1;
    for (vertex, neighbor) in [(0, 0), (0, MAX), (MAX, 0), (MAX, MAX), (7, 7), (1 << 63, (1 << 63) - 1)] {
        for (edge_type, rank) in [(0, 0), (u32::MAX, 0), (3, u32::MAX)] {
            let keys = Keys::from([key(vertex, edge_type, neighbor, rank)]);
            assert_eq!(round_trip(PageSize::K4, 100, &keys).len(), 1);
        }
    }
}

#[test]
fn a_web_like_graph_comes_back() {
    all_sizes(&web(1, 12_000));
}

#[test]
fn ids_given_as_hashes_come_back() {
    let mut state = 2;
    let mut id = || splitmix64(&mut state).min(u64::MAX - 1);
    let keys: Keys = (0..20_000).map(|_| key(id(), 0, id(), 0)).collect();
    all_sizes(&keys);
    let ids: Vec<u64> = (0..2_000).map(|_| id()).collect();
    let mut rng = Rng::new(3);
    let keys: Keys = (0..20_000).map(|_| key(ids[rng.index(2000)], 0, ids[rng.index(2000)], 0)).collect();
    all_sizes(&keys);
}

#[test]
fn gaps_of_every_size_come_back() {
    for bits in 0..64u32 {
        let mut rng = Rng::new(u64::from(bits));
        let mut keys = Keys::new();
        for vertex in 0..40u64 {
            let (mut neighbor, mut id) = (rng.below(100), vertex * 3);
            if rng.chance(1, 2) {
                id = id.saturating_add(rng.next_u64() >> (63 - bits)).min(u64::MAX - 1);
            }
            for _ in 0..rng.below(80) {
                keys.insert(key(id, 0, neighbor, 0));
                neighbor = match neighbor.checked_add(1 + (rng.next_u64() >> (63 - bits))) {
                    Some(next) if next < u64::MAX => next,
                    _ => break,
                };
            }
            keys.insert(key(id, 0, u64::MAX - 1, 0));
        }
        round_trip(PageSize::K4, 100, &keys);
    }
}

#[test]
fn hubs_go_over_many_pages_between_small_lists() {
    let mut rng = Rng::new(4);
    let mut keys = Keys::new();
    for vertex in 0..2_000u64 {
        let degree = match vertex {
            100 | 101 | 900 => 60_000,
            1_999 => 30_000,
            _ => rng.below(6),
        };
        keys.extend((0..degree).map(|_| key(vertex, 0, rng.below(1 << 24), 0)));
    }
    all_sizes(&keys);
}

#[test]
fn a_vertex_linked_to_all_others_takes_little_and_stays_bounded() {
    for size in SIZES {
        let keys: Keys = (0..300_000).map(|neighbor| key(5, 0, neighbor, 0)).collect();
        let leaves = round_trip(size, 100, &keys);
        assert!(leaves.len() > 300_000 / (4 * size.bytes()), "no page holds more than four edges a byte");
    }
}

#[test]
fn parallel_edges_count_their_ranks() {
    let mut rng = Rng::new(5);
    let mut keys = Keys::new();
    for vertex in 0..3_000u64 {
        for _ in 0..rng.below(12) {
            let neighbor = rng.below(3_000);
            let parallel = if rng.chance(1, 5) { rng.below(6) as u32 } else { 0 };
            keys.extend((0..=parallel).map(|rank| key(vertex, 0, neighbor, rank)));
        }
    }
    keys.extend((0..40_000).map(|rank| key(1_500, 0, 77, rank)));
    all_sizes(&keys);
}

#[test]
fn ranks_keep_the_holes_that_deletes_leave() {
    let mut rng = Rng::new(6);
    let mut keys = Keys::new();
    for vertex in 0..2_000u64 {
        for _ in 0..rng.below(12) {
            let neighbor = rng.below(2_000);
            let ranks = (0..1 + rng.below(4)).map(|_| match rng.below(50) {
                0 => u32::MAX,
                _ => rng.below(6) as u32,
            });
            keys.extend(ranks.map(|rank| key(vertex, 0, neighbor, rank)).collect::<Vec<_>>());
        }
    }
    keys.extend((0..40_000).map(|rank| key(1_000, 0, 77, 3 * rank + 1)));
    all_sizes(&keys);
}

#[test]
fn many_types_share_pages() {
    let mut rng = Rng::new(7);
    for types in [2, 60, 63, 64, 65, 300, 70_000, u64::from(u32::MAX) + 1] {
        let mut keys = Keys::new();
        for vertex in 0..1_000u64 {
            let main = rng.below(2) as u32;
            for _ in 0..rng.below(12) {
                let edge_type = if rng.chance(1, 10) { rng.below(types) as u32 } else { main };
                keys.insert(key(vertex, edge_type, rng.below(1_000), 0));
            }
        }
        keys.extend((0..8_000).map(|_| key(500, rng.below(types) as u32, rng.below(1 << 20), 0)));
        all_sizes(&keys);
    }
}

#[test]
fn any_mixture_comes_back() {
    for seed in 0..150 {
        let mut rng = Rng::new(1_000 + seed);
        let bits = |rng: &mut Rng| 1u64 << rng.below(63);
        let (vertices, neighbors, types) = (bits(&mut rng), bits(&mut rng), 1 + rng.below(5) * rng.below(40));
        let mut keys = Keys::new();
        for _ in 0..1 + rng.below(60) {
            let vertex =
                if rng.chance(1, 5) { rng.next_u64().min(u64::MAX - 1) } else { rng.below(vertices) };
            let base = rng.next_u64() >> rng.below(64);
            let degree = if rng.chance(1, 12) { 12_000 } else { 300 };
            let parallel = rng.chance(1, 3);
            for _ in 0..rng.below(degree) {
                let neighbor = base.wrapping_add(rng.below(neighbors)).min(u64::MAX - 1);
                let rank =
                    if parallel && rng.chance(1, 4) { rng.next_u64() >> (32 + rng.below(32)) } else { 0 };
                keys.insert(key(vertex, rng.below(types) as u32, neighbor, rank as u32));
            }
        }
        let size = SIZES[rng.index(3)];
        println!("seed {seed}: {} edges, {size}", keys.len());
        round_trip(size, 50 + rng.below(51) as u8, &keys);
    }
}
