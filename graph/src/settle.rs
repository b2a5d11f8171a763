//! Giving space at the end of the file back (A4): live pages there are moved down, then the free end is cut off.
//!
//! Must always be true: nothing that a version holds changes; it is a transaction like any other, so a crash leaves the
//! state before or after. Closing does only what does not take long; what may, is watched by whoever asks for it, and can
//! be stopped: a move that was stopped never happened.

use crate::algo::{Control, Ticker};
use crate::btree::{Record, RecordLeaf, Tree};
use crate::database::Database;
use crate::error::{ReadError, WriteError};
use crate::node::{NodeLeaf, NodeTree, Stored, StoredProps, decode_props, encode_props};
use crate::overflow;
use crate::trees::Graph;
use storage_core::page::{PageId, PageKind};
use storage_core::pager::{self, Inspector, PageError, ReadPages, Transaction, reserve_pages};

/// The most pages that closing moves: a quarter of a GiB of 16 KiB pages.
const MOST_AT_CLOSE: u64 = 16_384;

/// How many pages are moved before the flag is looked at, at most, and how often at most that is done: each time inner
/// pages are written again.
const AT_ONCE: usize = 1024;
const MOST_PASSES: usize = 64;

/// Who watches pages being moved, and what that counts for.
pub(crate) struct Moving<'t, 'c> {
    ticker: &'t mut Ticker<'c>,
    /// `None`: pages count, and nothing else does.
    share: Option<u64>,
    pages: u64,
    moved: u64,
    told: u64,
}

impl<'t, 'c> Moving<'t, 'c> {
    /// Moving pages is all there is to do.
    fn all_of(ticker: &'t mut Ticker<'c>) -> Self {
        Moving { ticker, share: None, pages: 0, moved: 0, told: 0 }
    }

    /// It is this much of what there is to do.
    pub(crate) fn part_of(ticker: &'t mut Ticker<'c>, share: u64) -> Self {
        Moving { share: Some(share), ..Moving::all_of(ticker) }
    }

    /// So many pages have to be moved. Looks at the flag.
    pub(crate) fn begin(&mut self, pages: u64) -> Result<(), ReadError> {
        self.pages = pages;
        match self.share {
            Some(_) => self.ticker.next_round(),
            None => self.ticker.begin(*self.share.insert(pages)),
        }
    }

    /// So many more have been written. Looks at the flag, for that may have taken long.
    fn moved(&mut self, pages: u64) -> Result<(), ReadError> {
        self.moved = self.moved.saturating_add(pages).min(self.pages);
        let (share, pages_in_all) = (u128::from(self.share.unwrap_or(0)), u128::from(self.pages.max(1)));
        let done = (share * u128::from(self.moved) / pages_in_all) as u64;
        self.ticker.done(done - self.told);
        self.told = done;
        self.ticker.pages(pages)
    }
}

/// The pages in use from `end` on.
pub(crate) fn used_from(used: &[bool], end: u64) -> Vec<PageId> {
    (end..used.len() as u64).filter(|page| used[*page as usize]).map(PageId::new).collect()
}

/// Where to begin so that `tail` is moved a part at a time, from its end on.
pub(crate) fn limits(tail: &[PageId]) -> Vec<PageId> {
    let part = AT_ONCE.max(tail.len().div_ceil(MOST_PASSES));
    tail.rchunks(part).map(|pages| pages[0]).collect()
}

impl Database {
    /// Makes a checkpoint of everything that was committed, and gives space back: ends the log, moves live pages from the
    /// end of the file down, then cuts the free end off. Waits for a running transaction. Pages that a held snapshot needs
    /// stay, and so does the file before them.
    ///
    /// [`Database::close`] does the same where it is worth it and does not take long.
    ///
    /// ```
    /// # use foliograph::{Options, props, storage_core::{device::memory::MemoryDevice, page::PageSize}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # tx.add_node("person", "ada", props! {})?;
    /// # tx.commit()?;
    /// assert!(db.pager().stats().log.bytes > 0);      // the commit stands in the log
    /// db.checkpoint()?;
    /// assert_eq!(db.pager().stats().log.bytes, 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// A page could not be read or written, or is damaged; the disk is full; the store is read-only or closed.
    pub fn checkpoint(&self) -> Result<(), WriteError> {
        self.checkpoint_with(Control::new())
    }

