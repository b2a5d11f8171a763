//! When checkpoints are made, and by whom (C3): a thread beside readers and writer, or, without one, whoever begins to
//! write.
//!
//! A checkpoint is due when the log is half full, when changes fill half of the memory they are given, or when some time
//! has passed with something to do; whoever begins to write waits for one when either is three quarters full. Before that he
//! writes what waits in memory, where an eighth of the log was promised to it in vain. Nobody waits while holding anything
//! that a checkpoint needs, and nobody waits for readers.
//!
//! Must always be true: an attempt that failed lets whoever waits for it go on: his commit will be a checkpoint itself,
//! and say what is wrong. The thread ends before the store is closed.

use crate::database::Database;
use crate::error::{ReadError, WriteError};
use crate::options::Options;
use crate::trees::Graph;
use crate::txn::WriteTransaction;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use storage_core::pager::{self, Flushed, PageError, Pager, Transaction};

/// How long a commit that nobody waits for stays in memory at most.
const RELAXED: Duration = Duration::from_millis(50);
/// How often whoever waits for the thread looks whether it is alive.
const ALIVE: Duration = Duration::from_secs(1);
/// How often the thread looks whether a writer has gone that it could not wait for.
const PATIENCE: Duration = Duration::from_millis(100);

pub(crate) struct Checkpoints {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    background: bool,
}

struct Shared {
    pager: Arc<Pager>,
    memory_budget: usize,
    interval: Option<Duration>,
    /// Bytes of memory that changes take since the last checkpoint.
    changed: AtomicUsize,
    asked: Mutex<Asked>,
    wake: Condvar,
    ended: Condvar,
}

/// What the thread was asked for.
#[derive(Default)]
struct Asked {
    checkpoint: bool,
    /// When what nobody waits for has to be durable.
    flush: Option<Instant>,
    stop: bool,
    running: bool,
    /// Attempts that have ended, well or not.
    attempts: u64,
}

impl Checkpoints {
    pub(crate) fn new(pager: &Arc<Pager>, options: &Options) -> Self {
        let shared = Shared {
            pager: pager.clone(),
            memory_budget: options.memory_budget,
            interval: options.checkpoint_interval,
            changed: AtomicUsize::new(0),
            asked: Mutex::default(),
            wake: Condvar::new(),
            ended: Condvar::new(),
        };
        let background = options.background && !pager.is_read_only();
        Checkpoints { shared: Arc::new(shared), thread: Mutex::default(), background }
    }

    /// Starts the thread, if there is to be one.
    pub(crate) fn start(&self) {
        if !self.background {
            return;
        }
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name("foliograph".into()).spawn(move || shared.run());
        // Without a thread whoever begins to write makes checkpoints.
        *self.thread.lock() = thread.ok();
    }

    /// Ends the thread; waits for a checkpoint that is running.
    pub(crate) fn stop(&self) {
        let Some(thread) = self.thread.lock().take() else { return };
        self.shared.asked.lock().stop = true;
        self.shared.wake.notify_all();
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
        // Who waits for the thread waits no more.
        self.shared.ended.notify_all();
    }

    /// After a commit: how much memory changes take now, and whether somebody waits for it to become durable.
    pub(crate) fn committed(&self, changed: usize, relaxed: bool) {
        self.shared.changed.store(changed, Ordering::Relaxed);
        let due = self.shared.is_due();
        if !relaxed && !due {
            return;
        }
        if self.thread.lock().is_none() {
            return;
        }
        let mut asked = self.shared.asked.lock();
        let news = (due && !asked.checkpoint) || (relaxed && asked.flush.is_none());
        asked.checkpoint |= due;
        if relaxed {
            asked.flush.get_or_insert_with(|| Instant::now() + RELAXED);
        }
        if news {
            self.shared.wake.notify_one();
        }
    }

    /// Before a transaction begins: makes room if there is little. What waits in memory becomes a group if there is much of it,
    /// and a checkpoint is made, or waited for, if the log is full.
    pub(crate) fn relieve(&self) -> Result<(), WriteError> {
        if self.shared.is_crowded() {
            // An error stays with the log: every later commit gets it.
            let _ = self.shared.pager.flush_log();
        }
        if self.thread.lock().is_none() {
            if self.shared.is_due() {
                // What is wrong with it the commit that has no room will say. One that runs already is not waited for: it
                // may be this very thread that holds it.
                let _ = self.shared.checkpoint_if_free();
            }
            return Ok(());
        }
        if !self.shared.is_tight() {
            return Ok(());
        }
        let mut asked = self.shared.asked.lock();
        // One that is running may have begun before the commits that fill the log.
        let until = asked.attempts + 1 + u64::from(asked.running);
        while asked.attempts < until && !asked.stop && self.shared.is_tight() {
            asked.checkpoint = true;
            self.shared.wake.notify_one();
            let late = self.shared.ended.wait_for(&mut asked, ALIVE).timed_out();
            // A thread that panicked ends nothing any more.
            if late && self.thread.lock().as_ref().is_none_or(JoinHandle::is_finished) {
                break;
            }
        }
        Ok(())
    }

