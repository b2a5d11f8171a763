//! Lists that the processor was asked for before they are read: where each begins, and the page that holds it.
//!
//! Must always be true: a list that is here is whole in its page and was not changed. There are at most [`ASKED`] at a time;
//! lists that follow each other in one page share the hold on it.

use super::page::{Again, EdgeLeaf, PageHead};
use crate::btree::Slot;
use storage_core::pager::{AtHand, PageError, ReadPages};

/// How many lists may be asked for at a time. Each may hold a page: cheap only for a few.
pub(crate) const ASKED: usize = 7;

/// A page at hand, lent or held.
#[derive(Debug)]
enum Hand<'a> {
    Lent(&'a [u8]),
    Held(AtHand<'a>),
}

impl Hand<'_> {
    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Hand::Lent(bytes) => bytes,
            Hand::Held(page) => page,
        }
    }
}

/// A page, and what its parent keeps of it.
#[derive(Debug)]
struct Held<'a, const IN: bool> {
    slot: &'a Slot<EdgeLeaf<IN>>,
    head: &'a PageHead,
    hand: Hand<'a>,
}

/// A list, by its number.
#[derive(Copy, Clone, Debug)]
struct Asked {
    index: usize,
    vertex: u64,
    /// Where the lists begin; 0 if there are none.
    at: usize,
    /// The page's place in the ring.
    page: usize,
}

const NONE: Asked = Asked { index: usize::MAX, vertex: 0, at: 0, page: 0 };

/// The lists that were asked for last.
#[derive(Debug)]
pub(super) struct Ahead<'a, const IN: bool> {
    lists: [Asked; ASKED],
    /// As many pages as lists: the one that gives way is of a list before those that are kept.
    pages: [Option<Held<'a, IN>>; ASKED],
    /// The place of the newest page.
    newest: usize,
}

impl<'a, const IN: bool> Ahead<'a, IN> {
    pub fn new() -> Self {
        Ahead { lists: [NONE; ASKED], pages: [const { None }; ASKED], newest: 0 }
    }

    /// Lets all pages go.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Asks for the lists of a vertex, as number `index`; the one [`ASKED`] before is forgotten. Nothing happens where the page
    /// is not at hand.
    #[inline]
    pub fn ask(
        &mut self,
        pages: &'a impl ReadPages,
        (index, vertex): (usize, u64),
        slot: &'a Slot<EdgeLeaf<IN>>,
        lent: Option<&'a [u8]>,
    ) {
        let asked = index % ASKED;
        self.lists[asked] = NONE;
        let same = self.pages[self.newest].as_ref().is_some_and(|held| std::ptr::eq(held.slot, slot));
        if !same {
            let Some(head) = slot.head() else { return };
            let hand = match lent {
                Some(bytes) => Hand::Lent(bytes),
                None => match pages.at_hand(slot.page, &slot.near) {
                    Some(page) => Hand::Held(page),
                    None => return,
                },
            };
            self.newest = (self.newest + 1) % ASKED;
            self.pages[self.newest] = Some(Held { slot, head, hand });
        }
        let Some(held) = &self.pages[self.newest] else { return };
        let bytes = held.hand.bytes();
        // What is wrong with the page is told by whoever reads the list.
        let Ok(at) = Again::new(bytes, held.head).and_then(|page| page.ask(vertex)) else { return };
        self.lists[asked] = Asked { index, vertex, at, page: self.newest };
    }

    /// Appends the neighbours of the vertex that was asked for as number `index`. False if it was not.
    #[inline]
    pub fn targets(
        &self,
        index: usize,
        edge_type: Option<u32>,
        out: &mut Vec<u64>,
    ) -> Result<bool, PageError> {
        let asked = &self.lists[index % ASKED];
        if asked.index != index {
            return Ok(false);
        }
        let Some(held) = &self.pages[asked.page] else { return Ok(false) };
        Again::new(held.hand.bytes(), held.head)
            .and_then(|page| page.targets_at(asked.vertex, asked.at, edge_type, out))
            .map_err(|what| held.slot.damage(what))?;
        Ok(true)
    }
}
