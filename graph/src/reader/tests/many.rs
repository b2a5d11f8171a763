//! Lists of edges in one call, beside the same calls one by one: two stores that must stay alike.

use super::*;
use crate::IndexOn;
use crate::error::WriteError;
use storage_core::device::faults::{Fault, FaultRule, Faults};
use storage_core::device::faulty::FaultyDevice;
use storage_core::device::memory::MemoryStore;
use storage_core::device::{OpenOptions, Operation};

/// Ends at random, some pairs several times: so that ranks depend on the order.
fn pairs(rng: &mut Rng, nodes: &[NodeId], count: usize) -> Vec<(NodeId, NodeId)> {
    let mut all: Vec<(NodeId, NodeId)> = Vec::with_capacity(count);
    for _ in 0..count {
        let any = |rng: &mut Rng| nodes[rng.index(nodes.len())];
        let pair = match rng.below(4) {
            0 if !all.is_empty() => all[rng.index(all.len())],
            // A hub, whose list goes over pages.
            1 => (nodes[0], any(rng)),
            _ => (any(rng), any(rng)),
        };
        all.push(pair);
    }
    all
}

fn edges(reader: &Reader<impl ReadPages>) -> Vec<Edge> {
    reader.all_edges().map(|edge| edge.expect("read")).collect()
}

/// The store as it is on its device now, as if its process had been killed.
fn killed(device: &mut Arc<MemoryDevice>, options: &Options) -> Database {
    *device = Arc::new(MemoryDevice::from_image(device.image(), None).expect("an image of the store"));
    options.open_device(device.clone()).expect("recovered")
}

/// In one store lists, in the other the same one by one: on pages, in memory over pages, after going back to a savepoint,
/// after recovery by the log; with a budget that makes changes be written early, and with one that does not.
#[test]
fn a_list_does_what_its_edges_do_one_by_one() {
    for seed in 300..312 {
        println!("seed {seed}");
        let rng = &mut Rng::new(seed);
        let budget = [48 << 10, 16 << 20][seed as usize % 2];
        let options = Options::new().memory_budget(budget).background(false);
        let mut devices = [(), ()].map(|()| Arc::new(MemoryDevice::new(PageSize::K4)));
        let mut stores = devices.clone().map(|device| options.create_device(device).expect("created"));
        let mut nodes = Vec::new();
        for db in &stores {
            let mut tx = db.begin_write().expect("begun");
            nodes = (0..300).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
            tx.commit().expect("committed");
        }
        for _ in 0..12 {
            let [mut lists, mut single] = stores.each_ref().map(|db| db.begin_write().expect("begun"));
            let kept = lists.savepoint();
            let before = single.savepoint();
            for _ in 0..1 + rng.below(3) {
                let edge_type = TYPES[rng.index(TYPES.len())];
                for (source, target) in pairs(rng, &nodes, 20) {
                    let rank = Some(rng.below(9) as u32);
                    let [one, other] = [&mut lists, &mut single]
                        .map(|tx| tx.insert_edge((source, edge_type, target), rank, props! {}).ok());
                    assert_eq!(one, other);
                }
                let count = [0, 1, 15, 17, 700][rng.index(5)];
                let some = pairs(rng, &nodes, count);
                let added = lists.add_edges(edge_type, &some).expect("added");
                for (&(source, target), edge) in some.iter().zip(&added) {
                    let alone = single.add_edge(source, edge_type, target, props! {}).expect("added");
                    assert_eq!(alone, *edge);
                }
                let mut gone = edges(&lists);
                rng.shuffle(&mut gone);
                gone.truncate(rng.index(400));
                lists.delete_each(&gone).expect("they are there");
                gone.iter().for_each(|edge| single.delete_edge(*edge).expect("it is there"));
            }
            if rng.chance(1, 4) {
                lists.rollback_to(&kept).expect("the same transaction");
                single.rollback_to(&before).expect("the same transaction");
            }
            assert_eq!(edges(&lists), edges(&single), "in the transaction");
            for tx in [lists, single] {
                tx.commit().expect("committed");
            }
            match rng.below(4) {
                0 => stores.iter().for_each(|db| db.checkpoint().map(|_| ()).expect("written")),
                1 => stores = devices.each_mut().map(|device| killed(device, &options)),
                _ => {}
            }
            let found = stores.each_ref().map(|db| edges(&db.begin_read().expect("begun")));
            assert_eq!(found[0], found[1]);
        }
        for db in &stores {
            assert_eq!(db.check().expect("checked").findings, vec![]);
        }
    }
}