    /// Puts the newest version onto the root that the last checkpoint made. Called by whoever has the writer's seat.
    pub(crate) fn take_in(&self, pages: &mut Transaction) -> Result<(), pager::WriteError> {
        self.shared.take_in(pages)
    }

    /// From here on the newest version stands there. Cannot fail.
    pub(crate) fn install(&self, pages: &mut Transaction, newest: OnNewRoot) {
        self.shared.install(pages, newest);
    }

    /// One checkpoint now, in this thread, of what is durable. False if there was nothing to do.
    pub(crate) fn run(&self) -> Result<bool, WriteError> {
        Ok(self.shared.checkpoint()?)
    }

    /// Before all pages are looked at: what was committed goes to pages, if that is possible without waiting for anybody.
    /// Damage that is in its way is left to be found.
    pub(crate) fn show(&self) -> Result<(), ReadError> {
        if self.shared.pager.is_read_only() {
            return Ok(());
        }
        let tried = self.shared.take_in_if_free().and_then(|()| {
            self.shared.pager.try_begin_checkpoint()?.map_or(Ok(0), |tx| self.shared.finish(tx))
        });
        match tried {
            Err(pager::WriteError::Device(e)) => Err(PageError::from(e).into()),
            Err(pager::WriteError::Page(e @ PageError::Device(_))) => Err(e.into()),
            _ => Ok(()),
        }
    }

    /// At the end, when nobody writes any more: all that was committed.
    pub(crate) fn last(&self) -> Result<(), WriteError> {
        if !self.shared.pager.is_read_only() {
            while self.shared.checkpoint()? {}
        }
        Ok(())
    }
}

/// The newest version's graph, put onto the root that a checkpoint beside the writer made.
pub(crate) struct OnNewRoot {
    flushed: Arc<Flushed>,
    pub(crate) graph: Arc<Graph>,
}

impl OnNewRoot {
    /// `None` if no checkpoint waits to be taken in.
    pub(crate) fn newest(pages: &Transaction) -> Result<Option<OnNewRoot>, PageError> {
        let Some(flushed) = pages.flushed() else { return Ok(None) };
        let newest = pages.base().state::<Graph>().expect("a version that a log carries has its graph");
        let graph = Arc::new(newest.put_onto(&flushed, pages)?);
        Ok(Some(OnNewRoot { flushed, graph }))
    }
}

impl Shared {
    /// True if much of the log is promised to commits that wait in memory, and will not be used: they need no checkpoint, but to
    /// become a group.
    fn is_crowded(&self) -> bool {
        let (spare, limit) = self.pager.spare_promises();
        spare > limit / 8
    }

    /// True if the log or the memory for changes is half full.
    fn is_due(&self) -> bool {
        let log = self.pager.log_pressure();
        log.0 > log.1 / 2 || self.changed.load(Ordering::Relaxed) > self.memory_budget / 2
    }

    /// True if one of them is three quarters full.
    fn is_tight(&self) -> bool {
        let log = self.pager.log_pressure();
        log.0 > log.1 / 4 * 3 || self.changed.load(Ordering::Relaxed) > self.memory_budget / 4 * 3
    }

    /// A checkpoint beside readers and writer; then, if no transaction is running, the newest version is put onto it.
    fn checkpoint(&self) -> Result<bool, pager::WriteError> {
        self.take_in_if_free()?;
        let Some(tx) = self.pager.begin_checkpoint()? else { return Ok(false) };
        self.finish(tx)?;
        Ok(true)
    }

    /// The same, unless one is running.
    fn checkpoint_if_free(&self) -> Result<(), pager::WriteError> {
        self.take_in_if_free()?;
        match self.pager.try_begin_checkpoint()? {
            Some(tx) => self.finish(tx).map(drop),
            None => Ok(()),
        }
    }

    /// Flushes the graph and commits. Returns the number of pages written.
    fn finish(&self, mut tx: Transaction) -> Result<u64, pager::WriteError> {
        let mut graph = match tx.base().state::<Graph>() {
            Some(graph) => graph.clone(),
            None => Graph::open(&tx, tx.root())?,
        };
        let root = graph.save(&mut tx)?;
        let pages = tx.pages_written() as u64;
        tx.commit_with(root, Some(Arc::new(graph)))?;
        self.take_in_if_free()?;
        Ok(pages)
    }

    fn take_in_if_free(&self) -> Result<(), pager::WriteError> {
        if self.pager.is_flushed()
            && let Some(mut pages) = self.pager.try_begin_write()?
        {
            self.take_in(&mut pages)?;
        }
        Ok(())
    }

    fn take_in(&self, pages: &mut Transaction) -> Result<(), pager::WriteError> {
        if let Some(newest) = OnNewRoot::newest(pages)? {
            self.install(pages, newest);
        }
        Ok(())
    }

