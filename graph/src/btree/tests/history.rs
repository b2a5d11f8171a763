//! Random histories against a map of the standard library: puts, deletes, flushes in between, commits, aborts, snapshots
//! held over later commits, closing and opening.

use super::*;
use storage_core::pager::Snapshot;

/// What keys and records look like.
#[derive(Copy, Clone, Debug)]
enum Shape {
    /// Few short keys, often hit again.
    Short,
    /// Keys of any bytes, also the empty one.
    Any,
    /// Keys up to the longest that there may be, with long common prefixes.
    Long,
    /// Records up to the largest that there may be.
    Large,
    /// Always behind the last key.
    Ascending,
}

struct History {
    rng: Rng,
    shape: Shape,
    store: Store,
    tree: Records,
    model: Model,
    held: Vec<(Snapshot, Model)>,
    counter: usize,
}

impl History {
    fn key(&mut self) -> Vec<u8> {
        self.counter += 1;
        let rng = &mut self.rng;
        match self.shape {
            Shape::Short => key(rng.index(3000)),
            Shape::Ascending => key(self.counter),
            Shape::Large => key(rng.index(400)),
            Shape::Any => {
                let len = if rng.chance(1, 50) { 0 } else { rng.index(12) };
                (0..len).map(|_| if rng.chance(1, 2) { 0xff } else { rng.index(4) as u8 }).collect()
            }
            Shape::Long => {
                let mut out = vec![b'a' + rng.index(3) as u8; rng.index(MAX_KEY_LEN - 8)];
                out.extend_from_slice(format!("{:04}", rng.index(300)).as_bytes());
                out
            }
        }
    }

    fn record(&mut self, tx: &Transaction) -> Record {
        let most = record::max_value_len(self.store.pager.page_size());
        let rng = &mut self.rng;
        let len = match self.shape {
            Shape::Large => rng.index(most + 1),
            _ => rng.index(40),
        };
        let mut refs = Vec::new();
        if rng.chance(1, 4) && len + 24 <= most {
            refs.extend(tx.root());
            refs.extend(tx.root());
        }
        Record { bytes: vec![rng.next_u64() as u8; len], refs }
    }

    fn existing(&mut self, model: &Model) -> Option<Vec<u8>> {
        let probe = self.key();
        let found = model.range(probe..).next().or_else(|| model.iter().next());
        found.map(|(key, _)| key.clone())
    }

    /// One change, and a look at it.
    fn change(&mut self, tx: &mut Transaction, tree: &mut Records, model: &mut Model, deletes: u64) {
        let delete = self.rng.chance(deletes, 100);
        let key = match if delete { self.existing(model) } else { None } {
            Some(key) if self.rng.chance(19, 20) => key,
            _ => self.key(),
        };
        if delete {
            tree.delete(tx, key.clone()).expect("deletes");
            model.remove(&key);
        } else {
            let record = self.record(tx);
            tree.put(tx, key.clone(), record.clone()).expect("puts");
            model.insert(key.clone(), record);
        }
        assert_eq!(tree.get(tx, &key).expect("reads"), model.get(&key).cloned());
        let other = self.key();
        assert_eq!(tree.get(tx, &other).expect("reads"), model.get(&other).cloned());
    }

    /// A transaction: changes, perhaps a flush and a savepoint in between, then commit or abort.
    fn transaction(&mut self, deletes: u64) {
        let mut tx = self.store.write();
        let (mut tree, mut model) = (self.tree.clone(), self.model.clone());
        for _ in 0..self.rng.index(200) {
            self.change(&mut tx, &mut tree, &mut model, deletes);
            if self.rng.chance(1, 300) {
                tree.flush(&mut tx).expect("flushes early");
            }
            if self.rng.chance(1, 100) {
                let (mut branch, mut branched) = (tree.clone(), model.clone());
                self.change(&mut tx, &mut branch, &mut branched, 50);
                assert_equals(&branch, &tx, &branched);
                assert_equals(&tree, &tx, &model);
            }
        }
        if self.rng.chance(1, 3) {
            assert_equals(&tree, &tx, &model);
        }
        if self.rng.chance(1, 5) {
            drop(tx);
        } else {
            commit(tx, &mut tree);
            (self.tree, self.model) = (tree, model);
        }
    }

    fn check(&mut self) {
        let now = self.store.pager.begin_read();
        assert_eq!(self.tree.root(), Some(now.root()));
        assert_equals(&self.tree, &now, &self.model);
        for (snapshot, model) in &self.held {
            assert_equals(&Records::open(snapshot.root()), snapshot, model);
        }
        if self.rng.chance(1, 2) {
            self.held.push((now, self.model.clone()));
        }
        if self.held.len() > 3 {
            self.held.remove(0);
        }
    }

    fn run(seed: u64, size: PageSize, shape: Shape) {
        println!("history: seed {seed}, {size}, {shape:?}");
        let store = Store::new(size);
        let (rng, tree) = (Rng::new(seed), Records::empty());
        let mut it = History { rng, shape, store, tree, model: Model::new(), held: Vec::new(), counter: 0 };
        for round in 0..40 {
            // Grow, shrink, grow again, and shrink to nothing.
            it.transaction(if round % 20 < 10 { 20 } else { 75 });
            if round % 4 == 0 {
                it.check();
            }
            if round % 13 == 12 {
                it.held.clear();
                it.store = it.store.reopen();
                it.tree = Records::open(it.store.pager.begin_read().root());
                assert!(it.store.overhead(&it.tree) < 16, "no page is forgotten");
            }
        }
        it.empty();
    }

    /// Deletes key after key, in random order, in several transactions.
    fn empty(mut self) {
        let mut keys: Vec<_> = self.model.keys().cloned().collect();
        self.rng.shuffle(&mut keys);
        self.held.clear();
        for some in keys.chunks(keys.len() / 5 + 1) {
            let tx = self.store.write();
            for key in some {
                self.tree.delete(&tx, key.clone()).expect("deletes");
                self.model.remove(key);
            }
            commit(tx, &mut self.tree);
            assert_equals(&self.tree, &self.store.pager.begin_read(), &self.model);
        }
        assert_eq!(self.tree.root(), Some(None), "an empty tree has no root");
        assert!(self.store.overhead(&self.tree) < 16, "no page is forgotten");
    }
}

fn histories(size: PageSize) {
    for shape in [Shape::Short, Shape::Any, Shape::Long, Shape::Large, Shape::Ascending] {
        for seed in 1..=3 {
            History::run(seed, size, shape);
        }
    }
}

#[test]
fn random_histories_hold_on_pages_of_4_kib() {
    histories(PageSize::K4);
}

#[test]
fn random_histories_hold_on_pages_of_16_kib() {
    histories(PageSize::K16);
}

#[test]
fn random_histories_hold_on_pages_of_64_kib() {
    histories(PageSize::K64);
}
