//! Tests of trees over a real pager and a device in memory, with a cache of 16 pages.

mod building;
mod counting;
mod damage;
mod history;
mod numbers;
mod ranges;
mod rebase;
mod shape;

use super::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage_core::device::OpenOptions;
use storage_core::device::memory::{MemoryDevice, MemoryStore};
pub use storage_core::device::sim::rng::Rng;
use storage_core::page::{PageSize, Written};
pub use storage_core::pager::{PageError, Pager, PagerOptions, ReadPages, Transaction, WriteError};

pub use counting::assert_counts;

pub type Model = BTreeMap<Vec<u8>, Record>;
pub type Records = Tree<RecordLeaf>;

/// A store in memory and its pager.
pub struct Store {
    bytes: MemoryStore,
    pub pager: Arc<Pager>,
}

fn options(size: PageSize) -> PagerOptions {
    PagerOptions { cache_bytes: 16 * size.bytes(), ..PagerOptions::default() }
}

impl Store {
    pub fn new(size: PageSize) -> Store {
        let bytes = MemoryStore::new(Vec::new());
        let device = MemoryDevice::open(&bytes, &OpenOptions::create(size)).expect("a new device");
        let pager = Pager::create(Arc::new(device), &options(size)).expect("a new store");
        Store { bytes, pager }
    }

    /// Closes the store and opens it again.
    pub fn reopen(self) -> Store {
        let size = self.pager.page_size();
        self.pager.close().expect("closes");
        drop(self.pager);
        let device = MemoryDevice::open(&self.bytes, &OpenOptions::open()).expect("opens");
        let pager = Pager::open(Arc::new(device), &options(size)).expect("opens");
        Store { bytes: self.bytes, pager }
    }

    pub fn write(&self) -> Transaction {
        self.pager.begin_write().expect("nobody else writes")
    }

    /// Pages in use that are not the tree's: superblock, meta pages, map. With every page freed once and none forgotten
    /// these stay few.
    pub fn overhead<F: LeafFormat>(&self, tree: &Tree<F>) -> u64 {
        drop(self.write()); // gives back what was in quarantine
        let stats = self.pager.stats();
        let used = stats.page_count - stats.free_pages - stats.quarantined_pages;
        used.checked_sub(pages(tree, &self.pager.begin_read())).expect("a tree's pages are in use")
    }
}

/// Flushes and commits.
pub fn commit<F: LeafFormat>(mut tx: Transaction, tree: &mut Tree<F>) {
    let root = tree.flush(&mut tx).expect("flushes");
    assert!(!tree.is_dirty() && tree.weight() == 0 && tree.root() == Some(root));
    tx.commit(root).expect("commits");
}

/// How many pages a clean tree has.
pub fn pages<F: LeafFormat>(tree: &Tree<F>, pages: &impl ReadPages) -> u64 {
    let mut count = 0;
    let mut seen = std::collections::HashSet::new();
    tree.visit(pages, &mut |at: Written, _| {
        assert!(seen.insert(at.page()), "page {} is in the tree twice", at.page());
        count += 1;
        Ok(())
    })
    .expect("a sound tree");
    count
}

pub fn contents<F: LeafFormat>(tree: &Tree<F>, pages: &impl ReadPages) -> Vec<(F::Key, F::Value)> {
    tree.range(pages, ..).collect::<Result<_, _>>().expect("reads")
}

/// Compares everything that can be read with the model.
pub fn assert_equals(tree: &Records, pages: &impl ReadPages, model: &Model) {
    let expected: Vec<_> = model.iter().map(|(key, record)| (key.clone(), record.clone())).collect();
    assert_eq!(contents(tree, pages), expected, "forwards");
    let mut back: Vec<_> = tree.range_back(pages, ..).collect::<Result<_, _>>().expect("reads");
    back.reverse();
    assert_eq!(back, expected, "backwards");

    let (mut from_leaves, mut upper) = (Vec::new(), Some(Vec::new()));
    for leaf in tree.leaves(pages, &[]) {
        let leaf = leaf.expect("reads");
        assert_eq!(Some(&leaf.lower), upper.as_ref(), "each leaf begins where the one before ends");
        for entry in leaf.entries().expect("reads") {
            let (key, record) = entry.expect("reads");
            assert!(
                key >= leaf.lower && leaf.upper.as_ref().is_none_or(|upper| key < *upper),
                "inside the bounds"
            );
            from_leaves.push((key, record));
        }
        upper = leaf.upper;
    }
    assert!(upper.is_none() || tree.root() == Some(None), "the last leaf has no upper bound");
    assert_eq!(from_leaves, expected, "leaf by leaf");

    let keys: Vec<_> = model.keys().cloned().collect();
    assert_counts(tree, pages, &keys, &mut Rng::new(keys.len() as u64), |rng| key(rng.index(4000)));
}

pub fn key(n: usize) -> Vec<u8> {
    format!("key {n:06}").into_bytes()
}

pub fn record(n: usize) -> Record {
    Record::of_bytes(format!("value of {n}"))
}
