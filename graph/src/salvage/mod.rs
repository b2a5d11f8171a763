//! Saving all that is readable of a damaged store into a new one.
//!
//! ```text
//! root records ─► catalog ─► nodes ─► keys ─► edges out ─► edges in ─► edge properties ─► the new store
//! (source.rs)    (catalog.rs)  └───── each tree walked page by page (walk.rs) ──────┘     (sink.rs)
//!                                leaves below a lost page: found by the map (orphans.rs)
//! ```
//!
//! # What must always be true
//!
//! - **A damaged page hides itself only.** Its siblings are walked; the leaves below a lost inner page, or below a lost
//!   catalog, are found among the pages that the allocation map marks in use, for these are exactly the live ones.
//! - **Nothing is made up.** A node whose record is lost comes back with the label and key that the key index has of it;
//!   if that does not know it and an edge names it, as a node that has nothing but its id, under a label of its own. An
//!   edge is known from either direction, or from its properties. All three are counted apart.
//! - **Nothing is lost silently.** Unreadable pages are listed with their reasons, and what was on them is counted where
//!   the store still says how much there was.
//! - **Deleted things do not come back silently.** Only where the map itself is lost, too, every page that looks alive
//!   is taken, newer ones first, and the report says so.
//! - **What stands only in the log is saved, too**: it is replayed in memory, or, where damage is in the way, done operation
//!   by operation on what was saved (records.rs).
//! - **Indexes are made anew** out of what was saved: their pages hold nothing that is not elsewhere.
//! - The damaged store is only read. Memory: a bit for each of its pages, and if inner pages are lost a byte, and a few
//!   words for each leaf; beside that the transaction's budget.
//!
//! It does not judge whether what it saved is complete: [`SalvageReport`] says what is known to be missing.

mod catalog;
mod orphans;
mod records;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod values;
mod walk;

use crate::btree::RecordLeaf;
use crate::database::Database;
use crate::edge::page::EdgeLeaf;
use crate::edge::{EdgeKey, edge_of, keys};
use crate::error::{CommitError, WriteError};
use crate::index::{key_of, node_of};
use crate::node::{NodeLeaf, decode_props};
use crate::trees::TREE_NAMES;
use catalog::Names;
use orphans::Class;
use sink::Sink;
use source::Source;
use std::sync::Arc;
use storage_core::device::PageDevice;
use storage_core::page::PageId;
use storage_core::pager;

/// How to save.
#[derive(Copy, Clone, Debug, Default)]
pub struct SalvageOptions {
    /// Starts from the older of the two root records: the state before the last commit.
    pub older_root: bool,
}

/// A page that could not be read, or whose contents contradict themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// Which page.
    pub page: PageId,
    /// What it belonged to.
    pub owner: &'static str,
    /// Why it could not be read.
    pub what: String,
}

/// What was saved, and what was not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SalvageReport {
    /// The version of the root that was started from.
    pub version: u64,
    /// Nodes saved with their records.
    pub nodes: u64,
    /// Nodes saved without their properties, by label and key.
    pub nodes_from_keys: u64,
    /// Nodes of which only the id is left, because edges name them.
    pub nodes_from_edges: u64,
    /// The label of those.
    pub placeholder_label: String,
    /// Edges saved, in any way.
    pub edges: u64,
    /// Those of them that were known from the target's side, or from their properties, alone.
    pub edges_from_elsewhere: u64,
    /// Nodes that are gone; `None` if the count is lost, too.
    pub nodes_lost: Option<u64>,
    /// Edges that are gone; `None` if the count is lost, too.
    pub edges_lost: Option<u64>,
    /// Properties of saved nodes and edges that are gone because their values lay in pages of their own.
    pub values_lost: u64,
    /// Labels, edge types and property names that are gone, and were named by their numbers.
    pub names_lost: u64,
    /// Records that contradict what was saved before them, and were left out.
    pub refused: u64,
    /// The first thousand pages that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// How many there are.
    pub unreadable_count: u64,
    /// The map was unreadable, too: some of what was saved may be from older versions.
    pub old_versions: bool,
    /// What else is to be said, a line each.
    pub notes: Vec<String>,
}

