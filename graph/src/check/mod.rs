//! `check`: every page, every tree, both directions, every index, and free = rest (I1, I4, I5).
//!
//! Must always be true: what is damaged is a finding that names a page, not an abort: one damaged tree does not hide the
//! others. Nothing is written. Memory: a few bytes a page of the file, and a bit a node. A check that was stopped is no report.

mod edges;
mod indexes;
mod nodes;

use crate::algo::{Control, Ticker};
use crate::btree::{LeafFormat, Tree};
use crate::database::Database;
use crate::error::ReadError;
use crate::inspect::PageInfo;
use crate::trees::{Graph, INDEX_NAME, TREE_NAMES};
use crate::{node, overflow};
use indexes::Wanted;
use std::collections::HashMap;
use storage_core::page::{PageId, PageKind, Written};
use storage_core::pager::{self, FIXED_PAGES, MapCheck, Page, PageError};

/// Something that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Where.
    pub page: PageId,
    /// What the page is, or should be.
    pub kind: PageKind,
    /// What is wrong.
    pub what: String,
}

/// What `check` found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// What is wrong; empty means that the store is whole.
    pub findings: Vec<Finding>,
    /// Pages that were looked at.
    pub pages: u64,
}

/// At most this many findings are kept: a store that is all damaged must not fill the memory.
const MOST_FINDINGS: usize = 10_000;

pub(crate) struct Checker<'a, 'c> {
    snapshot: &'a pager::Snapshot,
    graph: Graph,
    report: CheckReport,
    /// Who names each page.
    owners: HashMap<PageId, PageInfo>,
    ticker: &'a mut Ticker<'c>,
}

impl Database {
    /// Checks the whole store as it is on the device: the newest version, which is made a checkpoint first (but for
    /// what others are committing meanwhile). Damage is in the report, and is no error.
    ///
    /// ```
    /// # use foliograph::{Options, props, storage_core::{device::memory::MemoryDevice, page::PageSize}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # tx.add_node("person", "ada", props! {})?;
    /// # tx.commit()?;
    /// let report = db.check()?;
    /// for finding in &report.findings {
    ///     println!("page {} ({}): {}", finding.page, finding.kind, finding.what);
    /// }
    /// assert!(report.findings.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Checking could not go on: the device failed, or the store is closed.
    pub fn check(&self) -> Result<CheckReport, ReadError> {
        self.check_with(Control::new())
    }

    /// As [`Database::check`], watched, and stopped when it is asked to. Progress counts pages and entries of trees: all
    /// pages in the first round, then the entries of one tree each; what is damaged may cut a round short.
    ///
    /// ```
    /// # use foliograph::{Options, ReadError, storage_core::{device::memory::MemoryDevice, page::PageSize}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// use foliograph::algo::Control;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let stop = AtomicBool::new(false);          // set by another thread, for one
    /// let control = Control::new().cancelled_by(&stop).on_progress(|at| eprintln!("{} of {}", at.done, at.total));
    /// assert!(db.check_with(control)?.findings.is_empty());
    ///
    /// stop.store(true, Ordering::Relaxed);
    /// let stopped = db.check_with(Control::new().cancelled_by(&stop));
    /// assert!(matches!(stopped, Err(ReadError::Cancelled)));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and those of [`Database::check`].
    pub fn check_with(&self, control: Control<'_>) -> Result<CheckReport, ReadError> {
        let mut ticker = Ticker::new(control);
        ticker.stop_if_asked()?;
        self.inner.checkpoints.show()?;
        let snapshot = self.inner.pager.begin_read();
        let map = self.inner.pager.check_map(&snapshot);
        let root = snapshot.root();
        let mut report = CheckReport::default();
        let graph = match Graph::open(&snapshot, root) {
            Ok(graph) => graph,
            Err(e) => {
                report.findings.push(finding(e)?);
                ticker.finish();
                return Ok(report);
            }
        };
        // Where pages cannot be counted, or entries, the walk finds what is wrong with them.
        let page_count = self.inner.pager.device().page_count().get();
        let pages = map.as_ref().map_or(page_count, in_use);
        let entries = graph.entries(&snapshot).or_else(|e| finding(e).map(|_| 0))?;
        ticker.begin(pages.saturating_add(entries))?;
        let mut checker =
            Checker { snapshot: &snapshot, graph, report, owners: HashMap::new(), ticker: &mut ticker };
        for (page, kind, what) in self.inner.pager.check_fixed_pages()? {
            checker.note(page, kind, what);
        }
        let whole = checker.trees()?;
        match map {
            Ok(map) => checker.space(&map, whole),
            Err(e) => checker.report.findings.push(finding(e)?),
        }
        let mut report = checker.report;
        report.pages = page_count;
        report.findings.sort_by(|a, b| (a.page, &a.what).cmp(&(b.page, &b.what)));
        report.findings.dedup();
        ticker.finish();
        Ok(report)
    }

