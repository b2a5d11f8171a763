//! Pages with sound checksums and nonsense in them: always an answer or an error that names a page, never a panic, and
//! always an end.

use super::*;
use crate::edge::EdgeKey;
use crate::edge::page::EdgeLeaf;
use storage_core::page::{HEADER_LEN, PageImage, PageKind};
use storage_core::pager::Page;

/// A page's body with a change, as an image that can be written.
fn image(page: &Page, used: usize, change: impl FnOnce(&mut [u8])) -> PageImage {
    let mut out = PageImage::new(PageSize::K4, page.kind(), page.codec());
    out.bytes_mut()[HEADER_LEN..used].copy_from_slice(&page[HEADER_LEN..used]);
    change(&mut out.bytes_mut()[HEADER_LEN..used]);
    out.set_used(used);
    out
}

/// Does everything that can be done with a tree whose root is this page.
fn use_up(tx: &mut Transaction, root: Written) {
    let at_most = 100_000;
    let mut tree = Records::open(Some(root));
    let some = [key(0), key(1111), Vec::new(), vec![0xff; 20]];
    for key in &some {
        let _ = tree.get(tx, key);
    }
    let forwards = tree.range(tx, ..).take(at_most).count();
    let backwards = tree.range_back(tx, ..).take(at_most).count();
    assert!(forwards < at_most && backwards < at_most, "a walk that does not end");
    let _ = tree.visit(tx, &mut |_, _| Ok(()));
    let _ = tree.visit_counted(tx, &mut |_, _| Ok(()), &mut |_| {});
    let _ = (tree.count(tx, ..), tree.count(tx, key(7)..), tree.count(tx, key(7)..=key(1500)));
    for key in some {
        if tree.put(tx, key.clone(), record(3)).is_err() || tree.delete(tx, key).is_err() {
            return;
        }
    }
    let _ = (tree.count(tx, ..), tree.count(tx, key(7)..=key(1500)));
    if let Ok(root) = tree.flush(tx) {
        let tree = Records::open(root);
        assert!(tree.range(tx, ..).take(at_most).count() < at_most);
    }
}

fn tree_of(store: &Store, key_of: fn(usize) -> Vec<u8>, count: usize) -> Records {
    let (mut tree, tx) = (Records::empty(), store.write());
    for n in 0..count {
        tree.put(&tx, key_of(n), record(n)).expect("puts");
    }
    commit(tx, &mut tree);
    tree
}

/// The root and one leaf.
fn samples(store: &Store, tree: &Records) -> Vec<Page> {
    let (mut root, mut leaf) = (None, None);
    tree.visit(&store.pager.begin_read(), &mut |_, page| {
        root.get_or_insert_with(|| page.clone());
        if page.kind() == PageKind::Record {
            leaf = Some(page.clone());
        }
        Ok(())
    })
    .expect("reads");
    root.into_iter().chain(leaf).collect()
}

fn ragged(n: usize) -> Vec<u8> {
    let mut out = key(n);
    out.resize(10 + n % 90, b'.');
    out
}

#[test]
fn every_byte_of_a_page_may_be_wrong() {
    for key_of in [key, ragged] {
        let store = Store::new(PageSize::K4);
        let tree = tree_of(&store, key_of, 3000);
        for page in samples(&store, &tree) {
            for at in 0..page.used() - HEADER_LEN {
                for mask in [0x01, 0x80, 0xff] {
                    let mut tx = store.write();
                    let bad = image(&page, page.used(), |body| body[at] ^= mask);
                    let root = tx.write(vec![bad]).expect("writes")[0];
                    use_up(&mut tx, root);
                }
            }
        }
    }
}

#[test]
fn any_number_of_bytes_may_be_wrong_and_any_number_missing() {
    for seed in 0..3000 {
        let mut rng = Rng::new(seed);
        println!("seed {seed}");
        let store = Store::new(PageSize::K4);
        let tree = tree_of(&store, if rng.chance(1, 2) { key } else { ragged }, 500);
        for page in samples(&store, &tree) {
            let used =
                if rng.chance(1, 3) { HEADER_LEN + rng.index(page.used() - HEADER_LEN) } else { page.used() };
            let bad = image(&page, used, |body| {
                for _ in 0..rng.index(12) {
                    // Counts, lengths and offsets stand in front.
                    let end = if rng.chance(1, 2) { body.len().min(16) } else { body.len() };
                    if end > 0 {
                        body[rng.index(end)] = rng.next_u64() as u8;
                    }
                }
            });
            let mut tx = store.write();
            let root = tx.write(vec![bad]).expect("writes")[0];
            use_up(&mut tx, root);
        }
    }
}

#[test]
fn a_child_of_the_wrong_level_or_kind_is_damage() {
    let store = Store::new(PageSize::K4);
    let tree = tree_of(&store, key, 3000);
    let mut tx = store.write();
    let root = tree.root().flatten().expect("a root");
    let separator: Box<[u8]> = key(5).into();
    // An inner page that names an inner page of its own level, and one that skips a level.
    for level in [1, 3] {
        let entries = [
            Entry { separator: Box::default(), page: root, count: 3000 },
            Entry { separator: separator.clone(), page: root, count: 3000 },
        ];
        let page = tx.write(vec![inner::encode(PageSize::K4, level, &entries)]).expect("writes")[0];
        let bad = Records::open(Some(page));
        let error = bad.get(&tx, &key(7)).expect_err("damage");
        assert_eq!(error.page(), Some(root.page()), "{error}");
        assert!(bad.visit(&tx, &mut |_, _| Ok(())).is_err());
        assert!(bad.range(&tx, ..).any(|entry| entry.is_err()));
    }
}

