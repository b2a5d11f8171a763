//! All shortest paths.

use super::{each, plain};
use crate::{Direction, NodeId, ReadError};

#[test]
fn every_shortest_path_comes_once_in_the_order_of_its_nodes() {
    // Two ways, then three; and a longer one over 9, and a parallel edge.
    let edges = [
        (0, 1),
        (0, 2),
        (1, 3),
        (2, 3),
        (3, 4),
        (3, 5),
        (3, 6),
        (4, 7),
        (5, 7),
        (6, 7),
        (0, 9),
        (9, 0),
        (0, 2),
    ];
    let db = plain(10, &edges);
    let snapshot = db.begin_read().expect("begun");
    let all = |from, to| each(snapshot.shortest_path(NodeId(from), NodeId(to)).all());
    let expected = [
        [0, 1, 3, 4, 7],
        [0, 1, 3, 5, 7],
        [0, 1, 3, 6, 7],
        [0, 2, 3, 4, 7],
        [0, 2, 3, 5, 7],
        [0, 2, 3, 6, 7],
    ];
    assert_eq!(all(0, 7), expected);
    assert_eq!(all(0, 0), [[0]]);
    assert_eq!(all(3, 7), [[3, 4, 7], [3, 5, 7], [3, 6, 7]]);
    assert_eq!(all(7, 0), Vec::<Vec<u64>>::new());
    assert_eq!(all(0, 8), Vec::<Vec<u64>>::new());
    let back = snapshot.shortest_path(NodeId(7), NodeId(1)).direction(Direction::In).all();
    assert_eq!(each(back), [[7, 4, 3, 1], [7, 5, 3, 1], [7, 6, 3, 1]]);
    let both = snapshot.shortest_path(NodeId(1), NodeId(2)).direction(Direction::Both).all();
    assert_eq!(each(both), [[1, 0, 2], [1, 3, 2]]);
}

/// A ladder of 60 squares has 2⁶⁰ shortest paths: nobody waits for the last one.
#[test]
fn more_paths_than_there_is_memory_come_one_by_one() {
    let mut edges = Vec::new();
    for n in 0..60 {
        let at = 3 * n;
        edges.extend([(at, at + 1), (at, at + 2), (at + 1, at + 3), (at + 2, at + 3)]);
    }
    let db = plain(181, &edges);
    let snapshot = db.begin_read().expect("begun");
    let mut last = Vec::new();
    for path in snapshot.shortest_path(NodeId(0), NodeId(180)).all().take(1000) {
        let path = path.expect("read");
        assert_eq!(path.edge_count(), 120);
        assert!(path.nodes > last, "each later than the one before it");
        last = path.nodes;
    }
}

#[test]
fn an_end_that_is_not_there_is_the_only_item() {
    let db = plain(2, &[(0, 1)]);
    let snapshot = db.begin_read().expect("begun");
    let mut all = snapshot.shortest_path(NodeId(0), NodeId(2)).all();
    assert!(matches!(all.next(), Some(Err(ReadError::NoNode(NodeId(2))))));
    assert!(all.next().is_none());
}