    /// Every page of the newest version with its owner, in page order; free pages are left out.
    ///
    /// ```
    /// # use foliograph::{Options, storage_core::{device::memory::MemoryDevice, page::PageSize}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// let pages = db.pages()?;
    /// assert_eq!(pages[0].owner, "superblock");
    /// assert_eq!(pages[1].owner, "root record");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// A page could not be read, or is damaged; the store is closed.
    pub fn pages(&self) -> Result<Vec<PageInfo>, ReadError> {
        self.pages_with(Control::new())
    }

    /// As [`Database::pages`], watched, and stopped when it is asked to. Progress counts pages.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and those of [`Database::pages`].
    pub fn pages_with(&self, control: Control<'_>) -> Result<Vec<PageInfo>, ReadError> {
        let mut ticker = Ticker::new(control);
        let pages = self.list_pages(&mut ticker, 0)?;
        ticker.finish();
        Ok(pages)
    }

    /// All pages, as the first round of something that has `more` to do.
    pub(crate) fn list_pages(&self, ticker: &mut Ticker<'_>, more: u64) -> Result<Vec<PageInfo>, ReadError> {
        ticker.stop_if_asked()?;
        self.inner.checkpoints.show()?;
        let snapshot = self.inner.pager.begin_read();
        let map = self.inner.pager.check_map(&snapshot);
        let graph = Graph::open(&snapshot, snapshot.root())?;
        let map = map?;
        ticker.begin(in_use(&map).saturating_add(more))?;
        let owners = owners(&snapshot, graph, ticker)?;
        let size = self.inner.pager.page_size().bytes();
        let mut pages: Vec<PageInfo> = owners.into_values().collect();
        for fixed in 0..FIXED_PAGES {
            let (kind, owner) = match fixed {
                0 => (PageKind::Superblock, "superblock"),
                _ => (PageKind::Meta, "root record"),
            };
            pages.push(PageInfo { id: PageId::new(fixed), kind, version: 0, used: size.min(4096), owner });
        }
        let map_page = |page: Page| PageInfo {
            id: page.id(),
            kind: page.kind(),
            version: page.version(),
            used: page.used(),
            owner: "allocation map",
        };
        pages.extend(map.map_pages.into_iter().map(map_page));
        for extent in self.inner.pager.log_extents() {
            let page = |n: u32| PageInfo {
                id: extent.first.plus(u64::from(n)),
                kind: PageKind::Log,
                version: 0,
                used: size,
                owner: "log",
            };
            pages.extend((0..extent.pages).map(page));
        }
        pages.sort_by_key(|p| p.id);
        Ok(pages)
    }
}

fn in_use(map: &MapCheck) -> u64 {
    map.used.iter().filter(|used| **used).count() as u64
}

/// Who names each page of the trees.
fn owners(
    snapshot: &pager::Snapshot,
    graph: Graph,
    ticker: &mut Ticker<'_>,
) -> Result<HashMap<PageId, PageInfo>, ReadError> {
    let report = CheckReport::default();
    let mut checker = Checker { snapshot, graph, report, owners: HashMap::new(), ticker };
    checker.walk_each(|_, walked| Ok(walked?))?;
    Ok(checker.owners)
}

/// Damage is a finding; a device that fails is an error.
fn finding(error: PageError) -> Result<Finding, ReadError> {
    match error {
        PageError::Damage { page, kind, what } => Ok(Finding { page, kind, what: what.into_owned() }),
        other => Err(other.into()),
    }
}

impl Checker<'_, '_> {
    fn note(&mut self, page: PageId, kind: PageKind, what: impl Into<String>) {
        if self.report.findings.len() < MOST_FINDINGS {
            self.report.findings.push(Finding { page, kind, what: what.into() });
        }
    }

    /// An entry of a tree was compared with what others say of it.
    fn compared(&mut self) -> Result<(), ReadError> {
        self.ticker.done(1);
        self.ticker.step(1)
    }

    /// Turns damage into a finding; passes a failing device on.
    fn caught(&mut self, result: Result<(), PageError>) -> Result<bool, ReadError> {
        match result {
            Ok(()) => Ok(true),
            Err(e) => {
                let found = finding(e)?;
                self.note(found.page, found.kind, found.what);
                Ok(false)
            }
        }
    }

    /// Walks and compares all trees. False if not every page could be reached.
    fn trees(&mut self) -> Result<bool, ReadError> {
        let mut whole = true;
        self.walk_each(|this, walked| {
            whole &= this.caught(walked)?;
            Ok(())
        })?;
        if !whole {
            // The trees do not even hang together: what their entries say to each other would only repeat that.
            return Ok(false);
        }
        let mut wanted = Wanted::new(&self.graph.catalog);
        let nodes = self.check_nodes(&mut wanted)?;
        if let Some(nodes) = nodes {
            self.check_keys()?;
            self.check_edges(&nodes, &mut wanted)?;
            self.check_indexes(&wanted)?;
        }
        Ok(true)
    }