#[test]
fn separators_out_of_order_are_found_by_visit_and_refused_for_writing() {
    let store = Store::new(PageSize::K4);
    let tree = tree_of(&store, key, 3000);
    let root = samples(&store, &tree).remove(0);
    let view = InnerPage::open(&root).expect("an inner page");
    assert!(view.count() > 4);
    // The separators begin behind the prefix, and the first of them becomes the largest.
    let short = |at: usize| usize::from(u16::from_le_bytes([root[at], root[at + 1]]));
    let first = 40 + short(36) + if short(38) == 0 { 2 * (view.count() - 1) } else { 0 };
    let bad = image(&root, root.used(), |body| body[first - HEADER_LEN] = 0xff);
    let mut tx = store.write();
    let page = tx.write(vec![bad]).expect("writes")[0];
    let mut bad = Records::open(Some(page));
    let error = bad.visit(&tx, &mut |_, _| Ok(())).expect_err("damage");
    assert!(error.to_string().contains("ascend"), "{error}");
    assert!(bad.put(&tx, key(1), record(1)).is_err());
}

fn edge(vertex: u64, neighbor: u64) -> EdgeKey {
    EdgeKey { vertex, edge_type: 0, neighbor, rank: 0 }
}

/// A tree of leaves that hold these edges, and begin where it says, which need not be so.
fn tree_of_edges(tx: &mut Transaction, leaves: &[(Box<[u8]>, Vec<EdgeKey>)]) -> Tree<EdgeLeaf<false>> {
    let mut packed = Vec::new();
    for (_, edges) in leaves {
        let mut packer = EdgeLeaf::<false>::packer(PageSize::K4, 100);
        edges.iter().for_each(|edge| packer.push(*edge, (), &mut packed));
        packer.finish(&mut packed);
    }
    assert_eq!(packed.len(), leaves.len(), "a page a leaf");
    let pages = tx.write(packed.into_iter().map(|leaf| leaf.image).collect()).expect("writes");
    let entry = |((separator, edges), page): (&(Box<[u8]>, Vec<_>), _)| Entry {
        separator: separator.clone(),
        page,
        count: edges.len() as u64,
    };
    let entries: Vec<_> = leaves.iter().zip(pages).map(entry).collect();
    Tree::open(Some(tx.write(vec![inner::encode(PageSize::K4, 1, &entries)]).expect("writes")[0]))
}

/// Two leaves that become one page are packed as one stream: keys of the second that are not above those of the first are a
/// damaged page, and nothing that the packer may assert.
#[test]
fn a_leaf_that_begins_below_its_bound_is_refused_where_it_is_packed_behind_another() {
    let store = Store::new(PageSize::K4);
    let many: Vec<_> = (0..40).map(|n| edge(n / 8, n)).collect();
    let hub: Vec<_> = (0..40).map(|n| edge(7, 2 * n)).collect();
    for (leaf, bound) in [(many, 100u64.to_be_bytes().to_vec()), (hub, edge(7, 200).to_bytes().to_vec())] {
        let mut tx = store.write();
        let mut tree = tree_of_edges(&mut tx, &[(Box::default(), leaf.clone()), (bound.into(), leaf)]);
        tree.put(&tx, edge(3, 1000), ()).expect("puts");
        let error = tree.flush(&mut tx).expect_err("damage");
        assert!(error.to_string().contains("outside"), "{error}");
    }
}

/// The header's check knows the last vertex alone. A list of the greatest number there is stands before it.
#[test]
fn a_vertex_that_is_no_id_is_refused_in_the_midst_of_a_page() {
    let store = Store::new(PageSize::K4);
    let mut tx = store.write();
    let far = 1 << 60;
    let edges = vec![edge(5, 1), edge(far, 1), edge(far, 2), edge(2 * far, 1)];
    let tree = tree_of_edges(&mut tx, &[(Box::default(), edges)]);
    let mut leaf = None;
    let mut keep = |_, page: &Page| {
        leaf = Some(page.clone()).filter(|page| page.kind() == PageKind::EdgeOut);
        Ok(())
    };
    tree.visit(&tx, &mut keep).expect("reads");
    let leaf = leaf.expect("the leaf comes last");
    let delta = (far - 5).to_le_bytes();
    let at = leaf.windows(8).position(|eight| eight == delta).expect("a sparse directory of long deltas");
    let bad = image(&leaf, leaf.used(), |body| {
        body[at - HEADER_LEN..at - HEADER_LEN + 8].copy_from_slice(&(u64::MAX - 5).to_le_bytes());
    });
    let page = tx.write(vec![bad]).expect("writes")[0];
    let mut tree = Tree::<EdgeLeaf<false>>::open(Some(page));
    tree.put(&tx, edge(1, 1), ()).expect("puts");
    let error = tree.flush(&mut tx).expect_err("damage");
    assert!(error.to_string().contains("a vertex beyond"), "{error}");
}
