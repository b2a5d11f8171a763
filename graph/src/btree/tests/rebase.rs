//! Changes carried over to a flushed tree, and what clones share.
//!
//! A random history goes on beside its own checkpoints: a version is flushed and committed while the newest one is
//! changed over the old pages; then the newest is rebased, and the history goes on over the new pages.

use super::super::node::{Child, Node, Root};
use super::numbers::Numbers;
use super::*;
use crate::edge::EdgeKey;
use crate::edge::page::EdgeLeaf;
use crate::model::Value;
use crate::node::{NodeLeaf, NodeRecord};
use storage_core::pager::Snapshot;

type Map<F> = BTreeMap<<F as LeafFormat>::Key, <F as LeafFormat>::Value>;

/// Keys and values of a format; the keys are few enough to be hit again.
trait Source: LeafFormat {
    fn key(rng: &mut Rng) -> Self::Key;
    fn value(rng: &mut Rng) -> Self::Value;
}

impl Source for RecordLeaf {
    fn key(rng: &mut Rng) -> Vec<u8> {
        key(rng.index(4000))
    }

    fn value(rng: &mut Rng) -> Record {
        Record::of_bytes(vec![rng.index(2) as u8; rng.index(60)])
    }
}

impl<const WIDTH: usize> Source for Numbers<WIDTH> {
    fn key(rng: &mut Rng) -> u64 {
        rng.below(3000)
    }

    fn value(_: &mut Rng) {}
}

impl Source for EdgeLeaf<false> {
    fn key(rng: &mut Rng) -> EdgeKey {
        let (vertex, neighbor) = (rng.below(200), rng.below(50));
        EdgeKey { vertex, edge_type: rng.index(2) as u32, neighbor, rank: 0 }
    }

    fn value(_: &mut Rng) {}
}

impl Source for NodeLeaf {
    fn key(rng: &mut Rng) -> u64 {
        rng.below(4000)
    }

    fn value(rng: &mut Rng) -> NodeRecord {
        let mut node = NodeRecord::plain(rng.index(2) as u32);
        if rng.chance(1, 2) {
            let float = if rng.chance(1, 2) { 0.0 } else { -0.0 };
            node.props.push((0, Value::Float(float).into()));
        }
        node
    }
}

/// What a tree holds, and what it should.
struct Version<F: Source> {
    tree: Tree<F>,
    model: Map<F>,
}

impl<F: Source> Clone for Version<F> {
    fn clone(&self) -> Self {
        Version { tree: self.tree.clone(), model: self.model.clone() }
    }
}

impl<F: Source> Version<F> {
    fn put(&mut self, pages: &Snapshot, key: F::Key, value: F::Value) {
        self.tree.put(pages, key.clone(), value.clone()).expect("puts");
        self.model.insert(key, value);
    }

    fn delete(&mut self, pages: &Snapshot, key: F::Key) {
        self.tree.delete(pages, key.clone()).expect("deletes");
        self.model.remove(&key);
    }

    /// Nothing, a few changes, many, a stretch that goes, or all of it.
    fn change(&mut self, pages: &Snapshot, rng: &mut Rng) {
        let (count, deletes) = match rng.below(10) {
            0 => return,
            1..4 => (rng.index(8), 50),
            4..7 => (rng.index(3000), 10),
            7 => (rng.index(3000), 90),
            kind => {
                let from = if kind == 8 { rng.index(self.model.len() + 1) } else { 0 };
                let count = if kind == 8 { rng.index(1000) } else { usize::MAX };
                let gone: Vec<_> = self.model.keys().skip(from).take(count).cloned().collect();
                gone.into_iter().for_each(|key| self.delete(pages, key));
                return;
            }
        };
        for _ in 0..count {
            let key = F::key(rng);
            if rng.chance(deletes, 100) {
                self.delete(pages, key);
            } else {
                self.put(pages, key, F::value(rng));
            }
        }
    }

    fn assert_holds(&self, pages: &impl ReadPages, rng: &mut Rng) {
        assert!(contents(&self.tree, pages).into_iter().eq(self.model.clone()), "forwards");
        let back = self.tree.range_back(pages, ..).map(|entry| entry.expect("reads"));
        assert!(back.eq(self.model.clone().into_iter().rev()), "backwards");
        for _ in 0..100 {
            let key = F::key(rng);
            assert_eq!(self.tree.get(pages, &key).expect("reads"), self.model.get(&key).cloned());
        }
        let keys: Vec<_> = self.model.keys().cloned().collect();
        assert_counts(&self.tree, pages, &keys, rng, F::key);
        assert_eq!((self.tree.weight(), self.tree.changed_nodes()), recount(&self.tree), "T8");
    }
}