/// The most pages that are listed.
const MOST_LISTED: usize = 1000;

impl SalvageReport {
    /// Nothing at all was lost.
    pub fn is_whole(&self) -> bool {
        let incomplete = self.nodes_from_keys + self.nodes_from_edges + self.values_lost + self.names_lost;
        let gone = [self.nodes_lost, self.edges_lost].iter().all(|lost| *lost == Some(0));
        gone && incomplete + self.refused + self.unreadable_count == 0 && !self.old_versions
    }

    fn unreadable(&mut self, page: PageId, owner: &'static str, what: impl Into<String>) {
        if self.unreadable.iter().any(|known| known.page == page) {
            return;
        }
        self.unreadable_count += 1;
        if self.unreadable.len() < MOST_LISTED {
            self.unreadable.push(Unreadable { page, owner, what: what.into() });
        }
    }
}

/// Nothing could be saved, or the new store could not be written.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SalvageError {
    /// No copy of a root record is valid: nothing says what the store holds, nor how its pages are verified.
    #[error("no root record is readable (pages 1 to 4)")]
    NoRoot,
    /// The store is of a format that this version does not know.
    #[error(transparent)]
    Format(pager::OpenError),
    /// The device below was closed meanwhile, or is gone.
    #[error(transparent)]
    Device(storage_core::device::DeviceError),
    /// The new store holds something.
    #[error("the store to save into is not empty")]
    NotEmpty,
    /// The new store could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The caller's progress callback said stop.
    #[error("cancelled")]
    Cancelled,
}

impl SalvageError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            SalvageError::NoRoot => Some("restore it from a backup"),
            SalvageError::Format(e) => e.hint(),
            SalvageError::Device(e) => e.hint(),
            SalvageError::Write(e) => e.hint(),
            SalvageError::NotEmpty => Some("name a store that does not exist yet"),
            SalvageError::Cancelled => None,
        }
    }
}

impl From<CommitError> for SalvageError {
    fn from(CommitError(e): CommitError) -> Self {
        SalvageError::Write(e.into())
    }
}

/// Called with what is being saved, and how many entries of it were looked at; `false` ends it.
pub type SalvageProgress<'p> = &'p mut dyn FnMut(&'static str, u64) -> bool;

/// Saves what is readable of the store on `from` into `to`, which is empty, in one transaction. `from` is only read; the
/// best device for it is one that was opened read-only.
///
/// ```
/// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
/// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
/// # let mut tx = db.begin_write()?;
/// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
/// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
/// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
/// use foliograph::salvage::{SalvageOptions, salvage};
/// tx.commit()?;
/// let to = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
/// let from = db.pager().device().clone();         // for one: the device of a store that is damaged
/// let report = salvage(from, &to, &SalvageOptions::default(), &mut |what, done| {
///     println!("{what}: {done}");
///     true                                        // `false` would end it
/// })?;
/// assert!(report.is_whole());
/// assert_eq!(to.begin_read()?.edge_count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SalvageError`]: nothing says what the store holds, or it is of another format; the new one is not empty,
/// or could not be written; `progress` said `false`. Damage is in the report, and is no error.
pub fn salvage(
    from: Arc<dyn PageDevice>,
    to: &Database,
    options: &SalvageOptions,
    progress: SalvageProgress<'_>,
) -> Result<SalvageReport, SalvageError> {
    let tx = to.begin_write()?;
    if !tx.is_pristine() {
        return Err(SalvageError::NotEmpty);
    }
    let mut report = SalvageReport::default();
    let source = Source::open(from, options, &mut report)?;
    let mut job = Job { source, report, progress, looked_at: 0, orphans: None };
    let names = Names::load(&mut job)?;
    let mut sink = Sink::new(tx, names)?;
    job.nodes(&mut sink)?;
    job.keys(&mut sink)?;
    job.edges::<false>(&mut sink)?;
    job.edges::<true>(&mut sink)?;
    job.edge_props(&mut sink)?;
    if job.source.log_is_left {
        job.records(&mut sink)?;
    }
    sink.indexes(&mut job.report)?;
    let report = job.finish(&sink);
    sink.commit()?;
    // What was put into the catalog beside the transaction's own changes is in a checkpoint, whatever a commit is.
    to.checkpoint()?;
    Ok(report)
}

/// Where the saving stands.
struct Job<'p> {
    source: Source,
    report: SalvageReport,
    progress: SalvageProgress<'p>,
    looked_at: u64,
    /// Leaves in use, once they had to be looked for.
    orphans: Option<Vec<orphans::Orphan>>,
}

