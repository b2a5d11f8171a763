//! How a store is opened: one builder, whose defaults are what most want.

use crate::backend::{self, Backend};
use crate::database::Database;
use crate::error::OpenError;
use crate::recovery::Recovery;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage_core::device::overlay::OverlayDevice;
use storage_core::device::{DeviceErrorKind, OpenMode, OpenOptions, PageDevice};
use storage_core::page::PageSize;
use storage_core::pager::{Inspector, Pager, PagerOptions};

/// How a commit becomes durable.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Durable when the commit returns: its record is in the log, by one durable write, which carries all commits that
    /// wait at the same time.
    #[default]
    Full,
    /// Visible when the commit returns, durable with the next group, at most 50 ms later (without the background thread:
    /// with the next commit that waits, [`Database::flush`], a checkpoint, or closing). Where thousands come at once, one of
    /// some hundred that begin to write waits until the last ones are durable. A crash, of the machine or of the process, may
    /// lose the last such commits, but always leaves all up to some commit and none after it.
    Relaxed,
    /// Without the log: the commit is a checkpoint, and durable when it returns. One sync and two small durable writes.
    Checkpoint,
}

type OnRecovery = Arc<dyn Fn(Recovery) + Send + Sync>;

/// Options for opening or creating a store.
///
/// ```no_run
/// use foliograph::{Backend, Options};
/// let db = Options::new().backend(Backend::Auto).cache_bytes(256 << 20).open("people.folio")?;
/// # Ok::<(), foliograph::OpenError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Options {
    pub(crate) backend: Option<Backend>,
    cache: CacheSize,
    page_size: PageSize,
    pub(crate) memory_budget: usize,
    pub(crate) durability: Durability,
    read_only: bool,
    pub(crate) direct_io: bool,
    older_root: bool,
    pub(crate) tolerate_log: bool,
    root_only: bool,
    log_bytes: Option<u64>,
    pub(crate) checkpoint_interval: Option<Duration>,
    pub(crate) background: bool,
    on_recovery: Option<OnRecovery>,
}

#[derive(Copy, Clone, Debug)]
enum CacheSize {
    Bytes(usize),
    Pages(usize),
}

impl Default for Options {
    fn default() -> Self {
        Options {
            backend: None,
            cache: CacheSize::Bytes(64 << 20),
            page_size: PageSize::default(),
            memory_budget: 256 << 20,
            durability: Durability::default(),
            read_only: false,
            direct_io: false,
            older_root: false,
            tolerate_log: false,
            root_only: false,
            log_bytes: None,
            checkpoint_interval: Some(Duration::from_secs(60)),
            background: true,
            on_recovery: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("backend", &self.backend)
            .field("cache", &self.cache)
            .field("page_size", &self.page_size)
            .field("memory_budget", &self.memory_budget)
            .field("durability", &self.durability)
            .field("log_bytes", &self.log_bytes)
            .field("background", &self.background)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// The defaults: first compiled backend, 64 MiB of cache, 16 KiB pages, 256 MiB for changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which page device. Without a choice: the first that is compiled in, of file, mmap, uring.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Bytes of the page cache; at least 16 pages.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache = CacheSize::Bytes(bytes);
        self
    }

    /// Pages of the page cache; at least 16.
    pub fn cache_pages(mut self, pages: usize) -> Self {
        self.cache = CacheSize::Pages(pages);
        self
    }

    /// Bytes of a page of a new store; an existing one keeps its own.
    pub fn page_size(mut self, size: PageSize) -> Self {
        self.page_size = size;
        self
    }

    /// Bytes that a transaction's changes, or a bulk load's sorting, may take in memory. A transaction that outgrows it
    /// writes pages early.
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.memory_budget = bytes;
        self
    }

    /// How commits become durable, unless a transaction says otherwise.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Opens without ever writing: works on a read-only file in a read-only directory, beside other readers.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Passes by the kernel's page cache (O_DIRECT) for all I/O. Not with mmap.
    pub fn direct_io(mut self, direct: bool) -> Self {
        self.direct_io = direct;
        self
    }

