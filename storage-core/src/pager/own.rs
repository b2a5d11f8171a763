//! The pages that a transaction wrote and freed, and the marks that it can go back to.
//!
//! Must always be true: a page that the transaction wrote, and that some mark still needs, is not given back, though it
//! was freed after the mark; going back leaves exactly the pages of then, neither more nor fewer. It is not a second
//! record of what is in use: who gets the pages that are given back is the caller's affair.
//!
//! Memory: some 24 bytes a page that was written and is not given back, 8 a page that was freed.

use crate::page::PageId;
use crate::planted::{Bug, armed};
use std::collections::HashMap;

/// Pages of one running transaction.
#[derive(Debug, Default)]
pub(crate) struct OwnPages {
    /// Written and not given back, each with how many marks there had been by then.
    born: HashMap<PageId, u64>,
    /// No page was written after more marks than this.
    last_born: u64,
    /// Of earlier versions, and not reached by this one.
    freed: Vec<PageId>,
    marks: Vec<Mark>,
    /// Marks that there have been.
    marked: u64,
}

/// Where the transaction can go back to.
#[derive(Debug)]
struct Mark {
    /// Which it is of all that there have been, counted from 1: what was written after it has this number or a higher one.
    number: u64,
    /// How many pages had been freed.
    freed: usize,
    /// Pages that were written before it, and freed since.
    held: Vec<PageId>,
}

impl OwnPages {
    /// Pages that were written.
    pub(crate) fn add(&mut self, pages: impl IntoIterator<Item = PageId>) {
        self.last_born = self.marked;
        self.born.extend(pages.into_iter().map(|page| (page, self.marked)));
    }

    /// True if the transaction wrote the page, and it was not given back.
    pub(crate) fn contains(&self, page: PageId) -> bool {
        self.born.contains_key(&page)
    }

    /// The page is not reached any more. True if its place may be used again at once.
    pub(crate) fn free(&mut self, page: PageId) -> bool {
        match self.born.get(&page) {
            Some(_) if armed(Bug::SavepointPageReused) => self.born.remove(&page).is_some(),
            Some(born) => match self.marks.last_mut() {
                Some(mark) if *born < mark.number => {
                    mark.held.push(page);
                    false
                }
                _ => self.born.remove(&page).is_some(),
            },
            None if armed(Bug::ReuseLivePage) => true,
            None => {
                self.freed.push(page);
                false
            }
        }
    }

    /// Marks where it is.
    pub(crate) fn mark(&mut self) {
        self.marked += 1;
        self.marks.push(Mark { number: self.marked, freed: self.freed.len(), held: Vec::new() });
    }

    /// Goes back to the mark, counted from 0 among those that there are; later ones are gone. Returns the pages written
    /// since, which may be used again.
    pub(crate) fn go_back(&mut self, mark: usize) -> Vec<PageId> {
        self.marks.truncate(mark + 1);
        let Mark { number, freed, ref mut held } = self.marks[mark];
        // They are reached again.
        held.clear();
        if !armed(Bug::RollbackForgetsFreed) {
            self.freed.truncate(freed);
        }
        if self.last_born < number {
            return Vec::new();
        }
        self.last_born = number - 1;
        self.born.extract_if(|_, born| *born >= number).map(|(page, _)| page).collect()
    }

    /// Forgets the mark, counted from 0 among those that there are, and later ones. Returns the pages that only they
    /// needed, which may be used again.
    pub(crate) fn forget(&mut self, mark: usize) -> Vec<PageId> {
        let mut reusable = Vec::new();
        for mark in self.marks.split_off(mark) {
            reusable.extend(mark.held.into_iter().filter(|page| self.free(*page)));
        }
        reusable
    }

    /// How many pages it wrote and still uses.
    pub(crate) fn written(&self) -> usize {
        self.born.len() - self.marks.iter().map(|mark| mark.held.len()).sum::<usize>()
    }

    pub(crate) fn born(&self) -> impl Iterator<Item = PageId> {
        self.born.keys().copied()
    }

    pub(crate) fn freed(&self) -> &[PageId] {
        &self.freed
    }

    /// True if nothing was written or freed.
    pub(crate) fn is_empty(&self) -> bool {
        self.born.is_empty() && self.freed.is_empty()
    }

