//! The extents of the log, in memory: which the chain has, where the next group goes, and which are spare (L1, L4).
//!
//! Must always be true: the live extents are those that a crash would have to walk, from the durable root's log start
//! on, in order; a block is handed out once a life; an extent becomes spare only when a durable root starts behind it.
//!
//! No I/O here.

use super::frame::{BLOCK, Extent, LogStart};
use crate::page::{PageId, PageSize};

#[derive(Debug, Default)]
pub(crate) struct Extents {
    live: Vec<Extent>,
    /// Which of them the next group begins in.
    at: usize,
    /// The next block in it.
    block: u32,
    /// Zero-filled or recycled, durable, in no chain.
    spares: Vec<Extent>,
    /// Named by a group that is in flight: neither spare nor yet of the chain.
    linking: Vec<Extent>,
    blocks_per_page: u32,
}

impl Extents {
    pub(crate) fn new(size: PageSize) -> Self {
        Extents { blocks_per_page: (size.bytes() / BLOCK) as u32, ..Extents::default() }
    }

    /// Blocks of one extent.
    pub(crate) fn blocks_of(&self, extent: Extent) -> u64 {
        self.blocks(&[extent])
    }

    fn blocks(&self, extents: &[Extent]) -> u64 {
        extents.iter().map(|e| u64::from(e.pages) * u64::from(self.blocks_per_page)).sum()
    }

    /// Blocks left in the live extents.
    pub(crate) fn room(&self) -> u64 {
        self.blocks(self.live.get(self.at..).unwrap_or_default()) - u64::from(self.block)
    }

    /// Blocks written since the durable start's extent began.
    pub(crate) fn used(&self) -> u64 {
        self.blocks(&self.live) - self.room()
    }

    /// Blocks that come behind the live ones: of spare extents, and of those that are being linked.
    pub(crate) fn blocks_to_come(&self) -> u64 {
        self.blocks(&self.spares) + self.blocks(&self.linking)
    }

    /// Pages of all extents.
    pub(crate) fn pages(&self) -> u64 {
        self.extents().map(|e| u64::from(e.pages)).sum()
    }

    pub(crate) fn is_live(&self) -> bool {
        !self.live.is_empty()
    }

    pub(crate) fn extents(&self) -> impl Iterator<Item = &Extent> {
        self.live.iter().chain(&self.linking).chain(&self.spares)
    }

    pub(crate) fn spares(&self) -> &[Extent] {
        &self.spares
    }

    pub(crate) fn add_spare(&mut self, extent: Extent) {
        self.spares.push(extent);
    }

    /// Takes a spare one, to be linked.
    pub(crate) fn take_spare(&mut self) -> Option<Extent> {
        let spare = (!self.spares.is_empty()).then(|| self.spares.remove(0));
        self.linking.extend(spare);
        spare
    }

    /// A group that links this extent is durable.
    pub(crate) fn link(&mut self, extent: Extent) {
        self.linking.retain(|linking| *linking != extent);
        self.live.push(extent);
    }

    /// A new life in these extents, which were spare.
    pub(crate) fn begin(&mut self, extents: Vec<Extent>) {
        debug_assert!(self.live.is_empty(), "a log begins once");
        self.spares.retain(|spare| !extents.contains(spare));
        self.live = extents;
        (self.at, self.block) = (0, 0);
    }

    /// The place of the next group: its block, its extent and those after it.
    pub(crate) fn place(&self) -> (u32, &[Extent]) {
        (self.block, self.live.get(self.at..).unwrap_or_default())
    }

    /// Where the next `count` blocks lie: page, first block in the page, blocks, in order, a page at a time. Does not move.
    pub(crate) fn next_blocks(&self, count: u32) -> Vec<(PageId, u32, u32)> {
        let mut out = Vec::new();
        let (mut left, mut block) = (count, self.block);
        for extent in &self.live[self.at..] {
            let end = extent.pages * self.blocks_per_page;
            while left > 0 && block < end {
                let first = block % self.blocks_per_page;
                let some = left.min(self.blocks_per_page - first);
                let page = extent.first.plus(u64::from(block / self.blocks_per_page));
                out.push((page, first, some));
                block += some;
                left -= some;
            }
            block = 0;
        }
        assert_eq!(left, 0, "room was made for every group");
        out
    }

