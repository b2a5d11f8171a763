//! Building a tree from the bottom, out of entries in order: each page is written once, and full.
//!
//! Must always be true: the entries of a level's page exist only after the pages that they name were written (V2). In
//! memory are a batch of leaf images, and of every level above the entries of two pages and a batch.
//!
//! It does not sort and does not check for duplicates: ascending keys are the caller's part.

use super::format::{LeafFormat, LeafPacker, PackedLeaf};
use super::inner::{Entry, Sizer, room};
use super::levels::batch_pages;
use super::node::Tree;
use super::pack::{Packed, cut_evenly, underfull};
use storage_core::page::{HEADER_LEN, PageSize};
use storage_core::pager::{Transaction, WriteError};

/// Builds a tree bottom-up: see [`Tree::builder`].
pub struct TreeBuilder<F: LeafFormat> {
    size: PageSize,
    fill_percent: u8,
    packer: F::Packer,
    leaves: Vec<PackedLeaf>,
    written: u64,
    levels: Vec<LevelBuilder>,
}

impl<F: LeafFormat> Tree<F> {
    /// A builder that fills pages to `fill_percent` (50 to 100).
    pub fn builder(size: PageSize, fill_percent: u8) -> TreeBuilder<F> {
        let fill_percent = fill_percent.clamp(50, 100);
        TreeBuilder {
            size,
            fill_percent,
            packer: F::packer(size, fill_percent),
            leaves: Vec::new(),
            written: 0,
            levels: Vec::new(),
        }
    }
}

impl<F: LeafFormat> TreeBuilder<F> {
    /// Adds an entry.
    ///
    /// # Panics
    /// May panic if keys do not ascend strictly.
    ///
    /// # Errors
    /// The leaves that are full could not be written.
    pub fn push(&mut self, tx: &mut Transaction, key: F::Key, value: F::Value) -> Result<(), WriteError> {
        self.packer.push(key, value, &mut self.leaves);
        if self.leaves.len() >= self.batch() { self.write_leaves(tx) } else { Ok(()) }
    }

    /// A packer of leaves like this builder's own, for whoever packs elsewhere and brings them by [`Self::push_leaves`].
    pub fn packer(&self) -> F::Packer {
        F::packer(self.size, self.fill_percent)
    }

    /// How many leaves are written at a time.
    pub fn batch(&self) -> usize {
        batch_pages(self.size)
    }

    /// Adds leaves that [`Self::packer`] packed, in order; they come before any entry that is pushed.
    ///
    /// # Errors
    /// They could not be written.
    pub fn push_leaves(&mut self, tx: &mut Transaction, leaves: Vec<PackedLeaf>) -> Result<(), WriteError> {
        self.leaves.extend(leaves);
        if self.leaves.len() >= batch_pages(self.size) { self.write_leaves(tx) } else { Ok(()) }
    }

    /// Pages written or waiting so far, all levels.
    pub fn pages(&self) -> u64 {
        self.written + self.leaves.len() as u64
    }

    /// Writes the rest, up to the root.
    ///
    /// # Errors
    /// A page could not be written.
    pub fn finish(mut self, tx: &mut Transaction) -> Result<Tree<F>, WriteError> {
        let packer = std::mem::replace(&mut self.packer, F::packer(self.size, self.fill_percent));
        packer.finish(&mut self.leaves);
        self.write_leaves(tx)?;
        let mut at = 0;
        while at < self.levels.len() {
            let top = at + 1 == self.levels.len();
            if top && let Some(root) = self.levels[at].only() {
                return Ok(Tree::open(Some(root.page)));
            }
            let pages = self.levels[at].finish(self.size);
            self.write(tx, at + 1, pages)?;
            at += 1;
        }
        Ok(Tree::empty())
    }

    fn write_leaves(&mut self, tx: &mut Transaction) -> Result<(), WriteError> {
        let leaves = self.leaves.drain(..).map(Packed::from).collect();
        self.write(tx, 0, leaves)
    }

    /// Writes pages of level `at` and adds them to those above.
    fn write(&mut self, tx: &mut Transaction, at: usize, pages: Vec<Packed>) -> Result<(), WriteError> {
        let (heads, images): (Vec<_>, Vec<_>) =
            pages.into_iter().map(|packed| ((packed.separator, packed.count), packed.image)).unzip();
        self.written += images.len() as u64;
        let written = tx.write(images)?;
        for ((separator, count), page) in heads.into_iter().zip(written) {
            self.add(tx, at, Entry { separator, page, count })?;
        }
        Ok(())
    }

    /// Adds an entry to the pages of level `at + 1`.
    fn add(&mut self, tx: &mut Transaction, at: usize, entry: Entry) -> Result<(), WriteError> {
        if at == self.levels.len() {
            self.levels.push(LevelBuilder::new(self.size, self.fill_percent, at));
        }
        let level = &mut self.levels[at];
        level.push(self.size, entry);
        if level.full.len() < batch_pages(self.size) {
            return Ok(());
        }
        let pages = std::mem::take(&mut level.full);
        self.write(tx, at + 1, pages)
    }
}

impl<F: LeafFormat> std::fmt::Debug for TreeBuilder<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TreeBuilder({} pages)", self.pages())
    }
}

/// Packs the entries of one level. A full page's entries are held back until the next page is full too, so that the
/// last two can share.
struct LevelBuilder {
    level: u8,
    limit: usize,
    before: Vec<Entry>,
    entries: Vec<Entry>,
    sizer: Sizer,
    full: Vec<Packed>,
    /// Entries left this builder: it has more than the ones that are here.
    begun: bool,
}

impl LevelBuilder {
    fn new(size: PageSize, fill_percent: u8, at: usize) -> Self {
        LevelBuilder {
            level: u8::try_from(at + 1).expect("levels halve, so there are few"),
            limit: HEADER_LEN + (size.bytes() - HEADER_LEN) * usize::from(fill_percent) / 100,
            before: Vec::new(),
            entries: Vec::new(),
            sizer: Sizer::default(),
            full: Vec::new(),
            begun: false,
        }
    }

    fn push(&mut self, size: PageSize, entry: Entry) {
        // Two children fit always, however long their separators are.
        if self.entries.len() >= 2 && self.sizer.with(&entry) > self.limit {
            let full = std::mem::take(&mut self.entries);
            let before = std::mem::replace(&mut self.before, full);
            self.encode(size, &before);
            self.sizer = Sizer::default();
        }
        self.sizer.push(&entry);
        self.entries.push(entry);
    }

    /// The root, if this level is a single entry.
    fn only(&self) -> Option<&Entry> {
        match (self.begun, self.before.as_slice(), self.entries.as_slice()) {
            (false, [], [entry]) => Some(entry),
            _ => None,
        }
    }

    fn encode(&mut self, size: PageSize, entries: &[Entry]) {
        if !entries.is_empty() {
            self.begun = true;
            self.full.push(Packed::inner(size, self.level, entries));
        }
    }

    /// The rest of this level.
    fn finish(&mut self, size: PageSize) -> Vec<Packed> {
        let (mut before, last) = (std::mem::take(&mut self.before), std::mem::take(&mut self.entries));
        if !before.is_empty() && underfull(room(&last), size) {
            before.extend(last);
            for piece in cut_evenly(&before, size) {
                self.encode(size, &before[piece]);
            }
        } else {
            self.encode(size, &before);
            self.encode(size, &last);
        }
        std::mem::take(&mut self.full)
    }
}