/// One edge of a list is refused: then none of it is there, nothing of it comes back from the log, and its type is not named.
#[test]
fn of_a_refused_list_nothing_stays() {
    let mut device = Arc::new(MemoryDevice::new(PageSize::K4));
    // So little that lists are taken by some hundreds.
    let options = Options::new().memory_budget(1 << 20).background(false);
    let db = options.create_device(device.clone()).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let nodes: Vec<NodeId> = (0..50).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    let all: Vec<_> = nodes.iter().flat_map(|a| nodes.iter().map(|b| (*a, *b))).collect();
    let added = tx.add_edges("a", &all).expect("all ends are there");
    let nobody = NodeId(1 << 40);

    let mut wrong = all.clone();
    wrong[1999].1 = nobody;
    let refused = tx.add_edges("never named", &wrong);
    assert!(matches!(refused, Err(WriteError::NoNode(node)) if node == nobody), "{refused:?}");
    assert_eq!((tx.edge_count(), tx.edge_type("never named")), (2500, None));
    let refused = tx.add_edges("", &all);
    assert!(matches!(refused, Err(WriteError::BadName { .. })), "{refused:?}");
    assert_eq!(tx.add_edges("", &[]).expect("nothing to add"), []);

    let mut twice = added.clone();
    twice.extend(added.iter().max());
    let refused = tx.delete_each(&twice);
    assert!(matches!(refused, Err(WriteError::NoEdge(_))), "{refused:?}");
    assert_eq!(edges(&tx), added);
    tx.delete_each(&added[..40]).expect("they are there");
    tx.commit().expect("committed");
    let db = killed(&mut device, &options);
    assert_eq!(edges(&db.begin_read().expect("begun")), added[40..]);
    assert_eq!(db.check().expect("checked").findings, vec![]);
}

/// Of several that would be refused the first one is, and for the reason that it would be alone, whoever of two threads comes
/// by which.
#[test]
fn the_first_that_is_refused_says_why() {
    let db = Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let nodes: Vec<NodeId> = (0..40).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    let mut all: Vec<_> = nodes.iter().flat_map(|a| nodes.iter().map(|b| (*a, *b))).collect();
    let added = tx.add_edges("a", &all).expect("all ends are there");
    let nobody = |n: u64| NodeId((1 << 40) + n);
    let last = (nodes[7], nodes[8]);
    tx.insert_edge((last.0, "a", last.1), Some(u32::MAX - 1), props! {}).expect("a rank that nobody has");

    let refused = |tx: &mut WriteTransaction, pairs: &[_]| {
        let before = (tx.edge_count(), edges(tx));
        let error = tx.add_edges("a", pairs).expect_err("one is refused");
        assert_eq!((tx.edge_count(), edges(tx)), before);
        error
    };
    all.extend([last; 3]);
    // One takes the last rank, the next one none; what is wrong behind that is not come by.
    assert!(matches!(refused(&mut tx, &all), WriteError::Exhausted(_)));
    all.push((nobody(0), nobody(0)));
    assert!(matches!(refused(&mut tx, &all), WriteError::Exhausted(_)));
    for wrong in [1500, 1100, 700, 30] {
        all[wrong] = (nobody(wrong as u64), nobody(0));
        let error = refused(&mut tx, &all);
        assert!(
            matches!(error, WriteError::NoNode(node) if node == nobody(wrong as u64)),
            "{wrong}: {error:?}"
        );
    }
    all[3].1 = nobody(3);
    assert!(matches!(refused(&mut tx, &all), WriteError::NoNode(node) if node == nobody(3)));

    // Edges are deleted in their order, whatever the list's is.
    let gone = [1400, 900, 20].map(|i| added[i]);
    tx.delete_each(&gone).expect("they are there");
    let named = tx.delete_each(&added).expect_err("some are gone").to_string();
    assert!(named.contains(&tx.describe(gone[2])), "{named}");
}

