//! The same through a tree over a real pager, with a cache of 16 pages: flushes rewrite only the leaves that changed, so
//! what a leaf says must not depend on the leaf behind it.

use super::*;
use crate::btree::Tree;
use crate::edge::page;
use std::sync::Arc;
use storage_core::device::OpenOptions;
use storage_core::device::memory::{MemoryDevice, MemoryStore};
use storage_core::pager::{PageError, Pager, PagerOptions, ReadPages};

type Edges = Tree<EdgeLeaf<true>>;

fn store(size: PageSize) -> Arc<Pager> {
    let device =
        MemoryDevice::open(&MemoryStore::new(Vec::new()), &OpenOptions::create(size)).expect("a device");
    let options = PagerOptions { cache_bytes: 16 * size.bytes(), ..PagerOptions::default() };
    Pager::create(Arc::new(device), &options).expect("a store")
}

/// The pages that hold edges of `vertex`, as the tree's bounds tell.
fn pages_of(tree: &Edges, pages: &impl ReadPages, vertex: u64) -> Vec<storage_core::pager::Page> {
    let mut found = Vec::new();
    for leaf in tree.leaves(pages, &EdgeKey::first_of(vertex).to_bytes()) {
        let leaf = leaf.expect("a sound tree");
        found.extend(leaf.page);
        if !leaf.upper.is_some_and(|upper| goes_on(&upper, vertex)) {
            break;
        }
    }
    found
}

/// Compares a clean tree with the keys, in every way a page can be read.
fn compare(tree: &Edges, pages: &impl ReadPages, keys: &Keys) {
    let entries = tree.range(pages, ..).map(|entry| entry.expect("readable").0);
    assert!(entries.eq(keys.iter().copied()));
    let mut scanned: Vec<(u64, u64)> = Vec::new();
    for leaf in tree.leaves(pages, &[]) {
        let Some(page) = leaf.expect("a sound tree").page else { continue };
        page::validate(&page).expect("valid");
        let vertices: Vec<u64> = page::vertices(&page).expect("readable").collect();
        assert_eq!(vertices.first(), Some(&page::first_vertex(&page).expect("readable")));
        assert_eq!(vertices.last(), Some(&page::last_vertex(&page).expect("readable")));
        let mut add =
            |vertex, targets: &[u64]| scanned.extend(targets.iter().map(|target| (vertex, *target)));
        page::scan(&page, None, &mut Vec::new(), &mut add).expect("readable");
    }
    assert!(scanned.iter().copied().eq(keys.iter().map(|key| (key.vertex, key.neighbor))));
    for vertex in keys.iter().map(|key| key.vertex).collect::<BTreeSet<_>>() {
        let expected: Vec<_> =
            keys.range(range_of(vertex)).map(|k| (k.edge_type, k.neighbor, k.rank)).collect();
        let (mut edges, mut targets, mut degree) = (Vec::new(), Vec::new(), 0);
        for page in pages_of(tree, pages, vertex) {
            page::edges(&page, vertex, &mut edges).expect("readable");
            let (had, segment) =
                (targets.len(), page::targets(&page, vertex, None, &mut targets).expect("readable"));
            assert_eq!(had + segment.edges, targets.len());
            assert_eq!(segment.at_end, page::last_vertex(&page).expect("readable") <= vertex);
            degree += page::degree(&page, vertex, None).expect("readable");
        }
        assert_eq!((&edges, degree), (&expected, expected.len() as u64));
        assert!(targets.iter().eq(expected.iter().map(|(_, neighbor, _)| neighbor)));
    }
    for key in keys.iter().step_by(97) {
        assert_eq!(tree.get(pages, key).expect("readable"), Some(()));
        let pages = pages_of(tree, pages, key.vertex);
        let (mut ranks, mut contained) = (Vec::new(), false);
        for page in &pages {
            contained |= page::contains(page, key.vertex, key.edge_type, key.neighbor).expect("readable");
            page::ranks(page, key.vertex, key.edge_type, key.neighbor, &mut ranks).expect("readable");
        }
        assert!(contained && ranks.contains(&key.rank));
    }
}

fn range_of(vertex: u64) -> std::ops::RangeInclusive<EdgeKey> {
    EdgeKey::first_of(vertex)..=key(vertex, u32::MAX, u64::MAX, u32::MAX)
}

#[test]
fn a_tree_of_edges_follows_a_model_through_many_flushes() {
    for (seed, size) in [(1, PageSize::K4), (2, PageSize::K4), (3, PageSize::K16)] {
        println!("seed {seed}, {size}");
        let (mut rng, pager) = (Rng::new(seed), store(size));
        let mut keys = web(seed, 2_000);
        let mut tx = pager.begin_write().expect("nobody else writes");
        let mut builder = Edges::builder(size, 90);
        keys.iter().for_each(|key| builder.push(&mut tx, *key, ()).expect("written"));
        let mut tree = builder.finish(&mut tx).expect("written");
        tx.commit(tree.root().expect("clean")).expect("commits");
        for round in 0..30 {
            let mut tx = pager.begin_write().expect("nobody else writes");
            // Hub 700 grows and shrinks over many leaves; elsewhere edges come and go.
            for _ in 0..rng.below(3_000) {
                let vertex = if rng.chance(2, 3) { 700 } else { rng.below(2_000) };
                let (edge_type, rank) = (rng.below(2) as u32, rng.below(2) as u32);
                let edge = key(vertex, edge_type, rng.below(1 << 20), rank);
                tree.put(&tx, edge, ()).expect("descends");
                keys.insert(edge);
            }
            let keep = if round % 5 == 4 { 2 } else { 9 };
            for edge in keys.iter().copied().filter(|_| rng.chance(1, keep)).collect::<Vec<_>>() {
                tree.delete(&tx, edge).expect("descends");
                keys.remove(&edge);
            }
            let root = tree.flush(&mut tx).expect("flushes");
            tx.commit(root).expect("commits");
            compare(&tree, &pager.begin_read(), &keys);
        }
    }
}

#[test]
fn a_damaged_page_is_named_by_every_reader() {
    let pager = store(PageSize::K4);
    let mut tx = pager.begin_write().expect("nobody else writes");
    let mut leaves = pack(PageSize::K4, 100, &web(5, 100));
    leaves.truncate(1);
    let mut image = storage_core::page::PageImage::new(PageSize::K4, PageKind::EdgeIn, page::CODEC);
    image.bytes_mut().copy_from_slice(leaves[0].image.bytes());
    let first = open(&leaves[0]).head.first;
    // The first list begins in the directory.
    image.bytes_mut()[48] = 49;
    image.bytes_mut()[49] = 0;
    image.set_used(leaves[0].image.used());
    let written = tx.write(vec![image]).expect("written")[0];
    let page = tx.page(written, PageKind::EdgeIn).expect("its checksum is right");
    let named = |error: PageError| error.page() == Some(written.page());
    assert!(page::targets(&page, first, None, &mut Vec::new()).is_err_and(named));
    assert!(page::edges(&page, first, &mut Vec::new()).is_err_and(named));
    assert!(page::degree(&page, first, None).is_err_and(named));
    assert!(page::contains(&page, first, 0, 0).is_err_and(named));
    assert!(page::scan(&page, None, &mut Vec::new(), &mut |_, _| {}).is_err_and(named));
    assert!(page::validate(&page).is_err_and(named));
    let mut entries = EdgeLeaf::<true>::entries(page).expect("the fields are right");
    assert!(entries.next().is_some_and(|entry| entry.is_err_and(named)));
    assert!(entries.next().is_none(), "nothing after an error");
}
