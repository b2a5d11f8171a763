//! The changed children of a node, by their places: a table in parts, which versions share.
//!
//! Must always be true: a clone stays what it was, whatever is changed in the other; a part that nothing was changed in is the
//! same one in both. To find a child takes two steps. To change one for the first time since a clone was made is to copy the
//! list of parts and one part: for the seven hundred children of a full node of 16 KiB, sixty counts in all.

use crate::prefetch;
use std::ops::Range;
use std::sync::Arc;
use storage_core::planted::{Bug, armed};

/// So many places have one part: fewer make the list of parts longer, more make each part that is copied so.
const WIDTH: usize = 16;

type Part<T> = [Option<T>; WIDTH];

/// Changed children by place.
pub(super) struct Children<T: Counted>(Vec<Option<Arc<Part<T>>>>);

/// A child that versions share. To copy a part, or to let go of it, is to count all its children up or down: each count
/// would wait for its own line of memory, one behind the other, so all are asked for first.
pub(super) trait Counted: Clone {
    /// Asks the processor for the count.
    fn ask_count(&self);
    /// Asks for what goes with the child, if nobody else holds it.
    fn ask_rest(&self);
}

impl<T: Counted> Children<T> {
    /// Bytes that a part takes, without what its children take.
    pub const PART: usize = size_of::<Part<T>>() + 2 * size_of::<usize>();

    /// Bytes that the list of parts takes, for so many places.
    pub const fn weight(places: usize) -> usize {
        places.div_ceil(WIDTH) * size_of::<usize>()
    }

    /// How many parts there are.
    #[cfg(test)]
    pub fn parts(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// None was changed.
    pub const fn new() -> Self {
        Children(Vec::new())
    }

    /// The changed child in a place.
    #[inline]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.0.get(place / WIDTH)?.as_ref()?[place % WIDTH].as_ref()
    }

    /// All of them with their places, in order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.within(0..usize::MAX)
    }

    /// Those in a range of places, in order.
    pub fn within(&self, places: Range<usize>) -> impl Iterator<Item = (usize, &T)> {
        let parts = self.0.iter().enumerate().take(places.end.div_ceil(WIDTH)).skip(places.start / WIDTH);
        let all = parts.flat_map(|(part, children)| in_part(part, children.as_deref()));
        all.filter_map(|(place, child)| Some((place, child?)))
            .filter(move |(place, _)| places.contains(place))
    }

    /// The places where `later`, which was made from a clone of this, may have another child: with both.
    pub fn differences<'a>(
        &'a self,
        later: &'a Self,
    ) -> impl Iterator<Item = (usize, Option<&'a T>, Option<&'a T>)> {
        let parts = (0..self.0.len().max(later.0.len())).map(move |part| {
            let of = |all: &'a Self| all.0.get(part).and_then(Option::as_ref);
            (part, of(self), of(later))
        });
        let apart = parts.filter(|(_, then, now)| match (then, now) {
            (Some(then), Some(now)) => !Arc::ptr_eq(then, now) && !armed(Bug::PartForgotten),
            (then, now) => then.is_some() || now.is_some(),
        });
        apart.flat_map(|(part, then, now)| {
            let both = in_part(part, then.map(|part| &**part)).zip(in_part(part, now.map(|part| &**part)));
            both.map(|((place, then), (_, now))| (place, then, now))
                .filter(|(_, then, now)| then.is_some() || now.is_some())
        })
    }
}

/// The places of a part, with what stands there.
fn in_part<T>(part: usize, children: Option<&Part<T>>) -> impl Iterator<Item = (usize, Option<&T>)> {
    (0..WIDTH).map(move |within| (part * WIDTH + within, children.and_then(|all| all[within].as_ref())))
}

impl<T: Counted> Children<T> {
    /// The child in a place, to be changed: `fresh` makes it, if none is there, and is told whether a new part is for it.
    #[inline]
    pub fn change<E>(&mut self, place: usize, fresh: impl FnOnce(bool) -> Result<T, E>) -> Result<&mut T, E> {
        let (part, within) = (place / WIDTH, place % WIDTH);
        if self.0.get(part).is_some_and(Option::is_some) {
            let part = self.0[part].as_mut().expect("just looked");
            if Arc::strong_count(part) > 1 {
                part.iter().flatten().for_each(T::ask_count);
            }
            let part = Arc::make_mut(part);
            return match &mut part[within] {
                Some(child) => Ok(child),
                empty @ None => Ok(empty.insert(fresh(false)?)),
            };
        }
        let child = fresh(true)?;
        if part >= self.0.len() {
            self.0.reserve_exact(part + 1 - self.0.len());
            self.0.resize_with(part + 1, || None);
        }
        let part = Arc::make_mut(self.0[part].insert(Arc::new([const { None }; WIDTH])));
        Ok(part[within].insert(child))
    }
}

