//! Changes that wait in memory: what was done to an edge is found again, however many others came after.

use super::{Caught, arm, caught, options, said};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::planted::Bug;
use foliograph::{Database, Durability, Edge, NodeId, PageSize, ReadError, WriteTransaction, props};
use std::sync::Arc;

const NODES: u64 = 300;

/// A hub is linked to all others in one transaction, again, and once more; each edge takes the rank behind the last one's.
/// Then one of each three goes, and only that is gone.
pub(super) fn ranks(bugs: &[Bug]) -> Result<u64, Caught> {
    arm(bugs, || {
        // Nothing is written before the end.
        let options = options().memory_budget(1 << 20);
        let db = options.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("a new store");
        let mut tx = db.begin_write().expect("the only writer");
        for key in 0..NODES {
            tx.add_node("dot", key as i64, props! {}).expect("a node");
        }
        let mut step = 0;
        let mut steps = || {
            step += 1;
            step
        };
        let mut edges = Vec::new();
        for round in 0..3 {
            for n in (0..NODES).map(|n| NodeId(n * 7 % NODES)) {
                caught(steps(), || {
                    let edge = tx.add_edge(NodeId(0), "a", n, props! {}).map_err(said)?;
                    edges.push(edge);
                    if edge.rank == round { Ok(()) } else { Err(format!("{edge:?} in round {round}")) }
                })?;
            }
        }
        for edge in edges.iter().filter(|edge| edge.rank == 1) {
            caught(steps(), || tx.delete_edge(*edge).map_err(said))?;
        }
        for edge in &edges {
            caught(steps(), || match (tx.edge_exists(*edge).map_err(said)?, edge.rank) {
                (there, rank) if there != (rank == 1) => Ok(()),
                (there, _) => Err(format!("{edge:?} is there: {there}")),
            })?;
        }
        Ok(step)
    })
}

/// A graph whose edges fill several leaves, on pages.
fn on_pages() -> Database {
    let options = options().memory_budget(1 << 20).durability(Durability::Full);
    let db = options.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("a new store");
    let mut tx = db.begin_write().expect("the only writer");
    for key in 0..NODES {
        tx.add_node("dot", key as i64, props! {}).expect("a node");
    }
    let node = |n: u64| NodeId(n % NODES);
    let pairs: Vec<_> = (0..NODES * 40).map(|n| (node(n), node(n * 7 + n / NODES))).collect();
    tx.add_edges("a", &pairs).expect("all nodes are there");
    tx.commit().expect("memory does not fail");
    db.checkpoint().expect("memory does not fail");
    db
}

/// What was committed is there when it has been written.
fn expect_kept(db: &Database, write: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let all = || db.begin_read()?.all_edges().collect::<Result<Vec<Edge>, ReadError>>();
    let before = all().map_err(said)?;
    write()?;
    let after = all().map_err(said)?;
    match before == after {
        true => Ok(()),
        false => Err(format!("{} edges were committed, {} are there", before.len(), after.len())),
    }
}

/// Some nodes get an edge; a checkpoint begins; the same nodes get another one, and a third, before it ends. What was
/// committed is there afterwards.
pub(super) fn beside_a_checkpoint(bugs: &[Bug]) -> Result<u64, Caught> {
    arm(bugs, || {
        let db = on_pages();
        let add = |from: u64| {
            let pairs: Vec<_> = (0..9).map(|n| (NodeId(from + n), NodeId(n))).collect();
            let mut tx = db.begin_write().map_err(said)?;
            tx.add_edges("b", &pairs).map_err(said)?;
            tx.commit().map_err(said)
        };
        for round in 0..20 {
            caught(round, || {
                let from = round * 13 % (NODES - 9);
                add(from)?;
                let checkpoint = db.begin_checkpoint().map_err(said)?.ok_or("there is something to write")?;
                add(from)?;
                add(from)?;
                expect_kept(&db, || {
                    checkpoint.finish().map_err(said)?;
                    db.checkpoint().map(drop).map_err(said)
                })
            })?;
        }
        Ok(20)
    })
}

