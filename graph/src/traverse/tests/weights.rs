//! Lightest paths.

use super::{each, graph, ids};
use crate::{Database, Direction, NodeId, ReadError, Value};

const INFINITY: Value = Value::Float(f64::INFINITY);

fn path(db: &Database, to: u64, direction: Direction) -> Result<Option<(Vec<u64>, Value)>, ReadError> {
    let snapshot = db.begin_read().expect("begun");
    let question = snapshot.shortest_path(NodeId(0), NodeId(to)).direction(direction).of_type("road");
    let found = question.weighted_by("w").find()?;
    Ok(found.map(|found| (ids(found.path), found.weight)))
}

#[test]
fn a_longer_way_round_may_be_lighter() {
    let edges = [(0, 3, 10), (0, 1, 1), (1, 2, 2), (2, 3, 3), (0, 1, 9), (4, 0, 1), (3, 3, 0)];
    let db = graph(6, &edges.map(|(from, to, w)| (from, to, Value::Int(w))));
    assert_eq!(path(&db, 3, Direction::Out).expect("walked"), Some((vec![0, 1, 2, 3], Value::Int(6))));
    assert_eq!(path(&db, 0, Direction::Out).expect("walked"), Some((vec![0], Value::Int(0))));
    assert_eq!(path(&db, 4, Direction::Out).expect("walked"), None);
    assert_eq!(path(&db, 4, Direction::In).expect("walked"), Some((vec![0, 4], Value::Int(1))));
    let snapshot = db.begin_read().expect("begun");
    let nowhere = snapshot.shortest_path(NodeId(0), NodeId(3)).of_type("river").weighted_by("w").find();
    assert_eq!(nowhere.expect("walked"), None);
}

#[test]
fn floats_add_up_to_a_float() {
    let db = graph(3, &[(0, 1, Value::Float(0.5)), (1, 2, Value::Int(1))]);
    assert_eq!(path(&db, 2, Direction::Out).expect("walked"), Some((vec![0, 1, 2], Value::Float(1.5))));
}

#[test]
fn a_weight_that_is_none_is_an_error() {
    let negative = Value::Float(f64::NEG_INFINITY);
    for weight in [Value::Int(-1), Value::Float(f64::NAN), negative, "1".into(), Value::Null] {
        let db = graph(3, &[(0, 1, weight)]);
        assert!(matches!(path(&db, 2, Direction::Out), Err(ReadError::BadWeight { .. })));
    }
    let db = graph(2, &[(0, 1, Value::Float(-0.0))]);
    let (_, weight) = path(&db, 1, Direction::Out).expect("walked").expect("there is one");
    assert_eq!(weight, Value::Float(0.0));
}

#[test]
fn an_infinite_edge_is_taken_only_where_there_is_no_finite_way() {
    let db = graph(4, &[(0, 1, INFINITY), (0, 2, Value::Int(i64::MAX)), (2, 1, 5.into()), (1, 3, INFINITY)]);
    let (nodes, weight) = path(&db, 1, Direction::Out).expect("walked").expect("there is one");
    assert_eq!((nodes, weight), (vec![0, 2, 1], Value::Float(i64::MAX as f64 + 5.0)));
    let (nodes, weight) = path(&db, 3, Direction::Out).expect("walked").expect("there is one");
    assert_eq!((nodes, weight), (vec![0, 2, 1, 3], INFINITY));
    let snapshot = db.begin_read().expect("begun");
    assert_eq!(each(snapshot.shortest_path(NodeId(0), NodeId(3)).weighted_by("w").all()), [[0, 2, 1, 3]]);
}

