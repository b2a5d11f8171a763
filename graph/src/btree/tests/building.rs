//! Bulk building: the same tree as inserting gives, in bounded memory.

use super::*;

fn build(store: &Store, model: &Model, fill: u8) -> Records {
    let mut tx = store.write();
    let mut builder = Records::builder(store.pager.page_size(), fill);
    for (key, record) in model {
        builder.push(&mut tx, key.clone(), record.clone()).expect("builds");
    }
    let tree = builder.finish(&mut tx).expect("builds");
    tx.commit(tree.root().expect("a built tree is clean")).expect("commits");
    tree
}

fn long_key(n: usize) -> Vec<u8> {
    let mut out = vec![b'x'; 1000];
    out.extend_from_slice(&key(n));
    out
}

#[test]
fn a_built_tree_holds_what_was_pushed() {
    for size in [PageSize::K4, PageSize::K16, PageSize::K64] {
        for count in [0, 1, 2, 3, 50, 1000, 60_000] {
            let model: Model = (0..count).map(|n| (key(n), record(n))).collect();
            let store = Store::new(size);
            let tree = build(&store, &model, 95);
            assert_equals(&tree, &store.pager.begin_read(), &model);
            assert!(store.overhead(&tree) < 16, "no page is forgotten");
            let store = store.reopen();
            let snapshot = store.pager.begin_read();
            assert_equals(&Records::open(snapshot.root()), &snapshot, &model);
        }
    }
}

#[test]
fn building_equals_inserting_and_goes_on_like_it() {
    let model: Model = (0..5000).map(|n| (long_key(n * 2), record(n))).collect();
    let built = Store::new(PageSize::K4);
    let inserted = Store::new(PageSize::K4);
    let mut first = build(&built, &model, 90);
    let mut second = Records::empty();
    let tx = inserted.write();
    for (key, record) in &model {
        second.put(&tx, key.clone(), record.clone()).expect("puts");
    }
    commit(tx, &mut second);
    assert_eq!(contents(&first, &built.pager.begin_read()), contents(&second, &inserted.pager.begin_read()));

    for (store, tree) in [(&built, &mut first), (&inserted, &mut second)] {
        let tx = store.write();
        let mut model = model.clone();
        for n in (1..10_000).step_by(7) {
            tree.put(&tx, long_key(n), record(n)).expect("puts");
            model.insert(long_key(n), record(n));
        }
        commit(tx, tree);
        assert_equals(tree, &store.pager.begin_read(), &model);
        assert!(store.overhead(tree) < 16, "no page is forgotten");
    }
}

#[test]
fn built_pages_are_as_full_as_asked() {
    let model: Model = (0..40_000).map(|n| (key(n), record(n))).collect();
    let counts = [50, 75, 100].map(|fill| {
        let store = Store::new(PageSize::K4);
        let tree = build(&store, &model, fill);
        pages(&tree, &store.pager.begin_read())
    });
    let [half, three_quarters, full] = counts;
    assert!(full * 19 / 10 < half && full * 5 / 4 < three_quarters && half < full * 22 / 10, "{counts:?}");
}

#[test]
fn an_aborted_build_leaves_nothing() {
    let store = Store::new(PageSize::K4);
    let before = store.overhead(&Records::empty());
    let mut tx = store.write();
    let mut builder = Records::builder(PageSize::K4, 100);
    for n in 0..50_000 {
        builder.push(&mut tx, key(n), record(n)).expect("builds");
    }
    assert!(builder.pages() > 256, "more than a batch");
    drop((builder, tx));
    assert_eq!(store.overhead(&Records::empty()), before);
}
