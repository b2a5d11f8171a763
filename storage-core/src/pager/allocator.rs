//! Which pages may be used (A1, A2, A4): in memory, beside the durable map.
//!
//! Two sets of bits a region: `map`, what the durable root reaches, and `busy`, what must not be handed out: the map,
//! plus pages that the running transaction took, plus pages in quarantine (freed, but a reader or the durable root may
//! still need them). Must always be true: map ⊆ busy. Regions are loaded on demand (A3); counts come from the index,
//! so opening does not read them.
//!
//! It is not: durable. A crash forgets everything here but the map.

use super::error::PageError;
use super::map::{MapEntry, region_pages};
use super::meta::FIXED_PAGES;
use crate::page::{PageId, PageSize, Written};

/// Reads the bits of a region, whose page a reference names, with so many bits set.
pub(crate) type LoadRegion<'a> = &'a dyn Fn(usize, Written, u32) -> Result<Vec<u64>, PageError>;

pub(crate) struct Allocator {
    /// Pages a region.
    region: u64,
    words: usize,
    page_count: u64,
    busy_total: u64,
    regions: Vec<Region>,
    /// No region below this one has a free page.
    first_free: usize,
}

pub(crate) struct Region {
    /// The durable page and how many bits it has set.
    pub(crate) entry: MapEntry,
    busy: u32,
    bits: Option<Bits>,
}

struct Bits {
    map: Box<[u64]>,
    busy: Box<[u64]>,
}

impl Allocator {
    /// An allocator over the regions that the map's index names. Without a map only the fixed pages are in use.
    pub(crate) fn new(size: PageSize, page_count: u64, entries: Vec<MapEntry>) -> Self {
        let region = region_pages(size);
        let mut this = Allocator {
            region,
            words: (region / 64) as usize,
            page_count: 0,
            busy_total: 0,
            regions: entries.iter().map(|e| Region { entry: *e, busy: e.used, bits: None }).collect(),
            first_free: 0,
        };
        this.busy_total = this.regions.iter().map(|r| u64::from(r.busy)).sum();
        this.set_page_count(page_count);
        if entries.is_empty() {
            let bits = this.regions[0].fresh(this.words);
            for page in 0..FIXED_PAGES {
                set(&mut bits.map, page);
                set(&mut bits.busy, page);
            }
            this.regions[0].busy = FIXED_PAGES as u32;
            this.busy_total = FIXED_PAGES;
        }
        this
    }

    pub(crate) fn page_count(&self) -> u64 {
        self.page_count
    }

    /// Pages that may be handed out now.
    pub(crate) fn free(&self) -> u64 {
        self.page_count.saturating_sub(self.busy_total)
    }

    pub(crate) fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The device has grown, or was cut (only free pages may be cut off).
    pub(crate) fn set_page_count(&mut self, pages: u64) {
        self.page_count = pages;
        let regions = (pages.div_ceil(self.region) as usize).max(1).max(self.regions.len());
        self.regions.resize_with(regions, || Region { entry: MapEntry::default(), busy: 0, bits: None });
    }

    /// Takes up to `want` free pages, lowest first (A4). After an error none is taken.
    pub(crate) fn take(&mut self, want: usize, load: LoadRegion<'_>) -> Result<Vec<PageId>, PageError> {
        let mut out = Vec::with_capacity(want);
        let result = self.take_into(&mut out, want, load);
        self.busy_total += out.len() as u64;
        if result.is_err() {
            self.give_back(std::mem::take(&mut out));
        }
        result.map(|()| out)
    }

    fn take_into(
        &mut self,
        out: &mut Vec<PageId>,
        want: usize,
        load: LoadRegion<'_>,
    ) -> Result<(), PageError> {
        for r in self.first_free..self.regions.len() {
            let start = r as u64 * self.region;
            let pages = self.region.min(self.page_count.saturating_sub(start));
            if u64::from(self.regions[r].busy) < pages && out.len() < want {
                self.load(r, load)?;
                let region = &mut self.regions[r];
                let bits = region.bits.as_mut().expect("loaded above");
                let before = out.len();
                let left = want - before;
                take_bits(&mut bits.busy, pages, left, |bit| out.push(PageId::new(start + bit)));
                region.busy += (out.len() - before) as u32;
            }
            // A region whose tail is still beyond the end of the file may get free pages when it grows.
            if r == self.first_free && u64::from(self.regions[r].busy) == self.region {
                self.first_free += 1;
            }
            if out.len() == want {
                break;
            }
        }
        Ok(())
    }

