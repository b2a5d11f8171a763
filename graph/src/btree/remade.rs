//! A leaf on its way into a packer: its page's entries with its changes applied.
//!
//! Must always be true: keys come strictly ascending, or the page is damaged and the error says so; what is at hand of the
//! changes is bounded, however many there are.
//!
//! It goes one by one, or, where a page's entries are decoded many at once, as their format merges them
//! ([`LeafFormat::merge`]): a checkpoint of many edges spends its time here.

use super::changes::{ChangeAt, Changes};
use super::delta::Delta;
use super::format::{LeafFormat, LeafPacker, PackedLeaf};
use super::merge::{Growth, Merged};
use std::ops::Bound;
use storage_core::pager::{Page, PageError};

/// So many changes are at hand at once, at most: in tests so few that most vertices have more.
const AT_HAND: usize = if cfg!(test) { 3 } else { 2048 };

/// What comes next of a leaf's changes.
#[derive(Debug)]
pub struct Ahead<'c, 'a, F: LeafFormat> {
    /// Those at hand: some, if there are any.
    pub changes: &'c [ChangeAt<'a, F::Key, F::Value>],
    /// There may be more behind them.
    pub more: bool,
    /// Where the leaf grew so far.
    pub growth: &'c mut Growth,
}

/// A leaf that goes into a packer.
pub(super) enum Remade<'a, F: LeafFormat> {
    OneByOne(Merged<'a, F>),
    Together {
        page: Option<F::Entries>,
        changes: Changes<'a, F::Key, F::Value>,
        /// Changes at hand, and how many of them were used up.
        at_hand: Vec<ChangeAt<'a, F::Key, F::Value>>,
        used: usize,
        growth: Growth,
    },
}

impl<'a, F: LeafFormat> Remade<'a, F> {
    pub fn new(page: Option<Page>, delta: Option<&'a Delta<F>>) -> Result<Self, PageError> {
        if !F::MERGES {
            return Ok(Remade::OneByOne(Merged::new(page, delta, Bound::Unbounded)?));
        }
        let (at_hand, growth) = (Vec::new(), Growth::default());
        let changes = delta.map_or(Changes::One([].iter()), |delta| delta.range(..));
        Ok(Remade::Together { page: page.map(F::entries).transpose()?, changes, at_hand, used: 0, growth })
    }

    /// Where the leaf grew, as far as it came.
    pub fn growth(&self) -> Growth {
        match self {
            Remade::OneByOne(merged) => merged.growth(),
            Remade::Together { growth, .. } => *growth,
        }
    }

    /// Gives a packer, which has what came so far, some of what comes next; tells `seen` beforehand of a key that none of it is
    /// below, which the leaf has, or had, and afterwards of the last one. False at the end.
    pub fn pack(
        &mut self,
        (packer, out): (&mut F::Packer, &mut Vec<PackedLeaf>),
        seen: &mut impl FnMut(&F::Key) -> Result<(), PageError>,
    ) -> Result<bool, PageError> {
        match self {
            Remade::OneByOne(merged) => {
                let Some(entry) = merged.next() else { return Ok(false) };
                let (key, value) = entry?;
                seen(&key)?;
                packer.push(key, value, out);
                Ok(true)
            }
            Remade::Together { page, changes, at_hand, used, growth } => {
                if *used == at_hand.len() {
                    at_hand.clear();
                    *used = 0;
                    changes.some(AT_HAND, at_hand);
                }
                let mut ahead = Ahead { changes: &at_hand[*used..], more: at_hand.len() == AT_HAND, growth };
                let more = F::merge(page.as_mut(), &mut ahead, (packer, out), seen)?;
                *used = at_hand.len() - ahead.changes.len();
                Ok(more)
            }
        }
    }
}
