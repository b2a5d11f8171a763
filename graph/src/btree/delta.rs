//! The changes of a leaf: what is under a key now, or that it is deleted (V6).
//!
//! Must always be true: the newest changes are a short vector, all others are in runs that never change and that versions
//! share; in each, keys ascend, each once, and what is newer hides what is older. A run is at least [`RATIO`] times as long
//! as the next newer one, so there are few, and a change is copied a few times in all, however much a leaf gathers: a hub
//! that is loaded in one transaction, a store that was never flushed. To copy the changes, as the first change of each
//! commit does, is to copy the short vector. To add one is not to look for what it hides: that goes when runs are merged.
//! To look for one is to ask each run's filter, and to search the run that may have it.
//!
//! It knows no page, and not what a change means.

use super::LeafFormat;
use super::changes::{Change, Changes};
use super::filter::{Family, Filter};
use crate::prefetch;
use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds, RangeInclusive};
use std::sync::Arc;
use storage_core::planted::{Bug, armed};

/// The changes of a leaf of this format. Formats with the same keys and values have the same.
pub(crate) type Delta<F> = ChangeMap<<F as LeafFormat>::Key, <F as LeafFormat>::Value>;

/// So many changes become a run: few enough to be copied and moved about at once, many enough that runs are rare.
const FEW: usize = 32;

/// How many times longer a run is than the next newer one, at least. More would make fewer runs, and copy more.
const RATIO: usize = 8;

/// From so many changes on, a run has every [`STEP`]th key beside it: a search begins there, in memory that is small enough to
/// be near, and ends in one stretch of the run.
const FENCED: usize = 1024;
const STEP: usize = 32;

/// What a change takes in memory, with what runs keep beside it.
pub(super) fn weight<F: LeafFormat>(key: &F::Key, value: Option<&F::Value>) -> usize {
    F::weight(key, value) + Filter::BYTES_A_KEY
}

/// Changes by key.
pub(crate) struct ChangeMap<K, V> {
    /// The newest.
    few: Vec<Change<K, V>>,
    /// The others.
    runs: Link<K, V>,
}

/// A run, and those before it.
type Link<K, V> = Option<Arc<Run<K, V>>>;

struct Run<K, V> {
    changes: Vec<Change<K, V>>,
    /// Mostly what is looked for is in no run, or in one.
    filter: Filter,
    /// The last key of each whole stretch of [`STEP`] changes, if there are many.
    fences: Vec<K>,
    older: Link<K, V>,
}

impl<K: Family + Ord + Clone, V: Clone + PartialEq> ChangeMap<K, V> {
    /// No changes.
    pub fn new() -> Self {
        ChangeMap { few: Vec::new(), runs: None }
    }

    /// How many keys were changed. Looks at all changes.
    pub fn len(&self) -> usize {
        self.range(..).count()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.few.is_empty() && self.runs.is_none()
    }

    /// What was done to a key, if anything was.
    #[inline]
    pub fn get(&self, key: &K) -> Option<&Option<V>> {
        match place(&self.few, key) {
            Ok(at) => Some(&self.few[at].1),
            Err(_) => find_from(self.runs.as_ref()?, key),
        }
    }

    /// Whether anything was done to a key.
    #[inline]
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// Puts a change in the place of what was done to the key before. Tells `gone` what is not in memory any more, which may
    /// be what an earlier change hid.
    pub fn insert(&mut self, key: K, change: Option<V>, mut gone: impl FnMut(&K, Option<&V>)) {
        match place(&self.few, &key) {
            Ok(at) => {
                let before = std::mem::replace(&mut self.few[at].1, change);
                gone(&key, before.as_ref());
            }
            Err(at) => {
                self.few.insert(at, (key, change));
                if self.few.len() >= FEW {
                    self.settle(gone);
                }
            }
        }
    }

    /// Asks the processor for the newest changes, and for where the runs begin.
    #[inline]
    pub fn ask_few(&self) {
        self.few.iter().step_by(64 / size_of::<Change<K, V>>().clamp(1, 64)).for_each(prefetch::start_of);
        if let Some(run) = &self.runs {
            prefetch::start_of(&**run);
        }
    }

