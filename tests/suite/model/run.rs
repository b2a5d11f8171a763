//! Does a history to a store and to the graph in memory, and compares them.

use super::ask::named;
use super::compare::{Outcome, compare};
use super::graph::{Graph, LABELS, Name, PROPERTIES, Refusal, TYPES};
use super::history::{Given, History, Pick, Step, key};
use super::indexes::{Index, On};
use crate::harness::{Bench, Device};
use foliograph::{
    Database, Edge, NewNode, NodeId, PageSize, Props, Savepoint, Snapshot, WriteError, WriteTransaction,
};
use std::collections::VecDeque;
use std::ops::Deref;

/// A store, the transaction that runs, and what both must show.
struct World<'b> {
    bench: &'b Bench,
    db: Database,
    tx: Option<WriteTransaction>,
    committed: Graph,
    working: Graph,
    /// What the transaction can go back to.
    saved: Vec<(Savepoint, Graph)>,
    held: VecDeque<(Snapshot, Graph)>,
}

/// Runs a history from an empty store to a store that was closed, opened and checked.
pub fn run(device: Device, history: &History) -> Outcome {
    let size = if history.large_pages { PageSize::K16 } else { PageSize::K4 };
    let mut bench = Bench::new(device, size, 16);
    bench.options = bench.options.clone().memory_budget(history.memory_budget);
    let db = bench.create();
    let mut world = World {
        bench: &bench,
        db,
        tx: None,
        committed: Graph::default(),
        working: Graph::default(),
        saved: Vec::new(),
        held: VecDeque::new(),
    };
    for (number, step) in history.steps.iter().enumerate() {
        world = world.step(step).map_err(|why| format!("step {number}, {step:?}: {why}"))?;
    }
    world.end().map_err(|why| format!("at the end: {why}"))
}

fn props(given: &Given) -> Props {
    given.iter().map(|(name, value)| (PROPERTIES[usize::from(*name)].to_owned(), value.value())).collect()
}

/// What the store answered, against what the model said that it must.
fn agree<T: PartialEq + std::fmt::Debug>(
    found: Result<T, WriteError>,
    wanted: &Result<T, Refusal>,
) -> Outcome {
    let found = match found {
        Ok(value) => Ok(value),
        Err(e) if !e.is_refusal() => return Err(format!("the store failed: {e}")),
        Err(e) => Err(Refusal::of(e)?),
    };
    if found == *wanted { Ok(()) } else { Err(format!("the store says {found:?}, it must be {wanted:?}")) }
}

fn clean(db: &Database) -> Outcome {
    let report = db.check().map_err(|e| format!("checking failed: {e}"))?;
    match report.findings.is_empty() {
        true => Ok(()),
        false => Err(format!("check found {:?}", report.findings)),
    }
}

impl<'b> World<'b> {
    fn step(mut self, step: &Step) -> Result<Self, String> {
        match step {
            Step::Commit => self.commit()?,
            Step::Abort => self.abort(),
            Step::Reopen => return self.reopen(),
            Step::Hold => {
                let snapshot = self.db.begin_read().map_err(|e| e.to_string())?;
                self.held.push_back((snapshot, self.committed.clone()));
            }
            Step::Release => self.release()?,
            Step::Look => {
                self.begin()?;
                let tx = self.tx.as_ref().expect("begun");
                compare(tx.deref(), &self.working).map_err(|why| format!("within the transaction: {why}"))?;
            }
            Step::Save => {
                self.begin()?;
                let savepoint = self.tx().savepoint();
                self.saved.push((savepoint, self.working.clone()));
            }
            Step::Undo(pick) => self.undo(*pick)?,
            Step::Forget(pick) => self.forget(*pick)?,
            change => {
                self.begin()?;
                self.change(change)?;
            }
        }
        Ok(self)
    }

    fn begin(&mut self) -> Outcome {
        if self.tx.is_none() {
            self.tx = Some(self.db.begin_write().map_err(|e| format!("beginning failed: {e}"))?);
        }
        Ok(())
    }

