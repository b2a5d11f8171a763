//! `stats`: what a store holds and how its pages are used.

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
    /// Reads every page once.
    pub fn stats(&self) -> Result<Stats, ReadError> {
        let pages = self.pages()?;
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
        Ok(Stats {
            nodes: snapshot.node_count(),
            edges: snapshot.edge_count(),
            labels: snapshot.labels().map(|(_, l)| l.clone()).collect(),
            edge_types: snapshot.edge_types().map(|(_, t)| t.clone()).collect(),
            out: degrees(&graph.out, &snapshot)?,
            into: degrees(&graph.into, &snapshot)?,
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

fn degrees<const IN: bool>(tree: &Tree<EdgeLeaf<IN>>, snapshot: &Snapshot) -> Result<DegreeStats, ReadError> {
    let mut histogram: BTreeMap<u64, u64> = BTreeMap::new();
    let mut current = (None, 0u64);
    let mut with_edges = 0;
    for entry in tree.range(&snapshot.pages, ..) {
        let (key, ()) = entry?;
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
