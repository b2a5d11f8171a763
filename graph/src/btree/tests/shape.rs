//! What trees look like: splits, merges, collapsed roots, weights, shared nodes.

use super::*;
use crate::edge::EdgeKey;
use crate::edge::page::EdgeLeaf;

fn depth(tree: &Records, pages: &impl ReadPages) -> u8 {
    let Some(Some(root)) = tree.root() else { return 0 };
    let (_, level) = super::super::read::load_root::<RecordLeaf>(pages, root).expect("reads");
    level + 1
}

fn long_key(n: usize) -> Vec<u8> {
    let mut out = format!("{n:06}").into_bytes();
    out.resize(MAX_KEY_LEN, b'-');
    out
}

fn filled(store: &Store, count: usize) -> Records {
    let (mut tree, tx) = (Records::empty(), store.write());
    for n in 0..count {
        tree.put(&tx, long_key(n), record(n)).expect("puts");
    }
    commit(tx, &mut tree);
    tree
}

#[test]
fn the_longest_keys_in_the_smallest_pages_still_make_a_tree() {
    let store = Store::new(PageSize::K4);
    let mut tree = filled(&store, 2000);
    let snapshot = store.pager.begin_read();
    assert_eq!(contents(&tree, &snapshot).len(), 2000);
    // Separators are cut to the first bytes that tell two leaves apart.
    assert!(depth(&tree, &snapshot) <= 3);

    // Where they cannot be cut, three children fit still.
    let twin = |n: usize| {
        let mut out = vec![b'='; MAX_KEY_LEN - 6];
        out.extend_from_slice(format!("{n:06}").as_bytes());
        // The difference stands at the end, and the prefix is not shared by all.
        out[0] = b'a' + (n % 20) as u8;
        out
    };
    let tx = store.write();
    for n in 0..2000 {
        tree.put(&tx, twin(n), record(n)).expect("puts");
    }
    commit(tx, &mut tree);
    assert_eq!(contents(&tree, &store.pager.begin_read()).len(), 4000);
}

#[test]
fn deleting_most_keys_merges_pages_and_lowers_the_root() {
    let store = Store::new(PageSize::K4);
    let mut tree = filled(&store, 3000);
    let before = pages(&tree, &store.pager.begin_read());
    let tx = store.write();
    for n in (0..3000).filter(|n| n % 100 != 0) {
        tree.delete(&tx, long_key(n)).expect("deletes");
    }
    commit(tx, &mut tree);
    let snapshot = store.pager.begin_read();
    assert_eq!(contents(&tree, &snapshot).len(), 30);
    let after = pages(&tree, &snapshot);
    assert!(after <= before / 50 && after <= 20, "{before} pages before, {after} after");
    let tx = store.write();
    for n in (100..3000).step_by(100) {
        tree.delete(&tx, long_key(n)).expect("deletes");
    }
    commit(tx, &mut tree);
    let snapshot = store.pager.begin_read();
    assert_eq!((pages(&tree, &snapshot), depth(&tree, &snapshot)), (1, 1), "the root is a leaf again");
    assert!(store.overhead(&tree) < 16);
}

#[test]
fn deleting_one_by_one_from_either_end_never_leaves_a_root_with_one_child() {
    for from_the_end in [false, true] {
        let store = Store::new(PageSize::K4);
        let mut tree = filled(&store, 300);
        let mut order: Vec<_> = (0..300).collect();
        if from_the_end {
            order.reverse();
        }
        for some in order.chunks(7) {
            let tx = store.write();
            for n in some {
                tree.delete(&tx, long_key(*n)).expect("deletes");
            }
            commit(tx, &mut tree);
            let snapshot = store.pager.begin_read();
            if let Some(root) = snapshot.root() {
                let page = snapshot.page_of(root, &[storage_core::page::PageKind::Inner, RecordLeaf::KIND]);
                let page = page.expect("reads");
                if page.kind() == storage_core::page::PageKind::Inner {
                    assert!(InnerPage::open(&page).expect("reads").count() > 1);
                }
            }
        }
        assert_eq!(tree.root(), Some(None));
        assert!(store.overhead(&tree) < 16);
    }
}

#[test]
fn a_leaf_that_outgrows_its_page_comes_out_even() {
    assert_even::<RecordLeaf>(185, |n| (key(n), record(n / 10)));
    let edge = |n: usize| EdgeKey { vertex: n as u64 / 100, edge_type: 0, neighbor: n as u64 * 37, rank: 0 };
    assert_even::<EdgeLeaf<false>>(2200, |n| (edge(n), ()));
}

