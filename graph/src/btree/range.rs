//! Entries between two keys, forwards and backwards.
//!
//! Must always be true: keys come strictly ascending (or descending), each once, changes in memory applied; bounds that
//! exclude each other give nothing; an error is an item, and the last one.

use super::LeafFormat;
use super::cursor::Cursor;
use super::merge::{Merged, Pair};
use super::node::Tree;
use super::read::LeafView;
use std::ops::{Bound, RangeBounds};
use storage_core::pager::{PageError, ReadPages};

/// Both ends of a range, as keys and as key bytes.
pub(super) struct Ends<K> {
    pub from: Bound<K>,
    pub to: Bound<K>,
    pub from_bytes: Option<Vec<u8>>,
    pub to_bytes: Option<Vec<u8>>,
}

impl<K: Ord + Clone> Ends<K> {
    pub fn of<F: LeafFormat<Key = K>>(bounds: &impl RangeBounds<K>) -> Self {
        let bytes = |bound: Bound<&K>| match bound {
            Bound::Unbounded => None,
            Bound::Included(key) | Bound::Excluded(key) => {
                let mut out = Vec::new();
                F::key_bytes(key, &mut out);
                Some(out)
            }
        };
        Ends {
            from: bounds.start_bound().cloned(),
            to: bounds.end_bound().cloned(),
            from_bytes: bytes(bounds.start_bound()),
            to_bytes: bytes(bounds.end_bound()),
        }
    }

    /// Nothing can lie between them.
    pub fn is_empty(&self) -> bool {
        use Bound::{Excluded, Included};
        match (&self.from, &self.to) {
            (Included(from), Included(to)) => from > to,
            (Included(from) | Excluded(from), Excluded(to)) | (Excluded(from), Included(to)) => from >= to,
            _ => false,
        }
    }

    fn below(&self, key: &K) -> bool {
        match &self.from {
            Bound::Included(from) => key < from,
            Bound::Excluded(from) => key <= from,
            Bound::Unbounded => false,
        }
    }

    fn above(&self, key: &K) -> bool {
        match &self.to {
            Bound::Included(to) => key > to,
            Bound::Excluded(to) => key >= to,
            Bound::Unbounded => false,
        }
    }

    /// No leaf behind this one has a key of the range.
    fn ends_in<F: LeafFormat>(&self, leaf: &LeafView<'_, F>) -> bool {
        match (&self.to_bytes, &leaf.upper) {
            (Some(to), Some(upper)) if matches!(self.to, Bound::Excluded(_)) => upper >= to,
            (Some(to), Some(upper)) => upper > to,
            _ => false,
        }
    }

    /// No leaf before this one has a key of the range.
    fn begins_in<F: LeafFormat>(&self, leaf: &LeafView<'_, F>) -> bool {
        self.from_bytes.as_ref().is_some_and(|from| leaf.lower <= *from)
    }
}

impl<F: LeafFormat> Tree<F> {
    /// The entries within `bounds`, ascending.
    pub fn range<'a, R: ReadPages>(
        &'a self,
        pages: &'a R,
        bounds: impl RangeBounds<F::Key>,
    ) -> Range<'a, F, R> {
        let ends = Ends::of::<F>(&bounds);
        let mut cursor = Cursor::new(self, pages);
        let (mut failed, done) = (None, ends.is_empty());
        if !done {
            failed = cursor.seek(Some(ends.from_bytes.as_deref().unwrap_or(&[]))).err();
        }
        Range { cursor, ends, leaf: None, last_leaf: false, failed, done }
    }

    /// The entries within `bounds`, descending.
    pub fn range_back<'a, R: ReadPages>(
        &'a self,
        pages: &'a R,
        bounds: impl RangeBounds<F::Key>,
    ) -> RangeBack<'a, F, R> {
        let ends = Ends::of::<F>(&bounds);
        let mut cursor = Cursor::new(self, pages);
        let (mut failed, done) = (None, ends.is_empty());
        if !done {
            failed = cursor.seek(ends.to_bytes.as_deref()).err();
        }
        RangeBack { cursor, ends, leaf: Vec::new(), last_leaf: false, failed, done }
    }
}

/// Ascending entries: see [`Tree::range`].
pub struct Range<'a, F: LeafFormat, R: ReadPages> {
    cursor: Cursor<'a, F, R>,
    ends: Ends<F::Key>,
    leaf: Option<Merged<'a, F>>,
    last_leaf: bool,
    failed: Option<PageError>,
    done: bool,
}

impl<F: LeafFormat, R: ReadPages> Range<'_, F, R> {
    fn step(&mut self) -> Result<Option<Pair<F>>, PageError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        loop {
            while let Some(entry) = self.leaf.as_mut().and_then(Iterator::next) {
                let (key, value) = entry?;
                if self.ends.above(&key) {
                    return Ok(None);
                }
                if !self.ends.below(&key) {
                    return Ok(Some((key, value)));
                }
            }
            if self.last_leaf {
                return Ok(None);
            }
            let Some(view) = self.cursor.next()? else { return Ok(None) };
            self.last_leaf = self.ends.ends_in(&view);
            self.leaf = Some(Merged::new(view.page, view.delta, self.ends.from.as_ref())?);
        }
    }
}

impl<F: LeafFormat, R: ReadPages> Iterator for Range<'_, F, R> {
    type Item = Result<(F::Key, F::Value), PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.step().transpose();
        self.done = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Descending entries: see [`Tree::range_back`]. A leaf at a time is decoded.
pub struct RangeBack<'a, F: LeafFormat, R: ReadPages> {
    cursor: Cursor<'a, F, R>,
    ends: Ends<F::Key>,
    /// What is left of the leaf, ascending.
    leaf: Vec<Pair<F>>,
    last_leaf: bool,
    failed: Option<PageError>,
    done: bool,
}

impl<F: LeafFormat, R: ReadPages> RangeBack<'_, F, R> {
    fn step(&mut self) -> Result<Option<Pair<F>>, PageError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        loop {
            if let Some(entry) = self.leaf.pop() {
                return Ok(Some(entry));
            }
            if self.last_leaf {
                return Ok(None);
            }
            let Some(view) = self.cursor.back()? else { return Ok(None) };
            self.last_leaf = self.ends.begins_in(&view);
            for entry in Merged::<F>::new(view.page, view.delta, self.ends.from.as_ref())? {
                let (key, value) = entry?;
                if self.ends.above(&key) {
                    break;
                }
                if !self.ends.below(&key) {
                    self.leaf.push((key, value));
                }
            }
        }
    }
}

impl<F: LeafFormat, R: ReadPages> Iterator for RangeBack<'_, F, R> {
    type Item = Result<(F::Key, F::Value), PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.step().transpose();
        self.done = !matches!(item, Some(Ok(_)));
        item
    }
}

impl<F: LeafFormat, R: ReadPages> std::fmt::Debug for Range<'_, F, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Range({:?} to {:?})", self.ends.from, self.ends.to)
    }
}

impl<F: LeafFormat, R: ReadPages> std::fmt::Debug for RangeBack<'_, F, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RangeBack({:?} down to {:?})", self.ends.to, self.ends.from)
    }
}
