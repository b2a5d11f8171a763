//! Edges between sets, neighbours in common, parallel edges.

use super::*;
use crate::error::ReadError;

struct Sets;

impl Claim for Sets {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng) {
        for _ in 0..60 {
            let words = Words { after: None, between: (0, u64::MAX), ..Words::any(rng, model, &[]) };
            let [from, to] = [(); 2].map(|()| {
                let mut set = model.nodes.clone();
                rng.shuffle(&mut set);
                set.truncate(rng.index(set.len()));
                // Named twice, or not there at all.
                set.extend(set.first().copied());
                set.push(NodeId(1 << 50));
                set
            });
            let mut question = reader.edges_between(&from, &to);
            if let Some(direction) = words.direction {
                question = question.direction(direction);
            }
            if let Some(types) = &words.types {
                question = question.of_types(types);
            }
            let found: Result<Vec<Edge>, ReadError> = question.into_iter().collect();
            let mut found = found.expect("read");
            found.sort_unstable();
            let wanted = model.edges.iter().filter(|e| {
                let Some(way) = words.ways(e.edge_type) else { return false };
                let along = from.contains(&e.source) && to.contains(&e.target);
                let against = from.contains(&e.target) && to.contains(&e.source);
                along && way != Direction::In || against && way != Direction::Out
            });
            assert_eq!(found, wanted.copied().collect::<Vec<_>>(), "{from:?} {to:?} {words:?}");
        }
    }
}

#[test]
fn edges_between_two_sets_come_once_each() {
    for (seed, edges) in [(50, 300), (51, 5_000), (52, 12_000)] {
        in_every_state(seed, edges, &mut Sets);
    }
}

struct Common;

impl Claim for Common {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng) {
        for _ in 0..60 {
            let words = Words { after: None, backwards: false, ..Words::any(rng, model, &[]) };
            let second = DIRECTIONS[rng.index(4)];
            let nodes = [model.any(rng), model.any(rng)];
            let mut question = reader.common_neighbors(nodes[0], nodes[1]);
            let mut other = words.clone();
            match (words.direction, second) {
                (None, _) => {}
                (Some(direction), None) => question = question.direction(direction),
                (Some(of_a), Some(of_b)) => {
                    question = question.directions(of_a, of_b);
                    other.direction = second;
                }
            }
            if let Some(types) = &words.types {
                question = question.of_types(types);
            }
            let (least, greatest) = words.between;
            let question = question.between(NodeId(least)..=NodeId(greatest));
            let found: Result<Vec<NodeId>, ReadError> = question.into_iter().collect();
            let ids = |node, words: &Words| -> BTreeSet<NodeId> {
                model.answer(node, words).iter().map(|hop| NodeId(hop.neighbor)).collect()
            };
            let (a, b) = (ids(nodes[0], &words), ids(nodes[1], &other));
            assert_eq!(
                found.expect("read"),
                a.intersection(&b).copied().collect::<Vec<_>>(),
                "{nodes:?} {words:?}"
            );
        }
    }
}

#[test]
fn neighbors_in_common_come_once_each_in_order() {
    for (seed, edges) in [(60, 300), (61, 5_000), (62, 12_000)] {
        in_every_state(seed, edges, &mut Common);
    }
}

struct Parallel;

impl Claim for Parallel {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng) {
        for _ in 0..200 {
            let (source, target) = (model.any(rng), model.any(rng));
            let wanted: Vec<Edge> =
                model.edges.iter().filter(|e| (e.source, e.target) == (source, target)).copied().collect();
            let all = reader.parallel_edges(source, target);
            let all: Vec<Edge> = all.into_iter().map(|n| n.expect("read").edge).collect();
            assert_eq!(all, wanted);
            for (id, name) in TYPES.iter().enumerate() {
                let of_type: Vec<Edge> =
                    wanted.iter().filter(|e| e.edge_type.0 as usize == id).copied().collect();
                let found = reader.parallel_edges(source, target).of_type(name);
                assert!(found.into_iter().map(|n| n.expect("read").edge).eq(of_type.iter().copied()));
                assert_eq!(reader.edge(source, name, target).expect("read"), of_type.first().copied());
                for edge in of_type {
                    assert!(reader.edge_exists(edge).expect("read"));
                }
            }
            assert_eq!(reader.edge(source, "a type that nobody knows", target).expect("read"), None);
        }
    }
}

#[test]
fn parallel_edges_are_found_by_their_ends() {
    for (seed, edges) in [(70, 300), (71, 8_000)] {
        in_every_state(seed, edges, &mut Parallel);
    }
}

#[test]
fn a_set_without_nodes_has_no_edges_and_nobody_shares_neighbors_with_a_node_that_is_not_there() {
    let (db, model) = store(&mut Rng::new(73), 10);
    let reader = db.begin_read().expect("begun");
    let (nodes, nobody) = (model.nodes.as_slice(), NodeId(1 << 50));
    for sets in [[&[], nodes], [nodes, &[]], [&[], &[]], [nodes, nodes]] {
        assert_eq!(reader.edges_between(sets[0], sets[1]).count().expect("counted"), 0);
    }
    for [a, b] in [[nodes[0], nobody], [nobody, nodes[0]]] {
        let error = reader.common_neighbors(a, b).count();
        assert!(matches!(error, Err(ReadError::NoNode(node)) if node == nobody));
    }
}
