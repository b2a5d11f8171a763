//! Lists of one node: every combination of what can be asked.

use super::*;
use crate::btree::Finger;
use crate::edge::Window;
use crate::error::ReadError;
use crate::reader::follow::{Follow, Side};
use crate::reader::hops::{Ask, Fingers, Hops};
use crate::reader::strands::Strands;

/// The hops of a question, as the public way answers it; a neighbour, its edge and its place say the same.
fn found<R: ReadPages>(reader: &Reader<R>, node: NodeId, words: &Words) -> Vec<Hop> {
    let list: Result<Vec<_>, ReadError> = words.ask(reader, node).into_iter().collect();
    let hop = |neighbor: super::super::Neighbor<'_, R>| {
        let cursor = neighbor.cursor();
        let hop = cursor.hop();
        assert_eq!((neighbor.id, neighbor.edge), (NodeId(hop.neighbor), hop.edge(node)));
        assert_eq!((cursor.neighbor(), cursor.edge_type()), (neighbor.id, neighbor.edge.edge_type));
        hop
    };
    list.expect("read").into_iter().map(hop).collect()
}

fn as_ask<R: ReadPages>(reader: &Reader<R>, node: NodeId, words: &Words) -> Ask {
    let follow = Follow { direction: words.direction, types: None };
    let mut ask = Ask::all(node, follow.sides(reader));
    if let Some(types) = &words.types {
        let mut follow = follow;
        follow.add_types(types);
        ask.sides = follow.sides(reader);
    }
    (ask.between, ask.backwards) = (words.between, words.backwards);
    ask.after = words.after.map(Cursor::hop);
    ask
}

/// However few edges there are, ranges that are merged give them.
fn merged<R: ReadPages>(reader: &Reader<R>, node: NodeId, words: &Words) -> Vec<Hop> {
    let mut strands = Strands::open(reader, &as_ask(reader, node, words)).expect("read");
    std::iter::from_fn(|| strands.next().expect("read")).collect()
}

/// And so do windows of one type each, however little is read at a time.
fn in_parts<R: ReadPages>(reader: &Reader<R>, node: NodeId, words: &Words, most: usize) -> Vec<Hop> {
    let ask = as_ask(reader, node, words);
    let mut hops = Vec::new();
    for (side, into) in ask.sides.iter().zip([false, true]) {
        for edge_type in 0..TYPES.len() as u32 {
            let Some(loops_seen) = side.as_ref().and_then(|side: &Side| side.wants(edge_type)) else {
                continue;
            };
            let mut window: Window = ask.window(edge_type, into);
            let mut out = Finger::new(&reader.graph.out, &reader.pages);
            let mut back = Finger::new(&reader.graph.into, &reader.pages);
            let mut stands = Vec::new();
            while !window.is_empty() {
                let had = stands.len();
                match into {
                    false => window.part(&mut out, most, &mut stands).expect("read"),
                    true => window.part(&mut back, most, &mut stands).expect("read"),
                }
                assert!(stands.len() - had <= most && (stands.len() > had || window.is_empty()));
            }
            let ordered = |pair: &[(u64, u32)]| (pair[0] < pair[1]) != words.backwards;
            assert!(stands.windows(2).all(ordered), "parts come in order");
            stands.retain(|(neighbor, _)| !loops_seen || *neighbor != node.0);
            hops.extend(stands.into_iter().map(|(neighbor, rank)| Hop { neighbor, edge_type, into, rank }));
        }
    }
    hops.sort_unstable();
    if words.backwards {
        hops.reverse();
    }
    hops
}

struct Agree;

