//! [`FileDevice`]: the contract, in terms of the one open file and its transfers.

use positioned_io::RandomAccessFile;
use storage_core::device::batch::tell;
use storage_core::device::{
    Arrived, DeviceInfo, LentPage, Operation, PageDevice, ReadPage, Result, WriteBlock, WritePage,
};
use storage_core::page::{PageCount, PageId, PageRun};
use storage_os::StoreFile;

/// Pages in a file, by positioned reads and writes.
#[derive(Debug)]
pub struct FileDevice {
    pub(crate) store: StoreFile<RandomAccessFile>,
}

impl PageDevice for FileDevice {
    fn info(&self) -> DeviceInfo {
        self.store.info()
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
        self.store.reading(Operation::Read, |file, one| {
            self.store.site().check_reads(batch, self.store.page_size(), self.page_count())?;
            self.read_batch(file, one, batch)?;
            tell(batch, arrived);
            Ok(())
        })
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        let check = || self.store.site().check_writes(batch, self.store.page_size(), self.page_count());
        self.store.changing(Operation::Write, check, |file, one| self.write_batch(file, one, batch))
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        self.store.write_durable(blocks)
    }

    fn sync(&self) -> Result<()> {
        self.store.sync()
    }

    fn prefetch(&self, runs: &[PageRun]) {
        self.store.prefetch(runs);
    }

    fn mapped(&self, _: PageId) -> Option<LentPage> {
        None
    }

    fn close(&self) -> Result<()> {
        self.store.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use storage_core::device::OpenOptions;
    use storage_os::testing::{FileBacked, Files};

    impl FileBacked for FileDevice {
        fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
            FileDevice::open(path, options)
        }

        fn fail_next(&self, operation: Operation) {
            self.store.fail_next(operation);
        }
    }

    mod buffered {
        storage_core::device_tests!(super::Files<super::FileDevice, false>);
    }

    mod direct {
        storage_core::device_tests!(super::Files<super::FileDevice, true>);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn all_descriptors_of_the_store_are_one_open_description() {
        use storage_core::device::PageDeviceExt;
        use storage_core::page::PageSize;
        use storage_os::testing::{Place, assert_one_open_description, descriptors};
        let place = Place::default();
        let device = FileDevice::open(&place.path(), &OpenOptions::create(PageSize::K4)).unwrap();
        device.grow(PageCount::new(3)).unwrap();
        device.write_page(PageId::new(2), &[1; 4096]).unwrap();
        device.read_page(PageId::new(2), &mut [0; 4096]).unwrap();
        device.sync().unwrap();
        assert_one_open_description(&device.store);
        device.close().unwrap();
        assert_eq!(descriptors(&place.path()), Vec::<String>::new(), "close closes");
    }
}
