//! A wrapper that tells a sink of every call: what, which pages, how long it took, how it ended.
//!
//! The sink is called after the call returned, on the thread that made it; calls of several threads reach it in any
//! order. It must not call the traced device.

use super::{
    Arrived, DeviceError, DeviceInfo, LentPage, PageDevice, ReadPage, Result, WriteBlock, WritePage,
};
use crate::page::{PageCount, PageId, PageRun};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One call.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The method.
    pub call: &'static str,
    /// The first page, where the call names one.
    pub first: Option<PageId>,
    /// How many pages, blocks or runs; the target for grow and shrink.
    pub count: u64,
    /// How long it took.
    pub took: Duration,
    /// How it failed, if it did.
    pub error: Option<DeviceError>,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.call)?;
        if let Some(first) = self.first {
            write!(f, " page {first}")?;
        }
        if self.count > 0 {
            write!(f, " count {}", self.count)?;
        }
        write!(f, " in {:?}", self.took)?;
        match &self.error {
            None => Ok(()),
            Some(error) => write!(f, ": {error}"),
        }
    }
}

/// Where traces go.
type Sink = dyn Fn(&Trace) + Send + Sync;

/// A device that tells of every call.
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{PageDevice, memory::MemoryDevice, traced::Traced};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let below = Arc::new(MemoryDevice::new(PageSize::K4));
/// let device = Traced::new(below, |trace| println!("{trace}"));
/// device.grow(PageCount::new(4))?;                    // grow count 4 in 1.2µs
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
pub struct Traced {
    inner: Arc<dyn PageDevice>,
    sink: Box<Sink>,
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traced({:?})", self.inner)
    }
}

impl Traced {
    /// Wraps `inner`; every call goes to `sink`.
    pub fn new(inner: Arc<dyn PageDevice>, sink: impl Fn(&Trace) + Send + Sync + 'static) -> Self {
        Traced { inner, sink: Box::new(sink) }
    }

    /// Wraps `inner`; every call becomes a line on standard error.
    pub fn to_stderr(inner: Arc<dyn PageDevice>) -> Self {
        Self::new(inner, |trace| eprintln!("{trace}"))
    }

    fn trace<T>(
        &self,
        call: &'static str,
        first: Option<PageId>,
        count: u64,
        run: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let begin = Instant::now();
        let result = run();
        let took = begin.elapsed();
        (self.sink)(&Trace { call, first, count, took, error: result.as_ref().err().cloned() });
        result
    }
}

impl PageDevice for Traced {
    fn info(&self) -> DeviceInfo {
        self.inner.info()
    }

    fn page_count(&self) -> PageCount {
        self.inner.page_count()
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        self.trace("grow", None, pages.get(), || self.inner.grow(pages))
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        self.trace("shrink", None, pages.get(), || self.inner.shrink(pages))
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        let (first, count) = (batch.first().map(|read| read.page), batch.len() as u64);
        self.trace("read", first, count, || self.inner.read_each(batch, arrived))
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        let first = batch.first().map(|write| write.page);
        self.trace("write", first, batch.len() as u64, || self.inner.write(batch))
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        let first = blocks.first().map(|block| block.page);
        self.trace("write_durable", first, blocks.len() as u64, || self.inner.write_durable(blocks))
    }

    fn sync(&self) -> Result<()> {
        self.trace("sync", None, 0, || self.inner.sync())
    }

    fn prefetch(&self, runs: &[PageRun]) {
        let first = runs.first().map(|run| run.start);
        let run = || {
            self.inner.prefetch(runs);
            Ok(())
        };
        self.trace("prefetch", first, runs.len() as u64, run).expect("advice does not fail");
    }

    fn mapped(&self, page: PageId) -> Option<LentPage> {
        let begin = Instant::now();
        let lent = self.inner.mapped(page);
        let count = u64::from(lent.is_some());
        (self.sink)(&Trace { call: "mapped", first: Some(page), count, took: begin.elapsed(), error: None });
        lent
    }

    fn close(&self) -> Result<()> {
        self.trace("close", None, 0, || self.inner.close())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::memory::MemoryDevice;
    use crate::device::{DeviceErrorKind, PageDeviceExt};
    use crate::page::PageSize;
    use parking_lot::Mutex;

    #[test]
    fn every_call_reaches_the_sink_with_its_page_and_its_error() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let inner = Arc::new(MemoryDevice::new(PageSize::K4));
        let device = Traced::new(inner, move |trace| sink.lock().push(trace.clone()));
        device.grow(PageCount::new(2)).unwrap();
        device.write_page(PageId::new(1), &[3; 4096]).unwrap();
        device.read_page(PageId::new(7), &mut [0; 4096]).unwrap_err();
        device.close().unwrap();
        let seen = seen.lock();
        let calls: Vec<_> = seen.iter().map(|t| (t.call, t.first.map(PageId::get), t.count)).collect();
        assert_eq!(
            calls,
            [("grow", None, 2), ("write", Some(1), 1), ("read", Some(7), 1), ("close", None, 0)]
        );
        let kind = seen[2].error.as_ref().map(DeviceError::kind);
        assert_eq!(kind, Some(DeviceErrorKind::OutOfBounds));
        assert!(seen[2].to_string().starts_with("read page 7 count 1 in "), "{}", seen[2]);
    }
}