    /// Asks the processor for where the newest changes begin, and for the count of the runs: all that letting go of it takes
    /// where others hold the runs.
    #[inline]
    pub fn ask_parts(&self) {
        self.few.first().into_iter().for_each(prefetch::start_of);
        self.runs.iter().for_each(prefetch::count_of);
    }

    /// Asks the processor for what says whether the run in this place has keys of a family, and for where the next begins.
    #[inline]
    pub fn ask_run(&self, place: usize, family: u64) {
        if let Some(run) = links(&self.runs).nth(place) {
            run.filter.ask(family);
            if let Some(older) = &run.older {
                prefetch::start_of(&**older);
            }
        }
    }

    /// Makes a run of the newest changes and of those runs that are too short to be behind it.
    fn settle(&mut self, mut gone: impl FnMut(&K, Option<&V>)) {
        let mut changes = std::mem::take(&mut self.few);
        let mut next = self.runs.take();
        while let Some(run) = next.take_if(|run| run.changes.len() < RATIO * changes.len()) {
            match Arc::try_unwrap(run) {
                Ok(run) => (changes, next) = (merge(run.changes.into_iter(), changes, &mut gone), run.older),
                Err(run) => {
                    changes = merge(run.changes.iter().cloned(), changes, &mut gone);
                    next.clone_from(&run.older);
                }
            }
        }
        let fences = match changes.len() {
            ..FENCED => Vec::new(),
            _ => changes.chunks_exact(STEP).map(|stretch| stretch[STEP - 1].0.clone()).collect(),
        };
        let known = changes.len() - usize::from(armed(Bug::FilterForgets));
        let filter = Filter::over(changes[..known].iter().map(|(key, _)| key.family()));
        self.runs = Some(Arc::new(Run { changes, filter, fences, older: next }));
    }

    /// Changes in a range of keys, ascending.
    pub fn range(&self, bounds: impl RangeBounds<K>) -> Changes<'_, K, V> {
        self.range_in(links(&self.runs), bounds)
    }

    /// The same where all keys of the range are of one family.
    pub fn range_of_family(&self, keys: RangeInclusive<K>) -> Changes<'_, K, V> {
        let family = keys.start().family();
        debug_assert_eq!(family, keys.end().family(), "a range of one family");
        self.range_in(links(&self.runs).filter(|run| run.filter.may_have(family)), keys)
    }

    /// The same of the changes that are newer than a run.
    fn range_before(&self, run: Option<&Arc<Run<K, V>>>, bounds: impl RangeBounds<K>) -> Changes<'_, K, V> {
        let newer = links(&self.runs).take_while(|one| run.is_none_or(|run| !Arc::ptr_eq(one, run)));
        self.range_in(newer, bounds)
    }

    /// The same of the newest changes, and of those in some runs.
    fn range_in<'a>(
        &'a self,
        newer: impl Iterator<Item = &'a Arc<Run<K, V>>>,
        bounds: impl RangeBounds<K>,
    ) -> Changes<'a, K, V> {
        let few = (self.few.as_slice(), [].as_slice());
        let parts = std::iter::once(few).chain(newer.map(|run| (&*run.changes, &*run.fences)));
        let mut parts = parts.map(|part| within(part, &bounds)).filter(|part| !part.is_empty());
        let Some(first) = parts.next() else { return Changes::One([].iter()) };
        let Some(second) = parts.next() else { return Changes::One(first.iter()) };
        Changes::Several([first, second].into_iter().chain(parts).collect())
    }

    /// All changes, those that newer ones hide as well.
    #[cfg(test)]
    pub fn in_memory(&self) -> impl Iterator<Item = &Change<K, V>> {
        self.few.iter().chain(links(&self.runs).flat_map(|run| &run.changes))
    }

    /// Gives every key that `later` treats otherwise than this delta, ascending: with what `later` does to it, or `None` if
    /// it does nothing.
    pub fn differences<E>(
        &self,
        later: &Self,
        mut each: impl FnMut(&K, Option<&Option<V>>) -> Result<(), E>,
    ) -> Result<(), E> {
        // Runs that both have are passed over, but for what is hidden in one of them.
        let both = links(&self.runs).find(|run| links(&later.runs).any(|other| Arc::ptr_eq(run, other)));
        let below = |key: &K| both.and_then(|run| find_from(run, key));
        let mut then = self.range_before(both, ..).peekable();
        let mut now = later.range_before(both, ..).peekable();
        loop {
            let order = match (then.peek(), now.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((then, _)), Some((now, _))) => then.cmp(now),
            };
            let before = if order.is_le() { then.next() } else { None };
            let after = if order.is_ge() { now.next() } else { None };
            let Some((key, _)) = before.or(after) else { return Ok(()) };
            let change = |found: Option<(&K, _)>| found.map(|(_, change)| change).or_else(|| below(key));
            let (before, after) = (change(before), change(after));
            if before != after {
                each(key, after)?;
            }
        }
    }
}

