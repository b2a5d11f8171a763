//! A wrapper whose changes stay in memory: what was written is read back, and the device below is never changed.
//!
//! For looking at a store that has to be recovered first: it is opened over this, recovered in memory, looked at, and
//! dropped; its file stays as it was.
//!
//! Must always be true: the device below gets no call but `read`, `prefetch` and `close` (the last not if it is lent); a
//! page that was written, or came by growth, is never read from below; what `shrink` cut is forgotten, and comes back as
//! zeros. Memory grows with the pages written, not with the device.
//!
//! It is not: durable. `sync` and `write_durable` succeed, and nothing survives `close`.

use super::batch::Site;
use super::{
    Arrived, BlockWrites, DeviceErrorKind, DeviceInfo, Growth, LentPage, Operation, PageDevice,
    PageDeviceExt, ReadPage, Result, WriteBlock, WritePage,
};
use crate::page::{PageBuf, PageCount, PageId, PageRun, PageSize};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// No disk is larger: growth beyond it is refused as a full disk.
const LARGEST: u64 = 1 << 60;

/// Changes in memory over a device that is only read.
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{PageDevice, PageDeviceExt, memory::MemoryDevice, overlay::OverlayDevice};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let below = Arc::new(MemoryDevice::new(PageSize::K4));
/// below.grow(PageCount::new(1))?;
/// let device = OverlayDevice::lent(below.clone());
/// device.write_page(PageId::new(0), &[1; 4096])?;
/// let mut page = PageBuf::zeroed(4096);
/// device.read_page(PageId::new(0), &mut page)?;
/// assert_eq!((page[0], device.pages_held()), (1, 1));
/// below.read_page(PageId::new(0), &mut page)?;
/// assert_eq!(page[0], 0);                             // below nothing has changed
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct OverlayDevice {
    below: Arc<dyn PageDevice>,
    size: PageSize,
    site: Site,
    closes_below: bool,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    pages: PageCount,
    /// Pages below this show what the device below has, unless they were written.
    seen: PageCount,
    written: HashMap<PageId, PageBuf>,
    closed: bool,
}

impl OverlayDevice {
    /// Lays memory over `below`, which may be open read-only.
    pub fn new(below: Arc<dyn PageDevice>) -> Self {
        let info = below.info();
        let pages = below.page_count();
        OverlayDevice {
            size: info.page_size,
            site: Site { backend: info.backend, path: info.path },
            closes_below: true,
            state: RwLock::new(State { pages, seen: pages, written: HashMap::new(), closed: false }),
            below,
        }
    }

    /// Lays memory over a device that stays its owner's: it is still open when this one is closed.
    pub fn lent(below: Arc<dyn PageDevice>) -> Self {
        OverlayDevice { closes_below: false, ..Self::new(below) }
    }

    /// How many pages are held in memory.
    pub fn pages_held(&self) -> usize {
        self.state.read().written.len()
    }

    fn usable(&self, state: &State, operation: Operation) -> Result<()> {
        match state.closed {
            true => Err(self.site.error(DeviceErrorKind::Closed, operation)),
            false => Ok(()),
        }
    }

    /// A copy of a page that was not written yet.
    fn copy_up(&self, state: &State, page: PageId) -> Result<PageBuf> {
        let mut buf = PageBuf::zeroed(self.size.bytes());
        if state.seen.contains(page) {
            self.below.read_page(page, &mut buf)?;
        }
        Ok(buf)
    }
}

