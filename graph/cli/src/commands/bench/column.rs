//! A column of the table: a backend, and the stores that are open on it.

use std::sync::Arc;

use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::storage_core::device::{
    BLOCK_LEN, DeviceError, PageDevice, PageDeviceExt, ReadPage, WriteBlock, WritePage,
};
use foliograph::storage_core::page::{PageBuf, PageCount, PageId};
use foliograph::{Backend, Database, Key, NodeId, Snapshot, props};

use super::graph::EDGE;
use crate::failure::Failure;

/// Pages of a batch.
pub const BATCH: usize = 32;
/// Nodes whose lists are asked for at once.
pub const LISTS: usize = 1000;
/// Small operations between two looks at the clock.
const SMALL: usize = 64;
/// Edges after which a scan ends, so that a large store does not take minutes.
const SCAN: usize = 4_000_000;
/// Blocks that are written durably, round and round.
const BLOCKS: u64 = 1024;

/// A backend, and what is open on it, or why it cannot run here.
pub struct Column {
    pub backend: Backend,
    pub state: Result<Running, String>,
}

impl Column {
    /// Closes its stores.
    pub fn close(self) -> Result<(), Failure> {
        let Ok(running) = self.state else { return Ok(()) };
        drop(running.snapshot);
        for db in std::iter::once(running.db).chain(running.floor.map(|floor| floor.db)) {
            db.close()?;
        }
        Ok(())
    }
}

/// Nodes that are asked for: the same on every backend.
#[derive(Default)]
pub struct Sample {
    pub nodes: Vec<NodeId>,
    /// Labels and keys of those that have one.
    keys: Vec<(String, Key)>,
    /// One with many edges.
    pub hub: Option<NodeId>,
}

/// Stores that are open on a backend.
pub struct Running {
    pub db: Database,
    pub floor: Option<Floor>,
    snapshot: Option<Snapshot>,
    rng: Rng,
    /// Bytes of a page.
    size: usize,
    buf: PageBuf,
}

/// A device of its own, for what the disk costs without a store.
pub struct Floor {
    db: Database,
    device: Arc<dyn PageDevice>,
    /// Bytes of a page.
    size: usize,
    /// The first page that is ours: those before are the store's.
    first: u64,
    next: u64,
    block: PageBuf,
}

impl Running {
    /// With a store to measure, and an empty one whose device is written to.
    pub fn new(db: Database, floor: Option<Database>) -> Running {
        let size = db.device_info().page_size.bytes();
        let floor = floor.map(|db| {
            let device = db.pager().device().clone();
            let first = device.page_count().get();
            Floor { db, device, size, first, next: 0, block: PageBuf::zeroed(BLOCK_LEN) }
        });
        Running { db, floor, snapshot: None, rng: Rng::new(7), size, buf: PageBuf::zeroed(BATCH * size) }
    }

    /// The newest version, from now on.
    pub fn look(&mut self) -> Result<&Snapshot, Failure> {
        let snapshot = self.db.begin_read()?;
        Ok(self.snapshot.insert(snapshot))
    }

    /// No version is held any more.
    pub fn look_away(&mut self) {
        self.snapshot = None;
    }

    fn snapshot(&self) -> Result<&Snapshot, Failure> {
        self.snapshot.as_ref().ok_or_else(|| Failure::new("no version is open"))
    }

    fn random_page(rng: &mut Rng, pages: u64) -> PageId {
        PageId::new(rng.below(pages.max(1)))
    }

    /// Reads single random pages; returns how many.
    pub fn read_pages(&mut self) -> Result<u64, Failure> {
        let device = self.db.pager().device();
        let pages = device.page_count().get();
        for _ in 0..SMALL {
            let page = Self::random_page(&mut self.rng, pages);
            device.read(&mut [ReadPage { page, buf: &mut self.buf[..self.size] }]).map_err(device_failed)?;
        }
        Ok(SMALL as u64)
    }

    /// Reads a batch of random pages; returns how many.
    pub fn read_batch(&mut self) -> Result<u64, Failure> {
        let device = self.db.pager().device();
        let pages = device.page_count().get();
        let rng = &mut self.rng;
        let one = |buf| ReadPage { page: Self::random_page(rng, pages), buf };
        let mut batch: Vec<ReadPage<'_>> = self.buf.chunks_exact_mut(self.size).map(one).collect();
        device.read(&mut batch).map_err(device_failed)?;
        Ok(BATCH as u64)
    }

    /// Lists of neighbours, one after the other; returns how many.
    pub fn neighbors(&mut self, sample: &Sample) -> Result<u64, Failure> {
        for _ in 0..SMALL {
            let node = sample.nodes[self.rng.index(sample.nodes.len())];
            for neighbor in self.snapshot()?.neighbors(node) {
                std::hint::black_box(neighbor?.id);
            }
        }
        Ok(SMALL as u64)
    }

