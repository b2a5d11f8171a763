//! Deleting by question.

use super::*;
use crate::error::WriteError;
use storage_core::device::sim::SimDevice;

#[test]
fn what_a_question_finds_is_what_is_deleted() {
    for seed in 80..90 {
        println!("seed {seed}");
        let rng = &mut Rng::new(seed);
        let (db, mut model) = store(rng, 60);
        let mut tx = db.begin_write().expect("begun");
        model.grow(&mut tx, rng, 4_000);
        tx.commit().expect("committed");
        if rng.chance(1, 2) {
            db.checkpoint().expect("written");
        }
        for _ in 0..12 {
            let node = model.any(rng);
            let words = Words { after: None, ..Words::any(rng, &model, &[]) };
            let wanted: BTreeSet<Edge> =
                model.answer(node, &words).into_iter().map(|h| h.edge(node)).collect();
            let mut tx = db.begin_write().expect("begun");
            let (least, greatest) = words.between;
            let mut question = tx.delete_edges(node).between(NodeId(least)..=NodeId(greatest));
            if let Some(direction) = words.direction {
                question = question.direction(direction);
            }
            if let Some(types) = &words.types {
                question = question.of_types(types);
            }
            assert_eq!(question.run().expect("deleted"), wanted.len() as u64, "{node} {words:?}");
            model.edges.retain(|edge| !wanted.contains(edge));
            model.grow(&mut tx, rng, 100);
            tx.commit().expect("committed");
            let found = db.begin_read().expect("begun");
            assert!(found.all_edges().map(|e| e.expect("read")).eq(model.edges.iter().copied()));
            assert_eq!(found.edge_count(), model.edges.len() as u64);
        }
        assert_eq!(db.check().expect("checked").findings, vec![]);
    }
}

/// Deltas of what is deleted outgrow the budget many times over: they are written in between, and all is gone.
#[test]
fn a_hub_is_emptied_within_a_small_budget_and_stays_so_after_opening() {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let options = Options::new().memory_budget(256 << 10).background(false);
    let db = options.create_device(device.clone()).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let nodes: Vec<NodeId> = (0..20_001).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    let (hub, others) = nodes.split_last().expect("there are some");
    for (i, node) in others.iter().enumerate() {
        tx.add_edge(*hub, ["x", "y"][i % 2], *node, props! { "i" => i as i64 }).expect("added");
        tx.add_edge(*node, "x", *hub, props! {}).expect("added");
    }
    tx.commit().expect("committed");
    let mut tx = db.begin_write().expect("begun");
    assert_eq!(tx.delete_edges(*hub).outgoing().of_type("y").run().expect("deleted"), 10_000);
    assert_eq!(
        tx.delete_edges(*hub).incoming().between(others[0]..others[5_000]).run().expect("deleted"),
        5_000
    );
    assert!(tx.graph.weight() <= 1 << 20, "{} bytes of changes", tx.graph.weight());
    assert_eq!(tx.degree(*hub).direction(Direction::Both).count().expect("counted"), 25_000);
    tx.commit().expect("committed");
    let mut tx = db.begin_write().expect("begun");
    assert_eq!(tx.delete_node(*hub, true).expect("deleted"), 25_000);
    assert!(tx.graph.weight() <= 1 << 20, "{} bytes of changes", tx.graph.weight());
    tx.commit().expect("committed");
    db.close().expect("closed");
    let again = MemoryDevice::from_image(device.image(), None).expect("an image of the store");
    let db = options.open_device(Arc::new(again)).expect("opened");
    let reader = db.begin_read().expect("begun");
    assert_eq!((reader.node_count(), reader.edge_count()), (20_000, 0));
    assert_eq!(reader.all_edges().count(), 0);
    assert_eq!(db.check().expect("checked").findings, vec![]);
}

#[test]
fn all_parallel_edges_of_one_type_go_together_and_no_others() {
    let (db, model) = store(&mut Rng::new(91), 10);
    let [a, b] = [model.nodes[0], model.nodes[1]];
    let mut tx = db.begin_write().expect("begun");
    for _ in 0..5 {
        tx.add_edge(a, "a", b, props! { "w" => 1 }).expect("added");
    }
    let kept = [(a, "b", b), (b, "a", a), (a, "a", a)]
        .map(|(from, edge_type, to)| tx.add_edge(from, edge_type, to, props! {}).expect("added"));
    assert_eq!(tx.delete_parallel(a, "a", b).expect("deleted"), 5);
    assert_eq!(tx.delete_parallel(a, "a", b).expect("none left"), 0);
    assert_eq!(tx.delete_parallel(a, "a type that nobody knows", b).expect("none"), 0);
    let refused = tx.delete_parallel(NodeId(1 << 50), "a", b);
    assert!(matches!(refused, Err(WriteError::NoNode(_))), "{refused:?}");
    assert_eq!(tx.add_edge(a, "a", b, props! {}).expect("added").rank, 0, "no rank is in use");
    tx.commit().expect("committed");
    let reader = db.begin_read().expect("begun");
    assert_eq!(reader.edge_count(), 4);
    assert!(kept.iter().all(|edge| reader.edge_exists(*edge).expect("read")));
}

/// What was deleted by question stands in the log edge by edge, and is deleted again after a crash.
#[test]
fn a_delete_by_question_survives_a_crash() {
    let device = Arc::new(SimDevice::new(PageSize::K4, 7));
    let options = Options::new().background(false);
    let db = options.create_device(device.clone()).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let nodes: Vec<NodeId> = (0..50).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    for node in &nodes {
        tx.add_edge(nodes[0], "e", *node, props! {}).expect("added");
    }
    tx.commit().expect("committed");
    let mut tx = db.begin_write().expect("begun");
    assert_eq!(tx.delete_edges(nodes[0]).between(nodes[10]..).run().expect("deleted"), 40);
    tx.commit().expect("committed");
    let crashed = SimDevice::from_image(device.crash(&mut Rng::new(7))).expect("an image of the store");
    drop(db);
    let db = options.open_device(Arc::new(crashed)).expect("recovered");
    assert_eq!(db.begin_read().expect("begun").degree(nodes[0]).count().expect("counted"), 10);
}