/// A page nearly full, then a third more entries between those it has, or behind them: those fill it up first.
fn assert_even<F: LeafFormat>(count: usize, entry: impl Fn(usize) -> (F::Key, F::Value)) {
    for between in [true, false] {
        let store = Store::new(PageSize::K4);
        let (mut tree, tx) = (Tree::<F>::empty(), store.write());
        let put = |tree: &mut Tree<F>, tx: &Transaction, n| {
            let (key, value) = entry(n);
            tree.put(tx, key, value).expect("puts");
        };
        (0..count).for_each(|n| put(&mut tree, &tx, n * 10));
        commit(tx, &mut tree);
        let tx = store.write();
        let before = pages(&tree, &tx);
        let more = |n| if between { n * 10 + 5 } else { (count + n) * 10 };
        (0..count / 3).for_each(|n| put(&mut tree, &tx, more(n)));
        commit(tx, &mut tree);
        let snapshot = store.pager.begin_read();
        let mut used = Vec::new();
        tree.visit(&snapshot, &mut |_, page| {
            used.extend((page.kind() == F::KIND).then_some(page.used()));
            Ok(())
        })
        .expect("reads");
        assert!(before == 1 && used.len() == 2, "one page, and then two: {before}, {used:?}");
        let (least, most) = (used[0].min(used[1]), used[0].max(used[1]));
        assert_eq!(least > most * 2 / 3, between, "{used:?}");
    }
}

#[test]
fn weight_counts_changes_and_falls_when_they_are_undone() {
    let store = Store::new(PageSize::K4);
    let (mut tree, tx) = (Records::empty(), store.write());
    let mut last = 0;
    for n in 0..100 {
        tree.put(&tx, key(n), record(n)).expect("puts");
        assert!(tree.weight() > last);
        last = tree.weight();
    }
    tree.put(&tx, key(99), record(99)).expect("puts");
    assert_eq!(tree.weight(), last, "the same again weighs the same");
    let clone = tree.clone();
    tree.delete(&tx, key(99)).expect("deletes");
    assert!(tree.weight() < last && clone.weight() == last, "what it held is gone");
    let mut again = clone.clone();
    for n in (0..10).flat_map(|_| 0..100) {
        again.put(&tx, key(n), record(n)).expect("puts");
        assert!(again.weight() < 2 * last, "what newer changes hide goes before it takes much");
    }
    commit(tx, &mut tree);
    let tx = store.write();
    tree.delete(&tx, key(5)).expect("deletes");
    assert!(tree.weight() > 0, "what lies below must be hidden");
}

#[test]
fn clones_do_not_see_each_others_changes() {
    let store = Store::new(PageSize::K4);
    let first = filled(&store, 500);
    let tx = store.write();
    let mut second = first.clone();
    second.put(&tx, long_key(7), record(1)).expect("puts");
    let mut third = second.clone();
    third.put(&tx, long_key(7), record(2)).expect("puts");
    third.delete(&tx, long_key(400)).expect("deletes");
    let seen = |tree: &Records, n| tree.get(&tx, &long_key(n)).expect("reads");
    assert_eq!(
        [seen(&first, 7), seen(&second, 7), seen(&third, 7)],
        [record(7), record(1), record(2)].map(Some)
    );
    assert_eq!((seen(&second, 400), seen(&third, 400)), (Some(record(400)), None));
    assert_eq!(second.weight(), {
        let mut again = first.clone();
        again.put(&tx, long_key(7), record(1)).expect("puts");
        again.weight()
    });
}

#[test]
fn a_failed_flush_leaves_the_tree_readable() {
    let bytes = MemoryStore::with_limit(Vec::new(), 1 << 20);
    let device = MemoryDevice::open(&bytes, &OpenOptions::create(PageSize::K4)).expect("a new device");
    let store =
        Store { pager: Pager::create(Arc::new(device), &options(PageSize::K4)).expect("a store"), bytes };
    let (mut tree, mut tx) = (Records::empty(), store.write());
    for n in 0..2000 {
        tree.put(&tx, long_key(n), record(n)).expect("puts");
    }
    let error = tree.flush(&mut tx).expect_err("a mebibyte is too small");
    assert!(matches!(error, WriteError::DiskFull { .. }), "{error}");
    assert!(tree.is_dirty());
    assert_eq!(tree.get(&tx, &long_key(77)).expect("reads"), Some(record(77)));
    drop(tx);
    let (mut tree, tx) = (Records::empty(), store.write());
    tree.put(&tx, key(1), record(1)).expect("puts");
    commit(tx, &mut tree);
}
