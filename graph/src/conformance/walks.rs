//! Walks over small graphs whose answers can be seen at a glance.

use super::{Fixture, Store};
use crate::{Direction, NodeId, ReadError, WriteTransaction, props};

/// A grid of 8 × 8: `right` from (x, y) to (x+1, y), `down` to (x, y+1); and one node apart. Node (x, y) is 8y + x.
fn grid(tx: &mut WriteTransaction) {
    let n: Vec<NodeId> = (0..65).map(|_| tx.add_anonymous("n", props! {}).expect("a node")).collect();
    for y in 0..8 {
        for x in 0..8 {
            let at = 8 * y + x;
            if x < 7 {
                tx.add_edge(n[at], "right", n[at + 1], props! {}).expect("both ends are there");
            }
            if y < 7 {
                tx.add_edge(n[at], "down", n[at + 8], props! {}).expect("both ends are there");
            }
        }
    }
}

fn diagonal(depth: u64) -> Vec<NodeId> {
    let cells = (0..64).filter(|at| at / 8 + at % 8 == depth);
    cells.map(NodeId).collect()
}

/// Levels are the diagonals; of one type a row; against the edges nothing from the corner.
pub fn bfs_goes_level_by_level(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(grid);
    store.settle(|snapshot| {
        let levels = snapshot.bfs(NodeId(0)).collect_levels().expect("a walk");
        assert_eq!(levels, (0..15).map(diagonal).collect::<Vec<_>>());
        let summary = snapshot.bfs(NodeId(0)).summary().expect("a walk");
        assert_eq!((summary.reached, summary.depth), (64, 14));
        let row = snapshot.bfs(NodeId(16)).of_type("right").summary().expect("a walk");
        assert_eq!((row.reached, row.depth), (8, 7));
        let back = snapshot.bfs(NodeId(63)).direction(Direction::In).summary().expect("a walk");
        assert_eq!((back.reached, back.depth), (64, 14));
        let corner = snapshot.bfs(NodeId(0)).direction(Direction::In).summary().expect("a walk");
        assert_eq!((corner.reached, corner.depth), (1, 0));
        let middle = snapshot.bfs(NodeId(27)).direction(Direction::Both).summary().expect("a walk");
        assert_eq!((middle.reached, middle.depth), (64, 8));
        let nowhere = snapshot.bfs(NodeId(0)).of_type("unknown").summary().expect("a walk");
        assert_eq!(nowhere.reached, 1);
    });
}

/// Exactly the nodes within that many edges, the start left out.
pub fn k_hop_stops_in_time(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(grid);
    store.settle(|snapshot| {
        assert_eq!(snapshot.k_hop(NodeId(0), 0).expect("a walk"), []);
        let mut within: Vec<NodeId> = (1..4).flat_map(diagonal).collect();
        within.sort_unstable();
        assert_eq!(snapshot.k_hop(NodeId(0), 3).expect("a walk"), within);
        assert_eq!(snapshot.k_hop(NodeId(63), 3).expect("a walk"), []);
        assert_eq!(snapshot.k_hop(NodeId(0), u64::MAX).expect("a walk").len(), 63);
        assert_eq!(snapshot.k_hop(NodeId(64), 5).expect("a walk"), []);
    });
}

/// As long as it must be, each step an edge; to itself; `None` where there is none.
pub fn the_shortest_path_is_found(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(grid);
    store.settle(|snapshot| {
        for to in 0..64u64 {
            let path =
                snapshot.shortest_path(NodeId(0), NodeId(to)).find().expect("an answer").expect("a path");
            assert_eq!(path.edge_count() as u64, to / 8 + to % 8);
            assert_eq!((path.nodes[0], path.nodes[path.edge_count()]), (NodeId(0), NodeId(to)));
            for step in path.nodes.windows(2) {
                assert!([1, 8].contains(&(step[1].0 - step[0].0)), "{step:?} is no edge");
            }
        }
        let find = |from, to, direction| {
            let question = snapshot.shortest_path(NodeId(from), NodeId(to)).direction(direction);
            question.find().expect("an answer").map(|path| path.edge_count())
        };
        assert_eq!(find(63, 0, Direction::Out), None);
        assert_eq!(find(63, 0, Direction::In), Some(14));
        assert_eq!(find(7, 56, Direction::Both), Some(14));
        assert_eq!(find(0, 64, Direction::Both), None);
        assert_eq!(find(64, 64, Direction::Out), Some(0));
        let row = snapshot.shortest_path(NodeId(0), NodeId(8)).of_type("right").find().expect("an answer");
        assert_eq!(row, None);
    });
}

/// A start or an end that is not there is an error, not an empty walk.
pub fn a_walk_needs_its_start(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(grid);
    store.settle(|snapshot| {
        let missing = NodeId(65);
        assert!(matches!(snapshot.bfs(missing).summary(), Err(ReadError::NoNode(n)) if n == missing));
        assert!(matches!(snapshot.k_hop(missing, 1), Err(ReadError::NoNode(_))));
        for (from, to) in [(missing, NodeId(0)), (NodeId(0), missing)] {
            assert!(matches!(snapshot.shortest_path(from, to).find(), Err(ReadError::NoNode(_))));
        }
    });
}
