//! What node pages promise: packed, written, read back; and written with changed bytes.

use super::layout::{DELTAS, ENTRIES, WIDTH};
use super::*;
use crate::btree::{LeafPacker, PackedLeaf};
use crate::model::Value;
use crate::node::{LongKind, Plan, fit};
use crate::overflow;
use crate::value::random;
use std::ops::RangeBounds;
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::device::sim::Rng;
use storage_core::page::{HEADER_LEN, PageImage};
use storage_core::pager::{Pager, PagerOptions, ReadPages, Transaction};

const SIZES: [PageSize; 3] = [PageSize::K4, PageSize::K16, PageSize::K64];

fn pager(size: PageSize) -> Arc<Pager> {
    let options = PagerOptions { cache_bytes: 16 * size.bytes(), ..PagerOptions::default() };
    Pager::create(Arc::new(MemoryDevice::new(size)), &options).expect("a new store")
}

fn pack(size: PageSize, fill: u8, nodes: &[(u64, NodeRecord)]) -> Vec<PackedLeaf> {
    let mut out = Vec::new();
    let mut packer = NodeLeaf::packer(size, fill);
    for (id, record) in nodes {
        packer.push(*id, record.clone(), &mut out);
    }
    packer.finish(&mut out);
    out
}

fn write(tx: &mut Transaction, leaves: Vec<PackedLeaf>) -> Vec<Page> {
    let images = leaves.into_iter().map(|leaf| leaf.image).collect();
    let written = tx.write(images).expect("written");
    written.into_iter().map(|at| tx.page(at, PageKind::Node).expect("readable")).collect()
}

fn same_record(a: &NodeRecord, b: &NodeRecord) -> bool {
    let stored = |(a, b): (&(u32, Stored), &(u32, Stored))| match (&a.1, &b.1) {
        (Stored::Inline(x), Stored::Inline(y)) => a.0 == b.0 && random::same(x, y),
        _ => a == b,
    };
    (a.label, &a.key, a.props.len()) == (b.label, &b.key, b.props.len())
        && a.props.iter().zip(&b.props).all(stored)
}

fn record(rng: &mut Rng, size: PageSize, long: Written) -> NodeRecord {
    let label = if rng.chance(1, 20) { rng.next_u64() as u32 } else { rng.below(3) as u32 };
    let mut record = NodeRecord::plain(label);
    if rng.chance(1, 2) {
        return record;
    }
    record.key = match rng.below(4) {
        0 => Some(Key::Int(random::integer(rng))),
        1 => Some(Key::Text(random::text(rng))),
        2 if rng.chance(1, 50) => Some(Key::Text("\0".repeat(Key::MAX_LEN))),
        _ => None,
    };
    let mut property = 0;
    for _ in 0..rng.below(6) {
        property += 1 + if rng.chance(1, 10) { rng.below(1 << 28) as u32 } else { rng.below(4) as u32 };
        let stored = match rng.below(10) {
            0 => Stored::Overflow { kind: LongKind::Text, len: rng.next_u64() >> rng.below(64), root: long },
            _ => Stored::Inline(random::value(rng)),
        };
        record.props.push((property, stored));
    }
    while fit(&record, size) != Plan::Fits {
        record.props.pop();
    }
    record
}

fn ids(rng: &mut Rng, count: usize) -> Vec<u64> {
    let mut id = [0, 1, 1 << 40, rng.next_u64() >> 1][rng.index(4)];
    let gaps = [1, 2, 5, 1000, 1 << 20, 1 << 40][rng.index(6)];
    let mut out = Vec::new();
    while out.len() < count && id < u64::MAX {
        out.push(id);
        let gap = if rng.chance(1, 4) { 1 + rng.below(gaps) } else { 1 };
        id = id.saturating_add(gap);
    }
    if rng.chance(1, 3) && out.last().is_some_and(|last| *last < u64::MAX - 1) {
        out.push(u64::MAX - 1);
    }
    out
}

