//! A wrapper that refuses every change, whatever the device below would allow.
//!
//! Reading, prefetching and lending pass through. `sync` has nothing to do and succeeds.

use super::{
    Arrived, DeviceError, DeviceErrorKind, DeviceInfo, LentPage, Operation, PageDevice, ReadPage, Result,
    WriteBlock, WritePage,
};
use crate::page::{PageCount, PageId, PageRun};
use std::sync::Arc;

/// A device that only reads.
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{DeviceErrorKind, PageDevice, memory::MemoryDevice, read_only::ReadOnly};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let below = Arc::new(MemoryDevice::new(PageSize::K4));
/// let device = ReadOnly::new(below);
/// let refused = device.grow(PageCount::new(1)).expect_err("it only reads");
/// assert_eq!(refused.kind(), DeviceErrorKind::ReadOnly);
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct ReadOnly {
    inner: Arc<dyn PageDevice>,
}

impl ReadOnly {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn PageDevice>) -> Self {
        ReadOnly { inner }
    }

    fn refuse(&self, operation: Operation) -> DeviceError {
        let info = self.inner.info();
        let error = DeviceError::new(DeviceErrorKind::ReadOnly, operation, info.backend);
        match &info.path {
            Some(path) => error.path(path),
            None => error,
        }
    }
}

impl PageDevice for ReadOnly {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { read_only: true, ..self.inner.info() }
    }

    fn page_count(&self) -> PageCount {
        self.inner.page_count()
    }

    fn grow(&self, _: PageCount) -> Result<PageCount> {
        Err(self.refuse(Operation::Grow))
    }

    fn shrink(&self, _: PageCount) -> Result<()> {
        Err(self.refuse(Operation::Shrink))
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.inner.read_each(batch, arrived)
    }

    fn write(&self, _: &[WritePage<'_>]) -> Result<()> {
        Err(self.refuse(Operation::Write))
    }

    fn write_durable(&self, _: &[WriteBlock<'_>]) -> Result<()> {
        Err(self.refuse(Operation::WriteDurable))
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn prefetch(&self, runs: &[PageRun]) {
        self.inner.prefetch(runs);
    }

    fn mapped(&self, page: PageId) -> Option<LentPage> {
        self.inner.mapped(page)
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::PageDeviceExt;
    use crate::device::memory::MemoryDevice;
    use crate::page::PageSize;

    #[test]
    fn every_change_is_refused_and_nothing_below_is_touched() {
        let below = Arc::new(MemoryDevice::new(PageSize::K4));
        below.grow(PageCount::new(2)).unwrap();
        let device = ReadOnly::new(below.clone());
        let page = [7; 4096];
        let at = PageId::new(1);
        let block = WriteBlock { page: at, offset: 0, data: &page };
        for refused in [
            device.grow(PageCount::new(9)).map(|_| ()),
            device.shrink(PageCount::new(1)),
            device.write_page(at, &page),
            device.write_durable(&[block]),
        ] {
            assert_eq!(refused.unwrap_err().kind(), DeviceErrorKind::ReadOnly);
        }
        assert!(device.info().read_only);
        assert_eq!(below.image(), vec![0; 8192]);
        let mut buf = [1; 4096];
        device.read_page(at, &mut buf).unwrap();
        assert_eq!(buf, [0; 4096]);
    }
}
