//! [`MmapDevice`]: the contract, in terms of the one open file and the mapping.

use crate::length::Seen;
use crate::map::Map;
use storage_core::device::batch::tell;
use storage_core::device::{
    Arrived, DeviceInfo, LentPage, Operation, PageDevice, ReadPage, Result, WriteBlock, WritePage,
};
use storage_core::page::{PageCount, PageId, PageRun};
use storage_os::StoreFile;

/// Pages in a file, read through a mapping.
#[derive(Debug)]
pub struct MmapDevice {
    pub(crate) store: StoreFile<()>,
    /// Lives as long as the device, also after `close`: a page that was lent before may still be looked at.
    pub(crate) map: Map,
    pub(crate) seen: Seen,
}

impl PageDevice for MmapDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { lends_pages: true, ..self.store.info() }
    }

    fn page_count(&self) -> PageCount {
        self.store.page_count()
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        self.store.grow(pages)
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        self.store.shrink(pages)
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.store.reading(Operation::Read, |file, ()| {
            self.store.site().check_reads(batch, self.store.page_size(), self.page_count())?;
            if !batch.is_empty() {
                self.read_batch(file, batch)?;
                tell(batch, arrived);
            }
            Ok(())
        })
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        let check = || self.store.site().check_writes(batch, self.store.page_size(), self.page_count());
        self.store.changing(Operation::Write, check, |file, ()| self.write_batch(file, batch))
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        self.store.write_durable(blocks)
    }

    fn sync(&self) -> Result<()> {
        self.store.sync()
    }

    fn prefetch(&self, runs: &[PageRun]) {
        if !self.store.is_usable() {
            return;
        }
        for (offset, len) in self.store.byte_runs(runs) {
            self.map.will_need(offset, len);
        }
    }

    fn mapped(&self, page: PageId) -> Option<LentPage> {
        if !self.page_count().contains(page) || !self.store.is_usable() {
            return None;
        }
        let size = self.store.page_size();
        let pointer = self.map.pointer(page.offset(size)?, size.bytes())?;
        Some(LentPage::new(pointer, size.bytes()))
    }

    fn close(&self) -> Result<()> {
        self.store.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use storage_core::device::{DeviceErrorKind, OpenOptions};
    use storage_core::page::PageSize;
    use storage_os::testing::{FileBacked, Files, Place};

    impl FileBacked for MmapDevice {
        fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
            MmapDevice::open(path, options)
        }

        fn fail_next(&self, operation: Operation) {
            self.store.fail_next(operation);
        }
    }

    storage_core::device_tests!(Files<MmapDevice, false>);

    #[cfg(target_os = "linux")]
    #[test]
    fn all_descriptors_of_the_store_are_one_open_description() {
        use storage_core::device::PageDeviceExt;
        use storage_os::testing::{assert_one_open_description, descriptors};
        let place = Place::default();
        let device = MmapDevice::open(&place.path(), &OpenOptions::create(PageSize::K4)).unwrap();
        device.grow(PageCount::new(3)).unwrap();
        device.write_page(PageId::new(2), &[1; 4096]).unwrap();
        device.read_page(PageId::new(2), &mut [0; 4096]).unwrap();
        assert!(device.mapped(PageId::new(2)).is_some());
        assert_one_open_description(&device.store);
        device.close().unwrap();
        assert_eq!(descriptors(&place.path()), Vec::<String>::new(), "close closes");
    }

    #[test]
    fn direct_io_is_refused_before_the_file_is_made() {
        let place = Place::default();
        let options = OpenOptions { direct_io: true, ..OpenOptions::create(PageSize::K4) };
        let error = MmapDevice::open(&place.path(), &options).unwrap_err();
        assert_eq!(error.kind(), DeviceErrorKind::Unsupported);
        assert!(!place.path().exists());
    }
}
