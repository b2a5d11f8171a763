//! Some keys of a page of records, kept beside its parent: a look-up by them touches few lines of the page.
//!
//! Must always be true: what is kept says what the page says, which never changes (V1). It takes at most
//! [`RecordHead::HEAP`] bytes of the heap, which the node that keeps it has asked the quota for.
//!
//! A search by halves in a page of 16 KiB is nine or ten probes, each a line that nobody has fetched. Of every so many
//! entries the first eight bytes behind the prefix are kept as a number; between two of them a few probes are left.

use super::Tree;
use super::decoded::head;
use super::record::{EntryView, OUTSIDE, RecordLeaf, RecordPage, entry_at};
use std::cmp::Ordering;
use storage_core::pager::{Page, PageError, ReadPages};

/// The most keys that are kept of a page.
const MOST: usize = 64;

/// No more than one in so many keys is kept.
const EVERY: usize = 8;

/// A longer prefix is not kept, nor is anything else then.
const PREFIX: usize = 64;

/// What is kept of a page of records.
#[derive(Debug)]
pub struct RecordHead {
    used: usize,
    count: usize,
    prefix: Box<[u8]>,
    /// Every how many entries.
    step: usize,
    /// The heads of entries 0, `step`, 2 × `step`, …; none if the prefix is long.
    samples: Box<[u64]>,
}

impl RecordHead {
    /// The most bytes that it takes of the heap.
    pub(super) const HEAP: usize = 8 * MOST + PREFIX;

    pub(super) fn of(page: &Page) -> Result<Self, PageError> {
        let view = RecordPage::open(page)?;
        let (used, count) = (page.used(), view.count());
        if view.prefix().len() > PREFIX {
            return Ok(RecordHead { used, count, prefix: [].into(), step: 1, samples: [].into() });
        }
        let step = count.div_ceil(MOST).max(EVERY);
        let sample = |index| Ok(head(view.entry(index)?.key));
        let samples = (0..count).step_by(step).map(sample).collect::<Result<_, PageError>>()?;
        Ok(RecordHead { used, count, prefix: view.prefix().into(), step, samples })
    }

    /// The entry under `key` in the page that this was kept of; `None` if nothing is known of the page.
    fn find<'p>(&self, page: &'p [u8], key: &[u8]) -> Result<Option<Option<EntryView<'p>>>, &'static str> {
        if self.samples.is_empty() {
            return Ok(None);
        }
        let Some(rest) = key.strip_prefix(&*self.prefix) else { return Ok(Some(None)) };
        let wanted = head(rest);
        // Where two heads differ, the keys compare as they do; where they are the same, nothing is known.
        let below = self.samples.partition_point(|sample| *sample < wanted);
        let up_to = below + self.samples[below..].partition_point(|sample| *sample == wanted);
        let mut low = below.checked_sub(1).map_or(0, |at| at * self.step + 1);
        let mut high = (up_to * self.step).min(self.count);
        let used = page.get(..self.used).ok_or("the page is shorter than it was")?;
        while low < high {
            let middle = low.midpoint(high);
            let entry = entry_at(used, (self.prefix.len(), self.count), page.len(), middle);
            let entry = entry.ok_or(OUTSIDE)?;
            match entry.key.cmp(rest) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Some(Some(entry))),
            }
        }
        Ok(Some(None))
    }
}

impl Tree<RecordLeaf> {
    /// What `read` makes of the bytes under a key, and of the number of pages that the record names, if all that leads
    /// there is in memory. `None` if it is not, or the leaf was changed: then [`Tree::get`] knows.
    pub(crate) fn at_hand<T>(
        &self,
        pages: &impl ReadPages,
        key: &[u8],
        read: impl FnOnce(&[u8], usize) -> T,
    ) -> Result<Option<Option<T>>, PageError> {
        let Some(spot) = self.quick(key).map(|found| found.spot) else { return Ok(None) };
        let (Some(slot), None) = (spot.slot, spot.delta) else { return Ok(None) };
        let find = |page: &[u8], kept: &RecordHead| {
            let found = kept.find(page, key)?;
            Ok(found.map(|entry| entry.map(|entry| read(entry.bytes, entry.refs))))
        };
        Ok(slot.again(pages, find).transpose()?.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btree::tests::{Records, Store, commit};
    use crate::btree::{LeafFormat, Record};
    use proptest::prelude::*;
    use storage_core::page::PageSize;

    /// One page of these keys, each over a record of its number.
    fn page(keys: &[Vec<u8>]) -> Page {
        let (store, mut tree) = (Store::new(PageSize::K64), Records::empty());
        let tx = store.write();
        for (number, key) in keys.iter().enumerate() {
            tree.put(&tx, key.clone(), Record::of_bytes(number.to_be_bytes())).expect("puts");
        }
        commit(tx, &mut tree);
        let mut pages = Vec::new();
        let keep = &mut |_, page: &Page| {
            pages.push(page.clone());
            Ok(())
        };
        tree.visit(&store.pager.begin_read(), keep).expect("reads");
        assert_eq!(pages.len(), 1, "one page");
        pages.remove(0)
    }

    proptest! {
        /// Keys that begin alike, keys that are beginnings of others, keys around those that are there.
        #[test]
        fn what_samples_lead_to_is_what_the_page_has(
            keys in prop::collection::btree_set(prop::collection::vec(0u8..4, 0..14), 1..700),
            prefix in 0usize..70,
            others in prop::collection::vec(prop::collection::vec(0u8..4, 0..14), 50),
        ) {
            let with_prefix = |key: &Vec<u8>| [vec![7; prefix], key.clone()].concat();
            let keys: Vec<_> = keys.iter().map(with_prefix).collect();
            let page = page(&keys);
            let kept = RecordHead::of(&page).expect("a page");
            for key in keys.iter().cloned().chain(others.iter().map(with_prefix)).chain(others.iter().cloned()) {
                let wanted = RecordLeaf::find(&page, &key).expect("read").map(|record| record.bytes);
                if let Some(found) = kept.find(&page, &key).expect("read") {
                    prop_assert_eq!(found.map(|entry| entry.bytes.to_vec()), wanted);
                } else {
                    prop_assert!(prefix > PREFIX || keys.len() == 1);
                }
            }
        }
    }
}
