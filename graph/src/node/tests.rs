//! What the node layer promises: records in a tree against a map, long values included.

use super::*;
use crate::btree::{Record, Tree};
use crate::model::{Key, Value};
use crate::value::random;
use std::collections::{BTreeMap, HashSet, btree_map};
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::device::sim::Rng;
use storage_core::page::PageSize;
use storage_core::pager::{PageError, Pager, PagerOptions, ReadPages, Transaction};

fn store(size: PageSize) -> NodeStore {
    let options = PagerOptions { cache_bytes: 16 * size.bytes(), ..PagerOptions::default() };
    NodeStore::new(Pager::create(Arc::new(MemoryDevice::new(size)), &options).expect("a new store"))
}

/// A record with all values here, as a caller has it.
type Whole = (u32, Option<Key>, Vec<(u32, Value)>);

fn stored_form(whole: &Whole) -> NodeRecord {
    let props = whole.2.iter().map(|(property, value)| (*property, Stored::Inline(value.clone()))).collect();
    NodeRecord { label: whole.0, key: whole.1.clone(), props }
}

fn whole_form(nodes: &NodeStore, pages: &impl ReadPages, record: &NodeRecord) -> Whole {
    let value = |stored: &Stored| nodes.value(pages, stored).expect("readable");
    let props = record.props.iter().map(|(property, stored)| (*property, value(stored))).collect();
    (record.label, record.key.clone(), props)
}

fn same(a: &Whole, b: &Whole) -> bool {
    let value = |(a, b): (&(u32, Value), &(u32, Value))| a.0 == b.0 && random::same(&a.1, &b.1);
    (a.0, &a.1, a.2.len()) == (b.0, &b.1, b.2.len()) && a.2.iter().zip(&b.2).all(value)
}

fn long_value(rng: &mut Rng) -> Value {
    let len = [200, 1000, 4000, 5000, 40_000][rng.index(5)] + rng.index(50);
    match rng.below(3) {
        0 => Value::Text("é".repeat(len / 2)),
        1 => Value::Bytes(vec![rng.next_u64() as u8; len]),
        _ => Value::List((0..len / 8).map(|_| random::scalar(rng)).collect()),
    }
}

fn whole(rng: &mut Rng) -> Whole {
    let label = rng.below(3) as u32;
    let key = rng.chance(1, 3).then(|| Key::Text(random::text(rng)));
    let many = if rng.chance(1, 12) { 600 } else { rng.below(5) };
    let mut property = 0;
    let mut props = Vec::new();
    for _ in 0..if rng.chance(1, 2) { many } else { 0 } {
        property += 1 + rng.below(3) as u32;
        let long = rng.chance(1, if many > 100 { 50 } else { 4 });
        props.push((property, if long { long_value(rng) } else { random::value(rng) }));
    }
    (label, key, props)
}

/// Every page that the tree and the records in it name, and that none is named twice.
fn reachable(tree: &NodeTree, pages: &impl ReadPages) -> usize {
    let mut seen = HashSet::new();
    tree.visit(pages, &mut |at, _| {
        assert!(seen.insert(at));
        Ok(())
    })
    .expect("whole");
    let records: Vec<_> = tree.range(pages, ..).collect::<Result<_, PageError>>().expect("readable");
    for (_, record) in records {
        let mut note = |at, _: &storage_core::pager::Page| {
            assert!(seen.insert(at), "a page is named twice");
            Ok(())
        };
        visit_props(pages, &record.props, &mut note).expect("whole");
    }
    seen.len()
}