impl Job<'_> {
    /// Says how far it is, and whether to go on.
    fn tick(&mut self, what: &'static str) -> Result<(), SalvageError> {
        self.looked_at += 1;
        if self.looked_at % 4096 == 1 && !(self.progress)(what, self.looked_at) {
            return Err(SalvageError::Cancelled);
        }
        Ok(())
    }

    fn nodes(&mut self, sink: &mut Sink) -> Result<(), SalvageError> {
        let root = sink.names.root(0);
        self.tree::<NodeLeaf>((root, TREE_NAMES[0], Class::Nodes), &mut |job, id, record| {
            job.tick("nodes")?;
            let props = job.values(record.props)?;
            sink.node(&mut job.report, id, (record.label, record.key), props)
        })
    }

    /// Nodes that the key index knows, and whose records are lost.
    fn keys(&mut self, sink: &mut Sink) -> Result<(), SalvageError> {
        let root = sink.names.root(1);
        self.tree::<RecordLeaf>((root, TREE_NAMES[1], Class::Keys), &mut |job, bytes, record| {
            job.tick("keys")?;
            if let (Some((label, key)), Some(node)) = (key_of(&bytes), node_of(&record)) {
                return sink.keyed(&mut job.report, node, (label.0, key));
            }
            job.report.refused += 1;
            Ok(())
        })
    }

    fn edges<const IN: bool>(&mut self, sink: &mut Sink) -> Result<(), SalvageError> {
        let tree = 2 + usize::from(IN);
        let root = sink.names.root(tree);
        let class = if IN { Class::EdgesIn } else { Class::EdgesOut };
        self.tree::<EdgeLeaf<IN>>((root, TREE_NAMES[tree], class), &mut |job, key, ()| {
            job.tick("edges")?;
            let (forward, _) = keys(edge_of(key, IN));
            let added = sink.edge(&mut job.report, forward, Vec::new())?;
            job.report.edges_from_elsewhere += u64::from(IN && added);
            Ok(())
        })
    }

    fn edge_props(&mut self, sink: &mut Sink) -> Result<(), SalvageError> {
        let root = sink.names.root(4);
        self.tree::<RecordLeaf>((root, TREE_NAMES[4], Class::EdgeProps), &mut |job, bytes, record| {
            job.tick("properties of edges")?;
            let (Some(key), Ok(props)) = (EdgeKey::from_bytes(&bytes), decode_props(&record)) else {
                job.report.refused += 1;
                return Ok(());
            };
            let props = job.values(props)?;
            sink.edge_props(&mut job.report, key, props)
        })
    }

    fn finish(mut self, sink: &Sink) -> SalvageReport {
        let report = &mut self.report;
        let names = &sink.names;
        report.names_lost = names.lost();
        report.placeholder_label = names.placeholder_label();
        let nodes = report.nodes + report.nodes_from_keys + report.nodes_from_edges;
        report.nodes_lost = names.node_count.map(|count| count.saturating_sub(nodes));
        report.edges_lost = names.edge_count.map(|count| count.saturating_sub(report.edges));
        self.report
    }
}