    fn undo(&mut self, pick: Pick) -> Outcome {
        let Some(to) = usize::from(pick).checked_rem(self.saved.len()) else { return Ok(()) };
        self.saved.truncate(to + 1);
        let World { tx: Some(tx), saved, working, .. } = self else { return Ok(()) };
        let (savepoint, graph) = &saved[to];
        tx.rollback_to(savepoint).map_err(|e| format!("going back failed: {e}"))?;
        working.clone_from(graph);
        Ok(())
    }

    fn forget(&mut self, pick: Pick) -> Outcome {
        let Some(from) = usize::from(pick).checked_rem(self.saved.len()) else { return Ok(()) };
        let (savepoint, _) = self.saved.drain(from..).next().expect("below the length");
        self.tx().release(savepoint).map_err(|e| format!("releasing failed: {e}"))
    }

    fn commit(&mut self) -> Outcome {
        self.saved.clear();
        if let Some(tx) = self.tx.take() {
            tx.commit().map_err(|e| format!("committing failed: {e}"))?;
            self.committed = self.working.clone();
        }
        self.compare_newest()
    }

    fn abort(&mut self) {
        self.saved.clear();
        self.tx = None;
        self.working = self.committed.clone();
    }

    fn compare_newest(&self) -> Outcome {
        let snapshot = self.db.begin_read().map_err(|e| e.to_string())?;
        compare(&snapshot, &self.committed)
    }

    fn release(&mut self) -> Outcome {
        let Some((snapshot, graph)) = self.held.pop_front() else { return Ok(()) };
        compare(&snapshot, &graph).map_err(|why| format!("snapshot of version {}: {why}", snapshot.version()))
    }

    /// Snapshots that are still held are compared first: they must be as they were, to the last.
    fn reopen(mut self) -> Result<Self, String> {
        self.abort();
        while !self.held.is_empty() {
            self.release()?;
        }
        clean(&self.db)?;
        let World { bench, db, committed, .. } = self;
        db.close().map_err(|e| format!("closing failed: {e}"))?;
        let db = bench.open();
        let working = committed.clone();
        let again =
            World { bench, db, tx: None, committed, working, saved: Vec::new(), held: VecDeque::new() };
        again.compare_newest()?;
        Ok(again)
    }

    fn end(mut self) -> Outcome {
        self.commit()?;
        let again = self.reopen()?;
        clean(&again.db)?;
        again.db.close().map_err(|e| format!("closing failed: {e}"))
    }

    fn node(&self, pick: Pick) -> u64 {
        let nodes = &self.working.nodes;
        let at = usize::from(pick) % (nodes.len() + 1);
        nodes.keys().nth(at).copied().unwrap_or(123_456_789)
    }

    fn edge(&self, pick: Pick) -> Option<Name> {
        let edges = &self.working.edges;
        let at = usize::from(pick) % (edges.len() + 1);
        edges.keys().nth(at).copied().or_else(|| {
            let (source, edge_type, target, _) = *edges.keys().next()?;
            Some((source, edge_type, target, 77_777))
        })
    }

