//! `stats`: what a store holds and how its pages are used.
//!
//! Must always be true: counts of nodes and edges are those of one version. Nothing is written but a checkpoint before.
//! Memory: a few bytes a page, and a few for each degree that occurs. It does not look for damage: what it meets is an error.

use crate::algo::{Control, Ticker};
use crate::btree::{InnerPage, LeafFormat, Tree};
use crate::catalog::{LabelInfo, TypeInfo};
use crate::database::Database;
use crate::edge::page::EdgeLeaf;
use crate::error::ReadError;
use crate::inspect::PageInfo;
use crate::reader::Snapshot;
use crate::trees::TREE_NAMES;
use std::collections::BTreeMap;
use storage_core::device::DeviceInfo;
use storage_core::page::{PageKind, PageSize};
use storage_core::pager::{LogStats, ReadPages};

/// The spread of degrees over all nodes, those without edges included.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct DegreeStats {
    /// The smallest.
    pub min: u64,
    /// Half of the nodes have no more.
    pub median: u64,
    /// 99 of 100 nodes have no more.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}

/// One tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreeStats {
    /// What it holds.
    pub name: &'static str,
    /// Levels, leaves included; 0 if it is empty.
    pub height: u8,
}

/// What a store holds and how its pages are used.
#[derive(Clone, Debug)]
pub struct Stats {
    /// How many nodes.
    pub nodes: u64,
    /// How many edges.
    pub edges: u64,
    /// Labels with their counts.
    pub labels: Vec<LabelInfo>,
    /// Edge types with their counts.
    pub edge_types: Vec<TypeInfo>,
    /// Outgoing degrees.
    pub out: DegreeStats,
    /// Incoming degrees.
    pub into: DegreeStats,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of a page.
    pub page_size: PageSize,
    /// By kind: pages, and bytes of them in use.
    pub kinds: BTreeMap<PageKind, (u64, u64)>,
    /// The trees.
    pub trees: Vec<TreeStats>,
    /// Free pages, the reserve included.
    pub free_pages: u64,
    /// Free pages that are kept for checkpoints, recovery and deletes (PAGER A5).
    pub reserve_pages: u64,
    /// Freed pages that a snapshot still needs.
    pub quarantined_pages: u64,
    /// The log: its extents count to no kind, and to no edge.
    pub log: LogStats,
    /// The format's version.
    pub format: u32,
    /// The store's identity.
    pub uuid: [u8; 16],
    /// The newest version's number.
    pub version: u64,
    /// The version that the oldest snapshot holds.
    pub oldest_snapshot: u64,
    /// The device: backend asked for and active.
    pub device: DeviceInfo,
}

impl Stats {
    /// Bytes of the file for each edge; `None` without edges.
    pub fn bytes_per_edge(&self) -> Option<f64> {
        (self.edges > 0).then(|| self.file_bytes as f64 / self.edges as f64)
    }
}

impl Database {
    /// What the store holds, and how its pages are used. Reads every page, and both directions of all edges.
    ///
    /// ```
    /// # use foliograph::{Options, props, storage_core::{device::memory::MemoryDevice, page::PageSize}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let (ada, bob) = (tx.add_node("person", "ada", props! {})?, tx.add_node("person", "bob", props! {})?);
    /// # tx.add_edge(ada, "knows", bob, props! {})?;
    /// # tx.commit()?;
    /// let stats = db.stats()?;
    /// println!("{} nodes, {} edges in {} bytes", stats.nodes, stats.edges, stats.file_bytes);
    /// assert_eq!((stats.nodes, stats.edges, stats.out.max, stats.into.max), (2, 1, 1, 1));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// A page could not be read, or is damaged; the store is closed.
    pub fn stats(&self) -> Result<Stats, ReadError> {
        self.stats_with(Control::new())
    }