/// Part by part, with the counts of the next but one asked for, and what goes with children of the next.
impl<T: Counted> Drop for Children<T> {
    fn drop(&mut self) {
        for first in self.0.iter().take(2).map(Option::as_ref) {
            goes_with_it(first).for_each(T::ask_count);
        }
        for at in 0..self.0.len() {
            let [next, after, later] = [1, 2, 8].map(|ahead| self.0.get(at + ahead).and_then(Option::as_ref));
            if let Some(part) = later {
                prefetch::count_of(part);
                part.iter().step_by(WIDTH / 2).for_each(prefetch::start_of);
            }
            goes_with_it(after).for_each(T::ask_count);
            goes_with_it(next).for_each(T::ask_rest);
            self.0[at] = None;
        }
    }
}

/// The children that are counted down when a part is let go of: none, if others hold it.
fn goes_with_it<T>(part: Option<&Arc<Part<T>>>) -> impl Iterator<Item = &T> {
    part.filter(|part| Arc::strong_count(part) == 1).into_iter().flat_map(|part| part.iter().flatten())
}

impl<T: Counted> Clone for Children<T> {
    fn clone(&self) -> Self {
        self.0.iter().flatten().for_each(prefetch::count_of);
        Children(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use storage_core::device::sim::Rng;

    type Model = BTreeMap<usize, u64>;

    impl Counted for u64 {
        fn ask_count(&self) {}
        fn ask_rest(&self) {}
    }

    fn all(children: &Children<u64>, places: Range<usize>) -> Vec<(usize, u64)> {
        children.within(places).map(|(place, child)| (place, *child)).collect()
    }

    /// What `model` of `then` becomes by the differences to `now`; how many places were given.
    fn carried(then: &Children<u64>, now: &Children<u64>, model: &Model) -> (Model, usize) {
        let (mut found, mut given) = (model.clone(), 0);
        for (place, before, after) in then.differences(now) {
            assert_eq!(before, model.get(&place), "what stood in place {place}");
            given += 1;
            match after {
                Some(child) => drop(found.insert(place, *child)),
                None => drop(found.remove(&place)),
            }
        }
        (found, given)
    }

    /// Against a map of the standard library; clones stay what they were, and parts that were not changed are shared.
    #[test]
    fn it_is_a_map_of_which_clones_never_change() {
        let rng = &mut Rng::new(11);
        for most in [1, 15, 17, 900] {
            let (mut children, mut model) = (Children::new(), Model::new());
            let (mut held, mut held_model) = (children.clone(), model.clone());
            for step in 0..3000 {
                let place = rng.below(most) as usize;
                let Ok(child) = children.change(place, |_| Ok::<u64, Infallible>(0));
                assert_eq!(*child, model.get(&place).copied().unwrap_or(0));
                *child = step;
                model.insert(place, step);
                let (from, to) = (rng.below(most + 3) as usize, rng.below(most + 3) as usize);
                assert_eq!(children.get(from), model.get(&from));
                if step % 10 == 0 && from < to {
                    let within = model.range(from..to).map(|(place, child)| (*place, *child));
                    assert!(within.eq(all(&children, from..to)));
                }
                if rng.chance(1, 50) {
                    assert_eq!(carried(&held, &children, &held_model).0, model);
                    assert!(held.iter().map(|(place, child)| (place, *child)).eq(held_model));
                    (held, held_model) = (children.clone(), model.clone());
                    assert_eq!(carried(&held, &children, &held_model).1, 0, "nothing was changed");
                    *children.change(place, |_| Ok::<u64, Infallible>(0)).expect("cannot fail") += 1;
                    let (_, given) = carried(&held, &children, &held_model);
                    assert!((1..=WIDTH).contains(&given), "{given} places for one change");
                    model.insert(place, step + 1);
                }
            }
        }
    }

    /// A child that cannot be made leaves none.
    #[test]
    fn what_could_not_be_made_is_not_there() {
        let mut children = Children::<u64>::new();
        assert_eq!(children.change(40, |_| Err("no page")).map(|child| *child), Err("no page"));
        assert_eq!((children.get(40), children.iter().count(), children.parts()), (None, 0, 0));
        let one = |first| if first { Ok::<u64, Infallible>(1) } else { Ok(2) };
        assert_eq!(children.change(40, one).map(|child| *child), Ok(1), "for which a part was made");
        assert_eq!(children.change(41, one).map(|child| *child), Ok(2), "which has its neighbour, too");
        let before = children.clone();
        assert!(children.change(42, |_| Err("no page")).is_err());
        assert!(before.differences(&children).all(|(_, then, now)| then == now));
        assert_eq!(before.differences(&Children::new()).count(), 2);
    }
}