    /// Takes the lowest `want` neighbouring pages that are free together within a region; `None` if there are none.
    pub(crate) fn take_run(&mut self, want: u64, load: LoadRegion<'_>) -> Result<Option<PageId>, PageError> {
        for r in self.first_free..self.regions.len() {
            let start = r as u64 * self.region;
            let pages = self.region.min(self.page_count.saturating_sub(start));
            if u64::from(self.regions[r].busy) + want > pages {
                continue;
            }
            self.load(r, load)?;
            let region = &mut self.regions[r];
            let bits = region.bits.as_mut().expect("loaded above");
            let Some(first) = free_run(&bits.busy, pages, want) else { continue };
            (first..first + want).for_each(|bit| set(&mut bits.busy, bit));
            region.busy += want as u32;
            self.busy_total += want;
            return Ok(Some(PageId::new(start + first)));
        }
        Ok(None)
    }

    /// Marks a page that is in use though no map says so: the log's. False if it was busy already.
    pub(crate) fn mark(&mut self, page: PageId, load: LoadRegion<'_>) -> Result<bool, PageError> {
        let (r, bit) = self.place(page);
        self.load(r, load)?;
        let region = &mut self.regions[r];
        let bits = region.bits.as_mut().expect("loaded above");
        if get(&bits.busy, bit) {
            return Ok(false);
        }
        set(&mut bits.busy, bit);
        region.busy += 1;
        self.busy_total += 1;
        Ok(true)
    }

    /// Gives pages back: taken and never reachable, or out of quarantine.
    pub(crate) fn give_back(&mut self, pages: impl IntoIterator<Item = PageId>) {
        for page in pages {
            let (r, bit) = self.place(page);
            let region = &mut self.regions[r];
            let bits = region.bits.as_mut().expect("a page that was taken has its region loaded");
            assert!(get(&bits.busy, bit), "page {page} is given back twice");
            clear(&mut bits.busy, bit);
            region.busy -= 1;
            self.busy_total -= 1;
            self.first_free = self.first_free.min(r);
        }
    }

    pub(crate) fn place(&self, page: PageId) -> (usize, u64) {
        ((page.get() / self.region) as usize, page.get() % self.region)
    }

    /// The durable bits of a region, loaded if need be.
    pub(crate) fn map_bits(&mut self, r: usize, load: LoadRegion<'_>) -> Result<&[u64], PageError> {
        self.load(r, load)?;
        Ok(&self.regions[r].bits.as_ref().expect("loaded above").map)
    }

    /// A new map of this region is durable.
    pub(crate) fn install(&mut self, r: usize, entry: MapEntry, map: Vec<u64>) {
        let region = &mut self.regions[r];
        region.entry = entry;
        let bits = region.bits.as_mut().expect("a region is loaded before it changes");
        debug_assert!(map.iter().zip(&bits.busy).all(|(m, b)| m & !b == 0), "map ⊆ busy");
        bits.map = map.into();
    }

    /// One more than the last busy page.
    pub(crate) fn end(&mut self, load: LoadRegion<'_>) -> Result<u64, PageError> {
        for r in (0..self.regions.len()).rev() {
            if self.regions[r].busy == 0 {
                continue;
            }
            self.load(r, load)?;
            let bits = &self.regions[r].bits.as_ref().expect("loaded above").busy;
            if let Some(word) = bits.iter().rposition(|w| *w != 0) {
                let bit = word as u64 * 64 + 63 - u64::from(bits[word].leading_zeros());
                return Ok(r as u64 * self.region + bit + 1);
            }
        }
        Ok(0)
    }

