//! `compact`: the store written anew, densely, in its own file.
//!
//! Must always be true: what the store holds is the same before and after, ids and names included; it is a transaction
//! like any other, so a crash leaves the state before or after, and snapshots that are held stay as they are. So does
//! stopping it: what was not committed by then never happened. Long
//! values are not copied: their pages stay the value's, and are only moved to where there is room. The catalog's tree
//! is small and stays what it is.
//!
//! While it runs the file holds the trees twice. Pages that a held snapshot needs are given back by whoever compacts,
//! checkpoints or closes after that snapshot is gone.

use crate::algo::{Control, Ticker};
use crate::btree::{LeafFormat, Tree};
use crate::database::Database;
use crate::error::WriteError;
use crate::settle::{Moving, limits, used_from};
use crate::trees::Graph;
use storage_core::page::PageId;
use storage_core::pager::{PageError, ReadPages, Snapshot, Transaction, reserve_pages};

/// Every page full, as nothing is known of what will be changed.
const FILL_PERCENT: u8 = 100;

/// What compacting did to the file.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Compacted {
    /// Bytes of the file before.
    pub before: u64,
    /// Bytes of the file after.
    pub after: u64,
}

impl Database {
    /// Writes every tree anew with full pages, moves what lies at the end of the file down, and cuts the end off. Waits
    /// for a running transaction. Needs room for the trees a second time while it runs.
    ///
    /// ```
    /// # use foliograph::{Options, props, storage_core::{device::memory::MemoryDevice, page::PageSize}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # for n in 0..1000 { tx.add_node("person", n, props! { "text" => "x".repeat(500) })?; }
    /// # tx.commit()?;
    /// let mut tx = db.begin_write()?;
    /// for person in tx.nodes("person").collect::<Result<Vec<_>, _>>()? {
    ///     tx.delete_node(person, true)?;
    /// }
    /// tx.commit()?;
    /// let done = db.compact()?;
    /// println!("{} bytes became {}", done.before, done.after);
    /// assert!(done.after < done.before);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The disk has no room for the trees twice; a page could not be read or written, or is damaged; the store is
    /// read-only or closed. What the store holds is the same in any case.
    pub fn compact(&self) -> Result<Compacted, WriteError> {
        self.compact_with(Control::new())
    }

    /// As [`Database::compact`], watched, and stopped when it is asked to. Progress counts entries of trees: up to half of
    /// the total as they are written anew, a round for each tree, and then, as pages are moved down, what stands in them.
    ///
    /// Stopped in the first half, the store is what it was; later, it has its new trees, and the end of the file is not
    /// cut off yet. Either way it goes on being used, and the next checkpoint or closing gives room back. Whoever watches
    /// is called while the write transaction runs: to begin another one there would be to wait for ever.
    ///
    /// ```
    /// # use foliograph::{Options, ReadError, WriteError, storage_core::{device::memory::MemoryDevice, page::PageSize}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// use foliograph::algo::Control;
    /// let stopped = db.compact_with(Control::new().cancelled_when(|| true));
    /// assert!(matches!(stopped, Err(WriteError::Read(ReadError::Cancelled))));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ReadError::Cancelled`](crate::ReadError::Cancelled), and those of [`Database::compact`].
    pub fn compact_with(&self, control: Control<'_>) -> Result<Compacted, WriteError> {
        let mut ticker = Ticker::new(control);
        ticker.stop_if_asked()?;
        let before = self.file_bytes();
        let mut tx = self.begin_clean_write()?;
        let entries = tx.graph.entries(&tx.pages)?;
        ticker.begin(entries.saturating_mul(2))?;
        tx.rebuild(&mut ticker)?;
        tx.commit()?;
        self.give_space_back(&mut Moving::part_of(&mut ticker, entries))?;
        self.tighten(&mut Moving::part_of(&mut ticker, 0))?;
        ticker.finish();
        Ok(Compacted { before, after: self.file_bytes() })
    }

    /// A checkpoint leaves itself room to move in. Now that nearly all is in its place the rest goes down as well: a store
    /// that was dense does not come out longer than it was.
    fn tighten(&self, moving: &mut Moving<'_, '_>) -> Result<(), WriteError> {
        let mut tx = self.begin_clean_write()?;
        let used = self.inner.pager.check_map(&self.inner.pager.begin_read())?.used;
        let count = used.iter().filter(|used| **used).count() as u64;
        let limit = count + reserve_pages(count);
        let far = used_from(&used, limit);
        if !far.is_empty() {
            moving.begin(far.len() as u64)?;
            tx.move_down(&limits(&far), true, moving)?;
            tx.commit()?;
        } else {
            tx.abort();
        }
        Ok(self.inner.pager.trim(true)?)
    }

    fn file_bytes(&self) -> u64 {
        let size = self.inner.pager.page_size();
        self.inner.pager.device().page_count().bytes(size).unwrap_or(u64::MAX)
    }
}

/// Builds every tree again from what it holds, and frees the pages it had.
pub(crate) fn rebuild(
    graph: &mut Graph,
    tx: &mut Transaction,
    ticker: &mut Ticker<'_>,
) -> Result<(), WriteError> {
    // The transaction pins the pages that the trees name: a snapshot that is taken now reads them, whatever its version.
    let pages = tx.pager().begin_read();
    rebuild_tree(&mut graph.nodes, &pages, tx, ticker)?;
    rebuild_tree(&mut graph.keys, &pages, tx, ticker)?;
    rebuild_tree(&mut graph.out, &pages, tx, ticker)?;
    rebuild_tree(&mut graph.into, &pages, tx, ticker)?;
    rebuild_tree(&mut graph.edge_props, &pages, tx, ticker)?;
    graph.indexes.values_mut().try_for_each(|index| rebuild_tree(index, &pages, tx, ticker))
}

fn rebuild_tree<F: LeafFormat>(
    tree: &mut Tree<F>,
    pages: &Snapshot,
    tx: &mut Transaction,
    ticker: &mut Ticker<'_>,
) -> Result<(), WriteError> {
    ticker.next_round()?;
    let mut builder = Tree::<F>::builder(tx.pager().page_size(), FILL_PERCENT);
    let mut last = None;
    for entry in tree.range(pages, ..) {
        let (key, value) = entry?;
        if last.as_ref() >= Some(&key) {
            let root = tree.root().flatten().map_or(PageId::new(0), |root| root.page());
            return Err(PageError::damage(root, F::KIND, "the keys of its leaves do not ascend").into());
        }
        last = Some(key.clone());
        builder.push(tx, key, value)?;
        ticker.done(1);
        ticker.step(1)?;
    }
    let built = builder.finish(tx)?;
    let visited = tree.visit(pages, &mut |at, page| {
        tx.free(at);
        ticker.page(page)
    });
    ticker.walked(visited)??;
    *tree = built;
    Ok(())
}

#[cfg(test)]
mod tests;