#[test]
fn all_paths_of_the_least_sum_are_given_and_no_others() {
    let edges = [(0, 1, 2), (0, 2, 1), (2, 1, 1), (1, 3, 4), (2, 3, 6), (0, 3, 6), (0, 3, 7), (2, 3, 5)];
    let db = graph(5, &edges.map(|(from, to, w)| (from, to, Value::Int(w))));
    let snapshot = db.begin_read().expect("begun");
    let all = |from, to| each(snapshot.shortest_path(NodeId(from), NodeId(to)).weighted_by("w").all());
    assert_eq!(all(0, 3), [vec![0, 1, 3], vec![0, 2, 1, 3], vec![0, 2, 3], vec![0, 3]]);
    assert_eq!(all(1, 1), [[1]]);
    assert_eq!(all(3, 0), Vec::<Vec<u64>>::new());
    assert_eq!(all(0, 4), Vec::<Vec<u64>>::new());
}

/// Edges that weigh nothing lead round in circles: there are endless walks, but only so many paths.
#[test]
fn circles_without_weight_are_not_walked_round() {
    let edges =
        [(0, 1, 0), (1, 2, 0), (2, 0, 0), (2, 1, 0), (0, 2, 0), (1, 1, 0), (1, 3, 1), (2, 3, 1), (3, 4, 0)];
    // 5 and 6 weigh nothing either, and lead nowhere.
    let dead = [(1, 5, 0), (5, 6, 0), (6, 5, 0), (3, 0, 0)];
    let edges: Vec<_> = edges.iter().chain(&dead).map(|(from, to, w)| (*from, *to, Value::Int(*w))).collect();
    let db = graph(7, &edges);
    let snapshot = db.begin_read().expect("begun");
    let all = each(snapshot.shortest_path(NodeId(0), NodeId(4)).weighted_by("w").all());
    assert_eq!(all, [vec![0, 1, 2, 3, 4], vec![0, 1, 3, 4], vec![0, 2, 1, 3, 4], vec![0, 2, 3, 4]]);
}

#[test]
fn an_estimate_that_is_never_too_large_finds_the_lightest_path_however_inconsistent_it_is() {
    // 2 is looked at first over the heavy edge, for nothing is said of it: it must be looked at again.
    let edges = [(0, 1, 1), (1, 2, 1), (0, 2, 3), (2, 3, 3)];
    let db = graph(4, &edges.map(|(from, to, w)| (from, to, Value::Int(w))));
    let snapshot = db.begin_read().expect("begun");
    let mut asked = Vec::new();
    let estimates = [0.0, 4.0, 0.0, 100.0];
    let question = snapshot.shortest_path(NodeId(0), NodeId(3)).weighted_by("w");
    let guided = question.guided_by(|node| {
        asked.push(node.0);
        Ok(estimates[node.0 as usize])
    });
    let found = guided.find().expect("walked").expect("there is one");
    assert_eq!((ids(found.path), found.weight), (vec![0, 1, 2, 3], Value::Int(5)));
    asked.sort_unstable();
    assert_eq!(asked, [0, 1, 2], "each once, and not the end");
    let question = || snapshot.shortest_path(NodeId(0), NodeId(3)).weighted_by("w");
    for below in [f64::NEG_INFINITY, -1.0, -0.0] {
        let found = question().guided_by(|_| Ok(below)).find().expect("walked").expect("there is one");
        assert_eq!(found.weight, Value::Int(5));
    }
    let bad = question().guided_by(|node| Ok(if node.0 == 2 { f64::NAN } else { 0.0 })).find();
    assert!(matches!(bad, Err(ReadError::BadEstimate(NodeId(2)))), "{bad:?}");
}

#[test]
fn a_good_estimate_saves_looking_at_what_lies_behind() {
    // A line of 100 places, and the start in the middle.
    let edges: Vec<_> = (0..99).flat_map(|n| [(n, n + 1, 1.into()), (n + 1, n, 1.into())]).collect();
    let db = graph(100, &edges);
    let snapshot = db.begin_read().expect("begun");
    let mut asked = 0;
    let question = snapshot.shortest_path(NodeId(50), NodeId(90)).weighted_by("w");
    let guided = question.guided_by(|node| {
        asked += 1;
        Ok(node.0.abs_diff(90) as f64)
    });
    assert_eq!(guided.find().expect("walked").map(|found| found.weight), Some(Value::Int(40)));
    assert!(asked < 45, "{asked}");
}