    /// Lists of neighbours in one batch; returns how many.
    pub fn neighbors_batch(&mut self, sample: &Sample) -> Result<u64, Failure> {
        let pick = |_| sample.nodes[self.rng.index(sample.nodes.len())];
        let nodes: Vec<NodeId> = (0..LISTS).map(pick).collect();
        let mut sum = 0u64;
        let add = |_: NodeId, list: &[NodeId]| sum = list.iter().fold(sum, |sum, n| sum.wrapping_add(n.0));
        self.snapshot()?.neighbors_of(&nodes).for_each(add)?;
        std::hint::black_box(sum);
        Ok(LISTS as u64)
    }

    /// A breadth-first search from the hub; returns how many searches.
    pub fn bfs(&mut self, sample: &Sample) -> Result<u64, Failure> {
        if let Some(hub) = sample.hub {
            std::hint::black_box(self.snapshot()?.bfs(hub).summary()?);
        }
        Ok(1)
    }

    /// All edges, or the first millions of them; returns how many.
    pub fn scan(&mut self) -> Result<u64, Failure> {
        let mut count = 0;
        for edge in self.snapshot()?.all_edges().take(SCAN) {
            std::hint::black_box(edge?.target);
            count += 1;
        }
        Ok(count)
    }

    /// Nodes by key, or where there are no keys by id; returns how many.
    pub fn look_up(&mut self, sample: &Sample) -> Result<u64, Failure> {
        for _ in 0..SMALL {
            if sample.has_keys() {
                let (label, key) = &sample.keys[self.rng.index(sample.keys.len())];
                std::hint::black_box(self.snapshot()?.node(label, key.clone())?);
            } else {
                let node = sample.nodes[self.rng.index(sample.nodes.len())];
                std::hint::black_box(self.snapshot()?.view(node)?);
            }
        }
        Ok(SMALL as u64)
    }

    /// Commits so many edges between random nodes, durably; returns how many.
    pub fn commit(&mut self, sample: &Sample, edges: u64) -> Result<u64, Failure> {
        let mut tx = self.db.begin_write()?;
        for _ in 0..edges {
            let [from, to] = std::array::from_fn(|_| sample.nodes[self.rng.index(sample.nodes.len())]);
            tx.add_edge(from, EDGE, to, props! {})?;
        }
        tx.commit()?;
        Ok(edges)
    }
}

impl Floor {
    /// Gives it its blocks.
    pub fn prepare(&self) -> Result<(), Failure> {
        let pages = BLOCKS * BLOCK_LEN as u64 / self.size as u64;
        let data = PageBuf::zeroed(self.size);
        self.device.grow(PageCount::new(self.first + pages)).map_err(device_failed)?;
        let page = |n| WritePage { page: PageId::new(self.first + n), data: &data };
        let writes: Vec<WritePage<'_>> = (0..pages).map(page).collect();
        self.device.write(&writes).map_err(device_failed)?;
        self.device.sync().map_err(device_failed)
    }

    /// Writes a block durably; returns how many.
    pub fn write(&mut self) -> Result<u64, Failure> {
        let at = self.next % BLOCKS * BLOCK_LEN as u64;
        self.next += 1;
        let (page, offset) = (PageId::new(self.first + at / self.size as u64), at as usize % self.size);
        let block = WriteBlock { page, offset, data: &self.block };
        self.device.write_durable(&[block]).map_err(device_failed)?;
        Ok(1)
    }
}

impl Sample {
    /// Some thousand nodes, from all over the store.
    pub fn of(snapshot: &Snapshot) -> Result<Sample, Failure> {
        const NODES: usize = 4096;
        let mut rng = Rng::new(11);
        let mut sample = Sample::default();
        let Some(last) = last_node(snapshot)? else { return Ok(sample) };
        let mut most = 0;
        for _ in 0..NODES {
            let from = NodeId(rng.below(last.0.saturating_add(1).max(1)));
            let Some(node) = snapshot.all_nodes_from(from).next() else { continue };
            let view = node?;
            let degree = snapshot.degree(view.id).count()?;
            if degree > most || sample.hub.is_none() {
                (most, sample.hub) = (degree, Some(view.id));
            }
            sample.nodes.push(view.id);
            sample.keys.extend(view.key.map(|key| (snapshot.label_name(view.label).to_owned(), key)));
        }
        Ok(sample)
    }

    /// Whether nodes are looked up by key.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }
}

/// The highest id, found by halving.
fn last_node(snapshot: &Snapshot) -> Result<Option<NodeId>, Failure> {
    let (mut low, mut high) = (0, u64::MAX);
    let mut last = None;
    while low <= high {
        let middle = low + (high - low) / 2;
        match snapshot.all_nodes_from(NodeId(middle)).next().transpose()? {
            Some(node) => {
                last = Some(node.id);
                let Some(next) = node.id.0.checked_add(1) else { break };
                low = next;
            }
            None => match middle.checked_sub(1) {
                Some(below) => high = below,
                None => break,
            },
        }
    }
    Ok(last)
}

fn device_failed(error: DeviceError) -> Failure {
    Failure::new(&error).maybe_hint(error.hint())
}