    /// As [`Database::checkpoint`], watched, and stopped when it is asked to: by then the checkpoint may be made, and the
    /// file stays as long as it is. Progress counts pages that are moved down. Whoever watches is called while the write
    /// transaction runs: to begin another one there would be to wait for ever.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and those of [`Database::checkpoint`].
    pub fn checkpoint_with(&self, control: Control<'_>) -> Result<(), WriteError> {
        let mut ticker = Ticker::new(control);
        self.give_space_back(&mut Moving::all_of(&mut ticker))?;
        ticker.finish();
        Ok(())
    }

    /// A checkpoint of everything, and the file as short as that gets it.
    pub(crate) fn give_space_back(&self, moving: &mut Moving<'_, '_>) -> Result<(), WriteError> {
        moving.ticker.stop_if_asked()?;
        self.make_clean()?;
        self.inner.pager.trim(true)?;
        self.move_down(u64::MAX, moving)?;
        Ok(self.inner.pager.trim(true)?)
    }

    /// Before closing: only if an eighth of the file can be won, and not too many pages have to be moved.
    pub(crate) fn settle(&self) -> Result<(), WriteError> {
        if self.inner.pager.is_read_only() {
            return Ok(());
        }
        self.inner.pager.trim(true)?;
        let stats = self.inner.pager.stats();
        let excess = stats.free_pages.saturating_sub(stats.reserve_pages);
        if excess < 16 || excess < stats.page_count / 8 {
            return Ok(());
        }
        self.move_down(MOST_AT_CLOSE, &mut Moving::all_of(&mut Ticker::new(Control::new())))
    }

    fn move_down(&self, most: u64, moving: &mut Moving<'_, '_>) -> Result<(), WriteError> {
        let mut tx = self.begin_clean_write()?;
        let snapshot = self.inner.pager.begin_read();
        let map = self.inner.pager.check_map(&snapshot)?;
        let used = map.used.iter().filter(|used| **used).count() as u64;
        // What moving itself writes needs room, too.
        let end = used + reserve_pages(used) + used / 64 + 16;
        let tail = used_from(&map.used, end);
        if tail.is_empty() || tail.len() as u64 > most {
            return Ok(());
        }
        let long_values = self.holds_long_values(&tail)?;
        drop(snapshot);
        moving.begin(tail.len() as u64)?;
        tx.move_down(&limits(&tail), long_values, moving)?;
        tx.commit()?;
        Ok(())
    }

