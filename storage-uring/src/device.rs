//! [`UringDevice`]: the contract, in terms of the one open file and its rings.

use crate::pool::Pool;
use storage_core::device::{
    Arrived, DeviceInfo, LentPage, Operation, PageDevice, ReadPage, Result, WriteBlock, WritePage,
};
use storage_core::page::{PageCount, PageId, PageRun};
use storage_os::StoreFile;

/// Pages in a file, through io_uring.
#[derive(Debug)]
pub struct UringDevice {
    pub(crate) store: StoreFile<Pool>,
}

impl PageDevice for UringDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { parallel_reads: true, ..self.store.info() }
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
        self.store.reading(Operation::Read, |file, pool| {
            self.store.site().check_reads(batch, self.store.page_size(), self.page_count())?;
            self.read_batch(file, pool, batch, arrived)
        })
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        let check = || self.store.site().check_writes(batch, self.store.page_size(), self.page_count());
        self.store.changing(Operation::Write, check, |file, pool| self.write_batch(file, pool, batch))
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
    use storage_core::page::PageSize;
    use storage_os::testing::{FileBacked, Files, Place, assert_one_open_description, descriptors};

    impl FileBacked for UringDevice {
        fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
            UringDevice::open(path, options)
        }

        fn fail_next(&self, operation: Operation) {
            self.store.fail_next(operation);
        }
    }

    mod buffered {
        storage_core::device_tests!(super::Files<super::UringDevice, false>);
    }

    mod direct {
        storage_core::device_tests!(super::Files<super::UringDevice, true>);
    }

    fn idle_rings(device: &UringDevice) -> usize {
        device.store.reading(Operation::Read, |_, pool| Ok(pool.len())).unwrap()
    }

    fn write_two(device: &UringDevice) {
        let page = [1; 4096];
        let write = |n| WritePage { page: PageId::new(n), data: &page };
        device.write(&[write(0), write(2)]).unwrap();
    }

    #[test]
    fn all_descriptors_of_the_store_are_one_open_description() {
        let place = Place::default();
        let device = UringDevice::open(&place.path(), &OpenOptions::create(PageSize::K4)).unwrap();
        device.grow(PageCount::new(3)).unwrap();
        write_two(&device);
        assert_one_open_description(&device.store);
        device.close().unwrap();
        assert_eq!(descriptors(&place.path()), Vec::<String>::new(), "close closes");
    }

    #[test]
    fn each_thread_gets_its_own_ring_and_the_pool_stays_bounded() {
        let place = Place::default();
        let device = UringDevice::open(&place.path(), &OpenOptions::create(PageSize::K4)).unwrap();
        device.grow(PageCount::new(3)).unwrap();
        assert_eq!(idle_rings(&device), 1, "the probe's");
        write_two(&device);
        assert_eq!(idle_rings(&device), 1, "the same thread, the same ring");
        for others in 1..100 {
            std::thread::scope(|scope| scope.spawn(|| write_two(&device)).join().unwrap());
            assert_eq!(idle_rings(&device), 64.min(1 + others));
        }
    }
}