/// Any range is counted as the page's entries say.
fn counts(page: &Page, rng: &mut Rng) {
    let ids: Vec<u64> =
        NodeLeaf::entries(page.clone()).expect("entries").map(|entry| entry.expect("an entry").0).collect();
    let end = |rng: &mut Rng| {
        let id = ids[rng.index(ids.len())];
        let id = id.saturating_add(rng.below(3)).saturating_sub(rng.below(3));
        [Bound::Unbounded, Bound::Included(id), Bound::Excluded(id)][rng.index(3)]
    };
    for _ in 0..10 {
        let (from, to) = (end(rng), end(rng));
        let expected = ids.iter().filter(|id| (from, to).contains(*id)).count() as u64;
        let found = NodeLeaf::count(page, from.as_ref(), to.as_ref()).expect("counted");
        assert_eq!(found, expected, "{from:?} to {to:?}");
    }
    let some = ids.iter().step_by(7).flat_map(|id| [*id, id + 1]).collect::<std::collections::BTreeSet<_>>();
    let expected = some.iter().filter(|id| ids.binary_search(id).is_ok()).count() as u64;
    assert_eq!(NodeLeaf::held(page, some.iter()).expect("looked up"), expected);
}

/// Everything that reading says about a page agrees with what was put in.
fn agrees(pages: &[Page], nodes: &[(u64, NodeRecord)], rng: &mut Rng) {
    let back: Vec<_> =
        pages.iter().flat_map(|page| NodeLeaf::entries(page.clone()).expect("entries")).collect();
    assert_eq!(back.len(), nodes.len());
    for ((id, record), back) in nodes.iter().zip(back) {
        let (back_id, back) = back.expect("an entry");
        assert!(
            *id == back_id && same_record(record, &back),
            "{id} {record:?} came back as {back_id} {back:?}"
        );
    }
    let mut at = 0;
    for page in pages {
        counts(page, rng);
        assert_eq!(ids_by_runs(page), ids_by_spans(page));
        let spans: Vec<_> = scan(page.clone()).expect("spans").collect::<Result<_, _>>().expect("a span");
        let count: u64 = spans.iter().map(|span| u64::from(span.count)).sum();
        assert_eq!(count, u64::from(node_count(page).expect("a header")));
        for span in spans {
            for offset in 0..u64::from(span.count) {
                let (id, record) = &nodes[at];
                assert_eq!(
                    (*id, record.label, record.is_plain()),
                    (span.first + offset, span.label, span.plain)
                );
                at += 1;
            }
        }
    }
    let mut first = 0;
    for page in pages {
        let count = node_count(page).expect("a header") as usize;
        let own = &nodes[first..first + count];
        first += count;
        for _ in 0..60 {
            let (id, record) = &own[rng.index(own.len())];
            let found = NodeLeaf::find(page, id).expect("readable").expect("there");
            assert!(same_record(record, &found));
            assert_eq!(label(page, *id).expect("readable"), Some(record.label));
            assert_eq!(name(page, *id).expect("readable"), Some((record.label, record.key.clone())));
            for (id, other) in
                [(id.saturating_sub(1), 0), (*id, rng.below(9) as u32), (id.saturating_add(1), 2)]
            {
                let there = own.binary_search_by_key(&id, |(id, _)| *id).ok().map(|i| &own[i].1);
                assert_eq!(contains(page, id).expect("readable"), there.is_some(), "{id}");
                assert_eq!(NodeLeaf::find(page, &id).expect("readable").is_some(), there.is_some());
                let one = property(page, id, other).expect("readable");
                assert_eq!(one.is_some(), there.is_some());
                assert_eq!(one.flatten().is_some(), there.is_some_and(|r| r.stored(other).is_some()));
            }
        }
    }
}

#[test]
fn random_nodes_come_back_at_every_page_size() {
    for size in SIZES {
        let pager = pager(size);
        for seed in 0..60 {
            let rng = &mut Rng::new(seed);
            let mut tx = pager.begin_write().expect("a transaction");
            let long = overflow::write(&mut tx, &[1, 2, 3]).expect("written");
            let count = [1, 10, 500, 5000][rng.index(4)];
            let nodes: Vec<_> = ids(rng, count).into_iter().map(|id| (id, record(rng, size, long))).collect();
            let fill = [100, 90, 50, 1][rng.index(4)];
            let leaves = pack(size, fill, &nodes);
            let mut separators = leaves.iter().map(|leaf| leaf.separator.clone());
            assert!(separators.clone().zip(separators.clone().skip(1)).all(|(a, b)| a < b));
            assert_eq!(separators.next(), Some(nodes[0].0.to_be_bytes().to_vec()));
            let pages = write(&mut tx, leaves);
            agrees(&pages, &nodes, rng);
            let named: usize = pages.iter().map(|page| references(page).expect("readable").len()).sum();
            let put =
                nodes.iter().flat_map(|(_, r)| &r.props).filter(|(_, s)| !matches!(s, Stored::Inline(_)));
            assert_eq!(named, put.count(), "seed {seed}");
        }
    }
}