/// Weight and number of the changed nodes, by looking at each.
fn recount<F: LeafFormat>(tree: &Tree<F>) -> (usize, usize) {
    fn add<F: LeafFormat>(child: Child<'_, F>, sum: &mut super::super::node::Changed) {
        let Child::Changed(node) = child else { return };
        sum.count(node);
        match &**node {
            Node::Leaf(leaf) => {
                let weight = |(key, value): &(_, Option<_>)| delta::weight::<F>(key, value.as_ref());
                sum.weight += leaf.delta.in_memory().map(weight).sum::<usize>();
            }
            Node::Inner(inner) => {
                (0..inner.changed.parts()).for_each(|_| sum.count_part::<F>());
                (0..inner.count()).for_each(|index| add(inner.child(index), sum));
            }
        }
    }
    let mut sum = super::super::node::Changed::default();
    if let Some(root) = &tree.root {
        add(root.as_child(), &mut sum);
    }
    (sum.weight, sum.nodes)
}

fn history<F: Source>(size: PageSize, seed: u64) {
    println!("seed {seed}, {size}, {}", std::any::type_name::<F>());
    let (store, rng) = (Store::new(size), &mut Rng::new(seed));
    let mut now = Version::<F> { tree: Tree::empty(), model: Map::<F>::new() };
    let mut held: Vec<(Snapshot, Version<F>)> = Vec::new();
    for _ in 0..8 {
        let old = store.pager.begin_read();
        now.change(&old, rng);
        let then = now.clone();
        let mut onto = then.tree.clone();
        // Some changes come before the flush is done, some after it.
        now.change(&old, rng);
        commit(store.write(), &mut onto);
        let new = store.pager.begin_read();
        let flushed = Version { tree: onto.clone(), model: then.model.clone() };
        if rng.chance(1, 2) {
            // Caught up with in two steps.
            Tree::rebase(&now.tree, &then.tree, &mut onto, &new).expect("rebases");
            let between = now.clone();
            now.change(&old, rng);
            Tree::rebase(&now.tree, &between.tree, &mut onto, &new).expect("rebases");
        } else {
            now.change(&old, rng);
            Tree::rebase(&now.tree, &then.tree, &mut onto, &new).expect("rebases");
        }
        let rebased = Version { tree: onto, model: now.model.clone() };
        rebased.assert_holds(&new, rng);
        let mut again = rebased.clone();
        let mut tx = store.write();
        again.tree.flush(&mut tx).expect("flushes");
        again.assert_holds(&tx, rng);
        drop(tx);

        held.extend([(old.clone(), then), (old, std::mem::replace(&mut now, rebased)), (new, flushed)]);
        for (snapshot, version) in &held {
            version.assert_holds(snapshot, rng);
        }
        // Three generations are read beside the one that is written.
        held.drain(..held.len().saturating_sub(9));
    }
    held.clear();
    commit(store.write(), &mut now.tree);
    now.assert_holds(&store.pager.begin_read(), rng);
    assert!(store.overhead(&now.tree) < 16, "no page is forgotten");
}

#[test]
fn a_history_of_records_goes_on_over_the_pages_of_its_checkpoints() {
    for seed in 1..=12 {
        history::<RecordLeaf>([PageSize::K4, PageSize::K16, PageSize::K64][seed as usize % 3], seed);
    }
}

#[test]
fn a_history_of_numbers_goes_on_over_the_pages_of_its_checkpoints() {
    for seed in 21..=28 {
        history::<Numbers<8>>(PageSize::K4, seed);
    }
}

#[test]
fn a_tall_tree_goes_on_over_the_pages_of_its_checkpoints() {
    for seed in 31..=38 {
        history::<Numbers<1000>>(PageSize::K4, seed);
    }
}

#[test]
fn histories_of_nodes_and_edges_go_on_over_the_pages_of_their_checkpoints() {
    for seed in 41..=46 {
        history::<NodeLeaf>(PageSize::K4, seed);
        history::<EdgeLeaf<false>>(PageSize::K4, seed);
    }
}

/// A committed tree of the tall format with numbers below `count`, two apart.
fn tall(store: &Store, count: u64) -> Tree<Numbers<1000>> {
    let (mut tree, tx) = (Tree::empty(), store.write());
    for n in 0..count {
        tree.put(&tx, n * 2, ()).expect("puts");
    }
    commit(tx, &mut tree);
    tree
}

