//! Which page device a store is opened on. The one file of this package that names the backend crates.
//!
//! Features are additive: what is compiled in can be chosen. A backend that was asked for by name and cannot run here is
//! an error, never silently another one. `Auto` tries uring, then file, then mmap, and says in `DeviceInfo` what it
//! took and why.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use storage_core::device::{
    Arrived, DeviceError, DeviceErrorKind, DeviceInfo, LentPage, OpenOptions, Operation, PageDevice,
    ReadPage, WriteBlock, WritePage,
};
use storage_core::page::{PageCount, PageId, PageRun};

/// A page device, by name.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Hash)]
pub enum Backend {
    /// Positional reads and writes; every platform.
    File,
    /// Reads out of a mapping, positional writes.
    Mmap,
    /// Batches through io_uring (Linux).
    Uring,
    /// The first of uring, file, mmap that runs here.
    Auto,
}

impl Backend {
    /// The backends that are compiled in, in the order in which one is taken without a choice.
    pub const COMPILED: &'static [Backend] = &[
        #[cfg(feature = "file")]
        Backend::File,
        #[cfg(feature = "mmap")]
        Backend::Mmap,
        #[cfg(feature = "uring")]
        Backend::Uring,
    ];

    /// Its name, as options and messages have it.
    pub const fn name(self) -> &'static str {
        match self {
            Backend::File => "file",
            Backend::Mmap => "mmap",
            Backend::Uring => "uring",
            Backend::Auto => "auto",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        [Backend::File, Backend::Mmap, Backend::Uring, Backend::Auto]
            .into_iter()
            .find(|b| b.name() == s)
            .ok_or_else(|| format!("`{s}` is no backend; there are file, mmap, uring and auto"))
    }
}

/// Opens a store's file on the chosen backend, or without a choice on the first that is compiled in.
pub(crate) fn open(
    path: &Path,
    choice: Option<Backend>,
    options: &OpenOptions,
) -> Result<Arc<dyn PageDevice>, DeviceError> {
    match choice {
        Some(Backend::Auto) => open_auto(path, options),
        Some(backend) => open_one(path, backend, options),
        None => match Backend::COMPILED.first() {
            Some(first) => open_one(path, *first, options),
            None => Err(DeviceError::new(DeviceErrorKind::Unsupported, Operation::Open, "no")
                .path(path)
                .detail("no backend is compiled in; enable a feature of `file`, `mmap`, `uring`")),
        },
    }
}

fn open_one(
    path: &Path,
    backend: Backend,
    options: &OpenOptions,
) -> Result<Arc<dyn PageDevice>, DeviceError> {
    match backend {
        #[cfg(feature = "file")]
        Backend::File => Ok(Arc::new(storage_file::FileDevice::open(path, options)?)),
        #[cfg(feature = "mmap")]
        Backend::Mmap => Ok(Arc::new(storage_mmap::MmapDevice::open(path, options)?)),
        #[cfg(all(feature = "uring", target_os = "linux"))]
        Backend::Uring => Ok(Arc::new(storage_uring::UringDevice::open(path, options)?)),
        other => {
            let _ = options;
            Err(DeviceError::new(DeviceErrorKind::Unsupported, Operation::Open, other.name())
                .path(path)
                .detail(format!("this program was compiled without the `{other}` backend")))
        }
    }
}

fn open_auto(path: &Path, options: &OpenOptions) -> Result<Arc<dyn PageDevice>, DeviceError> {
    let mut reasons = Vec::new();
    for backend in [Backend::Uring, Backend::File, Backend::Mmap] {
        match open_one(path, backend, options) {
            Ok(device) => {
                let fallback = (!reasons.is_empty()).then(|| reasons.join("; "));
                return Ok(Arc::new(Chosen { device, fallback }));
            }
            Err(e) if e.kind() == DeviceErrorKind::Unsupported => reasons.push(e.to_string()),
            Err(e) => return Err(e),
        }
    }
    Err(DeviceError::new(DeviceErrorKind::Unsupported, Operation::Open, "auto")
        .path(path)
        .detail(reasons.join("; ")))
}

/// The device that `auto` took; it says so, and is that device otherwise.
#[derive(Debug)]
struct Chosen {
    device: Arc<dyn PageDevice>,
    fallback: Option<String>,
}

type Result<T, E = DeviceError> = std::result::Result<T, E>;

impl PageDevice for Chosen {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { requested: Some("auto"), fallback: self.fallback.clone(), ..self.device.info() }
    }
    fn page_count(&self) -> PageCount {
        self.device.page_count()
    }
    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        self.device.grow(pages)
    }
    fn shrink(&self, pages: PageCount) -> Result<()> {
        self.device.shrink(pages)
    }
    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.device.read_each(batch, arrived)
    }
    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        self.device.write(batch)
    }
    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        self.device.write_durable(blocks)
    }
    fn sync(&self) -> Result<()> {
        self.device.sync()
    }
    fn prefetch(&self, runs: &[PageRun]) {
        self.device.prefetch(runs);
    }
    fn mapped(&self, page: PageId) -> Option<LentPage> {
        self.device.mapped(page)
    }
    fn close(&self) -> Result<()> {
        self.device.close()
    }
}