    /// Opens the older of the two root records, read-only: for saving what is left when the newer one is damaged.
    pub fn older_root(mut self, older: bool) -> Self {
        self.older_root = older;
        self
    }

    /// The most bytes that the log takes in the file, from 512 KiB to 1 GiB. Unless it is said, as many as the store takes
    /// besides it, but at least 16 MiB and at most 64. A checkpoint is made when it is half full; a transaction whose record
    /// takes more than a quarter of it commits by checkpoint.
    pub fn log_limit(mut self, bytes: u64) -> Self {
        self.log_bytes = Some(bytes);
        self
    }

    /// How often a checkpoint is made where there is something to do, however little; `None` for never. 60 seconds,
    /// unless said otherwise.
    pub fn checkpoint_interval(mut self, interval: Option<Duration>) -> Self {
        self.checkpoint_interval = interval;
        self
    }

    /// Whether a thread makes checkpoints beside readers and writer (it does, unless said otherwise), or whoever begins
    /// to write when one is due.
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// Called while commits of the log are done again at opening.
    pub fn on_recovery(mut self, report: impl Fn(Recovery) + Send + Sync + 'static) -> Self {
        self.on_recovery = Some(Arc::new(report));
        self
    }

    pub(crate) fn report(&self, progress: Recovery) {
        if let Some(report) = &self.on_recovery {
            report(progress);
        }
    }

    /// Takes a log that is damaged, or that cannot be replayed to its end, to end there, for saving what is left: commits
    /// that were acknowledged may be missing.
    pub fn tolerate_log(mut self, tolerate: bool) -> Self {
        self.tolerate_log = tolerate;
        self
    }

    /// Opens the newest root as it is, read-only: commits that stand only in the log are not there. For looking at the
    /// pages of a store that has to be recovered.
    pub fn root_only(mut self, root_only: bool) -> Self {
        self.root_only = root_only;
        self
    }