#[test]
fn empty_trees_and_trees_without_changes_are_rebased_too() {
    let store = Store::new(PageSize::K4);
    let empty = Tree::<Numbers<1000>>::empty();
    let pages = store.pager.begin_read();
    let mut onto = empty.clone();
    Tree::rebase(&empty, &empty, &mut onto, &pages).expect("rebases");
    assert_eq!(onto.root(), Some(None));
    let mut now = empty.clone();
    now.put(&pages, 7, ()).expect("puts");
    Tree::rebase(&now, &empty, &mut onto, &pages).expect("rebases");
    assert_eq!(contents(&onto, &pages), [(7, ())]);
    // A key that the flushed version had, over no page: it must go where it is in one.
    let then = now.clone();
    now.delete(&pages, 7).expect("deletes");
    now.put(&pages, 8, ()).expect("puts");
    Tree::rebase(&now, &then, &mut onto, &pages).expect("rebases");
    assert_eq!(contents(&onto, &pages), [(8, ())]);

    let clean = tall(&store, 100);
    let pages = store.pager.begin_read();
    let mut onto = clean.clone();
    Tree::rebase(&clean, &clean, &mut onto, &pages).expect("rebases");
    assert_eq!(onto.root(), clean.root(), "nothing was changed, and nothing is");
    assert_eq!(onto.changed_nodes(), 0);
}

#[test]
fn a_rebase_touches_only_what_was_changed_since() {
    let store = Store::new(PageSize::K4);
    let mut now = tall(&store, 4000);
    let old = store.pager.begin_read();
    for n in 0..4000 {
        now.put(&old, n * 2 + 1, ()).expect("puts");
    }
    let then = now.clone();
    for n in [1, 4001, 4003] {
        now.delete(&old, n).expect("deletes");
    }
    let mut onto = then.clone();
    commit(store.write(), &mut onto);
    let new = store.pager.begin_read();
    Tree::rebase(&now, &then, &mut onto, &new).expect("rebases");
    let tallest = 12;
    assert!((3..=3 * tallest).contains(&onto.changed_nodes()), "{} nodes", onto.changed_nodes());
    assert!(now.changed_nodes() > 1000);
    assert!(contents(&onto, &new).into_iter().eq(contents(&now, &old)));
}

#[test]
fn zero_that_becomes_minus_zero_is_a_change() {
    let node = |float: f64| {
        let props = vec![(0, Value::List(vec![Value::Float(float)]).into())];
        NodeRecord { label: 0, key: None, props }
    };
    let (store, mut now) = (Store::new(PageSize::K4), Tree::<NodeLeaf>::empty());
    let pages = store.pager.begin_read();
    now.put(&pages, 1, node(0.0)).expect("puts");
    let (then, mut onto) = (now.clone(), now.clone());
    now.put(&pages, 1, node(-0.0)).expect("puts");
    commit(store.write(), &mut onto);
    let pages = store.pager.begin_read();
    Tree::rebase(&now, &then, &mut onto, &pages).expect("rebases");
    let stored = onto.get(&pages, &1).expect("reads").expect("there");
    assert_eq!(stored, node(-0.0));
    assert_ne!(stored, node(0.0));
}

/// Changed nodes of one tree that the other does not hold too.
fn unshared<F: LeafFormat>(one: Child<'_, F>, other: Option<Child<'_, F>>) -> usize {
    let Child::Changed(node) = one else { return 0 };
    if matches!(other, Some(Child::Changed(same)) if node == same) {
        return 0;
    }
    let Node::Inner(inner) = &**node else { return 1 };
    let below = |index| match other {
        Some(Child::Changed(node)) => match &**node {
            Node::Inner(inner) => Some(inner.child(index)),
            Node::Leaf(_) => None,
        },
        _ => None,
    };
    1 + (0..inner.count()).map(|index| unshared(inner.child(index), below(index))).sum::<usize>()
}

#[test]
fn a_clone_that_is_changed_shares_all_but_the_way_to_the_change() {
    let store = Store::new(PageSize::K4);
    let mut one = tall(&store, 3000);
    let pages = store.pager.begin_read();
    for n in 0..3000 {
        one.put(&pages, n * 2 + 1, ()).expect("puts");
    }
    let before = contents(&one, &pages);
    let mut other = one.clone();
    other.delete(&pages, 3000).expect("deletes");
    let (Some(root), Some(changed)) = (&one.root, &other.root) else { panic!("trees with keys") };
    let apart = unshared(Root::as_child(changed), Some(root.as_child()));
    assert!((2..=12).contains(&apart), "{apart} nodes, one a level");
    assert_eq!(other.changed_nodes(), one.changed_nodes());
    assert_eq!(contents(&one, &pages), before, "the clone's change is the clone's");
    assert_eq!(contents(&other, &pages).len(), before.len() - 1);
}

#[test]
#[should_panic(expected = "made from")]
fn trees_over_different_pages_are_not_rebased() {
    let store = Store::new(PageSize::K4);
    let one = tall(&store, 10);
    let mut other = tall(&store, 20);
    let pages = store.pager.begin_read();
    other.put(&pages, 1, ()).expect("puts");
    let _ = Tree::rebase(&other, &one, &mut one.clone(), &pages);
}
