//! One mixed history, for the suites that watch a store from outside: nodes, edges, hubs, parallel edges, properties with
//! long values, deletes; and what a store holds, in words, so that two stores can be compared.
//!
//! Must always be true: what a commit changes follows from its number and from the graph before it alone, so that a
//! history run again, on any device, makes the same graph.

use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::pager::ReadPages;
use foliograph::{Edge, NodeId, Options, ReadError, Reader, Value, WriteError, WriteTransaction, props};
use std::sync::Arc;

/// How large a history is.
#[derive(Copy, Clone, Debug)]
pub struct Scale {
    /// Nodes with keys and properties, at first; a quarter as many come with every commit.
    pub people: usize,
    /// Plain nodes, and as many edges from one hub to them.
    pub dots: usize,
    /// Bytes of a long value.
    pub text: usize,
}

/// Many pages on every level; a hub over several pages.
pub const LARGE: Scale = Scale { people: 400, dots: 9000, text: 20_000 };

/// A few pages, for the many states of a crash suite.
pub const SMALL: Scale = Scale { people: 12, dots: 30, text: 5000 };

/// What a store holds: a line a node, a line an edge.
pub type Contents = Vec<String>;

fn text(rng: &mut Rng, len: usize) -> String {
    (0..len).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
}

/// The changes of commit `n`, counted from 0.
pub fn change(tx: &mut WriteTransaction, n: u64, scale: Scale) -> Result<(), WriteError> {
    let mut rng = Rng::new(0xf011_0000 + n);
    let new = if n == 0 { scale.people } else { scale.people / 4 };
    for i in 0..new {
        let mut with = props! { "born" => 1700 + n as i64, "name" => text(&mut rng, 12) };
        if i % 9 == 0 {
            with.push(("life".to_owned(), Value::from(text(&mut rng, scale.text))));
        }
        tx.add_node("person", format!("p{n}-{i}"), with)?;
    }
    if n == 0 {
        let hub = tx.add_node("hub", "hub", props! {})?;
        for _ in 0..scale.dots {
            let dot = tx.add_anonymous("dot", props! {})?;
            tx.add_edge(hub, "shows", dot, props! {})?;
        }
    }
    let ids = tx.all_nodes().map(|node| Ok(node?.id)).collect::<Result<Vec<NodeId>, ReadError>>()?;
    let any = |rng: &mut Rng| ids[rng.index(ids.len())];
    for i in 0..scale.people {
        let (from, to) = (any(&mut rng), any(&mut rng));
        let with = if i % 3 == 0 {
            props! { "since" => i as i64 }
        } else {
            props! {}
        };
        tx.add_edge(from, ["knows", "likes"][i % 2], to, with)?;
        if i % 5 == 0 {
            let long = props! { "note" => text(&mut rng, scale.text / 4) };
            tx.add_edge(from, "knows", to, long)?;
        }
    }
    tx.set(any(&mut rng), "life", text(&mut rng, scale.text))?;
    tx.set(any(&mut rng), "life", Value::Null)?;
    if n > 0 {
        delete(tx, &mut rng, &ids, scale.people / 4)?;
    }
    Ok(())
}

fn delete(tx: &mut WriteTransaction, rng: &mut Rng, ids: &[NodeId], count: usize) -> Result<(), WriteError> {
    let edges = tx.all_edges().collect::<Result<Vec<Edge>, ReadError>>()?;
    let mut doomed: Vec<Edge> = (0..count).map(|_| edges[rng.index(edges.len())]).collect();
    doomed.sort_unstable();
    doomed.dedup();
    for edge in doomed {
        tx.delete_edge(edge)?;
    }
    for _ in 0..count / 3 {
        let node = ids[rng.index(ids.len())];
        if tx.contains(node)? {
            tx.delete_node(node, true)?;
        }
    }
    Ok(())
}

/// Everything that a version holds; any page that cannot be read is an error.
pub fn contents<R: ReadPages>(reader: &Reader<R>) -> Result<Contents, ReadError> {
    let mut lines = vec![format!("{} nodes, {} edges", reader.node_count(), reader.edge_count())];
    for node in reader.all_nodes() {
        let node = node?;
        let (label, props) = (reader.label_name(node.label), reader.props_of(&node)?);
        lines.push(format!("{} {label} {:?} {props:?}", node.id, node.key));
        if let Some(key) = &node.key {
            let found = reader.node(label, key.clone())?;
            if found != Some(node.id) {
                lines.push(format!("key {key} leads to {found:?}"));
            }
        }
    }
    for edge in reader.all_edges() {
        let edge = edge?;
        lines.push(format!("{edge:?} {:?}", reader.edge_props(edge)?));
    }
    Ok(lines)
}

/// What the store holds after 0, 1, … commits: made in memory, with nothing planted.
pub fn expected(options: &Options, commits: u64, scale: Scale) -> Vec<Contents> {
    let device = MemoryDevice::new(foliograph::PageSize::K4);
    let db = options.create_device(Arc::new(device)).expect("a new store");
    let mut all = vec![contents(&db.begin_read().expect("read")).expect("an empty store")];
    for n in 0..commits {
        let mut tx = db.begin_write().expect("begun");
        change(&mut tx, n, scale).expect("changed");
        tx.commit().expect("committed");
        all.push(contents(&db.begin_read().expect("read")).expect("a whole store"));
    }
    all
}

/// The first line in which two stores differ, shortened.
pub fn difference(found: &Contents, expected: &Contents) -> Option<String> {
    if found == expected {
        return None;
    }
    let at = (0..).find(|i| found.get(*i) != expected.get(*i)).expect("they differ");
    let short = |lines: &Contents| lines.get(at).map(|line| line.chars().take(100).collect::<String>());
    Some(format!("line {at} is {:?}, should be {:?}", short(found), short(expected)))
}
