//! A leaf's page and its changes as one stream of entries in key order.
//!
//! Must always be true: keys come strictly ascending, or the page is damaged and the error says so. It does not judge
//! whether they lie inside the leaf's bounds.

use super::changes::Changes;
use super::delta::Delta;
use super::format::LeafFormat;
use std::cmp::Ordering;
use std::ops::Bound;
use storage_core::pager::{Page, PageError};

/// A key and what stands under it.
pub(super) type Pair<F> = (<F as LeafFormat>::Key, <F as LeafFormat>::Value);

/// Where a leaf grew.
#[derive(Copy, Clone, Default, Debug)]
pub struct Growth {
    added: bool,
    inserted: bool,
}

impl Growth {
    /// A key that the page does not have came next.
    #[inline]
    pub fn adds(&mut self) {
        self.added = true;
    }

    /// An entry of the page came next.
    #[inline]
    pub fn keeps(&mut self) {
        self.inserted |= self.added;
    }

    /// True if an entry of the page came after one that a change added: it grew in its midst, not at its end.
    pub(super) fn inserted(self) -> bool {
        self.inserted
    }
}

/// What a leaf holds now: its page's entries with its changes applied.
pub struct Merged<'a, F: LeafFormat> {
    page: Option<Page>,
    base: Option<F::Entries>,
    /// The page's next entry.
    ahead: Option<Pair<F>>,
    delta: Option<std::iter::Peekable<Changes<'a, F::Key, F::Value>>>,
    growth: Growth,
    failed: bool,
}

impl<'a, F: LeafFormat> Merged<'a, F> {
    /// Changes below `from` are left out (entries of the page are not: they are decoded anyway).
    pub(super) fn new(
        page: Option<Page>,
        delta: Option<&'a Delta<F>>,
        from: Bound<&F::Key>,
    ) -> Result<Self, PageError> {
        let delta = delta.map(|delta| delta.range((from, Bound::Unbounded)).peekable());
        let mut base = page.clone().map(F::entries).transpose()?;
        let ahead = base.as_mut().and_then(Iterator::next).transpose()?;
        Ok(Merged { page, base, ahead, delta, growth: Growth::default(), failed: false })
    }

    /// Where the leaf grew, as far as it came.
    pub(super) fn growth(&self) -> Growth {
        self.growth
    }

    /// Takes the page's next entry and looks at the one behind it.
    fn advance(&mut self) -> Result<Option<Pair<F>>, PageError> {
        let Some(entry) = self.ahead.take() else { return Ok(None) };
        self.ahead = self.base.as_mut().and_then(Iterator::next).transpose()?;
        match (&self.ahead, &self.page) {
            (Some(next), Some(page)) if next.0 <= entry.0 => Err(page.damage("keys do not ascend")),
            _ => Ok(Some(entry)),
        }
    }

    fn step(&mut self) -> Result<Option<Pair<F>>, PageError> {
        loop {
            let order = match (&self.ahead, self.delta.as_mut().and_then(|delta| delta.peek())) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((key, _)), Some((changed, _))) => key.cmp(changed),
            };
            if order == Ordering::Less {
                self.growth.keeps();
                return self.advance();
            }
            if order == Ordering::Equal {
                self.advance()?;
            }
            let Some((key, value)) = self.delta.as_mut().and_then(Iterator::next) else { return Ok(None) };
            if let Some(value) = value {
                if order == Ordering::Greater {
                    self.growth.adds();
                }
                return Ok(Some((key.clone(), value.clone())));
            }
        }
    }
}

impl<F: LeafFormat> Iterator for Merged<'_, F> {
    type Item = Result<(F::Key, F::Value), PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = self.step().transpose();
        self.failed = matches!(item, Some(Err(_)));
        item
    }
}

impl<F: LeafFormat> std::fmt::Debug for Merged<'_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Merged({:?} next)", self.ahead.as_ref().map(|(key, _)| key))
    }
}