fn agrees(
    nodes: &NodeStore,
    tree: &NodeTree,
    pages: &impl ReadPages,
    model: &BTreeMap<u64, Whole>,
    rng: &mut Rng,
) {
    for (id, whole) in model {
        let record = nodes.get(tree, pages, *id).expect("readable").expect("there");
        assert!(same(whole, &whole_form(nodes, pages, &record)), "node {id}");
        assert_eq!(nodes.name(tree, pages, *id).expect("readable"), Some((whole.0, whole.1.clone())));
        let property = rng.below(6) as u32;
        let value = nodes.property(tree, pages, *id, property).expect("readable").expect("it is there");
        let expected = whole.2.iter().find(|(p, _)| *p == property);
        assert_eq!(value.is_some(), expected.is_some());
        assert!(value.iter().zip(expected).all(|(a, (_, b))| random::same(a, b)));
    }
    for id in (0..200).filter(|id| !model.contains_key(id)) {
        assert!(!nodes.contains(tree, pages, id).expect("readable"));
        assert!(nodes.get(tree, pages, id).expect("readable").is_none());
        assert!(nodes.property(tree, pages, id, 1).expect("readable").is_none());
    }
    let from = rng.below(100);
    let mut spans = Vec::new();
    for span in nodes.spans(tree, pages, from) {
        let span = span.expect("readable");
        spans.extend((0..u64::from(span.count)).map(|i| (span.first + i, span.label, span.plain)));
    }
    let expected: Vec<_> =
        model.range(from..).map(|(id, w)| (*id, w.0, w.1.is_none() && w.2.is_empty())).collect();
    assert_eq!(spans, expected);
}

fn change(
    nodes: &NodeStore,
    tree: &mut NodeTree,
    tx: &mut Transaction,
    model: &mut BTreeMap<u64, Whole>,
    rng: &mut Rng,
) {
    let id = if rng.chance(1, 20) { u64::MAX - 1 - rng.below(3) } else { rng.below(200) };
    if rng.chance(1, 4) {
        let there = nodes.remove(tree, tx, id).expect("removed");
        assert_eq!(there, model.remove(&id).is_some());
    } else if let btree_map::Entry::Vacant(place) = model.entry(id) {
        let whole = place.insert(whole(rng));
        nodes.add(tree, tx, id, stored_form(whole)).expect("added");
    } else if rng.chance(1, 2) {
        // What a caller does who sets one property: the others go back as they came.
        let mut record = nodes.get(tree, tx, id).expect("readable").expect("there");
        let whole = model.get_mut(&id).expect("there");
        let (property, value) = (4_000_000, long_value(rng));
        record.props.retain(|(p, _)| *p != property);
        whole.2.retain(|(p, _)| *p != property);
        record.props.push((property, Stored::Inline(value.clone())));
        whole.2.push((property, value));
        assert!(nodes.update(tree, tx, id, record).expect("updated"));
    } else {
        let whole = whole(rng);
        assert!(nodes.update(tree, tx, id, stored_form(&whole)).expect("updated"));
        model.insert(id, whole);
    }
}

#[test]
fn a_tree_of_nodes_is_what_a_map_is_and_names_every_page_that_was_written() {
    for (size, seed) in [(PageSize::K4, 21), (PageSize::K16, 22), (PageSize::K64, 23)] {
        println!("{size}, seed {seed}");
        let rng = &mut Rng::new(seed);
        let nodes = store(size);
        let mut tx = nodes.pager().begin_write().expect("a transaction");
        let mut tree = Tree::empty();
        let mut model = BTreeMap::new();
        for round in 0..40 {
            for _ in 0..25 {
                change(&nodes, &mut tree, &mut tx, &mut model, rng);
            }
            if round % 5 == 0 {
                agrees(&nodes, &tree, &tx, &model, rng);
            }
            let root = tree.flush(&mut tx).expect("flushed");
            assert_eq!(
                reachable(&tree, &tx),
                tx.pages_written(),
                "what was written and is not named was not freed"
            );
            assert_eq!(tree.root(), Some(root));
            if round % 5 == 0 {
                agrees(&nodes, &tree, &tx, &model, rng);
            }
        }
        for id in model.keys() {
            assert!(nodes.remove(&mut tree, &mut tx, *id).expect("removed"));
        }
        assert_eq!(tree.flush(&mut tx).expect("flushed"), None);
        assert_eq!(tx.pages_written(), 0, "nothing is left of anything");
    }
}

#[test]
fn committed_nodes_are_read_from_a_snapshot() {
    let nodes = store(PageSize::K4);
    let mut tx = nodes.pager().begin_write().expect("a transaction");
    let mut tree = Tree::empty();
    let rng = &mut Rng::new(31);
    let mut model = BTreeMap::new();
    for _ in 0..300 {
        change(&nodes, &mut tree, &mut tx, &mut model, rng);
    }
    let root = tree.flush(&mut tx).expect("flushed");
    tx.commit(root).expect("committed");
    let snapshot = nodes.pager().begin_read();
    assert!(Arc::ptr_eq(snapshot.pager(), nodes.pager()));
    agrees(&nodes, &Tree::open(snapshot.root()), &snapshot, &model, rng);
}