    fn load(&mut self, r: usize, load: LoadRegion<'_>) -> Result<(), PageError> {
        let region = &mut self.regions[r];
        if region.bits.is_some() {
            return Ok(());
        }
        match region.entry.at {
            None => {
                region.fresh(self.words);
            }
            Some(at) => {
                let map = load(r, at, region.entry.used)?;
                region.bits = Some(Bits { busy: map.clone().into(), map: map.into() });
            }
        }
        Ok(())
    }
}

impl Region {
    fn fresh(&mut self, words: usize) -> &mut Bits {
        self.bits.insert(Bits { map: vec![0; words].into(), busy: vec![0; words].into() })
    }
}

fn take_bits(busy: &mut [u64], pages: u64, want: usize, mut taken: impl FnMut(u64)) {
    let mut left = want;
    for (w, word) in busy.iter_mut().enumerate() {
        while *word != u64::MAX && left > 0 {
            let bit = word.trailing_ones();
            let page = w as u64 * 64 + u64::from(bit);
            if page >= pages {
                return;
            }
            *word |= 1 << bit;
            taken(page);
            left -= 1;
        }
        if left == 0 {
            return;
        }
    }
}

/// The first bit of the lowest run of `want` clear bits among the first `pages`.
fn free_run(busy: &[u64], pages: u64, want: u64) -> Option<u64> {
    let (mut start, mut bit) = (0, 0);
    while bit < pages {
        let word = busy[(bit / 64) as usize];
        if word == u64::MAX && bit.is_multiple_of(64) {
            bit += 64;
            start = bit;
            continue;
        }
        let clear = word >> (bit % 64) & 1 == 0;
        bit += 1;
        if !clear {
            start = bit;
        } else if bit - start == want {
            return Some(start);
        }
    }
    None
}

pub(crate) fn get(bits: &[u64], bit: u64) -> bool {
    bits[(bit / 64) as usize] >> (bit % 64) & 1 == 1
}

/// The bits that are set, ascending.
pub(crate) fn ones(bits: &[u64]) -> impl Iterator<Item = u64> {
    let of_word = |(at, word): (usize, &u64)| {
        std::iter::successors(Some(*word), |word| Some(word & word.wrapping_sub(1)))
            .take_while(|word| *word != 0)
            .map(move |word| at as u64 * 64 + u64::from(word.trailing_zeros()))
    };
    bits.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(of_word)
}

pub(crate) fn set(bits: &mut [u64], bit: u64) {
    bits[(bit / 64) as usize] |= 1 << (bit % 64);
}

pub(crate) fn clear(bits: &mut [u64], bit: u64) {
    bits[(bit / 64) as usize] &= !(1 << (bit % 64));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_map(_: usize, _: Written, _: u32) -> Result<Vec<u64>, PageError> {
        unreachable!("nothing is on a device")
    }

    #[test]
    fn a_run_is_the_lowest_place_that_is_long_enough() {
        let mut alloc = Allocator::new(PageSize::K4, 300, Vec::new());
        assert_eq!(alloc.take_run(10, &no_map).unwrap(), Some(PageId::new(FIXED_PAGES)));
        let singles = alloc.take(100, &no_map).unwrap();
        alloc.give_back(singles[20..24].iter().copied());
        alloc.give_back(singles[50..58].iter().copied());
        assert_eq!(alloc.take_run(6, &no_map).unwrap(), Some(singles[50]));
        assert_eq!(alloc.take_run(4, &no_map).unwrap(), Some(singles[20]));
        let free = alloc.free();
        assert_eq!(alloc.take_run(free, &no_map).unwrap(), None, "two places, not one");
        assert_eq!(alloc.take_run(free - 2, &no_map).unwrap(), Some(PageId::new(115)));
        assert_eq!(alloc.free(), 2);
    }

    #[test]
    fn a_page_of_the_log_is_marked_once() {
        let mut alloc = Allocator::new(PageSize::K4, 300, Vec::new());
        assert!(alloc.mark(PageId::new(7), &no_map).unwrap());
        assert!(!alloc.mark(PageId::new(7), &no_map).unwrap());
        assert!(!alloc.mark(PageId::new(3), &no_map).unwrap(), "a root record");
        assert_eq!(alloc.take(3, &no_map).unwrap().last(), Some(&PageId::new(8)));
    }
}
