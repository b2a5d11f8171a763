//! The changes of a leaf: what is under a key now, or that it is deleted (V6).
//!
//! Must always be true: keys ascend, each once. Few changes are a sorted vector: to copy them, as the first change of each
//! commit does, is to copy some bytes. Many are a persistent map, so that a copy takes the same however much a leaf gathers:
//! a hub that is loaded in one transaction, a store that was never flushed. What has become a map stays one.
//!
//! It knows no page, and not what a change means.

use super::LeafFormat;
use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use imbl::shared_ptr::DefaultSharedPtr;
use std::ops::{Bound, RangeBounds};

/// The changes of a leaf of this format. Formats with the same keys and values have the same.
pub(crate) type Delta<F> = ChangeMap<<F as LeafFormat>::Key, <F as LeafFormat>::Value>;

/// More changes than this are a map: about what one of its nodes holds, so that copying the vector never takes longer.
const FEW: usize = 64;

/// Changes by key: `None` deletes.
pub(crate) struct ChangeMap<K, V>(Form<K, V>);

enum Form<K, V> {
    Few(Vec<(K, Option<V>)>),
    Many(OrdMap<K, Option<V>>),
}

impl<K: Ord + Clone, V: Clone + PartialEq> ChangeMap<K, V> {
    /// No changes.
    pub fn new() -> Self {
        ChangeMap(Form::Few(Vec::new()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Few(few) => few.len(),
            Form::Many(map) => map.len(),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was done to a key, if anything was.
    #[inline]
    pub fn get(&self, key: &K) -> Option<&Option<V>> {
        match &self.0 {
            Form::Few(few) => place(few, key).ok().map(|at| &few[at].1),
            Form::Many(map) => map.get(key),
        }
    }

    /// Whether anything was done to a key.
    #[inline]
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// Puts a change in the place of what was done to the key before, which it returns.
    pub fn insert(&mut self, key: K, change: Option<V>) -> Option<Option<V>> {
        let few = match &mut self.0 {
            Form::Many(map) => return map.insert(key, change),
            Form::Few(few) => few,
        };
        match place(few, &key) {
            Ok(at) => return Some(std::mem::replace(&mut few[at].1, change)),
            Err(at) => few.insert(at, (key, change)),
        }
        if few.len() > FEW {
            self.0 = Form::Many(few.drain(..).collect());
        }
        None
    }

    /// Takes back what was done to a key.
    pub fn remove(&mut self, key: &K) -> Option<(K, Option<V>)> {
        match &mut self.0 {
            Form::Few(few) => place(few, key).ok().map(|at| few.remove(at)),
            Form::Many(map) => map.remove_with_key(key),
        }
    }

    /// Changes in a range of keys, ascending.
    pub fn range(&self, bounds: impl RangeBounds<K>) -> Changes<'_, K, V> {
        match &self.0 {
            Form::Many(map) => Changes::Many(map.range::<_, K>(bounds)),
            Form::Few(few) => {
                let from = match bounds.start_bound() {
                    Bound::Unbounded => 0,
                    Bound::Included(key) => few.partition_point(|(k, _)| k < key),
                    Bound::Excluded(key) => few.partition_point(|(k, _)| k <= key),
                };
                let to = match bounds.end_bound() {
                    Bound::Unbounded => few.len(),
                    Bound::Included(key) => few.partition_point(|(k, _)| k <= key),
                    Bound::Excluded(key) => few.partition_point(|(k, _)| k < key),
                };
                Changes::Few(few.get(from..to).unwrap_or_default().iter())
            }
        }
    }

    /// Gives every key that `later` treats otherwise than this delta, ascending: with what `later` does to it, or `None` if
    /// it does nothing.
    pub fn differences<E>(
        &self,
        later: &Self,
        mut each: impl FnMut(&K, Option<&Option<V>>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let (Form::Many(then), Form::Many(now)) = (&self.0, &later.0) {
            // Passes over what both share.
            return then.diff(now).try_for_each(|difference| match difference {
                DiffItem::Add(key, change) | DiffItem::Update { new: (key, change), .. } => {
                    each(key, Some(change))
                }
                DiffItem::Remove(key, _) => each(key, None),
            });
        }
        let mut then = self.range(..).peekable();
        for (key, change) in later.range(..) {
            while let Some((gone, _)) = then.next_if(|(before, _)| *before < key) {
                each(gone, None)?;
            }
            match then.next_if(|(same, _)| *same == key) {
                Some((_, before)) if before == change => {}
                _ => each(key, Some(change))?,
            }
        }
        then.try_for_each(|(gone, _)| each(gone, None))
    }
}

fn place<K: Ord, V>(few: &[(K, V)], key: &K) -> Result<usize, usize> {
    few.binary_search_by(|(k, _)| k.cmp(key))
}

impl<K: Ord + Clone, V: Clone + PartialEq> std::fmt::Debug for ChangeMap<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChangeMap({} changes)", self.len())
    }
}

impl<K: Ord + Clone, V: Clone> Clone for ChangeMap<K, V> {
    fn clone(&self) -> Self {
        ChangeMap(match &self.0 {
            Form::Few(few) => {
                // A copy is made to be changed.
                let mut copy = Vec::with_capacity(few.len() + 4);
                copy.extend_from_slice(few);
                Form::Few(copy)
            }
            Form::Many(map) => Form::Many(map.clone()),
        })
    }
}

/// Changes in order: see [`ChangeMap::range`].
pub(crate) enum Changes<'a, K, V> {
    Few(std::slice::Iter<'a, (K, Option<V>)>),
    Many(imbl::ordmap::RangedIter<'a, K, Option<V>, DefaultSharedPtr>),
}

impl<'a, K: Ord, V> Iterator for Changes<'a, K, V> {
    type Item = (&'a K, &'a Option<V>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Changes::Few(few) => few.next().map(|(key, change)| (key, change)),
            Changes::Many(many) => many.next(),
        }
    }
}

impl<K: Ord, V> DoubleEndedIterator for Changes<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Changes::Few(few) => few.next_back().map(|(key, change)| (key, change)),
            Changes::Many(many) => many.next_back(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::EdgeKey;
    use crate::edge::page::EdgeLeaf;
    use std::collections::BTreeMap;
    use storage_core::device::sim::Rng;

    type D = Delta<EdgeLeaf<false>>;

    fn key(n: u64) -> EdgeKey {
        EdgeKey { vertex: n / 4, edge_type: 0, neighbor: n % 4, rank: 0 }
    }

    /// A vector and a map, and on the way from one to the other, against a map of the standard library.
    #[test]
    fn it_is_a_map_however_many_changes_there_are() {
        let rng = &mut Rng::new(3);
        for most in [10, 64, 66, 300] {
            let (mut delta, mut model) = (D::new(), BTreeMap::new());
            let (mut held, mut held_model) = (delta.clone(), model.clone());
            for _ in 0..2000 {
                let one = key(rng.below(most));
                if rng.chance(1, 5) {
                    assert_eq!(delta.remove(&one).map(|(_, change)| change), model.remove(&one));
                } else {
                    let change = rng.chance(1, 2).then_some(());
                    assert_eq!(delta.insert(one, change), model.insert(one, change));
                }
                assert_eq!((delta.len(), delta.get(&one)), (model.len(), model.get(&one)));
                let (from, to) = (key(rng.below(most)), key(rng.below(most)));
                if from < to {
                    assert!(delta.range(from..to).eq(model.range(from..to)));
                    assert!(delta.range(from..=to).rev().eq(model.range(from..=to).rev()));
                }
                if rng.chance(1, 50) {
                    let mut found = held_model.clone();
                    let differs = |key: &EdgeKey, change: Option<&Option<()>>| {
                        let before = found.get(key).copied();
                        assert_ne!(before.as_ref(), change, "only what differs is given");
                        match change {
                            Some(change) => drop(found.insert(*key, *change)),
                            None => drop(found.remove(key)),
                        }
                        Ok::<(), ()>(())
                    };
                    held.differences(&delta, differs).expect("nothing fails");
                    assert_eq!(found, model);
                    assert!(held.range(..).eq(&held_model), "a copy never changes");
                    (held, held_model) = (delta.clone(), model.clone());
                }
            }
        }
    }
}
