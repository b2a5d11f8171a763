//! A second leaf format, of numbers: a tree does not care what its leaves hold, and separators of one length are kept
//! without offsets. Padded to a thousand bytes they make trees of three or four children a page, many levels tall.

use super::*;
use std::collections::BTreeSet;
use std::ops::{Bound, RangeBounds};
use storage_core::page::{HEADER_LEN, PageImage, PageKind};
use storage_core::pager::Page;

/// Numbers as keys of `WIDTH` bytes.
pub enum Numbers<const WIDTH: usize> {}

/// As tall as it gets: keys that nothing shortens.
type Tall = Numbers<1000>;
type Short = Numbers<8>;

fn padded<const WIDTH: usize>(number: u64) -> [u8; WIDTH] {
    let mut out = [0; WIDTH];
    out[..8].copy_from_slice(&number.to_be_bytes());
    out
}

impl<const WIDTH: usize> LeafFormat for Numbers<WIDTH> {
    const KIND: PageKind = PageKind::Node;
    type Key = u64;
    type Value = ();
    type Packer = NumberPacker<WIDTH>;
    type Entries = std::vec::IntoIter<Result<(u64, ()), PageError>>;
    type Head = ();

    fn head(_: &Page) -> Result<(), PageError> {
        Ok(())
    }

    fn with_bytes<T>(key: &u64, with: impl FnOnce(&[u8]) -> T) -> T {
        with(&padded::<WIDTH>(*key))
    }

    fn entries(page: Page) -> Result<Self::Entries, PageError> {
        let body = &page[HEADER_LEN..page.used()];
        let number = |key: &[u8]| u64::from_be_bytes(key[..8].try_into().expect("eight bytes"));
        Ok(body.chunks_exact(WIDTH).map(|key| Ok((number(key), ()))).collect::<Vec<_>>().into_iter())
    }

    fn find(page: &Page, key: &u64) -> Result<Option<()>, PageError> {
        let mut entries = Self::entries(page.clone())?;
        Ok(entries.any(|entry| matches!(entry, Ok((found, ())) if found == *key)).then_some(()))
    }

    fn count(page: &Page, from: Bound<&u64>, to: Bound<&u64>) -> Result<u64, PageError> {
        let within = |n: &u64| (from, to).contains(n);
        Ok(Self::entries(page.clone())?.flatten().filter(|(n, ())| within(n)).count() as u64)
    }

    fn packer(size: PageSize, fill_percent: u8) -> NumberPacker<WIDTH> {
        let most = ((size.bytes() - HEADER_LEN) / WIDTH * usize::from(fill_percent) / 100).max(1);
        NumberPacker { size, most, numbers: Vec::new() }
    }

    fn weight(_: &u64, _: Option<&()>) -> usize {
        24
    }
}

pub struct NumberPacker<const WIDTH: usize> {
    size: PageSize,
    most: usize,
    numbers: Vec<u64>,
}

impl<const WIDTH: usize> NumberPacker<WIDTH> {
    fn close(&mut self, out: &mut Vec<PackedLeaf>) {
        let numbers = std::mem::take(&mut self.numbers);
        let Some(first) = numbers.first() else { return };
        let mut image = PageImage::new(self.size, PageKind::Node, 0);
        for (index, number) in numbers.iter().enumerate() {
            let at = HEADER_LEN + WIDTH * index;
            image.bytes_mut()[at..at + WIDTH].copy_from_slice(&padded::<WIDTH>(*number));
        }
        image.set_used(HEADER_LEN + WIDTH * numbers.len());
        let count = numbers.len() as u64;
        out.push(PackedLeaf { separator: padded::<WIDTH>(*first).to_vec(), count, image });
    }
}

impl<const WIDTH: usize> LeafPacker<Numbers<WIDTH>> for NumberPacker<WIDTH> {
    fn push(&mut self, key: u64, (): (), out: &mut Vec<PackedLeaf>) {
        if self.numbers.len() >= self.most {
            self.close(out);
        }
        self.numbers.push(key);
    }

    fn finish(mut self, out: &mut Vec<PackedLeaf>) {
        self.close(out);
    }
}