#[test]
fn nothing_packed_is_no_page() {
    assert!(pack(PageSize::K4, 100, &[]).is_empty());
}

#[test]
fn plain_nodes_in_a_row_take_a_few_bytes_and_a_page_ends_at_65536() {
    let pager = pager(PageSize::K16);
    let mut tx = pager.begin_write().expect("a transaction");
    let nodes: Vec<_> = (5..200_005).map(|id| (id, NodeRecord::plain(3))).collect();
    let leaves = pack(PageSize::K16, 100, &nodes);
    assert_eq!(leaves.len(), 4);
    assert!(leaves.iter().all(|leaf| leaf.image.used() <= DELTAS + 10));
    let pages = write(&mut tx, leaves);
    let counts: Vec<_> = pages.iter().map(|page| node_count(page).expect("a header")).collect();
    assert_eq!(counts, [65_536, 65_536, 65_536, 3392]);
    agrees(&pages, &nodes, &mut Rng::new(1));
}

#[test]
fn plain_nodes_with_gaps_take_about_two_bytes_a_gap() {
    let rng = &mut Rng::new(2);
    let mut id = 0;
    for most in [2, 3, 10, 100] {
        let nodes: Vec<_> = (0..100_000)
            .map(|_| {
                id += 1 + rng.below(most);
                (id, NodeRecord::plain(1))
            })
            .collect();
        let used: usize = pack(PageSize::K16, 100, &nodes).iter().map(|leaf| leaf.image.used()).sum();
        // Two bytes a gap, and an entry for each 32 of them: more in an entry, and a look-up goes through more.
        assert!(used < nodes.len() * 22 / 10, "{used} bytes for gaps below {most}");
    }
}

#[test]
fn a_run_is_split_where_a_node_changes_and_joined_again() {
    let pager = pager(PageSize::K4);
    let mut tx = pager.begin_write().expect("a transaction");
    let mut nodes: Vec<_> = (0..1000).map(|id| (id, NodeRecord::plain(1))).collect();
    let entries = |page: &Page| page[ENTRIES];
    let plain = write(&mut tx, pack(PageSize::K4, 100, &nodes));
    assert_eq!(entries(&plain[0]), 1);
    nodes[500].1.props.push((7, Stored::Inline(Value::Null)));
    nodes[700].1.label = 2;
    nodes.remove(900);
    let split = write(&mut tx, pack(PageSize::K4, 100, &nodes));
    assert_eq!((split.len(), entries(&split[0])), (1, 5), "run, node, run, other label, run with a gap");
    agrees(&split, &nodes, &mut Rng::new(3));
    let again: Vec<_> = split
        .into_iter()
        .flat_map(|page| NodeLeaf::entries(page).expect("entries"))
        .map(|entry| {
            entry.map(|(id, record)| (id, NodeRecord { label: record.label.min(1), props: vec![], ..record }))
        })
        .collect::<Result<_, _>>()
        .expect("readable");
    let joined = write(&mut tx, pack(PageSize::K4, 100, &again));
    assert_eq!(entries(&joined[0]), 1);
}

#[test]
fn differences_of_ids_are_as_wide_as_they_must_be() {
    let pager = pager(PageSize::K4);
    let mut tx = pager.begin_write().expect("a transaction");
    for (last, width) in [(0xffff, 2), (0x1_0000, 4), (0xffff_ffff, 4), (1 << 32, 8), (u64::MAX - 1, 8)] {
        let nodes: Vec<_> = [0, 1, last]
            .map(|id| (id, NodeRecord { key: Some(Key::Int(-1)), ..NodeRecord::plain(0) }))
            .into();
        let pages = write(&mut tx, pack(PageSize::K4, 100, &nodes));
        assert_eq!(usize::from(pages[0][WIDTH]), width);
        agrees(&pages, &nodes, &mut Rng::new(4));
    }
}