/// The runs of a chain, from the newest on.
fn links<K, V>(first: &Link<K, V>) -> impl Iterator<Item = &Arc<Run<K, V>>> {
    links_from(first.as_ref())
}

/// The same from one of them on.
fn links_from<K, V>(first: Option<&Arc<Run<K, V>>>) -> impl Iterator<Item = &Arc<Run<K, V>>> {
    std::iter::successors(first, |run| run.older.as_ref())
}

/// What a run, or one that is older, does to a key.
fn find_from<'r, K: Family + Ord, V>(run: &'r Arc<Run<K, V>>, key: &K) -> Option<&'r Option<V>> {
    let family = key.family();
    links_from(Some(run))
        .filter(|run| run.filter.may_have(family))
        .find_map(|run| {
            let at = before((&run.changes, &run.fences), |other| other < key);
            run.changes.get(at).filter(|(other, _)| other == key)
        })
        .map(|(_, change)| change)
}

/// How many changes have keys that are `less`, which are the first ones.
#[inline]
fn before<K, V>((all, fences): Sorted<'_, K, V>, less: impl Fn(&K) -> bool) -> usize {
    let at = fences.partition_point(&less);
    let (from, to) = if at < fences.len() { (at * STEP, (at + 1) * STEP) } else { (at * STEP, all.len()) };
    from + all[from..to].partition_point(|(key, _)| less(key))
}

/// Changes in order, and their fences.
type Sorted<'a, K, V> = (&'a [Change<K, V>], &'a [K]);

/// Both in one; of a key that both have, what is newer, and `gone` is told of the other.
fn merge<K: Ord, V>(
    older: impl ExactSizeIterator<Item = Change<K, V>>,
    newer: Vec<Change<K, V>>,
    gone: &mut impl FnMut(&K, Option<&V>),
) -> Vec<Change<K, V>> {
    let mut out = Vec::with_capacity(older.len() + newer.len());
    let mut older = older.peekable();
    for change in newer {
        while let Some(before) = older.next_if(|(key, _)| *key < change.0) {
            out.push(before);
        }
        if let Some((key, before)) = older.next_if(|(key, _)| *key == change.0) {
            gone(&key, before.as_ref());
        }
        out.push(change);
    }
    out.extend(older);
    out
}

/// The part of changes in a range of keys.
fn within<'a, K: Ord, V>(part: Sorted<'a, K, V>, bounds: &impl RangeBounds<K>) -> &'a [Change<K, V>] {
    let (all, _) = part;
    let from = match bounds.start_bound() {
        Bound::Unbounded => 0,
        Bound::Included(key) => before(part, |k| k < key),
        Bound::Excluded(key) => before(part, |k| k <= key),
    };
    let beyond = |key: &K| match bounds.end_bound() {
        Bound::Unbounded => false,
        Bound::Included(end) => key > end,
        Bound::Excluded(end) => key >= end,
    };
    match all.get(from) {
        // Mostly there is nothing in the range.
        Some((key, _)) if !beyond(key) => {}
        _ => return &[],
    }
    &all[from..before(part, |key| !beyond(key))]
}

fn place<K: Ord, V>(few: &[(K, V)], key: &K) -> Result<usize, usize> {
    few.binary_search_by(|(k, _)| k.cmp(key))
}

impl<K: Family + Ord + Clone, V: Clone + PartialEq> std::fmt::Debug for ChangeMap<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChangeMap({} changes)", self.len())
    }
}