    /// Opens the store, or creates it where there is none.
    ///
    /// ```no_run
    /// let db = foliograph::Options::new().cache_bytes(256 << 20).open("people.folio")?;
    /// # Ok::<(), foliograph::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be opened: it is in use, no store, of another format, or its backend cannot run here. The
    /// store is damaged ([`OpenError::is_damage`]), or its log cannot be replayed. [`OpenError::hint`] says what to
    /// do.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Database, OpenError> {
        let path = path.as_ref();
        match self.open_existing(path) {
            Err(e) if !self.read_only && is_absent(&e) => self.create(path),
            other => other,
        }
    }

    /// Opens a store that must exist.
    ///
    /// ```no_run
    /// let error = foliograph::Options::new().open_existing("nothing.folio").expect_err("it is not there");
    /// println!("{error}; {}", error.hint().unwrap_or_default());
    /// ```
    ///
    /// # Errors
    /// There is no such file; else those of [`Options::open`].
    pub fn open_existing(&self, path: impl AsRef<Path>) -> Result<Database, OpenError> {
        let device = self.open_file(path.as_ref(), OpenMode::Open)?;
        Database::over(Pager::open(device.clone(), &self.pager(&*device))?, self)
    }

    /// Creates a store; an existing one is refused (N2).
    ///
    /// ```no_run
    /// use foliograph::{Options, PageSize};
    /// let db = Options::new().page_size(PageSize::K4).create("small.folio")?;
    /// # Ok::<(), foliograph::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// There is a store already, or a file that is none. The file cannot be made or written.
    pub fn create(&self, path: impl AsRef<Path>) -> Result<Database, OpenError> {
        let device = self.open_file(path.as_ref(), OpenMode::Create(self.page_size))?;
        Database::over(Pager::create(device.clone(), &self.pager(&*device))?, self)
    }

    /// Opens a store that must exist without ever writing to it, also if it has to be recovered: all that changes is kept
    /// in memory, and is gone with the handle. Readers in other processes may have it open, too.
    ///
    /// ```no_run
    /// // A process was killed; what it had committed is looked at, and the file is left to it.
    /// let db = foliograph::Options::new().open_in_memory("people.folio")?;
    /// assert!(db.check()?.findings.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There is no such file; else those of [`Options::open`].
    pub fn open_in_memory(&self, path: impl AsRef<Path>) -> Result<Database, OpenError> {
        let below = Options { read_only: true, ..self.clone() }.open_file(path.as_ref(), OpenMode::Open)?;
        let options = Options { read_only: false, background: false, ..self.clone() };
        options.open_device(Arc::new(OverlayDevice::new(below)))
    }

    /// Looks at the pages of a store one by one; it may be too damaged to open. Opens the device for reading only.
    ///
    /// ```no_run
    /// use foliograph::storage_core::{page::PageId, pager::Inspected};
    /// let inspector = foliograph::Options::new().inspect("broken.folio")?;
    /// if let Inspected::Page(page) = inspector.page(PageId::new(7))? {
    ///     println!("{}, {} bytes in use", page.kind(), page.used());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be opened, or does not say how large its pages are. Damage further on is no error.
    pub fn inspect(&self, path: impl AsRef<Path>) -> Result<Inspector, OpenError> {
        let options = Options { read_only: true, ..self.clone() };
        Ok(Inspector::new(options.open_file(path.as_ref(), OpenMode::Open)?))
    }

    /// Opens the store on a device of yours: the one instance, shared by every layer.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// use foliograph::storage_core::device::{OpenOptions, PageDevice, memory::MemoryStore};
    /// use std::sync::Arc;
    /// let bytes = MemoryStore::new(Vec::new());
    /// let device = Arc::new(MemoryDevice::open(&bytes, &OpenOptions::create(PageSize::K4))?);
    /// Options::new().create_device(device)?.close()?;
    ///
    /// let device: Arc<dyn PageDevice> = Arc::new(MemoryDevice::open(&bytes, &OpenOptions::open())?);
    /// let db = Options::new().open_device(device)?;
    /// assert_eq!(db.begin_read()?.node_count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Options::open`], as far as they are not the file's.
    pub fn open_device(&self, device: Arc<dyn PageDevice>) -> Result<Database, OpenError> {
        Database::over(Pager::open(device.clone(), &self.pager(&*device))?, self)
    }

    /// Creates a store on a device of yours that was opened for creation.
    ///
    /// ```
    /// use foliograph::{Options, PageSize, storage_core::device::memory::MemoryDevice};
    /// use std::sync::Arc;
    /// let db = Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// assert_eq!(db.begin_read()?.node_count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The device holds a store already, or cannot be written.
    pub fn create_device(&self, device: Arc<dyn PageDevice>) -> Result<Database, OpenError> {
        Database::over(Pager::create(device.clone(), &self.pager(&*device))?, self)
    }

    fn open_file(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn PageDevice>, OpenError> {
        let options = OpenOptions { mode, read_only: self.never_writes(), direct_io: self.direct_io };
        Ok(backend::open(path, self.backend, &options)?)
    }

    fn never_writes(&self) -> bool {
        self.read_only || self.older_root || self.root_only
    }

    fn pager(&self, device: &dyn PageDevice) -> PagerOptions {
        let page = device.info().page_size.bytes();
        PagerOptions {
            cache_bytes: match self.cache {
                CacheSize::Bytes(bytes) => bytes,
                CacheSize::Pages(pages) => pages.saturating_mul(page),
            },
            read_only: self.read_only,
            older_root: self.older_root,
            tolerate_log: self.tolerate_log,
            root_only: self.root_only,
            log_bytes: self.log_bytes,
            ..PagerOptions::default()
        }
    }
}

/// There is nothing yet: no file, or a creation that was cut off.
fn is_absent(error: &OpenError) -> bool {
    error
        .device()
        .is_some_and(|e| matches!(e.kind(), DeviceErrorKind::NotFound | DeviceErrorKind::Unfinished))
}
