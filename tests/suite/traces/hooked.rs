//! A device with a hook: a story can look, or do something, at the very moment of a write, and in between two of them.
//!
//! Must always be true: calls that the hook itself makes, and those of other threads meanwhile, pass by it. Everything is
//! done by the simulated disk below.

use foliograph::storage_core::device::sim::SimDevice;
use foliograph::storage_core::device::{
    Arrived, DeviceInfo, LentPage, PageDevice, ReadPage, Result, WriteBlock, WritePage,
};
use foliograph::storage_core::page::{PageCount, PageId, PageRun};
use std::fmt;
use std::sync::{Arc, Mutex};

/// When the hook is called.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Call {
    BeforeWrite,
    /// Before a durable write to this page.
    BeforeDurable(PageId),
    /// After it.
    AfterDurable(PageId),
    BeforeSync,
}

type Hook = Box<dyn FnMut(Call) + Send>;

/// The device.
pub struct Hooked {
    disk: Arc<SimDevice>,
    hook: Mutex<Option<Hook>>,
}

impl Hooked {
    pub fn new(disk: &Arc<SimDevice>) -> Arc<Hooked> {
        Arc::new(Hooked { disk: disk.clone(), hook: Mutex::new(None) })
    }

    /// From now on the hook is called.
    pub fn set(&self, hook: impl FnMut(Call) + Send + 'static) {
        *self.hook.lock().expect("no panic in it") = Some(Box::new(hook));
    }

    /// From now on nothing is called.
    pub fn clear(&self) {
        *self.hook.lock().expect("no panic in it") = None;
    }

    fn call(&self, call: Call) {
        let taken = self.hook.lock().expect("no panic in it").take();
        if let Some(mut hook) = taken {
            hook(call);
            self.hook.lock().expect("no panic in it").get_or_insert(hook);
        }
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hooked({:?})", self.disk.info().backend)
    }
}

impl PageDevice for Hooked {
    fn info(&self) -> DeviceInfo {
        self.disk.info()
    }

    fn page_count(&self) -> PageCount {
        self.disk.page_count()
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        self.disk.grow(pages)
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        self.disk.shrink(pages)
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.disk.read_each(batch, arrived)
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        self.call(Call::BeforeWrite);
        self.disk.write(batch)
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        let page = blocks.first().map_or(PageId::new(0), |block| block.page);
        self.call(Call::BeforeDurable(page));
        let done = self.disk.write_durable(blocks);
        self.call(Call::AfterDurable(page));
        done
    }

    fn sync(&self) -> Result<()> {
        self.call(Call::BeforeSync);
        self.disk.sync()
    }

    fn prefetch(&self, runs: &[PageRun]) {
        self.disk.prefetch(runs);
    }

    fn mapped(&self, page: PageId) -> Option<LentPage> {
        self.disk.mapped(page)
    }

    fn close(&self) -> Result<()> {
        self.disk.close()
    }
}