    /// As [`Database::stats`], watched, and stopped when it is asked to. Progress counts pages in the first round, then
    /// edges, once in each direction.
    ///
    /// ```
    /// # use foliograph::{Options, storage_core::{device::memory::MemoryDevice, page::PageSize}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// use foliograph::algo::Control;
    ///
    /// let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    /// let control = Control::new().cancelled_when(|| std::time::Instant::now() > deadline);
    /// assert_eq!(db.stats_with(control)?.nodes, 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and those of [`Database::stats`].
    pub fn stats_with(&self, control: Control<'_>) -> Result<Stats, ReadError> {
        let mut ticker = Ticker::new(control);
        let edges = self.begin_read()?.edge_count();
        let pages = self.list_pages(&mut ticker, edges.saturating_mul(2))?;
        let snapshot = self.begin_read()?;
        let pager = self.inner.pager.stats();
        let mut kinds = BTreeMap::new();
        for PageInfo { kind, used, .. } in &pages {
            let (count, bytes) = kinds.entry(*kind).or_insert((0, 0));
            *count += 1;
            *bytes += *used as u64;
        }
        let page_size = self.inner.pager.page_size();
        let graph = &snapshot.graph;
        let trees = [
            height(&graph.nodes, &snapshot)?,
            height(&graph.keys, &snapshot)?,
            height(&graph.out, &snapshot)?,
            height(&graph.into, &snapshot)?,
            height(&graph.edge_props, &snapshot)?,
        ];
        let (out, into) =
            (degrees(&graph.out, &snapshot, &mut ticker)?, degrees(&graph.into, &snapshot, &mut ticker)?);
        ticker.finish();
        Ok(Stats {
            nodes: snapshot.node_count(),
            edges: snapshot.edge_count(),
            labels: snapshot.labels().map(|(_, l)| l.clone()).collect(),
            edge_types: snapshot.edge_types().map(|(_, t)| t.clone()).collect(),
            out,
            into,
            file_bytes: pager.page_count * page_size.bytes() as u64,
            page_size,
            kinds,
            trees: TREE_NAMES.iter().zip(trees).map(|(name, height)| TreeStats { name, height }).collect(),
            free_pages: pager.free_pages,
            reserve_pages: pager.reserve_pages,
            quarantined_pages: pager.quarantined_pages,
            log: pager.log,
            format: pager.meta.format,
            uuid: pager.meta.uuid,
            version: snapshot.version(),
            oldest_snapshot: pager.oldest_snapshot,
            device: self.device_info(),
        })
    }
}

fn height<F: LeafFormat>(tree: &Tree<F>, snapshot: &Snapshot) -> Result<u8, ReadError> {
    let Some(root) = tree.root().flatten() else { return Ok(0) };
    let page = snapshot.pages.page_of(root, &[PageKind::Inner, F::KIND])?;
    Ok(if page.kind() == F::KIND { 1 } else { InnerPage::open(&page)?.level() + 1 })
}

fn degrees<const IN: bool>(
    tree: &Tree<EdgeLeaf<IN>>,
    snapshot: &Snapshot,
    ticker: &mut Ticker<'_>,
) -> Result<DegreeStats, ReadError> {
    ticker.next_round()?;
    let mut histogram: BTreeMap<u64, u64> = BTreeMap::new();
    let mut current = (None, 0u64);
    let mut with_edges = 0;
    for entry in tree.range(&snapshot.pages, ..) {
        let (key, ()) = entry?;
        ticker.done(1);
        ticker.step(1)?;
        if current.0 == Some(key.vertex) {
            current.1 += 1;
            continue;
        }
        if current.0.is_some() {
            *histogram.entry(current.1).or_default() += 1;
        }
        with_edges += 1;
        current = (Some(key.vertex), 1);
    }
    if current.0.is_some() {
        *histogram.entry(current.1).or_default() += 1;
    }
    let without = snapshot.node_count().saturating_sub(with_edges);
    if without > 0 {
        histogram.insert(0, without);
    }
    Ok(quantiles(&histogram))
}

fn quantiles(histogram: &BTreeMap<u64, u64>) -> DegreeStats {
    let total: u64 = histogram.values().sum();
    let at = |rank: u64| {
        let mut seen = 0;
        let found = histogram.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        found.map_or(0, |(degree, _)| *degree)
    };
    DegreeStats {
        min: histogram.keys().next().copied().unwrap_or(0),
        median: at(total.div_ceil(2)),
        p99: at((total * 99).div_ceil(100)),
        max: histogram.keys().next_back().copied().unwrap_or(0),
    }
}
