//! Lists of many nodes.

use super::*;
use crate::error::ReadError;
use crate::reader::Follow;

fn follow(words: &Words) -> Follow {
    let mut follow = Follow { direction: words.direction, types: None };
    if let Some(types) = &words.types {
        follow.add_types(types);
    }
    follow
}

struct Batches;

impl Claim for Batches {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng) {
        for round in 0..12 {
            // More than one window, in order or not, with ids that are not there and some twice.
            let mut nodes: Vec<NodeId> = (0..20).flat_map(|_| model.nodes.clone()).collect();
            nodes.extend([NodeId(1 << 50), NodeId(u64::MAX)]);
            rng.shuffle(&mut nodes);
            nodes.truncate(1 + rng.index(nodes.len()));
            if round % 2 == 0 {
                nodes.sort_unstable();
            }
            let words = Words { after: None, between: (0, u64::MAX), ..Words::any(rng, model, &[]) };
            let ways = follow(&words).ways(reader);
            let answers: std::collections::BTreeMap<NodeId, Vec<Hop>> = nodes
                .iter()
                .map(|node| (*node, model.answer(*node, &Words { backwards: false, ..words.clone() })))
                .collect();
            let mut at = 0;
            let lists = reader.for_each_list(&nodes, &ways, |index, list| {
                assert_eq!(index, at);
                at += 1;
                let mut list = list.to_vec();
                list.sort_unstable();
                let wanted: Vec<u64> = answers[&nodes[index]].iter().map(|hop| hop.neighbor).collect();
                assert_eq!(list, wanted, "{} {words:?}", nodes[index]);
                Ok::<(), ReadError>(())
            });
            lists.expect("read");
            assert_eq!(at, nodes.len());
            let mut all = Vec::new();
            let neighbors = reader.for_each_neighbor(&nodes, &ways, |some| {
                all.extend_from_slice(some);
                Ok::<(), ReadError>(())
            });
            neighbors.expect("read");
            let wanted = nodes.iter().flat_map(|node| answers[node].iter().map(|hop| hop.neighbor));
            let mut wanted: Vec<u64> = wanted.collect();
            all.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(all, wanted, "{words:?}");
            let mut at = 0;
            let hops = reader.for_each_hops(&nodes, &ways, |index, hops| {
                assert_eq!(index, at);
                at += 1;
                let mut hops = hops.to_vec();
                hops.sort_unstable();
                assert_eq!(hops, answers[&nodes[index]], "{} {words:?}", nodes[index]);
                Ok::<(), ReadError>(())
            });
            hops.expect("read");
            assert_eq!(at, nodes.len());
        }
    }
}

#[test]
fn lists_in_a_batch_are_those_of_single_nodes() {
    for (seed, edges) in [(40, 200), (41, 3_000), (42, 12_000)] {
        in_every_state(seed, edges, &mut Batches);
    }
}

#[test]
fn a_batch_of_several_types_and_both_ways_is_one_question() {
    let (db, model) = store(&mut Rng::new(43), 10);
    let mut tx = db.begin_write().expect("begun");
    let [x, y] = [model.nodes[0], model.nodes[1]];
    for (from, edge_type, to) in [(x, "a", y), (y, "b", x), (x, "road", x), (y, "road", x), (x, "b", y)] {
        tx.add_edge(from, edge_type, to, props! {}).expect("added");
    }
    let list = |question: super::super::NeighborsOf<'_, _>| {
        let mut lists = Vec::new();
        question.for_each(|_, list| lists.push(list.to_vec())).expect("read");
        lists
    };
    let [a, b] = [TypeId(0), TypeId(1)];
    let nodes = [x, y];
    assert_eq!(list(tx.neighbors_of(&nodes).of_type(a).of_type(b)), [vec![y, y], vec![x]]);
    assert_eq!(list(tx.neighbors_of(&nodes).of_types(&[b, ROAD])), [vec![y, x, y], vec![x, x]]);
    assert_eq!(list(tx.neighbors_of(&nodes).of_types(&[])), [vec![], vec![]]);
    let both = tx.neighbors_of(&nodes).direction(Direction::Both).of_types(&[a, ROAD]);
    assert_eq!(list(both), [vec![y, x, y], vec![x, x]]);
}

#[test]
fn whoever_asks_may_stop_in_the_middle() {
    let (db, mut model) = store(&mut Rng::new(44), 40);
    let mut tx = db.begin_write().expect("begun");
    model.grow(&mut tx, &mut Rng::new(44), 500);
    let mut seen = 0;
    let ways = Follow::default().ways(&tx);
    let stopped = tx.for_each_list(&model.nodes, &ways, |index, _| {
        seen = index;
        if index == 7 { Err(ReadError::Cancelled) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(ReadError::Cancelled)));
    assert_eq!(seen, 7);
}
