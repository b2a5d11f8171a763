//! Foliograph, on each backend: `ours-file`, `ours-mmap`, `ours-uring`, and with `-direct` behind it past the kernel's cache.
//!
//! Edges of one type without properties; every commit is durable by the log (the default). Batches go through
//! `neighbors_of`, inserts and deletes through `add_edges` and `delete_each`, lists one by one and scans through
//! `neighbor_lists`, searches through `bfs_distances`, with its switch off where all go top-down.

use super::ours_list::one_list;
use crate::Result;
use crate::graph::Edge;
use crate::peer::{Distances, FAR, Found, Id, Lists, Node, Peer, Place};
use foliograph::algo::NodeValues;
use foliograph::bulk::NodeRow;
use foliograph::{Backend, Database, Direction, NodeId, Options, Snapshot, TypeId, props};

const FILE: &str = "graph.folio";

/// The store.
pub struct Ours {
    db: Database,
}

impl Id for NodeId {
    fn number(self) -> u32 {
        self.0 as u32
    }
}

fn options(place: &Place) -> Result<Options> {
    let words = place.peer.strip_prefix("ours-").ok_or("ours are called `ours-` and a backend")?;
    let (backend, direct) = match words.strip_suffix("-direct") {
        Some(backend) => (backend, true),
        None => (words, false),
    };
    let backend: Backend = backend.parse()?;
    Ok(Options::new().backend(backend).direct_io(direct).cache_bytes(place.cache_bytes as usize))
}

impl Peer for Ours {
    type Reader<'a> = Reader;

    fn settings(place: &Place) -> String {
        format!(
            "16 KiB pages, {} KiB of cache, Durability::Full, every page checked",
            place.cache_bytes >> 10
        )
    }

    fn load(place: &Place, edges: &[Edge]) -> Result<()> {
        let bulk = Database::bulk(place.file(FILE)).options(options(place)?).temp_dir(&place.dir);
        let pairs = edges.iter().map(|(source, target)| (u64::from(*source), u64::from(*target)));
        bulk.plain_edges("edge", pairs).run()?;
        Ok(())
    }

    fn create(place: &Place) -> Result<Self> {
        let ids = 0..u64::from(place.nodes);
        let bulk = Database::bulk(place.file(FILE)).options(options(place)?).temp_dir(&place.dir);
        bulk.nodes(ids.map(|id| NodeRow::new("node", id))).run()?;
        Self::open(place)
    }

    fn open(place: &Place) -> Result<Self> {
        let db = options(place)?.open_existing(place.file(FILE))?;
        Ok(Ours { db })
    }

    fn reader(&self) -> Result<Reader> {
        let snapshot = self.db.begin_read()?;
        // A store without edges has no type yet, nor any list: then no number is wrong.
        let edge_type = snapshot.edge_type("edge").unwrap_or(TypeId(0));
        Ok(Reader { snapshot, edge_type, batch: Vec::new() })
    }

    fn insert(&mut self, edges: &[Edge]) -> Result<()> {
        let mut tx = self.db.begin_write()?;
        let node = |id: u32| NodeId(u64::from(id));
        let pairs: Vec<_> = edges.iter().map(|&(source, target)| (node(source), node(target))).collect();
        tx.add_edges("edge", &pairs)?;
        tx.commit()?;
        Ok(())
    }

    fn delete(&mut self, edges: &[Edge]) -> Result<()> {
        let mut tx = self.db.begin_write()?;
        let edge_type = tx.edge_type("edge").ok_or("there are edges to delete")?;
        let edge = |(source, target): &Edge| {
            let [source, target] = [*source, *target].map(|id| NodeId(u64::from(id)));
            foliograph::Edge { source, edge_type, target, rank: 0 }
        };
        tx.delete_each(&edges.iter().map(edge).collect::<Vec<_>>())?;
        tx.commit()?;
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<&'static str> {
        self.db.checkpoint()?;
        Ok("Database::checkpoint: pages moved down, the free end cut off")
    }

