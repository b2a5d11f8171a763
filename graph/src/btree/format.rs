//! What a leaf format is: the part of a tree that differs between nodes, edges and records.
//!
//! A tree reads a leaf as its base page plus a sorted delta of changes (V6). A leaf format says how a page is taken
//! apart into entries in key order, how one entry is found, and how a stream of entries in key order is packed into
//! pages again. It does no I/O and knows nothing of inner nodes.

use super::filter::Family;
use super::remade::Ahead;
use std::fmt::Debug;
use std::ops::Bound;
use storage_core::page::{PageImage, PageKind, PageSize};
use storage_core::pager::{Page, PageError};

/// A layout of leaves.
pub trait LeafFormat: Sized + Send + Sync + 'static {
    /// What the header of its pages says.
    const KIND: PageKind;
    /// Keys, in the order in which leaves hold them.
    type Key: Family + Ord + Clone + Debug + Send + Sync + 'static;
    /// What stands under a key. Equal values are the same to the bit: a rebase passes over them (T10).
    type Value: Clone + PartialEq + Debug + Send + Sync + 'static;
    /// Packs entries into pages.
    type Packer: LeafPacker<Self>;
    /// The entries of a page.
    type Entries: Iterator<Item = Result<(Self::Key, Self::Value), PageError>>;
    /// What is kept of a page beside its parent, so that a look-up need not touch the page's first bytes: small, or `()`.
    type Head: Send + Sync + 'static;
    /// The most bytes that it takes of the heap, but for what it asks the quota for.
    const HEAD_HEAP: usize = 0;

    /// Reads that of a page, checked against its length.
    ///
    /// # Errors
    /// Damage, which names the page.
    fn head(page: &Page) -> Result<Self::Head, PageError>;

    /// Lends the key as bytes whose `memcmp` order is the keys' order.
    fn with_bytes<T>(key: &Self::Key, with: impl FnOnce(&[u8]) -> T) -> T;

    /// Appends these bytes.
    fn key_bytes(key: &Self::Key, out: &mut Vec<u8>) {
        Self::with_bytes(key, |bytes| out.extend_from_slice(bytes));
    }

    /// As [`LeafFormat::find`], in the bytes of a page at hand and with what was kept of it; `None` says nothing. Damage is
    /// said in words.
    ///
    /// # Errors
    /// Damage.
    #[allow(clippy::type_complexity)]
    fn find_again(
        _page: &[u8],
        _head: &Self::Head,
        _key: &Self::Key,
    ) -> Result<Option<Option<Self::Value>>, &'static str> {
        Ok(None)
    }

    /// All entries of a page in key order. Everything is bounds-checked: damage is an error that names the page (I7).
    ///
    /// # Errors
    /// Damage, which names the page.
    fn entries(page: Page) -> Result<Self::Entries, PageError>;

    /// The value under `key`, if this page holds one.
    ///
    /// # Errors
    /// Damage, which names the page.
    fn find(page: &Page, key: &Self::Key) -> Result<Option<Self::Value>, PageError>;

    /// How many entries of a page lie between two keys, exactly. It should decode no more than what stands at the ends.
    ///
    /// # Errors
    /// Damage, which names the page.
    fn count(page: &Page, from: Bound<&Self::Key>, to: Bound<&Self::Key>) -> Result<u64, PageError>;

    /// How many of `keys`, which ascend, the page holds. For formats where to find one of many takes long.
    ///
    /// # Errors
    /// Damage, which names the page.
    fn held<'k>(page: &Page, keys: impl Iterator<Item = &'k Self::Key>) -> Result<u64, PageError> {
        let mut held = 0;
        for key in keys {
            held += u64::from(Self::find(page, key)?.is_some());
        }
        Ok(held)
    }

    /// Whether [`LeafFormat::merge`] is there; else nobody calls it.
    const MERGES: bool = false;

    /// Gives a packer some of what comes next in a leaf: entries of its page, and the changes ahead, of which those that are
    /// used up are taken away; false at the end. The packer has all that came before. For formats that decode many entries at
    /// once, which have to see that keys ascend; whether they lie in the leaf, `seen` says, which is told before anything is
    /// given of a key that is not above what is, and afterwards of the last one.
    ///
    /// # Errors
    /// Damage, which names the page.
    fn merge(
        _page: Option<&mut Self::Entries>,
        _ahead: &mut Ahead<'_, '_, Self>,
        _to: (&mut Self::Packer, &mut Vec<PackedLeaf>),
        _seen: impl FnMut(&Self::Key) -> Result<(), PageError>,
    ) -> Result<bool, PageError> {
        unreachable!("a format that merges says how")
    }

    /// A packer that fills pages to `fill_percent` (bulk: 90 to 100; flush: 100 where it must fit).
    fn packer(size: PageSize, fill_percent: u8) -> Self::Packer;

    /// How many bytes of its page a packed leaf counts as, when it is asked whether it is too empty to stay alone. A
    /// format whose pages also end for another reason than bytes says more than [`PageImage::used`].
    fn fill(image: &PageImage) -> usize {
        image.used()
    }

    /// About how many bytes a change takes in memory, for the budget.
    fn weight(key: &Self::Key, value: Option<&Self::Value>) -> usize;
}

/// Packs entries, given in strictly ascending key order, into page images.
pub trait LeafPacker<F: LeafFormat> {
    /// Takes the next entry; pages that are full now are appended to `out`.
    ///
    /// # Panics
    /// May panic if keys do not ascend, or a value is larger than its layer allows (a bug, never input).
    fn push(&mut self, key: F::Key, value: F::Value, out: &mut Vec<PackedLeaf>);

    /// The rest. Nothing was pushed: nothing comes out.
    fn finish(self, out: &mut Vec<PackedLeaf>);
}

/// A finished leaf and where it begins.
#[derive(Debug)]
pub struct PackedLeaf {
    /// A lower bound of the leaf's keys as key bytes: greater than every key of the leaf before it, not greater than
    /// the leaf's first key, as short as that allows.
    pub separator: Vec<u8>,
    /// How many entries it holds.
    pub count: u64,
    /// The page.
    pub image: PageImage,
}