#[test]
fn pages_with_changed_bytes_never_panic_nor_give_more_than_a_page_may_hold() {
    for size in SIZES {
        let pager = pager(size);
        let mut tx = pager.begin_write().expect("a transaction");
        let long = overflow::write(&mut tx, &[1, 2, 3]).expect("written");
        for seed in 0..if size == PageSize::K64 { 300 } else { 1500 } {
            let rng = &mut Rng::new(seed);
            let count = [3, 40, 400][rng.index(3)];
            let nodes: Vec<_> = ids(rng, count).into_iter().map(|id| (id, record(rng, size, long))).collect();
            let Some(leaf) = pack(size, 100, &nodes).into_iter().next() else { continue };
            let page = changed(&mut tx, rng, &leaf.image);
            survives(&page, &nodes, rng);
        }
    }
}

/// The page of an image in which a few bytes are others.
fn changed(tx: &mut Transaction, rng: &mut Rng, image: &PageImage) -> Page {
    let size = tx.pager().page_size();
    let mut copy = PageImage::new(size, PageKind::Node, 0);
    copy.bytes_mut().copy_from_slice(image.bytes());
    copy.set_used(image.used());
    for _ in 0..=rng.below(3) {
        let room = if rng.chance(1, 3) { DELTAS - HEADER_LEN } else { image.used() - HEADER_LEN };
        let at = HEADER_LEN + rng.index(room);
        let old = copy.bytes()[at];
        copy.bytes_mut()[at] =
            [rng.next_u64() as u8, old ^ 1, old ^ 0x80, 0, 0xff, old.wrapping_add(1)][rng.index(6)];
    }
    let at = tx.write(vec![copy]).expect("written")[0];
    tx.page(at, PageKind::Node).expect("readable")
}

type Ids = (Vec<(u64, u64)>, Option<String>);

fn ids_by_runs(page: &Page) -> Ids {
    let mut ids = Vec::new();
    let end = runs(page, &mut |first, count| {
        ids.push((first, count));
        Ok::<(), PageError>(())
    });
    (ids, end.err().map(|e| e.to_string()))
}

fn ids_by_spans(page: &Page) -> Ids {
    let mut ids = Vec::new();
    let each = |span: Result<NodeSpan, PageError>| {
        span.map(|span| ids.push((span.first, span.count.into()))).map_err(|e| e.to_string())
    };
    let end = match scan(page.clone()) {
        Ok(mut spans) => spans.try_for_each(each),
        Err(error) => Err(error.to_string()),
    };
    (ids, end.err())
}

fn survives(page: &Page, nodes: &[(u64, NodeRecord)], rng: &mut Rng) {
    let mut seen = 0;
    let mut last = None;
    for entry in NodeLeaf::entries(page.clone()).into_iter().flatten().flatten() {
        assert!(last < Some(entry.0), "ids ascend in whatever is read");
        last = Some(entry.0);
        seen += 1;
    }
    assert!(seen <= 65_536);
    let spans =
        scan(page.clone()).into_iter().flatten().flatten().map(|span| u64::from(span.count)).sum::<u64>();
    assert!(spans <= 65_536);
    assert_eq!(ids_by_runs(page), ids_by_spans(page), "both see the same, up to the same damage");
    let _ = references(page);
    // The whole page is counted strictly, a part of it as it comes.
    let ends =
        || [Bound::Unbounded, Bound::Included(&nodes[0].0), Bound::Excluded(&nodes[nodes.len() / 2].0)];
    for (from, to) in ends().into_iter().flat_map(|from| ends().map(|to| (from, to))) {
        let most = 65_536 * size_of_val(&page[..]) as u64;
        assert!(NodeLeaf::count(page, from, to).unwrap_or(0) <= most);
    }
    assert!(NodeLeaf::count(page, Bound::Unbounded, Bound::Unbounded).unwrap_or(0) <= 65_536);
    for _ in 0..20 {
        let (near, _) = &nodes[rng.index(nodes.len())];
        for id in [*near, near.wrapping_add(1), rng.next_u64(), 0, u64::MAX] {
            let _ = NodeLeaf::find(page, &id);
            let _ = contains(page, id);
            let _ = name(page, id);
            let _ = property(page, id, rng.below(9) as u32);
        }
    }
}