impl Claim for Agree {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng) {
        for (number, node) in model.nodes.clone().into_iter().enumerate() {
            for direction in DIRECTIONS {
                let words = Words::all(direction);
                let wanted = model.answer(node, &words);
                assert_eq!(found(reader, node, &words), wanted, "{node} {direction:?}");
                let places: Vec<Cursor> = wanted.iter().copied().map(Cursor::from).collect();
                for _ in 0..if number < 2 { 12 } else { 2 } {
                    let words = Words::any(rng, model, &places);
                    let wanted = model.answer(node, &words);
                    assert_eq!(found(reader, node, &words), wanted, "{node} {words:?}");
                    assert_eq!(merged(reader, node, &words), wanted, "{node} {words:?}, merged");
                    let most = [1, 3, 100, usize::MAX][rng.index(4)];
                    assert_eq!(in_parts(reader, node, &words, most), wanted, "{node} {words:?} by {most}");
                    let count = words.ask(reader, node).count().expect("counted");
                    assert_eq!(count, wanted.len() as u64, "{node} {words:?}");
                }
            }
        }
    }
}

#[test]
fn every_question_finds_what_is_there_in_order() {
    for (seed, edges) in [(1, 300), (2, 3_000), (3, 12_000)] {
        in_every_state(seed, edges, &mut Agree);
    }
}

struct Degrees;

impl Claim for Degrees {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng) {
        for node in &model.nodes {
            for _ in 0..4 {
                let words = Words { after: None, between: (0, u64::MAX), ..Words::any(rng, model, &[]) };
                let mut degree = reader.degree(*node);
                if let Some(direction) = words.direction {
                    degree = degree.direction(direction);
                }
                if let Some(types) = &words.types {
                    degree = degree.of_types(types);
                }
                let wanted = model.answer(*node, &words).len() as u64;
                assert_eq!(degree.count().expect("counted"), wanted, "{node} {words:?}");
            }
        }
    }
}

#[test]
fn degrees_are_the_lengths_of_lists() {
    in_every_state(4, 4_000, &mut Degrees);
}

struct Skips;

impl Claim for Skips {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng) {
        for node in &model.nodes[..6] {
            let words = Words { after: None, backwards: false, ..Words::any(rng, model, &[]) };
            let wanted = model.answer(*node, &words);
            let ask = as_ask(reader, *node, &words);
            let mut few = Hops::open(reader, &ask, &mut Fingers::new(reader)).expect("read");
            let mut many = Strands::open(reader, &ask).expect("read");
            let mut at = 0;
            for _ in 0..200 {
                if rng.chance(1, 2) {
                    let to = wanted.get(at + rng.index(40)).map_or(rng.next_u64(), |hop| hop.neighbor);
                    let to = to.saturating_sub(rng.below(2));
                    at += wanted[at..].partition_point(|hop| hop.neighbor < to);
                    few.skip_to(to).expect("read");
                    many.skip_to(to).expect("read");
                }
                let next = wanted.get(at).copied();
                at += usize::from(next.is_some());
                assert_eq!(few.next().expect("read"), next, "{node} {words:?}");
                assert_eq!(many.next().expect("read"), next, "{node} {words:?}, merged");
            }
        }
    }
}

#[test]
fn what_is_skipped_is_left_out_and_nothing_else() {
    for seed in 5..9 {
        in_every_state(seed, 5_000, &mut Skips);
    }
}

#[test]
fn a_node_that_is_not_there_is_an_error_and_one_without_edges_an_empty_list() {
    let (db, model) = store(&mut Rng::new(9), 10);
    let reader = db.begin_read().expect("begun");
    let nobody = NodeId(1 << 50);
    for direction in DIRECTIONS {
        let words = Words { backwards: true, ..Words::all(direction) };
        assert_eq!(words.ask(&reader, model.nodes[0]).into_iter().count(), 0);
        let mut list = words.ask(&reader, nobody).into_iter();
        assert!(matches!(list.next(), Some(Err(ReadError::NoNode(node))) if node == nobody));
        assert!(list.next().is_none(), "an error is the end");
    }
    assert!(matches!(reader.neighbors(nobody).count(), Err(ReadError::NoNode(_))));
    assert!(matches!(reader.edge(nobody, "a", model.nodes[0]), Err(ReadError::NoNode(_))));
    assert_eq!(reader.edge(model.nodes[0], "a", nobody).expect("read"), None);
}