#[test]
fn a_tree_of_numbers_grows_and_shrinks_like_any_other() {
    let (seed, store) = (11, Store::new(PageSize::K4));
    println!("seed {seed}");
    let (mut rng, mut tree, mut model) = (Rng::new(seed), Tree::<Short>::empty(), BTreeMap::new());
    for round in 0..30 {
        let tx = store.write();
        for _ in 0..12_000 {
            let n = rng.below(200_000) << 20;
            if rng.chance(if round < 15 { 1 } else { 9 }, 10) {
                tree.delete(&tx, n).expect("deletes");
                model.remove(&n);
            } else {
                tree.put(&tx, n, ()).expect("puts");
                model.insert(n, ());
            }
        }
        commit(tx, &mut tree);
        let snapshot = store.pager.begin_read();
        assert_eq!(contents(&tree, &snapshot), model.clone().into_iter().collect::<Vec<_>>());
        if round == 14 {
            let least = model.len() as u64 * 8 / 4096;
            assert!((least..least * 2).contains(&pages(&tree, &snapshot)), "pages are well filled");
        }
    }
}

#[test]
fn numbers_in_ascending_order_leave_full_pages() {
    let store = Store::new(PageSize::K4);
    let mut tree = Tree::<Short>::empty();
    for part in 0..40 {
        let tx = store.write();
        for n in 0..700 {
            tree.put(&tx, part * 700 + n, ()).expect("puts");
        }
        commit(tx, &mut tree);
    }
    let full = 28_000 / (4064 / 8);
    let count = pages(&tree, &store.pager.begin_read());
    assert!(count <= full + 4, "{count} pages, {full} would hold all");
}

/// Every inner page below a root has two children or more; gives the depth.
fn assert_branching<F: LeafFormat>(tree: &Tree<F>, pages: &impl ReadPages) -> u8 {
    let mut levels = 0;
    tree.visit(pages, &mut |_, page| {
        if page.kind() == PageKind::Inner {
            let inner = InnerPage::open(page)?;
            assert!(inner.count() >= 2, "page {} has a single child", page.id());
            levels = levels.max(inner.level());
        }
        Ok(())
    })
    .expect("a sound tree");
    levels
}

/// Looks every number up, and reads to and from many of them.
fn assert_numbers(tree: &Tree<Tall>, pages: &impl ReadPages, model: &BTreeSet<u64>, rng: &mut Rng) {
    let all: Vec<u64> = contents(tree, pages).into_iter().map(|(n, ())| n).collect();
    assert!(all.iter().eq(model.iter()));
    assert_counts(tree, pages, &all, rng, |rng| rng.below(DOMAIN));
    for n in 0..DOMAIN {
        assert_eq!(tree.get(pages, &n).expect("reads").is_some(), model.contains(&n), "{n}");
    }
    for _ in 0..200 {
        let (from, to) = (rng.below(DOMAIN), rng.below(DOMAIN));
        let expected: Vec<u64> =
            if from <= to { model.range(from..=to).copied().collect() } else { Vec::new() };
        let found = tree.range(pages, from..=to).map(|entry| entry.expect("reads").0);
        assert!(found.eq(expected.iter().copied()), "{from}..={to}");
        let found = tree.range_back(pages, from..=to).map(|entry| entry.expect("reads").0);
        assert!(found.eq(expected.into_iter().rev()), "{from}..={to} backwards");
    }
}

const DOMAIN: u64 = 3000;

#[test]
fn a_tall_tree_grows_and_shrinks_and_never_has_an_only_child() {
    for seed in 31..34 {
        println!("seed {seed}");
        let (mut rng, mut model) = (Rng::new(seed), BTreeSet::new());
        let (store, mut tree) = (Store::new(PageSize::K4), Tree::<Tall>::empty());
        let mut tallest = 0;
        for round in 0..24 {
            let tx = store.write();
            // Anywhere, or all in one place, so that whole subtrees come and go.
            let (begin, width) = if rng.chance(1, 2) { (0, DOMAIN) } else { (rng.below(DOMAIN - 600), 600) };
            for _ in 0..rng.below(2500) {
                let n = begin + rng.below(width);
                if rng.chance(if round % 12 < 6 { 2 } else { 9 }, 10) {
                    tree.delete(&tx, n).expect("deletes");
                    model.remove(&n);
                } else {
                    tree.put(&tx, n, ()).expect("puts");
                    model.insert(n);
                }
            }
            if round % 4 == 0 {
                assert_numbers(&tree, &tx, &model, &mut rng);
            }
            commit(tx, &mut tree);
            let snapshot = store.pager.begin_read();
            tallest = tallest.max(assert_branching(&tree, &snapshot));
            assert_numbers(&tree, &snapshot, &model, &mut rng);
            drop(snapshot);
            assert!(store.overhead(&tree) < 16, "no page is forgotten");
        }
        assert!(tallest >= 4, "{tallest} levels");
        let tx = store.write();
        for n in 1..DOMAIN {
            tree.delete(&tx, n).expect("deletes");
        }
        tree.put(&tx, 0, ()).expect("puts");
        commit(tx, &mut tree);
        assert_eq!(pages(&tree, &store.pager.begin_read()), 1, "one leaf is left");
    }
}