#[test]
fn the_longest_values_go_out_first_and_only_as_many_as_must() {
    let text = |len: usize| Stored::Inline(Value::Text("x".repeat(len)));
    let mut record = NodeRecord::plain(1);
    record.props = vec![(1, text(300)), (2, text(900)), (3, text(500)), (4, Stored::Inline(Value::Int(1)))];
    assert_eq!(fit(&record, PageSize::K16), Plan::Fits);
    assert_eq!(fit(&record, PageSize::K4), Plan::Move(vec![1]));
    record.props[2].1 = text(5000);
    assert_eq!(fit(&record, PageSize::K4), Plan::Move(vec![2, 1]));
    record.props = (0..2000).map(|property| (property, Stored::Inline(Value::Bool(true)))).collect();
    assert_eq!(fit(&record, PageSize::K4), Plan::Rest);
    record.key = Some(Key::Text("k".repeat(Key::MAX_LEN)));
    record.props = vec![(1, text(5000))];
    assert_eq!(fit(&record, PageSize::K4), Plan::Move(vec![0]));
}

#[test]
fn an_unchanged_long_value_stays_where_it_is() {
    let nodes = store(PageSize::K4);
    let mut tx = nodes.pager().begin_write().expect("a transaction");
    let mut tree = Tree::empty();
    let long = Value::Text("x".repeat(100_000));
    nodes.add(&mut tree, &mut tx, 1, stored_form(&(1, None, vec![(1, long.clone())]))).expect("added");
    let mut record = nodes.get(&tree, &tx, 1).expect("readable").expect("there");
    let before = record.props[0].clone();
    record.props.push((2, Stored::Inline(Value::Int(5))));
    let pages = tx.pages_written();
    assert!(nodes.update(&mut tree, &mut tx, 1, record).expect("updated"));
    let after = nodes.get(&tree, &tx, 1).expect("readable").expect("there");
    assert_eq!((&after.props[0], tx.pages_written()), (&before, pages));
    assert_eq!(nodes.property(&tree, &tx, 1, 1).expect("readable"), Some(Some(long)));
    assert!(!nodes.update(&mut tree, &mut tx, 2, after).expect("no such node"));
}

#[test]
fn properties_of_edges_come_back_from_their_records() {
    let nodes = store(PageSize::K4);
    let mut tx = nodes.pager().begin_write().expect("a transaction");
    let rng = &mut Rng::new(41);
    for round in 0..300 {
        let whole = whole(rng);
        let limit = record_props_limit(PageSize::K4);
        let placed = place_props(&mut tx, &[], stored_form(&whole).props, 0, limit).expect("placed");
        let record = encode_props(&placed);
        assert!(record.len() <= limit, "round {round}");
        let back = decode_props(&record).expect("valid");
        assert_eq!(back.len(), placed.len());
        let back = whole_props(&tx, back).expect("readable");
        let back = (
            whole.0,
            whole.1.clone(),
            whole_form(&nodes, &tx, &NodeRecord { props: back, ..NodeRecord::plain(0) }).2,
        );
        assert!(same(&whole, &back), "round {round}");
        free_props(&mut tx, &placed).expect("freed");
        assert_eq!(tx.pages_written(), 0, "round {round}");
    }
}

#[test]
fn records_of_edges_with_changed_bytes_never_panic() {
    let nodes = store(PageSize::K4);
    let mut tx = nodes.pager().begin_write().expect("a transaction");
    let rng = &mut Rng::new(42);
    for _ in 0..20_000 {
        let mut whole = whole(rng);
        whole.2.truncate(4);
        let placed = place_props(&mut tx, &[], stored_form(&whole).props, 0, 300).expect("placed");
        let mut record: Record = encode_props(&placed);
        if !record.bytes.is_empty() {
            let at = rng.index(record.bytes.len());
            record.bytes[at] = rng.next_u64() as u8;
        }
        if let Ok(props) = decode_props(&record) {
            assert!(props.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
        free_props(&mut tx, &placed).expect("freed");
    }
}