/// Lists that are refused after a part of them was written early: to be added, and to be deleted with properties and entries
/// of an index.
#[test]
fn a_refused_list_that_was_written_early_leaves_nothing() {
    let mut device = Arc::new(MemoryDevice::new(PageSize::K4));
    let options = Options::new().memory_budget(32 << 10).background(false);
    let db = options.create_device(device.clone()).expect("created");
    let mut tx = db.begin_write().expect("begun");
    tx.create_index(IndexOn::EdgeType("a"), "i", false).expect("a new index");
    let nodes: Vec<NodeId> = (0..300).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    let with_props = |tx: &mut WriteTransaction, i: usize| {
        let (source, target) = (nodes[i * 7 % 300], nodes[i * i % 300]);
        tx.add_edge(source, "a", target, props! { "i" => (i % 50) as i64 }).expect("added")
    };
    let mut added: Vec<Edge> = (0..3000).map(|i| with_props(&mut tx, i)).collect();
    tx.commit().expect("committed");
    let of_index = |reader: &WriteTransaction| {
        let found = reader.edges("a").with("i", 7).into_iter().map(|edge| edge.expect("read"));
        found.collect::<BTreeSet<Edge>>()
    };

    let mut tx = db.begin_write().expect("begun");
    let (all, indexed) = (edges(&tx), of_index(&tx));
    let mut pairs: Vec<_> = (0..4000).map(|i| (nodes[i % 300], nodes[i * 3 % 300])).collect();
    pairs.push((nodes[0], NodeId(1 << 40)));
    tx.add_edges("a", &pairs).expect_err("the last end is nowhere");
    assert!(tx.pages().is_flushing(), "a part was written early");
    assert_eq!((edges(&tx), of_index(&tx)), (all.clone(), indexed.clone()));
    added.push(added[2999]);
    tx.delete_each(&added).expect_err("the last edge is named twice");
    assert_eq!((edges(&tx), of_index(&tx)), (all.clone(), indexed));
    added.truncate(1500);
    tx.delete_each(&added).expect("they are there");
    let kept: Vec<Edge> = all.iter().copied().filter(|edge| !added.contains(edge)).collect();
    assert_eq!(edges(&tx), kept);
    let left: BTreeSet<Edge> = kept
        .iter()
        .copied()
        .filter(|edge| tx.edge_props(*edge).expect("read").iter().any(|(_, value)| *value == 7.into()))
        .collect();
    assert_eq!(of_index(&tx), left);
    tx.commit().expect("committed");
    let db = killed(&mut device, &options);
    assert_eq!(edges(&db.begin_read().expect("begun")), kept);
    assert_eq!(db.check().expect("checked").findings, vec![]);
}

