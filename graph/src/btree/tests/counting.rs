//! Counting: as exact as going through the entries, and at the cost of the way to both ends.

use super::numbers::Numbers;
use super::*;
use std::ops::Bound;
use storage_core::device::metered::Metered;
use storage_core::page::{HEADER_LEN, PageImage, PageKind};

/// An end of a range: open, or at a key that is there, or at any.
fn end<K: Clone>(rng: &mut Rng, keys: &[K], any: &mut impl FnMut(&mut Rng) -> K) -> Bound<K> {
    let key =
        if !keys.is_empty() && rng.chance(1, 2) { keys[rng.index(keys.len())].clone() } else { any(rng) };
    match rng.index(7) {
        0 => Bound::Unbounded,
        1..4 => Bound::Included(key),
        _ => Bound::Excluded(key),
    }
}

/// How many of the keys, which ascend, lie within the bounds.
fn expected<K: Ord>(keys: &[K], from: &Bound<K>, to: &Bound<K>) -> u64 {
    let begin = match from {
        Bound::Unbounded => 0,
        Bound::Included(from) => keys.partition_point(|key| key < from),
        Bound::Excluded(from) => keys.partition_point(|key| key <= from),
    };
    let end = match to {
        Bound::Unbounded => keys.len(),
        Bound::Included(to) => keys.partition_point(|key| key <= to),
        Bound::Excluded(to) => keys.partition_point(|key| key < to),
    };
    end.saturating_sub(begin) as u64
}

/// Compares counts of ranges of all kinds with these keys, which are all that the tree holds; and what its pages say of
/// each other.
pub fn assert_counts<F: LeafFormat>(
    tree: &Tree<F>,
    pages: &impl ReadPages,
    keys: &[F::Key],
    rng: &mut Rng,
    mut any: impl FnMut(&mut Rng) -> F::Key,
) {
    assert_eq!(tree.count(pages, ..).expect("counts"), keys.len() as u64);
    for _ in 0..40 {
        let (from, to) = (end(rng, keys, &mut any), end(rng, keys, &mut any));
        let found = tree.count(pages, (from.clone(), to.clone())).expect("counts");
        assert_eq!(found, expected(keys, &from, &to), "{from:?} to {to:?}");
    }
    let mut wrong = Vec::new();
    tree.visit_counted(pages, &mut |_, _| Ok(()), &mut |error| wrong.push(error)).expect("reads");
    assert!(wrong.is_empty(), "{wrong:?}");
}

type Short = Numbers<8>;

/// A store whose device counts what is read.
fn metered() -> (Arc<Metered>, Arc<Pager>) {
    let device = Arc::new(Metered::new(Arc::new(MemoryDevice::new(PageSize::K4))));
    (device.clone(), Pager::create(device, &options(PageSize::K4)).expect("a new store"))
}

#[test]
fn a_range_of_a_tall_tree_is_counted_with_two_pages_a_level() {
    type Tall = Numbers<1000>;
    let (device, pager) = metered();
    let mut tx = pager.begin_write().expect("nobody else writes");
    let mut builder = Tree::<Tall>::builder(PageSize::K4, 100);
    for n in 0..60_000 {
        builder.push(&mut tx, n * 2, ()).expect("builds");
    }
    let tree = builder.finish(&mut tx).expect("builds");
    tx.commit(tree.root().expect("a built tree is clean")).expect("commits");
    let snapshot = pager.begin_read();
    let (_, level) =
        super::super::read::load_root::<Tall>(&snapshot, snapshot.root().expect("a root")).expect("reads");
    assert!(level >= 6, "{level}");
    let (mut rng, most) = (Rng::new(5), 2 * u64::from(level) + 1);
    for _ in 0..300 {
        let (from, to) = (rng.below(120_000), rng.below(120_000));
        device.reset();
        let found = tree.count(&snapshot, from..to).expect("counts");
        let read = device.meters().read.pages;
        assert_eq!(found, to.div_ceil(2).saturating_sub(from.div_ceil(2)), "{from}..{to}");
        assert!(read <= most, "{from}..{to}: {read} pages for {level} levels above the leaves");
    }
    device.reset();
    assert_eq!(tree.count(&snapshot, ..).expect("counts"), 60_000);
    assert!(device.meters().read.pages <= 1, "the root says it all");
}