    fn holds_long_values(&self, pages: &[PageId]) -> Result<bool, PageError> {
        let inspector = Inspector::of(&self.inner.pager);
        for page in pages {
            if let pager::Inspected::Page(page) = inspector.page(*page)?
                && page.kind() == PageKind::Overflow
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Moves every tree's pages at or past the last of the limits, which fall: first those at or past the first, and so on.
/// Of long values only if there are such.
pub(crate) fn move_graph(
    graph: &mut Graph,
    tx: &mut Transaction,
    (limits, long_values): (&[PageId], bool),
    moving: &mut Moving<'_, '_>,
) -> Result<(), WriteError> {
    if let (Some(last), true) = (limits.last(), long_values) {
        move_node_values(&mut graph.nodes, tx, *last, moving)?;
        move_edge_values(&mut graph.edge_props, tx, *last, moving)?;
        graph.flush(tx)?;
    }
    for limit in limits {
        moving.moved(graph.nodes.move_down(tx, *limit)?)?;
        moving.moved(graph.keys.move_down(tx, *limit)?)?;
        moving.moved(graph.out.move_down(tx, *limit)?)?;
        moving.moved(graph.into.move_down(tx, *limit)?)?;
        moving.moved(graph.edge_props.move_down(tx, *limit)?)?;
        for index in graph.indexes.values_mut() {
            moving.moved(index.move_down(tx, *limit)?)?;
        }
    }
    // Always: it is small, and the commit that this makes places the map's pages anew, too.
    graph.catalog_tree.move_down(tx, PageId::new(0))?;
    Ok(())
}

fn move_node_values(
    tree: &mut NodeTree,
    tx: &mut Transaction,
    limit: PageId,
    moving: &mut Moving<'_, '_>,
) -> Result<(), WriteError> {
    let old: Tree<NodeLeaf> = tree.clone();
    let mut from = 0;
    // A page of changes at a time: the tree is not written to while it is read.
    while let Some(ids) = far_nodes(&old, tx, (from, limit), moving)? {
        for id in &ids {
            let Some(mut record) = tree.get(tx, id)? else { continue };
            move_values(tx, &mut record.props, limit, moving)?;
            tree.put(tx, *id, record)?;
        }
        let Some(last) = ids.last() else { break };
        from = last + 1;
    }
    Ok(())
}

/// Some of the nodes from `from` on whose long values lie at or past the limit; `None` at the end.
fn far_nodes(
    tree: &NodeTree,
    tx: &Transaction,
    (from, limit): (u64, PageId),
    moving: &mut Moving<'_, '_>,
) -> Result<Option<Vec<u64>>, ReadError> {
    let mut ids = Vec::new();
    for entry in tree.range(tx, from..) {
        let (id, record) = entry?;
        if lies_past(tx, &record.props, limit, moving)? {
            ids.push(id);
            if ids.len() == 256 {
                break;
            }
        }
    }
    Ok((!ids.is_empty()).then_some(ids))
}

fn move_edge_values(
    tree: &mut Tree<RecordLeaf>,
    tx: &mut Transaction,
    limit: PageId,
    moving: &mut Moving<'_, '_>,
) -> Result<(), WriteError> {
    let mut far: Vec<(Vec<u8>, StoredProps)> = Vec::new();
    for entry in tree.range(&*tx, ..) {
        let (key, record) = entry?;
        let props = props_of(tree, &record)?;
        if lies_past(&*tx, &props, limit, moving)? {
            far.push((key, props));
        }
    }
    for (key, mut props) in far {
        move_values(tx, &mut props, limit, moving)?;
        tree.put(tx, key, encode_props(&props))?;
    }
    Ok(())
}

fn props_of(tree: &Tree<RecordLeaf>, record: &Record) -> Result<StoredProps, PageError> {
    let root = tree.root().flatten().map_or(PageId::new(0), |root| root.page());
    decode_props(record).map_err(|e| PageError::damage(root, PageKind::Record, e.0))
}

fn lies_past(
    pages: &impl ReadPages,
    props: &StoredProps,
    limit: PageId,
    Moving { ticker, .. }: &mut Moving<'_, '_>,
) -> Result<bool, ReadError> {
    ticker.step(1)?;
    let mut past = false;
    let visited = crate::node::visit_props(pages, props, &mut |at, page| {
        past |= at.page() >= limit;
        ticker.page(page)
    });
    ticker.walked(visited)??;
    Ok(past)
}

fn move_values(
    tx: &mut Transaction,
    props: &mut StoredProps,
    limit: PageId,
    moving: &mut Moving<'_, '_>,
) -> Result<(), WriteError> {
    for (_, stored) in props.iter_mut() {
        let Stored::Overflow { root, len, .. } = stored else { continue };
        let (mut past, mut pages) = (false, 0);
        overflow::visit(&*tx, *root, *len, &mut |at, _| {
            past |= at.page() >= limit;
            pages += 1;
            Ok(())
        })?;
        if past {
            let moved = copy_value(tx, *root, *len)?;
            overflow::free(tx, *root, *len)?;
            *root = moved;
            moving.moved(pages)?;
        }
    }
    Ok(())
}

/// Memory: a value that is moved is read whole.
fn copy_value(
    tx: &mut Transaction,
    root: storage_core::page::Written,
    len: u64,
) -> Result<storage_core::page::Written, pager::WriteError> {
    let bytes = overflow::read(&*tx, root, len)?;
    overflow::write(tx, &bytes)
}
