//! One node with 100,000 neighbours, in both directions: grown, thinned out, detached, on every device. Its edges are
//! indexed.

use super::ask::named;
use super::compare::{Outcome, compare};
use super::graph::{Graph, LABELS, PROPERTIES, TYPES};
use super::indexes::{Index, On};
use crate::harness::{Bench, Device};
use foliograph::{Database, Edge, NewNode, NodeId, PageSize, Snapshot, WriteError, props};

const NEIGHBORS: u64 = 100_000;

/// The hub lies in the middle of its neighbours' ids.
const HUB: u64 = NEIGHBORS / 2;

fn is_link(leaf: u64) -> bool {
    !leaf.is_multiple_of(3)
}

/// Over the edges from the hub.
const INDEX: Index = Index { on: On::Type(0), property: 0, unique: false };

/// The hub and its neighbours; edges to all, edges from most; some have properties, some are doubled.
fn grow(db: &Database, graph: &mut Graph) -> Result<(), WriteError> {
    let mut tx = db.begin_write()?;
    for _ in 0..=NEIGHBORS {
        let id = tx.add_anonymous(LABELS[0], props! {})?;
        assert_eq!(graph.add(0, NewNode::default()), Ok(id.0));
    }
    tx.create_index(named(INDEX.on), INDEX.name(), INDEX.unique)?;
    assert_eq!(graph.create_index(INDEX), Ok(()));
    tx.commit().expect("a commit");
    // Not in order: lists are opened in their middle.
    let leaves: Vec<u64> =
        (0..=NEIGHBORS).map(|i| i * 61_463 % (NEIGHBORS + 1)).filter(|i| *i != HUB).collect();
    for part in leaves.chunks(40_000) {
        let mut tx = db.begin_write()?;
        for leaf in part.iter().copied() {
            let given = if leaf % 20 == 0 {
                props! { PROPERTIES[0] => leaf as i64 % 1_000 }
            } else {
                props! {}
            };
            let edge = tx.add_edge(NodeId(HUB), TYPES[0], NodeId(leaf), given.clone())?;
            assert_eq!(graph.link((HUB, 0, leaf), None, given), Ok(edge.rank));
            if is_link(leaf) {
                let edge = tx.add_edge(NodeId(leaf), TYPES[1], NodeId(HUB), props! {})?;
                assert_eq!(graph.link((leaf, 1, HUB), None, props! {}), Ok(edge.rank));
            }
            if leaf % 1_000 == 7 {
                let edge = tx.add_edge(NodeId(HUB), TYPES[0], NodeId(leaf), props! {})?;
                assert_eq!(graph.link((HUB, 0, leaf), None, props! {}), Ok(edge.rank));
            }
        }
        tx.commit().expect("a commit");
    }
    Ok(())
}

/// Nine of ten edges from the hub go.
fn thin_out(db: &Database, graph: &mut Graph) -> Result<(), WriteError> {
    let mut tx = db.begin_write()?;
    let edge_type = tx.edge_type(TYPES[0]).expect("known");
    let gone: Vec<_> = graph.out(HUB).filter(|name| name.2 % 10 != 0).collect();
    for name in gone {
        let (source, _, target, rank) = name;
        tx.delete_edge(Edge { source: NodeId(source), edge_type, target: NodeId(target), rank })?;
        assert_eq!(graph.unlink(name), Ok(()));
    }
    tx.commit().expect("a commit");
    Ok(())
}

fn detach(db: &Database, graph: &mut Graph) -> Result<(), WriteError> {
    let mut tx = db.begin_write()?;
    let gone = tx.delete_node(NodeId(HUB), true)?;
    assert_eq!(graph.delete(HUB, true), Ok(gone));
    tx.commit().expect("a commit");
    Ok(())
}

fn newest(db: &Database) -> Snapshot {
    db.begin_read().expect("a snapshot")
}

fn a_hub_lives(device: Device) -> Outcome {
    if !device.runs_here() {
        return Ok(());
    }
    let mut bench = Bench::new(device, PageSize::K4, 64);
    bench.options = bench.options.clone().memory_budget(4 << 20);
    let db = bench.create();
    let mut graph = Graph::default();
    grow(&db, &mut graph).map_err(|e| e.to_string())?;
    let (grown, before) = (newest(&db), graph.clone());
    compare(&grown, &graph)?;
    thin_out(&db, &mut graph).map_err(|e| e.to_string())?;
    let thin = newest(&db);
    assert_eq!(thin.degree(NodeId(HUB)).count().expect("a degree"), NEIGHBORS / 10);
    drop(thin);
    detach(&db, &mut graph).map_err(|e| e.to_string())?;
    // Its pages were freed by two commits, and must still be there.
    compare(&grown, &before)?;
    drop(grown);
    db.close().map_err(|e| e.to_string())?;
    let db = bench.open();
    compare(&newest(&db), &graph)?;
    let findings = db.check().map_err(|e| e.to_string())?.findings;
    assert!(findings.is_empty(), "{findings:#?}");
    Ok(())
}

#[test]
fn of_a_hundred_thousand_neighbors_in_memory() -> Outcome {
    a_hub_lives(Device::Memory)
}

#[test]
fn of_a_hundred_thousand_neighbors_on_a_simulated_disk() -> Outcome {
    a_hub_lives(Device::Simulated)
}

#[cfg(feature = "file")]
#[test]
fn of_a_hundred_thousand_neighbors_in_a_file() -> Outcome {
    a_hub_lives(Device::File)
}

#[cfg(feature = "mmap")]
#[test]
fn of_a_hundred_thousand_neighbors_in_a_map() -> Outcome {
    a_hub_lives(Device::Mmap)
}

#[cfg(feature = "uring")]
#[test]
fn of_a_hundred_thousand_neighbors_through_a_ring() -> Outcome {
    a_hub_lives(Device::Uring)
}
