//! The extents of a log as one row of blocks, numbered from the start of the first extent; and reading blocks of it.
//!
//! Must always be true: every extent of a chain lies within the device, behind the fixed pages, and shares no page with
//! another one of the chain; so a chain is never longer than the device, and never comes round to itself. Where one
//! extent ends and the next begins there is one place, not two: the next one's first block.
//!
//! It does not know what a block holds.

use super::frame::{BLOCK, Extent};
use crate::device::{DeviceError, PageDevice, PageDeviceExt, ReadPage};
use crate::page::{PageBuf, PageCount, PageId};
use crate::pager::meta::FIXED_PAGES;
use std::collections::BTreeMap;

/// Extents in a chain: far above what a log of any sensible size has, so more are garbage.
pub(crate) const MOST_EXTENTS: usize = 4096;

/// Bytes of the first read, and of the longest: a short log costs little, and a long one few calls.
const FIRST_READ: usize = 64 << 10;
const LONGEST_READ: usize = 1 << 20;

/// The extents, in order.
#[derive(Debug)]
pub(crate) struct Chain {
    blocks_per_page: u32,
    extents: Vec<Extent>,
    /// The number of each extent's first block, in the row of all.
    starts: Vec<u64>,
    /// First page to the page behind the last.
    taken: BTreeMap<u64, u64>,
    blocks: u64,
}

impl Chain {
    pub(crate) fn new(page_bytes: usize) -> Self {
        let blocks_per_page = (page_bytes / BLOCK) as u32;
        Chain { blocks_per_page, extents: Vec::new(), starts: Vec::new(), taken: BTreeMap::new(), blocks: 0 }
    }

    pub(crate) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    pub(crate) fn blocks_per_page(&self) -> u32 {
        self.blocks_per_page
    }

    /// Blocks of all extents.
    pub(crate) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Appends all of `extents`, or none and says what is wrong with one of them.
    pub(crate) fn append(&mut self, extents: &[Extent], device: PageCount) -> Result<(), &'static str> {
        let before = self.extents.len();
        let result = extents.iter().try_for_each(|extent| self.append_one(*extent, device));
        if result.is_err() {
            for extent in self.extents.drain(before..) {
                self.taken.remove(&extent.first.get());
            }
            self.blocks = self.starts.get(before).copied().unwrap_or(self.blocks);
            self.starts.truncate(before);
        }
        result
    }

    fn append_one(&mut self, extent: Extent, device: PageCount) -> Result<(), &'static str> {
        let first = extent.first.get();
        if extent.pages == 0 {
            return Err("a log extent without pages");
        }
        if first < FIXED_PAGES {
            return Err("a log extent in the pages of superblock and root records");
        }
        let end = first.checked_add(u64::from(extent.pages)).filter(|end| *end <= device.get());
        let end = end.ok_or("a log extent outside the file")?;
        let blocks = extent.pages.checked_mul(self.blocks_per_page).ok_or("a log extent that is too long")?;
        let before = self.taken.range(..end).next_back();
        if before.is_some_and(|(_, taken_end)| *taken_end > first) {
            return Err("a log extent that overlaps another one");
        }
        if self.extents.len() == MOST_EXTENTS {
            return Err("too many log extents");
        }
        self.taken.insert(first, end);
        self.extents.push(extent);
        self.starts.push(self.blocks);
        self.blocks += u64::from(blocks);
        Ok(())
    }

    /// The index of the extent that holds the block, and the block's number within it; for the end of the chain the
    /// end of the last extent. The chain has extents.
    pub(crate) fn locate(&self, at: u64) -> (usize, u32) {
        let index = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        (index, (at - self.starts[index]) as u32)
    }

    /// The page that holds the block, and the block's number within that.
    pub(crate) fn page(&self, at: u64) -> (PageId, u32) {
        let (index, block) = self.locate(at);
        let page = self.extents[index].first.plus(u64::from(block / self.blocks_per_page));
        (page, block % self.blocks_per_page)
    }
}

/// The few pages of a chain that were read last.
#[derive(Default)]
pub(crate) struct Window {
    buf: Option<PageBuf>,
    /// The first block in it, and how many are valid.
    first: u64,
    blocks: u64,
    /// Bytes of the last read.
    read: usize,
}

impl Window {
    /// Block `at` of the chain, which must have it.
    pub(crate) fn block(
        &mut self,
        device: &dyn PageDevice,
        chain: &Chain,
        at: u64,
    ) -> Result<&[u8], DeviceError> {
        if at < self.first || at - self.first >= self.blocks {
            self.load(device, chain, at)?;
        }
        let from = (at - self.first) as usize * BLOCK;
        Ok(self.buf.as_ref().map_or(&[], |buf| &buf[from..from + BLOCK]))
    }

    /// Reads the page of block `at` and as many of those behind it, in its extent, as one read may have.
    fn load(&mut self, device: &dyn PageDevice, chain: &Chain, at: u64) -> Result<(), DeviceError> {
        let per_page = chain.blocks_per_page();
        let page_bytes = per_page as usize * BLOCK;
        let (index, block) = chain.locate(at);
        let skipped = block / per_page;
        let extent = chain.extents()[index];
        self.read = if self.read == 0 { FIRST_READ } else { (self.read * 2).min(LONGEST_READ) };
        let pages = ((extent.pages - skipped) as usize).min(self.read / page_bytes);
        // Whatever happens from here on, what the buffer held is gone.
        self.blocks = 0;
        if self.buf.as_ref().is_none_or(|buf| buf.len() < pages * page_bytes) {
            self.buf = Some(PageBuf::zeroed(pages * page_bytes));
        }
        let bytes: &mut [u8] = self.buf.as_mut().map_or(&mut [], |buf| &mut buf[..pages * page_bytes]);
        let mut batch: Vec<ReadPage<'_>> = bytes
            .chunks_exact_mut(page_bytes)
            .zip(u64::from(skipped)..)
            .map(|(buf, page)| ReadPage { page: extent.first.plus(page), buf })
            .collect();
        device.read(&mut batch)?;
        self.first = at - u64::from(block % per_page);
        self.blocks = pages as u64 * u64::from(per_page);
        Ok(())
    }
}