impl PageDevice for OverlayDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            read_only: false,
            growth: Growth::Reserved,
            block_writes: BlockWrites::WriteThrough,
            lends_pages: false,
            parallel_reads: false,
            persistent: false,
            ..self.below.info()
        }
    }

    fn page_count(&self) -> PageCount {
        self.state.read().pages
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        let mut state = self.state.write();
        self.usable(&state, Operation::Grow)?;
        if pages.bytes(self.size).is_none_or(|bytes| bytes > LARGEST) {
            return Err(self.site.error(DeviceErrorKind::DiskFull, Operation::Grow));
        }
        state.pages = state.pages.max(pages);
        Ok(state.pages)
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        let mut state = self.state.write();
        self.usable(&state, Operation::Shrink)?;
        if pages > state.pages {
            let error = self.site.error(DeviceErrorKind::InvalidRequest, Operation::Shrink);
            return Err(error.detail("beyond the end"));
        }
        state.pages = pages;
        state.seen = state.seen.min(pages);
        state.written.retain(|page, _| pages.contains(*page));
        Ok(())
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        let state = self.state.read();
        self.usable(&state, Operation::Read)?;
        self.site.check_reads(batch, self.size, state.pages)?;
        let mut rest = Vec::new();
        for ReadPage { page, buf } in batch {
            match state.written.get(page) {
                Some(written) => buf.copy_from_slice(written),
                None if state.seen.contains(*page) => {
                    rest.push(ReadPage { page: *page, buf });
                    continue;
                }
                None => buf.fill(0),
            }
            arrived(*page, buf);
        }
        if rest.is_empty() { Ok(()) } else { self.below.read_each(&mut rest, arrived) }
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        let mut state = self.state.write();
        self.usable(&state, Operation::Write)?;
        self.site.check_writes(batch, self.size, state.pages)?;
        for WritePage { page, data } in batch {
            state
                .written
                .entry(*page)
                .or_insert_with(|| PageBuf::zeroed(self.size.bytes()))
                .copy_from_slice(data);
        }
        Ok(())
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        let mut state = self.state.write();
        self.usable(&state, Operation::WriteDurable)?;
        self.site.check_blocks(blocks, self.size, state.pages)?;
        // All that has to be read is read before anything changes.
        let mut copies = HashMap::new();
        for WriteBlock { page, .. } in blocks {
            if !state.written.contains_key(page) && !copies.contains_key(page) {
                copies.insert(*page, self.copy_up(&state, *page)?);
            }
        }
        state.written.extend(copies);
        for WriteBlock { page, offset, data } in blocks {
            let page = state.written.get_mut(page).expect("written before, or copied above");
            page[*offset..*offset + data.len()].copy_from_slice(data);
        }
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.usable(&self.state.read(), Operation::Sync)
    }

    fn prefetch(&self, runs: &[PageRun]) {
        let state = self.state.read();
        if !state.closed {
            self.below.prefetch(runs);
        }
    }

    fn mapped(&self, _: PageId) -> Option<LentPage> {
        // What is written later would not show in it.
        None
    }

    fn close(&self) -> Result<()> {
        let mut state = self.state.write();
        state.closed = true;
        state.written = HashMap::new();
        if self.closes_below { self.below.close() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Capability, Fixture};
    use crate::device::memory::MemoryDevice;
    use crate::device::read_only::ReadOnly;
    use crate::page::{HEADER_LEN, PageImage, PageKind};
    use crate::pager::{Pager, PagerOptions, ReadPages};

    /// Over an empty device. Nothing that it keeps is found again, so it can not be opened twice.
    #[derive(Default)]
    struct OverNothing;

    impl Fixture for OverNothing {
        fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
            let below = ReadOnly::new(Arc::new(MemoryDevice::new(size)));
            Ok(Arc::new(OverlayDevice::new(Arc::new(below))))
        }

        fn offers(&self, _: Capability) -> bool {
            false
        }
    }

    crate::device_tests!(OverNothing);

    /// A device of `pages` pages, each filled with its number, and an overlay over it.
    fn over(size: PageSize, pages: u64) -> (Arc<MemoryDevice>, OverlayDevice) {
        let below = Arc::new(MemoryDevice::new(size));
        below.grow(PageCount::new(pages)).unwrap();
        for page in 0..pages {
            below.write_page(PageId::new(page), &vec![page as u8; size.bytes()]).unwrap();
        }
        let overlay = OverlayDevice::new(Arc::new(ReadOnly::new(below.clone())));
        (below, overlay)
    }

    fn read(device: &OverlayDevice, page: u64) -> Vec<u8> {
        let mut buf = vec![0xa5; device.info().page_size.bytes()];
        device.read_page(PageId::new(page), &mut buf).unwrap();
        buf
    }

    #[test]
    fn what_is_written_shows_and_nothing_below_changes() {
        let (below, device) = over(PageSize::K4, 4);
        let before = below.image();
        device.write_page(PageId::new(2), &[9; 4096]).unwrap();
        device.sync().unwrap();
        let (mut one, mut two, mut three) = ([0; 4096], [0; 4096], [0; 4096]);
        device
            .read(&mut [
                ReadPage { page: PageId::new(3), buf: &mut three },
                ReadPage { page: PageId::new(2), buf: &mut two },
                ReadPage { page: PageId::new(1), buf: &mut one },
            ])
            .unwrap();
        assert_eq!((one, two, three), ([1; 4096], [9; 4096], [3; 4096]));
        assert_eq!(device.pages_held(), 1);
        assert!(below.image() == before);
        let info = device.info();
        assert_eq!((info.backend, info.read_only, info.lends_pages), ("memory", false, false));
    }

    #[test]
    fn a_block_of_a_page_below_merges_with_it() {
        let (below, device) = over(PageSize::K16, 3);
        let before = below.image();
        let block = |n: usize, data| WriteBlock { page: PageId::new(1), offset: n * 4096, data };
        device.write_durable(&[block(3, &[7; 4096]), block(1, &[8; 4096])]).unwrap();
        let page = read(&device, 1);
        let blocks: Vec<u8> = page.chunks(4096).map(|block| block[4095]).collect();
        assert_eq!(blocks, [1, 8, 1, 7]);
        device.write_durable(&[block(0, &[6; 4096])]).unwrap();
        assert_eq!((read(&device, 1)[0], read(&device, 1)[4096], read(&device, 2)[0]), (6, 8, 2));
        assert!(below.image() == before);
    }

    #[test]
    fn a_block_of_a_page_that_cannot_be_read_below_changes_nothing() {
        let (below, device) = over(PageSize::K8, 4);
        below.store().tamper(|bytes| bytes.truncate(2 * 8192));
        let block = |page| WriteBlock { page: PageId::new(page), offset: 0, data: &[5; 4096] };
        let failed = device.write_durable(&[block(1), block(3)]).unwrap_err();
        assert_eq!((failed.kind(), failed.page()), (DeviceErrorKind::ShortFile, Some(PageId::new(3))));
        assert_eq!((read(&device, 1)[0], device.pages_held()), (1, 0));
    }

    #[test]
    fn a_device_that_is_lent_is_open_when_the_overlay_is_closed() {
        let below = Arc::new(MemoryDevice::new(PageSize::K4));
        below.grow(PageCount::new(1)).unwrap();
        OverlayDevice::lent(below.clone()).close().unwrap();
        below.read_page(PageId::new(0), &mut [0; 4096]).unwrap();
        OverlayDevice::new(below.clone()).close().unwrap();
        let closed = below.read_page(PageId::new(0), &mut [0; 4096]).unwrap_err();
        assert_eq!(closed.kind(), DeviceErrorKind::Closed);
    }

    #[test]
    fn what_shrinking_cut_off_comes_back_as_zeros_not_as_what_is_below() {
        let (below, device) = over(PageSize::K4, 6);
        let before = below.image();
        device.write_page(PageId::new(5), &[9; 4096]).unwrap();
        device.shrink(PageCount::new(3)).unwrap();
        assert_eq!((device.page_count(), device.pages_held()), (PageCount::new(3), 0));
        let cut = device.read_page(PageId::new(4), &mut [0; 4096]).unwrap_err();
        assert_eq!(cut.kind(), DeviceErrorKind::OutOfBounds);
        assert_eq!(device.grow(PageCount::new(9)).unwrap(), PageCount::new(9));
        for page in 0..9 {
            let expected = if page < 3 { page as u8 } else { 0 };
            assert!(read(&device, page).iter().all(|byte| *byte == expected), "page {page}");
        }
        assert_eq!(device.pages_held(), 0, "zeros take no memory");
        assert!(below.image() == before);
    }

    #[test]
    fn a_store_over_it_can_be_changed_and_its_bytes_below_stay() {
        let below = Arc::new(MemoryDevice::new(PageSize::K4));
        let pager = Pager::create(below.clone(), &PagerOptions::default()).unwrap();
        let leaf = |text: &[u8]| {
            let mut image = PageImage::new(PageSize::K4, PageKind::Record, 0);
            image.bytes_mut()[HEADER_LEN..HEADER_LEN + text.len()].copy_from_slice(text);
            image.set_used(HEADER_LEN + text.len());
            image
        };
        let mut tx = pager.begin_write().unwrap();
        let root = tx.write(vec![leaf(b"below")]).unwrap()[0];
        tx.commit(Some(root)).unwrap();
        pager.close().unwrap();
        let before = below.image();

        let open = || {
            let below = Arc::new(MemoryDevice::from_image(before.clone(), None).unwrap());
            let overlay = OverlayDevice::new(Arc::new(ReadOnly::new(below.clone())));
            (below, Pager::open(Arc::new(overlay), &PagerOptions::default()).unwrap())
        };
        let (bytes, pager) = open();
        for round in 0..20u8 {
            let mut tx = pager.begin_write().unwrap();
            tx.free(tx.root().unwrap());
            let root = tx.write(vec![leaf(&[round])]).unwrap()[0];
            tx.commit(Some(root)).unwrap();
        }
        let snapshot = pager.begin_read();
        let page = snapshot.page(snapshot.root().unwrap(), PageKind::Record).unwrap();
        assert_eq!(page[HEADER_LEN], 19);
        drop((page, snapshot));
        pager.close().unwrap();
        assert!(bytes.image() == before, "the device below was changed");
        let (_, pager) = open();
        let snapshot = pager.begin_read();
        let page = snapshot.page(snapshot.root().unwrap(), PageKind::Record).unwrap();
        assert_eq!(&page[HEADER_LEN..page.used()], b"below");
    }
}
