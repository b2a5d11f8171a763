//! A device with gates: a test shuts one, waits until a thread stands before it, looks around, and opens it.
//!
//! So stories of several threads need no timing. Who waits for anything here for two minutes panics and says for what.

use foliograph::storage_core::device::{
    Arrived, DeviceInfo, LentPage, Operation, PageDevice, ReadPage, Result, WriteBlock, WritePage,
};
use foliograph::storage_core::page::{PageCount, PageId, PageRun};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Far more than anything here takes.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The name of the thread that makes checkpoints in the background.
pub const BACKGROUND: &str = "foliograph";

/// Which calls of which threads are held up, and who stands before them.
#[derive(Debug, Default)]
pub struct Gates {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// A call, and the name of the thread if only one thread's calls are held up.
    shut: Vec<(Operation, Option<&'static str>)>,
    waiting: Vec<Operation>,
}

impl State {
    fn is_shut(&self, operation: Operation, thread: Option<&str>) -> bool {
        self.shut.iter().any(|(op, only)| *op == operation && only.is_none_or(|name| thread == Some(name)))
    }
}

impl Gates {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked at a gate")
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, Duration::from_secs(1)).expect("nobody panicked at a gate").0
    }

    /// Holds up every such call from here on.
    pub fn shut(&self, operation: Operation) {
        self.lock().shut.push((operation, None));
    }

    /// Holds up such calls of the thread of this name.
    pub fn shut_for(&self, operation: Operation, thread: &'static str) {
        self.lock().shut.push((operation, Some(thread)));
    }

    /// Lets all such calls go on.
    pub fn open(&self, operation: Operation) {
        self.lock().shut.retain(|(op, _)| *op != operation);
        self.changed.notify_all();
    }

    /// Waits until so many calls stand before the gate.
    pub fn until_waiting(&self, operation: Operation, count: usize) {
        let since = Instant::now();
        let mut state = self.lock();
        while state.waiting.iter().filter(|op| **op == operation).count() < count {
            assert!(since.elapsed() < LIMIT, "nobody comes to {operation}: {state:?}");
            state = self.wait(state);
        }
    }

    fn go_through(&self, operation: Operation) {
        let thread = std::thread::current();
        let mut state = self.lock();
        if !state.is_shut(operation, thread.name()) {
            return;
        }
        state.waiting.push(operation);
        self.changed.notify_all();
        let since = Instant::now();
        while state.is_shut(operation, thread.name()) {
            assert!(since.elapsed() < LIMIT, "nobody opens {operation} for {:?}: {state:?}", thread.name());
            state = self.wait(state);
        }
        let own = state.waiting.iter().position(|op| *op == operation).expect("it was put there");
        state.waiting.remove(own);
    }
}

/// A device behind gates.
#[derive(Debug)]
pub struct Gated {
    inner: Arc<dyn PageDevice>,
    gates: Arc<Gates>,
}

impl Gated {
    pub fn new(inner: Arc<dyn PageDevice>, gates: Arc<Gates>) -> Self {
        Gated { inner, gates }
    }
}

impl PageDevice for Gated {
    fn info(&self) -> DeviceInfo {
        self.inner.info()
    }
    fn page_count(&self) -> PageCount {
        self.inner.page_count()
    }
    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        self.gates.go_through(Operation::Grow);
        self.inner.grow(pages)
    }
    fn shrink(&self, pages: PageCount) -> Result<()> {
        self.gates.go_through(Operation::Shrink);
        self.inner.shrink(pages)
    }
    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.gates.go_through(Operation::Read);
        self.inner.read_each(batch, arrived)
    }
    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        self.gates.go_through(Operation::Write);
        self.inner.write(batch)
    }
    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        self.gates.go_through(Operation::WriteDurable);
        self.inner.write_durable(blocks)
    }
    fn sync(&self) -> Result<()> {
        self.gates.go_through(Operation::Sync);
        self.inner.sync()
    }
    fn prefetch(&self, runs: &[PageRun]) {
        self.inner.prefetch(runs);
    }
    fn mapped(&self, page: PageId) -> Option<LentPage> {
        self.inner.mapped(page)
    }
    fn close(&self) -> Result<()> {
        self.gates.go_through(Operation::Close);
        self.inner.close()
    }
}