    /// Walks tree by tree; what stops one is handed over, and the next follows.
    fn walk_each(
        &mut self,
        mut result: impl FnMut(&mut Self, Result<(), PageError>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let graph = self.graph.clone();
        let walked = self.walk(&graph.catalog_tree, "catalog")?;
        result(self, walked)?;
        let walked = self.walk(&graph.nodes, TREE_NAMES[0])?;
        result(self, walked)?;
        let walked = self.walk(&graph.keys, TREE_NAMES[1])?;
        result(self, walked)?;
        let walked = self.walk(&graph.out, TREE_NAMES[2])?;
        result(self, walked)?;
        let walked = self.walk(&graph.into, TREE_NAMES[3])?;
        result(self, walked)?;
        let walked = self.walk(&graph.edge_props, TREE_NAMES[4])?;
        result(self, walked)?;
        for index in graph.indexes.values() {
            let walked = self.walk(index, INDEX_NAME)?;
            result(self, walked)?;
        }
        Ok(())
    }

    /// Every page of a tree, with the long values that its leaves name. A page named twice is a finding, and so is a
    /// number of entries that is not what is below (T11).
    fn walk<F: LeafFormat>(
        &mut self,
        tree: &Tree<F>,
        owner: &'static str,
    ) -> Result<Result<(), PageError>, ReadError> {
        let (snapshot, mut wrong) = (self.snapshot, Vec::new());
        let mut visit = |at: Written, page: &Page| {
            self.own(at, page, owner)?;
            for (root, len) in long_values(page, owner)? {
                overflow::visit(snapshot, root, len, &mut |at, page| self.own(at, page, "long values"))?;
            }
            Ok(())
        };
        let walked = tree.visit_counted(snapshot, &mut visit, &mut |error| {
            if wrong.len() < MOST_FINDINGS {
                wrong.push(error);
            }
        });
        for error in wrong {
            if let PageError::Damage { page, kind, what } = error {
                self.note(page, kind, what);
            }
        }
        self.ticker.walked(walked)
    }

    /// A page named twice is damage, and not gone into again: pages that name each other's children many times over would
    /// take for ever.
    fn own(&mut self, at: Written, page: &Page, owner: &'static str) -> Result<(), PageError> {
        let (id, kind) = (at.page(), page.kind());
        let info = PageInfo { id, kind, version: page.version(), used: page.used(), owner };
        if let Some(before) = self.owners.insert(id, info) {
            return Err(page.damage(format!("named twice: by {} and by {owner}", before.owner)));
        }
        if page.version() > self.snapshot.version() {
            self.note(id, kind, "written by a version that is newer than the root");
        }
        self.ticker.done(1);
        self.ticker.page(page)
    }

    /// I4: what the map marks in use is exactly what is reachable. Where a damaged page hides those below it, these are
    /// not called unreachable: only the damaged page is to blame.
    fn space(&mut self, map: &MapCheck, whole: bool) {
        let mut reachable = vec![false; map.used.len()];
        let fixed = (0..FIXED_PAGES).map(PageId::new);
        let owned: Vec<PageId> = self.owners.keys().copied().collect();
        for page in fixed.chain(map.map_pages.iter().map(Page::id)).chain(owned.iter().copied()) {
            match reachable.get_mut(page.get() as usize) {
                Some(seen) => *seen = true,
                None => self.note(
                    page,
                    PageKind::Meta,
                    "reachable, but beyond the end that the root record names",
                ),
            }
        }
        for page in map.map_pages.iter().map(Page::id) {
            if self.owners.contains_key(&page) {
                self.note(page, PageKind::MapRegion, "named by the map and by a tree");
            }
        }
        for (i, (used, reachable)) in map.used.iter().zip(&reachable).enumerate() {
            let page = PageId::new(i as u64);
            match (used, reachable) {
                (true, false) if whole => {
                    self.note(page, PageKind::MapRegion, "marked in use, but nothing reaches it")
                }
                (false, true) => self.note(page, PageKind::MapRegion, "reachable, but marked free"),
                _ => {}
            }
        }
    }

    fn root_page(&self, tree: usize) -> PageId {
        let catalog = self.snapshot.root();
        self.graph.roots.trees[tree].or(catalog).map_or(PageId::new(1), |at| at.page())
    }
}

/// The long values that the records of a leaf name, with their lengths.
fn long_values(page: &Page, owner: &'static str) -> Result<Vec<(Written, u64)>, PageError> {
    match page.kind() {
        PageKind::Node => node::page::references(page),
        PageKind::Record if owner == TREE_NAMES[4] => {
            let mut out = Vec::new();
            for entry in crate::btree::RecordLeaf::entries(page.clone())? {
                let (_, record) = entry?;
                let props = node::decode_props(&record).map_err(|e| page.damage(e.0))?;
                out.extend(props.into_iter().filter_map(|(_, stored)| match stored {
                    node::Stored::Overflow { root, len, .. } => Some((root, len)),
                    node::Stored::Inline(_) => None,
                }));
            }
            Ok(out)
        }
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests;