    /// These blocks are written.
    pub(crate) fn advance(&mut self, count: u32) {
        self.block += count;
        while self.at < self.live.len() {
            let blocks = self.live[self.at].pages * self.blocks_per_page;
            if self.block < blocks || self.at + 1 == self.live.len() {
                return;
            }
            self.block -= blocks;
            self.at += 1;
        }
    }

    /// A durable root starts at `start`: what lies before it is spare.
    pub(crate) fn recycle(&mut self, start: &LogStart) {
        let Some(first) = start.extents.first() else { return };
        let Some(before) = self.live.iter().position(|e| e == first) else { return };
        self.spares.extend(self.live.drain(..before));
        self.at -= before;
    }

    /// Spares beyond `keep` blocks, to be given back.
    pub(crate) fn drop_spares(&mut self, keep: u64) -> Vec<Extent> {
        let mut out = Vec::new();
        while let Some(last) = self.spares.last()
            && self.blocks(&self.spares) - u64::from(last.pages) * u64::from(self.blocks_per_page) >= keep
        {
            out.extend(self.spares.pop());
        }
        out
    }

    /// The log ends: all extents, to be given back.
    pub(crate) fn end(&mut self) -> Vec<Extent> {
        (self.at, self.block) = (0, 0);
        let mut all = std::mem::take(&mut self.live);
        all.append(&mut self.spares);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(first: u64) -> Extent {
        Extent { first: PageId::new(first), pages: 2 }
    }

    /// Two extents of two pages of 16 KiB: eight blocks each.
    fn chain() -> Extents {
        let mut chain = Extents::new(PageSize::K16);
        chain.begin(vec![extent(10), extent(20)]);
        chain
    }

    #[test]
    fn blocks_go_on_from_extent_to_extent() {
        let mut chain = chain();
        assert_eq!((chain.room(), chain.used()), (16, 0));
        assert_eq!(chain.next_blocks(3), [(PageId::new(10), 0, 3)]);
        chain.advance(3);
        let next = [(PageId::new(10), 3, 1), (PageId::new(11), 0, 4), (PageId::new(20), 0, 2)];
        assert_eq!(chain.next_blocks(7), next);
        chain.advance(7);
        assert_eq!(chain.place(), (2, &[extent(20)][..]));
        assert_eq!((chain.room(), chain.used()), (6, 10));
        chain.advance(6);
        assert_eq!((chain.room(), chain.place().0), (0, 8), "full, and nothing is linked");
        chain.link(extent(30));
        chain.advance(0);
        assert_eq!(chain.place(), (0, &[extent(30)][..]));
    }

    /// Else the log grew beyond its limit while a group was in flight, and its pages were nobody's.
    #[test]
    fn an_extent_that_is_being_linked_belongs_to_the_log() {
        let mut chain = chain();
        chain.add_spare(extent(30));
        assert_eq!(chain.take_spare(), Some(extent(30)));
        assert_eq!((chain.pages(), chain.room(), chain.blocks_to_come()), (6, 16, 8));
        assert!(chain.extents().any(|e| *e == extent(30)));
        assert_eq!(chain.take_spare(), None);
        assert_eq!(chain.drop_spares(0), []);
        chain.link(extent(30));
        assert_eq!((chain.pages(), chain.room(), chain.blocks_to_come()), (6, 24, 0));
    }

    #[test]
    fn only_what_lies_before_a_durable_start_becomes_spare() {
        let mut chain = chain();
        chain.link(extent(30));
        chain.advance(18);
        let start = LogStart { extents: vec![extent(20), extent(30)], ..LogStart::default() };
        chain.recycle(&start);
        assert_eq!(chain.spares(), [extent(10)]);
        assert_eq!(chain.place(), (2, &[extent(30)][..]));
        assert_eq!((chain.used(), chain.room(), chain.pages()), (10, 6, 6));
        chain.recycle(&LogStart::default());
        assert_eq!(chain.spares(), [extent(10)], "a root without a log recycles nothing");
        assert_eq!(chain.drop_spares(8), []);
        assert_eq!(chain.drop_spares(0), [extent(10)]);
        assert_eq!(chain.end(), [extent(20), extent(30)]);
    }
}