    fn change(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Add { label, key: k, id, props: p } => {
                let new = NewNode { id: id.node(), key: k.map(key), props: props(p) };
                self.add(*label, new).map(drop)
            }
            Step::Plain { label, count } => {
                (0..*count).try_for_each(|_| self.add(*label, NewNode::default()).map(drop))
            }
            Step::Upsert { label, key: k, props: p } => {
                let wanted = self.working.upsert(*label, key(*k), props(p));
                let found = self.tx().upsert_node(LABELS[*label], key(*k), props(p));
                agree(found.map(|(id, added)| (id.0, added)), &wanted)
            }
            Step::Set { node, props: p } => {
                let node = self.node(*node);
                let wanted = self.working.set(node, props(p));
                agree(self.tx().set_all(NodeId(node), props(p)), &wanted)
            }
            Step::Delete { node, detach } => {
                let node = self.node(*node);
                let wanted = self.working.delete(node, *detach);
                agree(self.tx().delete_node(NodeId(node), *detach), &wanted)
            }
            Step::Fan { hub, edge_type, into, numbered, count } => {
                self.fan((*hub, *edge_type, *into), *numbered, *count)
            }
            Step::Wide { label, property, count } => self.wide(*label, *property, *count),
            Step::Index { on, property, unique } => {
                self.index(Index { on: *on, property: *property, unique: *unique })
            }
            Step::Unindex { index } => self.unindex(*index),
            Step::Undirected { edge_type, undirected } => {
                self.working.undirected[*edge_type] = *undirected;
                agree(self.tx().set_undirected(TYPES[*edge_type], *undirected), &Ok(()))
            }
            edges => self.change_edge(edges),
        }
    }

    fn change_edge(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Link { from, edge_type, to, rank, props: p } => {
                let ends = (self.node(*from), *edge_type, self.node(*to));
                self.link(ends, *rank, props(p))
            }
            Step::SetEdge { edge, props: p } => {
                let Some(name) = self.edge(*edge) else { return Ok(()) };
                let edge = self.named(name);
                let wanted = self.working.set_edge(name, props(p));
                agree(self.tx().set_edge_all(edge, props(p)), &wanted)
            }
            Step::Unlink { edge } => {
                let Some(name) = self.edge(*edge) else { return Ok(()) };
                let edge = self.named(name);
                let wanted = self.working.unlink(name);
                agree(self.tx().delete_edge(edge), &wanted)
            }
            other => Err(format!("{other:?} is no change")),
        }
    }

    fn tx(&mut self) -> &mut WriteTransaction {
        self.tx.as_mut().expect("begun before every change")
    }

    fn named(&mut self, (source, edge_type, target, rank): Name) -> Edge {
        let edge_type = self.tx().edge_type(TYPES[edge_type]).expect("the type of an edge that is there");
        Edge { source: NodeId(source), edge_type, target: NodeId(target), rank }
    }

    /// The new node's id, unless it was refused.
    fn add(&mut self, label: usize, new: NewNode) -> Result<Option<u64>, String> {
        let wanted = self.working.add(label, new.clone());
        agree(self.tx().insert_node(LABELS[label], new).map(|id| id.0), &wanted)?;
        Ok(wanted.ok())
    }

    fn link(&mut self, (from, edge_type, to): (u64, usize, u64), rank: Option<u32>, props: Props) -> Outcome {
        let wanted = self.working.link((from, edge_type, to), rank, props.clone());
        let ends = (NodeId(from), TYPES[edge_type], NodeId(to));
        agree(self.tx().insert_edge(ends, rank, props).map(|edge| edge.rank), &wanted)
    }

    fn fan(&mut self, (hub, edge_type, into): (Pick, usize, bool), numbered: bool, count: u16) -> Outcome {
        let hub = self.node(hub);
        for n in 0..i64::from(count) {
            let Some(leaf) = self.add(0, NewNode::default())? else { return Ok(()) };
            let (from, to) = if into { (leaf, hub) } else { (hub, leaf) };
            let props = if numbered { vec![(PROPERTIES[0].to_owned(), (n / 2).into())] } else { vec![] };
            self.link((from, edge_type, to), None, props)?;
        }
        Ok(())
    }

    fn wide(&mut self, label: usize, property: u8, count: u16) -> Outcome {
        for n in 0..u32::from(count) {
            let text = format!("{:04}{}", n * 7_919 % 10_000, "w".repeat(900 + n as usize % 100));
            let props = vec![(PROPERTIES[usize::from(property)].to_owned(), text.into())];
            self.add(label, NewNode { props, ..NewNode::default() })?;
        }
        Ok(())
    }

    fn index(&mut self, index: Index) -> Outcome {
        let wanted = self.working.create_index(index);
        agree(self.tx().create_index(named(index.on), index.name(), index.unique), &wanted)
    }

    fn unindex(&mut self, pick: Pick) -> Outcome {
        let indexes = &self.working.indexes;
        let picked = indexes.get(usize::from(pick) % (indexes.len() + 1));
        let (on, property) = picked.map_or((On::Label(0), 0), |index| (index.on, index.property));
        let wanted = self.working.drop_index(on, property);
        agree(self.tx().drop_index(named(on), PROPERTIES[property]), &wanted)
    }
}