/// Edges of a hub, and of all others, come and go: the hub's are more than a checkpoint has at hand at once, and from the second
/// round on they come between those on pages. What was committed is there when it has been written anew.
pub(super) fn written_anew(bugs: &[Bug]) -> Result<u64, Caught> {
    arm(bugs, || {
        let db = on_pages();
        let hub = NodeId(NODES / 2);
        for round in 0..6 {
            caught(round, || {
                let mut tx = db.begin_write().map_err(said)?;
                let pairs: Vec<_> = (0..NODES * 10).map(|n| (hub, NodeId(n * 7 % NODES))).collect();
                tx.add_edges("a", &pairs).map_err(said)?;
                let every = tx.all_edges().collect::<Result<Vec<_>, _>>().map_err(said)?;
                let gone: Vec<_> = every.into_iter().skip(round as usize).step_by(5).collect();
                tx.delete_each(&gone).map_err(said)?;
                tx.commit().map_err(said)?;
                expect_kept(&db, || db.checkpoint().map(drop).map_err(said))
            })?;
        }
        Ok(6)
    })
}

/// Lists to be added of which the last edge is refused leave everything as it was: of long ones much was done before the last
/// edges are looked up.
pub(super) fn refused_to_add(bugs: &[Bug]) -> Result<u64, Caught> {
    refused(bugs, |tx, count| {
        let nobody = (NodeId(0), NodeId(1 << 40));
        let pairs = (0..count as u64).map(|n| (NodeId(n % NODES), NodeId(n % 7)));
        tx.add_edges("b", &pairs.chain([nobody]).collect::<Vec<_>>()).is_err()
    })
}

/// The same of lists to be deleted.
pub(super) fn refused_to_delete(bugs: &[Bug]) -> Result<u64, Caught> {
    refused(bugs, |tx, count| {
        let all = tx.all_edges().take(count + 1).collect::<Result<Vec<Edge>, _>>();
        let mut gone = all.expect("memory does not fail");
        gone.push(gone[count]);
        tx.delete_each(&gone).is_err()
    })
}

/// Whether a transaction has as many edges as before, after a list of so many was refused.
fn refused(bugs: &[Bug], list: impl Fn(&mut WriteTransaction, usize) -> bool) -> Result<u64, Caught> {
    arm(bugs, || {
        let db = on_pages();
        let mut tx = db.begin_write().expect("the only writer");
        let before = tx.edge_count();
        for round in 0..20 {
            caught(round, || {
                match (list(&mut tx, [700, 0, 3, 90][round as usize % 4]), tx.edge_count() == before) {
                    (true, true) => Ok(()),
                    wrong => Err(format!("refused, as before: {wrong:?}")),
                }
            })?;
        }
        Ok(20)
    })
}

/// Lists of edges, short ones and ones for two threads: what leaves somewhere enters somewhere, and both are gone again.
pub(super) fn both_ways(bugs: &[Bug]) -> Result<u64, Caught> {
    arm(bugs, || {
        let db = on_pages();
        let mut tx = db.begin_write().expect("the only writer");
        for round in 0..20 {
            caught(round, || {
                let (count, hub) = ([700, 3][round as usize % 2], NodeId(round));
                let pairs: Vec<_> = (0..count).map(|n| (NodeId(n % NODES), hub)).collect();
                let added = tx.add_edges("b", &pairs).map_err(said)?;
                let entering = tx.neighbors(hub).incoming().of_type("b").count().map_err(said)?;
                tx.delete_each(&added).map_err(said)?;
                let left = tx.neighbors(hub).incoming().of_type("b").count().map_err(said)?;
                match (entering, left) {
                    (entering, 0) if entering == count => Ok(()),
                    wrong => Err(format!("of {count} edges to {hub} some enter, and stay: {wrong:?}")),
                }
            })?;
        }
        Ok(20)
    })
}