#[test]
fn of_changed_leaves_those_within_the_range_are_read_and_no_others() {
    let (device, pager) = metered();
    let (mut tree, tx) = (Tree::<Short>::empty(), pager.begin_write().expect("nobody else writes"));
    for n in 0..100_000 {
        tree.put(&tx, n * 2, ()).expect("puts");
    }
    commit(tx, &mut tree);
    let snapshot = pager.begin_read();
    let clean = tree.clone();
    // Three leaves far apart: a key that is new, one that is put again, one that goes.
    tree.put(&snapshot, 20_001, ()).expect("puts");
    tree.put(&snapshot, 100_000, ()).expect("puts");
    tree.delete(&snapshot, 180_000).expect("deletes");
    tree.delete(&snapshot, 180_001).expect("deletes");
    for (from, to, changed, differs) in
        [(0, 200_000, 3, 0), (0, 150_000, 2, 1), (60_000, 200_000, 2, -1), (30_000, 90_000, 0, 0)]
    {
        let before = clean.count(&snapshot, from..to).expect("counts");
        device.reset();
        let now = tree.count(&snapshot, from..to).expect("counts");
        assert_eq!(now as i64 - before as i64, differs, "{from}..{to}");
        let read = device.meters().read.pages;
        assert!(read <= changed + 2 * 2, "{from}..{to}: {read} pages");
    }
}

#[test]
fn bounds_that_exclude_each_other_count_nothing_and_empty_trees_neither() {
    let store = Store::new(PageSize::K4);
    let (mut tree, tx) = (Tree::<Short>::empty(), store.write());
    assert_eq!(tree.count(&tx, ..).expect("counts"), 0);
    tree.put(&tx, 7, ()).expect("puts");
    assert_eq!(tree.count(&tx, ..).expect("counts"), 1);
    for n in 0..5000 {
        tree.put(&tx, n, ()).expect("puts");
    }
    commit(tx, &mut tree);
    let snapshot = store.pager.begin_read();
    let nothing = [
        (Bound::Included(9), Bound::Excluded(9)),
        (Bound::Excluded(9), Bound::Excluded(9)),
        (Bound::Excluded(9), Bound::Excluded(10)),
        (Bound::Included(4000), Bound::Included(3)),
        (Bound::Included(5000), Bound::Unbounded),
        (Bound::Unbounded, Bound::Excluded(0)),
    ];
    for bounds in nothing {
        assert_eq!(tree.count(&snapshot, bounds).expect("counts"), 0, "{bounds:?}");
    }
    assert_eq!(tree.count(&snapshot, 9..=9).expect("counts"), 1);
}

#[test]
fn counts_take_the_least_width_that_holds_the_largest() {
    let store = Store::new(PageSize::K4);
    let mut tx = store.write();
    let leaf = |n: u64| {
        let mut image = PageImage::new(PageSize::K4, PageKind::Record, 0);
        image.bytes_mut()[HEADER_LEN] = n as u8;
        image.set_used(HEADER_LEN + 1);
        image
    };
    let children = tx.write((0..3).map(leaf).collect()).expect("writes");
    let mut before = 0;
    for (width, most) in
        [(1, 0), (1, 255), (2, 256), (3, 1 << 16), (4, 1 << 24), (6, 1 << 32), (8, 1 << 48), (8, u64::MAX)]
    {
        let entry = |(n, page): (usize, &Written)| Entry {
            separator: key(n).into(),
            page: *page,
            count: most >> (4 * n),
        };
        let entries: Vec<Entry> = children.iter().enumerate().map(entry).collect();
        let image = inner::encode(PageSize::K4, 1, &entries);
        assert_eq!(image.used(), inner::room(&entries), "{most}");
        assert_eq!(image.bytes()[HEADER_LEN + 1], width, "{most}");
        assert!(image.used() >= before);
        before = image.used();
        let at = tx.write(vec![image]).expect("writes")[0];
        let page = tx.page(at, PageKind::Inner).expect("reads");
        let view = InnerPage::open(&page).expect("an inner page");
        for (index, entry) in entries.iter().enumerate() {
            assert_eq!(view.below(index), entry.count);
        }
        let sum = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.count));
        assert_eq!((view.below_all(0..3), view.below(3), view.below_all(1..1)), (sum, 0, 0));
        assert_eq!(
            view.entries(&[], None).expect("sound").iter().map(|e| e.count).collect::<Vec<_>>(),
            entries.iter().map(|e| e.count).collect::<Vec<_>>()
        );
    }
}
