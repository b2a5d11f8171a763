//! How a store is opened: one builder, whose defaults are what most want.

use crate::backend::{self, Backend};
use crate::database::Database;
use crate::error::OpenError;
use std::path::Path;
use std::sync::Arc;
use storage_core::device::{DeviceErrorKind, OpenMode, OpenOptions, PageDevice};
use storage_core::page::PageSize;
use storage_core::pager::{Inspector, Pager, PagerOptions};

/// How a commit becomes durable.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Without a log: every commit is a checkpoint. One sync and two small durable writes.
    #[default]
    Checkpoint,
}

/// Options for opening or creating a store.
///
/// ```no_run
/// use foliograph::{Backend, Options};
/// let db = Options::new().backend(Backend::Auto).cache_bytes(256 << 20).open("people.folio")?;
/// # Ok::<(), foliograph::OpenError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    backend: Option<Backend>,
    cache: CacheSize,
    page_size: PageSize,
    pub(crate) memory_budget: usize,
    pub(crate) durability: Durability,
    read_only: bool,
    direct_io: bool,
    older_root: bool,
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
        }
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

    /// How a commit becomes durable.
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

    /// Opens the store, or creates it where there is none.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Database, OpenError> {
        let path = path.as_ref();
        match self.open_existing(path) {
            Err(e) if !self.read_only && is_absent(&e) => self.create(path),
            other => other,
        }
    }

    /// Opens a store that must exist.
    pub fn open_existing(&self, path: impl AsRef<Path>) -> Result<Database, OpenError> {
        let device = self.open_file(path.as_ref(), OpenMode::Open)?;
        Database::over(Pager::open(device.clone(), &self.pager(&*device))?, self)
    }

    /// Creates a store; an existing one is refused (N2).
    pub fn create(&self, path: impl AsRef<Path>) -> Result<Database, OpenError> {
        let device = self.open_file(path.as_ref(), OpenMode::Create(self.page_size))?;
        Database::over(Pager::create(device.clone(), &self.pager(&*device))?, self)
    }

    /// Looks at the pages of a store one by one; it may be too damaged to open. Opens the device for reading only.
    pub fn inspect(&self, path: impl AsRef<Path>) -> Result<Inspector, OpenError> {
        let options = Options { read_only: true, ..self.clone() };
        Ok(Inspector::new(options.open_file(path.as_ref(), OpenMode::Open)?))
    }

    /// Opens the store on a device of yours: the one instance, shared by every layer.
    pub fn open_device(&self, device: Arc<dyn PageDevice>) -> Result<Database, OpenError> {
        Database::over(Pager::open(device.clone(), &self.pager(&*device))?, self)
    }

    /// Creates a store on a device of yours that was opened for creation.
    pub fn create_device(&self, device: Arc<dyn PageDevice>) -> Result<Database, OpenError> {
        Database::over(Pager::create(device.clone(), &self.pager(&*device))?, self)
    }

    fn open_file(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn PageDevice>, OpenError> {
        let options =
            OpenOptions { mode, read_only: self.read_only || self.older_root, direct_io: self.direct_io };
        Ok(backend::open(path, self.backend, &options)?)
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