    fn close(self) -> Result<()> {
        Ok(self.db.close()?)
    }

    fn load_nodes(place: &Place, nodes: &[Node]) -> Result<()> {
        let row = |node: &Node| {
            let row =
                NodeRow::new("person", u64::from(node.id)).with(props! { "value" => node.value as i64 });
            NodeRow { key: Some(node.key.as_str().into()), ..row }
        };
        let bulk = Database::bulk(place.file(FILE)).options(options(place)?).temp_dir(&place.dir);
        bulk.nodes(nodes.iter().map(row)).run()?;
        Ok(())
    }
}

/// Reads one version.
pub struct Reader {
    snapshot: Snapshot,
    edge_type: TypeId,
    batch: Vec<NodeId>,
}

impl Reader {
    fn search(&self, source: u32, limits: Option<(u64, u64)>) -> Result<NodeValues<Option<u64>>> {
        let search = self.snapshot.bfs_distances(NodeId(u64::from(source)));
        Ok(match limits {
            Some((alpha, beta)) => search.switching(alpha, beta).run()?,
            None => search.run()?,
        })
    }
}

fn distances(nodes: u32, found: &NodeValues<Option<u64>>) -> Distances {
    let mut distances = vec![FAR; nodes as usize];
    for (node, distance) in found.iter() {
        distances[node.0 as usize] = distance.map_or(FAR, |edges| edges as u32);
    }
    distances
}

impl Lists for Reader {
    type Id = NodeId;

    fn list(&mut self, vertex: u32, visit: impl FnMut(&[NodeId])) -> Result<()> {
        one_list(&self.snapshot, NodeId(u64::from(vertex)), self.edge_type, Direction::Out, visit)
    }

    fn incoming(&mut self, vertex: u32, visit: impl FnMut(&[NodeId])) -> Result<()> {
        one_list(&self.snapshot, NodeId(u64::from(vertex)), self.edge_type, Direction::In, visit)
    }

    fn one_by_one(&mut self, vertices: &[u32], mut visit: impl FnMut(&[NodeId])) -> Result<()> {
        let mut lists = self.snapshot.neighbor_lists().outgoing().of_type(self.edge_type);
        for vertex in vertices {
            visit(lists.of(NodeId(u64::from(*vertex)))?);
        }
        Ok(())
    }

    fn lists(&mut self, vertices: &[u32], mut visit: impl FnMut(u32, &[NodeId])) -> Result<()> {
        self.batch.clear();
        self.batch.extend(vertices.iter().map(|vertex| NodeId(u64::from(*vertex))));
        let question = self.snapshot.neighbors_of(&self.batch).of_type(self.edge_type);
        Ok(question.for_each(|vertex, list| visit(vertex.number(), list))?)
    }

    fn scan(&mut self, mut visit: impl FnMut(u32, &[NodeId])) -> Result<()> {
        let lists = self.snapshot.neighbor_lists().outgoing().of_type(self.edge_type);
        Ok(lists.for_each(|vertex, list| visit(vertex.number(), list))?)
    }

    fn bfs(&mut self, nodes: u32, source: u32) -> Result<Found> {
        let found = self.search(source, Some((0, 0)))?;
        Ok(Box::new(move || distances(nodes, &found)))
    }

    fn bfs_both_ways(&mut self, nodes: u32, source: u32) -> Result<Option<Found>> {
        let found = self.search(source, None)?;
        Ok(Some(Box::new(move || distances(nodes, &found))))
    }

    fn by_id(&mut self, id: u32) -> Result<Option<u64>> {
        let value = self.snapshot.get::<i64>(NodeId(u64::from(id)), "value")?;
        Ok(value.map(|value| value as u64))
    }

    fn by_key(&mut self, key: &str) -> Result<Option<u32>> {
        Ok(self.snapshot.node("person", key)?.map(Id::number))
    }
}