#[test]
fn a_deleted_subtree_takes_no_space_and_its_neighbours_stay_as_they_are() {
    let (store, mut tree) = (Store::new(PageSize::K4), Tree::<Tall>::empty());
    let tx = store.write();
    for n in 0..DOMAIN {
        tree.put(&tx, n, ()).expect("puts");
    }
    commit(tx, &mut tree);
    let before = pages(&tree, &store.pager.begin_read());
    let mut tx = store.write();
    for n in 500..2500 {
        tree.delete(&tx, n).expect("deletes");
    }
    tree.flush(&mut tx).expect("flushes");
    assert!(tx.pages_written() < 60, "{} pages written", tx.pages_written());
    commit(tx, &mut tree);
    let snapshot = store.pager.begin_read();
    assert_branching(&tree, &snapshot);
    assert!(pages(&tree, &snapshot) < before * 2 / 5);
}

#[test]
fn tall_trees_built_in_bulk_have_no_only_children() {
    for count in 1..400 {
        let store = Store::new(PageSize::K4);
        let mut tx = store.write();
        let mut builder = Tree::<Tall>::builder(PageSize::K4, 100);
        for n in 0..count {
            builder.push(&mut tx, n, ()).expect("builds");
        }
        let tree = builder.finish(&mut tx).expect("builds");
        assert_branching(&tree, &tx);
        assert!(contents(&tree, &tx).into_iter().map(|(n, ())| n).eq(0..count));
        let all: Vec<u64> = (0..count).collect();
        assert_counts(&tree, &tx, &all, &mut Rng::new(count), |rng| rng.below(count + 2));
    }
}

#[test]
fn a_leaf_that_becomes_many_keeps_its_place_among_its_neighbours() {
    let (store, mut tree) = (Store::new(PageSize::K4), Tree::<Short>::empty());
    let tx = store.write();
    for n in 0..1500 {
        tree.put(&tx, n << 32, ()).expect("puts");
    }
    commit(tx, &mut tree);
    let tx = store.write();
    // More than a batch of pages out of one leaf, between two that change a little.
    tree.put(&tx, 1, ()).expect("puts");
    tree.put(&tx, 1499 << 32 | 1, ()).expect("puts");
    for n in 1..200_000 {
        tree.put(&tx, 700 << 32 | n, ()).expect("puts");
    }
    commit(tx, &mut tree);
    let snapshot = store.pager.begin_read();
    assert_branching(&tree, &snapshot);
    let all = contents(&tree, &snapshot);
    assert!(all.len() == 201_501 && all.is_sorted());
    let all: Vec<u64> = all.into_iter().map(|(n, ())| n).collect();
    assert_counts(&tree, &snapshot, &all, &mut Rng::new(1), |rng| rng.below(1500) << 32);
}

#[test]
fn bounds_that_contradict_a_child_are_found() {
    let (store, mut tree) = (Store::new(PageSize::K4), Tree::<Tall>::empty());
    let mut tx = store.write();
    for n in 0..14 {
        tree.put(&tx, n, ()).expect("puts");
    }
    let child = tree.flush(&mut tx).expect("flushes").expect("a root");
    for (at, changed) in [(2, 0), (5, 9), (5, 0), (1, 1)] {
        // A level above whose second separator cuts through the child's range.
        let entries = [
            Entry { separator: Box::default(), page: child, count: 14 },
            Entry { separator: padded::<1000>(at).into(), page: child, count: 14 },
        ];
        let root = tx.write(vec![inner::encode(PageSize::K4, 2, &entries)]).expect("writes")[0];
        let mut bad = Tree::<Tall>::open(Some(root));
        assert!(bad.visit(&tx, &mut |_, _| Ok(())).is_err());
        bad.put(&tx, changed, ()).expect("what is wrong shows when it is written");
        let error = bad.flush(&mut tx).expect_err("damage");
        assert!(error.to_string().contains("outside"), "{error}");
        assert!(bad.is_dirty());
    }
}