impl<K: Ord + Clone, V: Clone> Clone for ChangeMap<K, V> {
    fn clone(&self) -> Self {
        // A copy is made to be changed. Of few sizes, for many are made and let go: then the allocator finds one at once.
        let mut few = Vec::with_capacity((self.few.len() + 1).next_multiple_of(8));
        few.extend_from_slice(&self.few);
        ChangeMap { few, runs: self.runs.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::changes::ChangeAt;
    use super::*;
    use crate::edge::EdgeKey;
    use crate::edge::page::EdgeLeaf;
    use std::collections::BTreeMap;
    use storage_core::device::sim::Rng;

    type D = Delta<EdgeLeaf<false>>;

    fn key(n: u64) -> EdgeKey {
        EdgeKey { vertex: n / 4, edge_type: 0, neighbor: n % 4, rank: 0 }
    }

    /// However changes are spread over vector and runs, against a map of the standard library.
    #[test]
    fn it_is_a_map_however_many_changes_there_are() {
        let rng = &mut Rng::new(3);
        for most in [10, 64, 66, 300, 3000] {
            let (mut delta, mut model, mut kept) = (D::new(), BTreeMap::new(), 0);
            let (mut held, mut held_model) = (delta.clone(), model.clone());
            for step in 0..5000 {
                let (one, change) = (key(rng.below(most)), rng.chance(1, 2).then_some(()));
                kept += 1;
                delta.insert(one, change, |_, _| kept -= 1);
                model.insert(one, change);
                let one = key(rng.below(most));
                assert_eq!((delta.is_empty(), delta.get(&one)), (false, model.get(&one)));
                let (from, to) = (key(rng.below(most)), key(rng.below(most)));
                if from < to && step % 10 == 0 {
                    assert!(delta.range(from..to).eq(model.range(from..to)));
                    assert!(delta.range(from..=to).rev().eq(model.range(from..=to).rev()));
                    assert!(in_parts(delta.range(from..), rng).into_iter().eq(model.range(from..)));
                    from_both_ends(delta.range(from..), model.range(from..), rng);
                }
                if rng.chance(1, 50) {
                    assert_eq!(carried(&held, &delta, &held_model), model);
                    assert_eq!(carried(&delta, &held, &model), held_model, "the other way round too");
                    assert!(held.range(..).eq(&held_model), "a copy never changes");
                    (held, held_model) = (delta.clone(), model.clone());
                }
            }
            assert_eq!(delta.in_memory().count(), kept, "what is gone is told");
            let runs: Vec<_> = links(&delta.runs).map(|run| run.changes.len()).collect();
            assert!(runs.windows(2).all(|pair| pair[1] >= RATIO * pair[0]), "{runs:?}");
        }
    }

    type Model = BTreeMap<EdgeKey, Option<()>>;

    /// What a model of `then` becomes by the differences to `now`.
    fn carried(then: &D, now: &D, model: &Model) -> Model {
        let mut found = model.clone();
        let differs = |key: &EdgeKey, change: Option<&Option<()>>| {
            assert_ne!(found.get(key), change, "only what differs is given");
            match change {
                Some(change) => drop(found.insert(*key, *change)),
                None => drop(found.remove(key)),
            }
            Ok::<(), ()>(())
        };
        then.differences(now, differs).expect("nothing fails");
        found
    }

    /// All of them, taken some at a time and one by one.
    fn in_parts<'a, K: Ord, V>(mut changes: Changes<'a, K, V>, rng: &mut Rng) -> Vec<ChangeAt<'a, K, V>> {
        let mut all = Vec::new();
        loop {
            let (had, most) = (all.len(), 1 + rng.index(40));
            changes.some(most, &mut all);
            let Some(next) = changes.next() else { return all };
            assert_eq!(all.len(), had + most, "as many as there are");
            all.push(next);
        }
    }

    fn from_both_ends<'a, T: PartialEq + std::fmt::Debug>(
        mut one: impl DoubleEndedIterator<Item = T> + 'a,
        mut other: impl DoubleEndedIterator<Item = T> + 'a,
        rng: &mut Rng,
    ) {
        loop {
            let (a, b) = match rng.chance(1, 2) {
                true => (one.next(), other.next()),
                false => (one.next_back(), other.next_back()),
            };
            assert_eq!(a, b);
            if a.is_none() {
                return;
            }
        }
    }
}
