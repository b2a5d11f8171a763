//! What closures say about edges and nodes.

use super::{each, graph, ids, plain};
use crate::{Direction, NodeId, ReadError, Value};

#[test]
fn a_search_follows_only_edges_that_are_allowed() {
    let db = graph(
        5,
        &[(0, 1, 1.into()), (0, 2, 9.into()), (2, 3, 1.into()), (1, 4, Value::Null), (0, 2, 8.into())],
    );
    let snapshot = db.begin_read().expect("begun");
    let bfs = snapshot.bfs(NodeId(0));
    let cheap =
        bfs.filter_edges(|reader, edge| Ok(reader.get_edge::<i64>(edge, "w")?.is_some_and(|w| w < 9)));
    assert_eq!(
        cheap.collect_levels().expect("walked"),
        [vec![NodeId(0)], vec![NodeId(1), NodeId(2)], vec![NodeId(3)]],
        "the second of two parallel edges was allowed"
    );
    let road = snapshot.edge_type("road").expect("known");
    let by_type = snapshot.bfs(NodeId(0)).filter_edges(|_, edge| Ok(edge.edge_type != road));
    assert_eq!(by_type.summary().expect("walked").reached, 1);
}

#[test]
fn a_node_that_is_refused_is_asked_about_once_and_leads_nowhere() {
    // 3 is reached from 1 and 2, and again from 4.
    let db = plain(6, &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 5), (1, 4), (4, 3)]);
    let snapshot = db.begin_read().expect("begun");
    let mut asked = Vec::new();
    let nodes = snapshot
        .bfs(NodeId(0))
        .filter_nodes(|reader, node| {
            asked.push(node.0);
            Ok(reader.get::<i64>(node, "n")? != Some(3))
        })
        .collect_nodes();
    assert_eq!(nodes.expect("walked"), [1, 2, 4].map(NodeId));
    asked.sort_unstable();
    assert_eq!(asked, [1, 2, 3, 4], "neither the start, nor what lies behind");
}

#[test]
fn several_filters_must_all_agree_and_are_asked_no_further_than_the_first_no() {
    let db = plain(4, &[(0, 1), (0, 2), (0, 3)]);
    let snapshot = db.begin_read().expect("begun");
    let mut second = 0;
    let bfs = snapshot.bfs(NodeId(0)).filter_nodes(|_, node| Ok(node.0 != 1));
    let nodes = bfs.filter_nodes(|_, node| {
        second += 1;
        Ok(node.0 != 2)
    });
    assert_eq!(nodes.collect_nodes().expect("walked"), [NodeId(3)]);
    assert_eq!(second, 2);
}

#[test]
fn an_edge_whose_end_is_known_is_not_asked_about() {
    let db = plain(2, &[(0, 1), (0, 1), (0, 0), (1, 0)]);
    let snapshot = db.begin_read().expect("begun");
    let mut asked = 0;
    let bfs = snapshot.bfs(NodeId(0)).filter_edges(|_, _| {
        asked += 1;
        Ok(true)
    });
    assert_eq!(bfs.summary().expect("walked").reached, 2);
    assert_eq!(asked, 1);
}

#[test]
fn a_path_keeps_to_the_filters_from_both_ends() {
    // The short way over 1, a longer one over 2 and 3.
    let db =
        graph(5, &[(0, 1, 7.into()), (1, 4, 1.into()), (0, 2, 1.into()), (2, 3, 1.into()), (3, 4, 1.into())]);
    let snapshot = db.begin_read().expect("begun");
    let question = || snapshot.shortest_path(NodeId(0), NodeId(4));
    assert_eq!(question().find().expect("walked").map(ids), Some(vec![0, 1, 4]));
    let light = question().filter_edges(|r, e| Ok(r.get_edge::<i64>(e, "w")? == Some(1)));
    assert_eq!(light.find().expect("walked").map(ids), Some(vec![0, 2, 3, 4]));
    let round = question().filter_nodes(|_, node| Ok(node.0 != 1));
    assert_eq!(round.find().expect("walked").map(ids), Some(vec![0, 2, 3, 4]));
    let nowhere = question().filter_nodes(|_, node| Ok(![1, 3].contains(&node.0)));
    assert_eq!(nowhere.find().expect("walked"), None);
    let ends = question().filter_nodes(|_, node| Ok(node.0 == 1));
    assert_eq!(ends.find().expect("walked").map(ids), Some(vec![0, 1, 4]), "the ends are not asked about");
    let back = snapshot.shortest_path(NodeId(4), NodeId(0)).direction(Direction::In);
    let back = back.filter_edges(|_, edge| Ok(edge.source != NodeId(1)));
    assert_eq!(back.find().expect("walked").map(ids), Some(vec![4, 3, 2, 0]));
    let all = question().filter_edges(|_, edge| Ok(edge.target != NodeId(1)));
    assert_eq!(each(all.all()), [[0, 2, 3, 4]]);
    let lightest =
        question().filter_nodes(|_, node| Ok(node.0 != 2)).weighted_by("w").find().expect("walked");
    assert_eq!(lightest.map(|found| (ids(found.path), found.weight)), Some((vec![0, 1, 4], Value::Int(8))));
}

#[test]
fn an_edge_that_is_not_allowed_needs_no_weight() {
    let db = graph(3, &[(0, 1, 2.into()), (0, 2, Value::Null), (0, 1, "far".into())]);
    let snapshot = db.begin_read().expect("begun");
    let question = || snapshot.shortest_path(NodeId(0), NodeId(1));
    let found = question().weighted_by("w").find();
    assert!(matches!(found, Err(ReadError::BadWeight { node: NodeId(0), .. })), "{found:?}");
    let allowed =
        question().filter_nodes(|_, node| Ok(node.0 != 2)).filter_edges(|_, edge| Ok(edge.rank == 0));
    let found = allowed.weighted_by("w").find().expect("walked").expect("there is one");
    assert_eq!(found.weight, Value::Int(2));
}

#[test]
fn an_error_in_a_filter_ends_every_walk_with_it() {
    let db = graph(3, &[(0, 1, 1.into()), (1, 2, 1.into())]);
    let snapshot = db.begin_read().expect("begun");
    let ends = || snapshot.shortest_path(NodeId(0), NodeId(2));
    let bad = |e: Option<ReadError>| assert!(matches!(e, Some(ReadError::WrongType { .. })), "{e:?}");
    let edge = |r: &crate::Reader<_>, e| Ok(r.get_edge::<String>(e, "w")?.is_some());
    let node = |r: &crate::Reader<_>, n| Ok(r.get::<String>(n, "n")?.is_some());
    bad(snapshot.bfs(NodeId(0)).filter_edges(edge).summary().err());
    bad(snapshot.bfs(NodeId(0)).filter_nodes(node).summary().err());
    bad(ends().filter_edges(edge).find().err());
    bad(ends().filter_nodes(node).find().err());
    bad(ends().filter_edges(edge).weighted_by("w").find().err());
    bad(ends()
        .weighted_by("w")
        .guided_by(|n| snapshot.get::<f64>(n, "n").map(Option::unwrap_or_default))
        .find()
        .err());
    let mut all = ends().filter_nodes(node).all();
    bad(all.next().expect("an item").err());
    assert!(all.next().is_none(), "nothing comes after an error");
}
