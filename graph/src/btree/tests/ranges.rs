//! Ranges with all sorts of bounds, in both directions, over clean and changed trees.

use super::*;
use std::ops::Bound;

fn bounds(rng: &mut Rng, keys: usize) -> Bound<Vec<u8>> {
    let at = key(rng.index(keys + 20));
    match rng.index(5) {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(at),
        _ => Bound::Excluded(at),
    }
}

fn within(key: &[u8], from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    let low = match from {
        Bound::Unbounded => true,
        Bound::Included(from) => key >= from.as_slice(),
        Bound::Excluded(from) => key > from.as_slice(),
    };
    low && match to {
        Bound::Unbounded => true,
        Bound::Included(to) => key <= to.as_slice(),
        Bound::Excluded(to) => key < to.as_slice(),
    }
}

fn compare(tree: &Records, pages: &impl ReadPages, model: &Model, rng: &mut Rng) {
    for _ in 0..300 {
        let (from, to) = (bounds(rng, 2000), bounds(rng, 2000));
        let mut expected: Vec<_> = model.iter().filter(|(key, _)| within(key, &from, &to)).collect();
        let found: Vec<_> =
            tree.range(pages, (from.clone(), to.clone())).collect::<Result<_, _>>().expect("reads");
        assert!(
            found.iter().map(|(key, record)| (key, record)).eq(expected.iter().copied()),
            "{from:?} {to:?}"
        );
        expected.reverse();
        let found: Vec<_> =
            tree.range_back(pages, (from.clone(), to.clone())).collect::<Result<_, _>>().expect("reads");
        assert!(found.iter().map(|(key, record)| (key, record)).eq(expected), "back {from:?} {to:?}");
    }
}

#[test]
fn every_kind_of_bounds_gives_what_a_map_gives() {
    let (seed, store) = (21, Store::new(PageSize::K4));
    println!("seed {seed}");
    let (mut rng, mut tree, mut model) = (Rng::new(seed), Records::empty(), Model::new());
    let tx = store.write();
    for n in (0..2000).filter(|n| n % 3 != 0) {
        tree.put(&tx, key(n), record(n)).expect("puts");
        model.insert(key(n), record(n));
    }
    compare(&tree, &tx, &model, &mut rng);
    commit(tx, &mut tree);
    compare(&tree, &store.pager.begin_read(), &model, &mut rng);

    let tx = store.write();
    for _ in 0..300 {
        let n = rng.index(2000);
        if rng.chance(1, 2) {
            tree.put(&tx, key(n), record(n + 1)).expect("puts");
            model.insert(key(n), record(n + 1));
        } else {
            tree.delete(&tx, key(n)).expect("deletes");
            model.remove(&key(n));
        }
    }
    compare(&tree, &tx, &model, &mut rng);
}

#[test]
fn reversed_bounds_give_nothing_and_do_not_panic() {
    let store = Store::new(PageSize::K4);
    let (mut tree, tx) = (Records::empty(), store.write());
    for n in 0..100 {
        tree.put(&tx, key(n), record(n)).expect("puts");
    }
    assert_eq!(tree.range(&tx, key(50)..key(20)).count(), 0);
    assert_eq!(tree.range_back(&tx, key(50)..key(20)).count(), 0);
    let nothing = (Bound::Excluded(key(50)), Bound::Excluded(key(50)));
    assert_eq!(tree.range(&tx, nothing.clone()).count(), 0);
    assert_eq!(tree.range_back(&tx, nothing).count(), 0);
    assert_eq!(tree.range(&tx, key(50)..=key(50)).count(), 1);
}

#[test]
fn an_empty_tree_has_no_leaves_and_no_entries() {
    let store = Store::new(PageSize::K4);
    let (mut tree, mut tx) = (Records::empty(), store.write());
    assert_eq!((tree.range(&tx, ..).count(), tree.range_back(&tx, ..).count()), (0, 0));
    assert_eq!(tree.leaves(&tx, b"x").count(), 0);
    tree.delete(&tx, key(1)).expect("deletes");
    assert!(!tree.is_dirty(), "to delete from nothing changes nothing");
    tree.put(&tx, key(1), record(1)).expect("puts");
    tree.delete(&tx, key(1)).expect("deletes");
    assert_eq!(tree.get(&tx, &key(1)).expect("reads"), None);
    assert_eq!(tree.flush(&mut tx).expect("flushes"), None);
}

#[test]
fn leaves_begin_with_the_one_that_covers_a_key() {
    let store = Store::new(PageSize::K4);
    let (mut tree, tx) = (Records::empty(), store.write());
    for n in 0..3000 {
        tree.put(&tx, key(n), record(n)).expect("puts");
    }
    commit(tx, &mut tree);
    let snapshot = store.pager.begin_read();
    for n in (0..3000).step_by(97) {
        let leaf = tree.leaves(&snapshot, &key(n)).next().expect("a leaf").expect("reads");
        let page = leaf.page.clone().expect("a clean leaf is a page");
        assert!(leaf.delta.is_none());
        assert_eq!(RecordLeaf::find(&page, &key(n)).expect("reads"), Some(record(n)));
    }
}