    /// Takes all of it, written and freed.
    pub(crate) fn take(&mut self) -> (Vec<PageId>, Vec<PageId>) {
        let own = std::mem::take(self);
        (own.born.into_keys().collect(), own.freed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::sim::Rng;
    use std::collections::BTreeSet;

    fn page(n: u64) -> PageId {
        PageId::new(n)
    }

    fn sorted(mut pages: Vec<PageId>) -> Vec<u64> {
        pages.sort_unstable();
        pages.into_iter().map(PageId::get).collect()
    }

    #[test]
    fn a_page_that_a_mark_needs_is_given_back_when_the_mark_is_forgotten() {
        let mut own = OwnPages::default();
        own.add([page(1), page(2)]);
        assert!(own.free(page(1)), "without a mark at once");
        own.mark();
        own.add([page(3)]);
        own.mark();
        assert!(!own.free(page(2)) && !own.free(page(3)) && !own.free(page(9)));
        assert_eq!((own.written(), own.contains(page(2))), (0, true));
        assert_eq!(sorted(own.forget(1)), [3], "the first mark needs 2 and not 3");
        assert_eq!(sorted(own.forget(0)), [2]);
        assert_eq!((own.born().count(), own.freed()), (0, &[page(9)][..]));
    }

    #[test]
    fn going_back_gives_back_what_was_written_since_and_keeps_what_was_there() {
        let mut own = OwnPages::default();
        own.add([page(1)]);
        assert!(!own.free(page(8)));
        own.mark();
        for _ in 0..2 {
            own.add([page(2), page(3)]);
            assert!(own.free(page(3)) && !own.free(page(1)) && !own.free(page(9)));
            own.mark();
            own.add([page(4)]);
            assert_eq!(sorted(own.go_back(0)), [2, 4]);
            assert_eq!((own.written(), own.freed()), (1, &[page(8)][..]));
        }
        assert_eq!(own.go_back(0), []);
        assert!(own.forget(0).is_empty() && own.free(page(1)));
    }

    /// What the transaction has at a time: pages it reaches, and what it does not reach of earlier versions.
    type State = (BTreeSet<u64>, BTreeSet<u64>);

    /// Against a stack of states that are copied whole: what is not given back is exactly what some state needs.
    #[test]
    fn random_marks_agree_with_a_stack_of_copies() {
        for seed in 0..300 {
            let mut rng = Rng::new(seed);
            let (mut own, mut now, mut stack) = (OwnPages::default(), State::default(), Vec::<State>::new());
            let (mut taken, mut next) = (BTreeSet::new(), 1000u64);
            for _ in 0..200 {
                let mut reusable: Vec<PageId> = Vec::new();
                match rng.below(9) {
                    0..3 => {
                        next += 1;
                        own.add([page(next)]);
                        now.0.insert(next);
                        taken.insert(next);
                    }
                    3 | 4 if !now.0.is_empty() => {
                        let nth = *now.0.iter().nth(rng.index(now.0.len())).expect("below the length");
                        now.0.remove(&nth);
                        reusable.extend(own.free(page(nth)).then_some(page(nth)));
                    }
                    5 => {
                        let old = rng.below(900);
                        if now.1.insert(old) {
                            assert!(!own.free(page(old)));
                        }
                    }
                    6 => {
                        own.mark();
                        stack.push(now.clone());
                    }
                    7 if !stack.is_empty() => {
                        let to = rng.index(stack.len());
                        reusable = own.go_back(to);
                        stack.truncate(to + 1);
                        now = stack[to].clone();
                    }
                    8 if !stack.is_empty() => {
                        let from = rng.index(stack.len());
                        reusable = own.forget(from);
                        stack.truncate(from);
                    }
                    _ => {}
                }
                for page in reusable {
                    assert!(taken.remove(&page.get()), "seed {seed}: {page} is given back twice");
                }
                let mut needed = now.0.clone();
                stack.iter().for_each(|state| needed.extend(&state.0));
                assert_eq!(taken, needed, "seed {seed}");
                assert_eq!(own.born().map(PageId::get).collect::<BTreeSet<_>>(), needed, "seed {seed}");
                assert_eq!(
                    own.freed().iter().map(|p| p.get()).collect::<BTreeSet<_>>(),
                    now.1,
                    "seed {seed}"
                );
                assert_eq!(own.written(), now.0.len(), "seed {seed}");
            }
        }
    }
}