    fn install(&self, pages: &mut Transaction, OnNewRoot { flushed, graph }: OnNewRoot) {
        self.changed.store(graph.weight(), Ordering::Relaxed);
        pages.rebase(&flushed, graph);
    }

    /// The thread.
    fn run(&self) {
        let mut last = Instant::now();
        loop {
            let (checkpoint, flush) = {
                let mut asked = self.asked.lock();
                if !asked.checkpoint && !asked.stop {
                    match self.patience(last, asked.flush) {
                        Some(time) => drop(self.wake.wait_for(&mut asked, time)),
                        None => self.wake.wait(&mut asked),
                    }
                }
                if asked.stop {
                    return;
                }
                let elapsed = self.interval.is_some_and(|time| last.elapsed() >= time);
                if elapsed {
                    last = Instant::now();
                }
                let due = elapsed && self.changed.load(Ordering::Relaxed) > 0;
                asked.running = asked.checkpoint || due;
                let flush = asked.flush.take_if(|time| *time <= Instant::now()).is_some();
                (std::mem::take(&mut asked.checkpoint) || due, flush)
            };
            if flush {
                // An error stays with the log: every later commit gets it.
                let _ = self.pager.flush_log();
            }
            if checkpoint {
                // An error is met again by the commit that finds no room, and by the last checkpoint at the end.
                let _ = self.checkpoint();
                last = Instant::now();
                let mut asked = self.asked.lock();
                asked.running = false;
                asked.attempts += 1;
                self.ended.notify_all();
            } else {
                let _ = self.take_in_if_free();
            }
        }
    }

    /// How long there is nothing to do if nobody asks.
    fn patience(&self, last: Instant, flush: Option<Instant>) -> Option<Duration> {
        let interval =
            self.interval.map(|time| time.saturating_sub(last.elapsed()).max(Duration::from_millis(1)));
        let writer = self.pager.is_flushed().then_some(PATIENCE);
        let flush = flush.map(|time| time.saturating_duration_since(Instant::now()));
        interval.into_iter().chain(writer).chain(flush).min()
    }
}

impl Database {
    /// A write transaction on a version that is all on pages: makes a checkpoint first if need be.
    pub(crate) fn begin_clean_write(&self) -> Result<WriteTransaction, WriteError> {
        // Beside the writer first, so that little is left to do while holding its seat; twice, not for as long as others
        // commit.
        let _ = self.inner.checkpoints.run()? && self.inner.checkpoints.run()?;
        loop {
            let tx = self.transaction(self.inner.pager.begin_write()?)?;
            if tx.graph.is_clean() {
                return Ok(tx);
            }
            tx.commit_by_checkpoint()?;
        }
    }

    /// Makes a checkpoint of everything that was committed.
    pub(crate) fn make_clean(&self) -> Result<(), WriteError> {
        self.begin_clean_write().map(drop)
    }
}

/// A checkpoint that has begun: which version it holds is fixed, and where the log starts that it does not hold. Commits
/// may come in between. Dropping it gives it up; nothing is changed by that.
#[must_use = "a checkpoint that is dropped is given up"]
pub struct Checkpoint {
    db: Database,
    tx: Transaction,
}

impl Checkpoint {
    /// The version that it makes durable in pages.
    pub fn version(&self) -> u64 {
        self.tx.version()
    }

    /// Writes its pages and its root record. Returns how many pages of trees that were.
    ///
    /// # Errors
    /// A page could not be read or written, or is damaged; the disk is full. What was committed is still in the
    /// log.
    pub fn finish(self) -> Result<u64, WriteError> {
        Ok(self.db.inner.checkpoints.shared.finish(self.tx)?)
    }
}

impl Database {
    /// Begins a checkpoint of the newest durable version, beside readers and the writer. `None` if there is nothing to do.
    /// Waits for one that is running. [`Database::checkpoint`] is what most want.
    ///
    /// Until it is finished or dropped, whoever needs a checkpoint of his own waits for it: a commit by
    /// [`Durability::Checkpoint`](crate::Durability), a transaction that outgrows its memory, closing. So the thread that
    /// holds it must do none of these.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.commit()?;
    /// let checkpoint = db.begin_checkpoint()?.expect("something was committed");
    /// let mut tx = db.begin_write()?;                 // goes on beside it
    /// tx.set(ada, "died", 1852)?;
    /// tx.commit()?;
    /// assert_eq!(checkpoint.version(), 1);
    /// checkpoint.finish()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The log could not be written; the store is read-only or closed.
    pub fn begin_checkpoint(&self) -> Result<Option<Checkpoint>, WriteError> {
        let shared = &self.inner.checkpoints.shared;
        shared.take_in_if_free()?;
        Ok(shared.pager.begin_checkpoint()?.map(|tx| Checkpoint { db: self.clone(), tx }))
    }
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checkpoint(version {})", self.version())
    }
}

impl std::fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checkpoints({})", if self.background { "in the background" } else { "at begin_write" })
    }
}