/// The device fails while two threads look up the edges of a list: an error that is none of the edges', after which the
/// transaction can only be dropped, and nothing of it is left.
#[test]
fn a_device_that_fails_within_a_list_refuses_none_of_its_edges() {
    let options = Options::new().cache_pages(16).background(false);
    let (db, _, faults) = faulty(&options);
    let (nodes, added) = many_edges(&db);
    let before = edges(&db.begin_read().expect("begun"));
    let some = pairs(&mut Rng::new(8), &nodes, 2000);
    for deletes in [false, true] {
        let mut failures = 0;
        for nth in (1..).map(|n| n * n / 3 + 1) {
            let mut tx = db.begin_write().expect("begun");
            faults.add(FaultRule::once(Operation::Read, nth, Fault::Io));
            let done = match deletes {
                false => tx.add_edges("a", &some).map(drop),
                true => tx.delete_each(&added[..1500]),
            };
            faults.clear();
            let Err(error) = done else { break };
            can_only_be_dropped(tx, error);
            assert_eq!(edges(&db.begin_read().expect("begun")), before, "behind read {nth}");
            failures += 1;
        }
        assert!(failures > 4, "only {failures} reads failed");
    }
    let mut tx = db.begin_write().expect("begun");
    tx.delete_each(&added).expect("they are there");
    tx.commit().expect("committed");
    assert_eq!(edges(&db.begin_read().expect("begun")), []);
    assert_eq!(db.check().expect("checked").findings, vec![]);
}

/// All edges were looked up, and have changed where they leave, when the device fails where they enter: a half that nobody
/// may commit.
#[test]
fn a_device_that_fails_for_one_direction_leaves_none() {
    let options = Options::new().background(false);
    let (db, bytes, _) = faulty(&options);
    let (nodes, added) = many_edges(&db);
    let before = edges(&db.begin_read().expect("begun"));
    db.close().expect("closed");
    for deletes in [false, true] {
        let faults = Arc::new(Faults::new(1));
        let device = MemoryDevice::open(&bytes, &OpenOptions::open()).expect("opens");
        let device = FaultyDevice::new(Arc::new(device), faults.clone());
        let db = options.open_device(Arc::new(device)).expect("opens");
        // What is refused has had all looked up, and read nothing of the other direction.
        let mut pairs = pairs(&mut Rng::new(8), &nodes, 2000);
        pairs.push((nodes[0], NodeId(1 << 40)));
        let mut tx = db.begin_write().expect("begun");
        assert!(tx.add_edges("a", &pairs).expect_err("the last end is nowhere").is_refusal());
        pairs.pop();
        faults.add(FaultRule::once(Operation::Read, 1, Fault::Io));
        let done = match deletes {
            false => tx.add_edges("a", &pairs).map(drop),
            true => tx.delete_each(&added[..1500]),
        };
        can_only_be_dropped(tx, done.expect_err("the first read fails"));
        assert_eq!(edges(&db.begin_read().expect("begun")), before);
        let mut tx = db.begin_write().expect("begun");
        assert_eq!(tx.add_edges("a", &pairs).expect("all ends are there").len(), 2000);
        tx.abort();
        assert_eq!(db.check().expect("checked").findings, vec![]);
    }
}

fn faulty(options: &Options) -> (Database, MemoryStore, Arc<Faults>) {
    let (bytes, faults) = (MemoryStore::new(Vec::new()), Arc::new(Faults::new(1)));
    let device = MemoryDevice::open(&bytes, &OpenOptions::create(PageSize::K4)).expect("opens");
    let device = FaultyDevice::new(Arc::new(device), faults.clone());
    (options.create_device(Arc::new(device)).expect("created"), bytes, faults)
}

/// Nodes, and edges between them that fill dozens of pages.
fn many_edges(db: &Database) -> (Vec<NodeId>, Vec<Edge>) {
    let mut tx = db.begin_write().expect("begun");
    let nodes: Vec<NodeId> = (0..2000).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    let pairs = pairs(&mut Rng::new(7), &nodes, 100_000);
    let added = tx.add_edges("a", &pairs).expect("all ends are there");
    tx.commit().expect("committed");
    db.checkpoint().expect("written");
    (nodes, added)
}

fn can_only_be_dropped(mut tx: WriteTransaction, error: WriteError) {
    assert!(!error.is_refusal(), "{error:?}");
    let again = tx.add_edges("a", &[]).expect_err("it can only be dropped");
    assert!(!again.is_refusal(), "{again:?}");
    tx.commit().expect_err("it can only be dropped");
}
