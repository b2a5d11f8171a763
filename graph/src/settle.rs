//! Giving space at the end of the file back (A4): live pages there are moved down, then the free end is cut off.
//!
//! Must always be true: nothing that a version holds changes; it is a transaction like any other, so a crash leaves the
//! state before or after. It is bounded: what would take long is left to whoever asks for it.

use crate::btree::{Record, RecordLeaf, Tree};
use crate::database::Database;
use crate::error::WriteError;
use crate::node::{NodeLeaf, NodeTree, Stored, StoredProps, decode_props, encode_props};
use crate::overflow;
use crate::trees::Graph;
use storage_core::page::{PageId, PageKind};
use storage_core::pager::{self, Inspector, PageError, ReadPages, Transaction, reserve_pages};

/// The most pages that closing moves: a quarter of a GiB of 16 KiB pages.
const MOST_AT_CLOSE: u64 = 16_384;

impl Database {
    /// Makes a checkpoint of everything that was committed, and gives space back: ends the log, moves live pages from the
    /// end of the file down, then cuts the free end off. Waits for a running transaction. Pages that a held snapshot needs
    /// stay, and so does the file before them.
    ///
    /// [`Database::close`] does the same where it is worth it and does not take long.
    pub fn checkpoint(&self) -> Result<(), WriteError> {
        self.make_clean()?;
        self.inner.pager.trim(true)?;
        self.move_down(u64::MAX)?;
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
        self.move_down(MOST_AT_CLOSE)
    }

    fn move_down(&self, most: u64) -> Result<(), WriteError> {
        let mut tx = self.begin_clean_write()?;
        let snapshot = self.inner.pager.begin_read();
        let map = self.inner.pager.check_map(&snapshot)?;
        let used = map.used.iter().filter(|used| **used).count() as u64;
        // What moving itself writes needs room, too.
        let end = used + reserve_pages(used) + used / 64 + 16;
        let tail: Vec<PageId> =
            (end..map.used.len() as u64).filter(|page| map.used[*page as usize]).map(PageId::new).collect();
        if tail.is_empty() || tail.len() as u64 > most {
            return Ok(());
        }
        let long_values = self.holds_long_values(&tail)?;
        drop(snapshot);
        tx.move_down(PageId::new(end), long_values)?;
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

/// Moves every tree's pages at or past `limit`; of long values only if there are such.
pub(crate) fn move_graph(
    graph: &mut Graph,
    tx: &mut Transaction,
    limit: PageId,
    long_values: bool,
) -> Result<(), pager::WriteError> {
    if long_values {
        move_node_values(&mut graph.nodes, tx, limit)?;
        move_edge_values(&mut graph.edge_props, tx, limit)?;
        graph.flush(tx)?;
    }
    graph.nodes.move_down(tx, limit)?;
    graph.keys.move_down(tx, limit)?;
    graph.out.move_down(tx, limit)?;
    graph.into.move_down(tx, limit)?;
    graph.edge_props.move_down(tx, limit)?;
    for index in graph.indexes.values_mut() {
        index.move_down(tx, limit)?;
    }
    // Always: it is small, and the commit that this makes places the map's pages anew, too.
    graph.catalog_tree.move_down(tx, PageId::new(0))?;
    Ok(())
}

fn move_node_values(
    tree: &mut NodeTree,
    tx: &mut Transaction,
    limit: PageId,
) -> Result<(), pager::WriteError> {
    let old: Tree<NodeLeaf> = tree.clone();
    let mut from = 0;
    // A page of changes at a time: the tree is not written to while it is read.
    while let Some(ids) = far_nodes(&old, tx, from, limit)? {
        for id in &ids {
            let Some(mut record) = tree.get(tx, id)? else { continue };
            move_values(tx, &mut record.props, limit)?;
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
    from: u64,
    limit: PageId,
) -> Result<Option<Vec<u64>>, PageError> {
    let mut ids = Vec::new();
    for entry in tree.range(tx, from..) {
        let (id, record) = entry?;
        if lies_past(tx, &record.props, limit)? {
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
) -> Result<(), pager::WriteError> {
    let mut far: Vec<(Vec<u8>, StoredProps)> = Vec::new();
    for entry in tree.range(&*tx, ..) {
        let (key, record) = entry?;
        let props = props_of(tree, &record)?;
        if lies_past(tx, &props, limit)? {
            far.push((key, props));
        }
    }
    for (key, mut props) in far {
        move_values(tx, &mut props, limit)?;
        tree.put(tx, key, encode_props(&props))?;
    }
    Ok(())
}

fn props_of(tree: &Tree<RecordLeaf>, record: &Record) -> Result<StoredProps, PageError> {
    let root = tree.root().flatten().map_or(PageId::new(0), |root| root.page());
    decode_props(record).map_err(|e| PageError::damage(root, PageKind::Record, e.0))
}

fn lies_past(pages: &impl ReadPages, props: &StoredProps, limit: PageId) -> Result<bool, PageError> {
    let mut past = false;
    crate::node::visit_props(pages, props, &mut |at, _| {
        past |= at.page() >= limit;
        Ok(())
    })?;
    Ok(past)
}

fn move_values(
    tx: &mut Transaction,
    props: &mut StoredProps,
    limit: PageId,
) -> Result<(), pager::WriteError> {
    for (_, stored) in props.iter_mut() {
        let Stored::Overflow { root, len, .. } = stored else { continue };
        let mut past = false;
        overflow::visit(&*tx, *root, *len, &mut |at, _| {
            past |= at.page() >= limit;
            Ok(())
        })?;
        if past {
            let moved = copy_value(tx, *root, *len)?;
            overflow::free(tx, *root, *len)?;
            *root = moved;
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
