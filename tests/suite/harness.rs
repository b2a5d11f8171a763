//! Stores on every device: the matrix {file, mmap, uring, memory, simulated} × page size × cache.
//!
//! `FOLIOGRAPH_REQUIRE=file,mmap,uring` makes it a failure when one of these cannot run here; without it, a backend that
//! this machine blocks is printed loudly and passed over. Stores lie on a real disk, under `target/`.

use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::sim::{Image, SimDevice};
use foliograph::storage_core::device::{DeviceError, DeviceErrorKind, OpenOptions, PageDevice};
use foliograph::storage_core::page::PageCount;
use foliograph::{Backend, Database, Options, PageSize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Whether this campaign is asked for: `FOLIOGRAPH_CAMPAIGN`.
pub fn campaign(name: &str) -> bool {
    std::env::var("FOLIOGRAPH_CAMPAIGN").is_ok_and(|what| what == name)
}

/// A device of the matrix.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Device {
    File,
    Mmap,
    Uring,
    Memory,
    Simulated,
}

impl Device {
    pub const ALL: [Device; 5] =
        [Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated];
    pub const REAL: [Device; 3] = [Device::File, Device::Mmap, Device::Uring];

    pub fn backend(self) -> Option<Backend> {
        match self {
            Device::File => Some(Backend::File),
            Device::Mmap => Some(Backend::Mmap),
            Device::Uring => Some(Backend::Uring),
            Device::Memory | Device::Simulated => None,
        }
    }

    /// Whether this test program contains it: the features of the package decide.
    pub fn is_compiled(self) -> bool {
        self.backend().is_none_or(|backend| Backend::COMPILED.contains(&backend))
    }

    /// Whether it can run here. If it cannot, says so loudly, or fails if it is required.
    pub fn runs_here(self) -> bool {
        let Some(backend) = self.backend() else { return true };
        let dir = temp_dir();
        let why = match Options::new().backend(backend).create(dir.path().join("probe.folio")) {
            Ok(_) => return true,
            Err(e) => e,
        };
        let device = why.device().unwrap_or_else(|| panic!("{backend}: {why}"));
        assert_eq!(device.kind(), DeviceErrorKind::Unsupported, "{why}");
        let required = std::env::var("FOLIOGRAPH_REQUIRE").unwrap_or_default();
        let is_required = required.split(',').any(|name| name == backend.name());
        assert!(!is_required, "backend {backend} is required (FOLIOGRAPH_REQUIRE) and cannot run: {why}");
        eprintln!("\n!!!!! SKIPPED: backend {backend} cannot run here: {why}\n");
        false
    }
}

/// `target/` of the workspace: a real disk, where syncs and O_DIRECT mean something.
pub fn temp_dir() -> TempDir {
    let target = root().join("target").join("test-stores");
    std::fs::create_dir_all(&target).expect("target/ can be written");
    tempfile::Builder::new().prefix("t").tempdir_in(target).expect("a directory under target/")
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// A place where a store can be created, closed and opened again on one device.
pub struct Bench {
    pub device: Device,
    pub page_size: PageSize,
    pub options: Options,
    dir: TempDir,
    memory: MemoryStore,
    /// The open or last simulated disk; opening forks it: the process goes, the power stays.
    sim: Mutex<Option<Arc<SimDevice>>>,
}

impl Bench {
    pub fn new(device: Device, page_size: PageSize, cache_pages: usize) -> Self {
        let options = Options::new().page_size(page_size).cache_pages(cache_pages);
        let options = match device.backend() {
            Some(backend) => options.backend(backend),
            None => options,
        };
        let (dir, memory) = (temp_dir(), MemoryStore::new(Vec::new()));
        Bench { device, page_size, options, dir, memory, sim: Mutex::new(None) }
    }

    /// The bare device over a new store.
    pub fn create_device(&self) -> Arc<dyn PageDevice> {
        self.device_as(&OpenOptions::create(self.page_size)).expect("a new store")
    }

    /// The bare device over the store that is there.
    pub fn open_device(&self) -> Arc<dyn PageDevice> {
        self.device_as(&OpenOptions::open()).expect("the store that was created")
    }

    /// The bare device, as these options say.
    pub fn device_as(&self, options: &OpenOptions) -> Result<Arc<dyn PageDevice>, DeviceError> {
        let path = self.path();
        Ok(match self.device {
            #[cfg(feature = "file")]
            Device::File => Arc::new(storage_file::FileDevice::open(&path, options)?),
            #[cfg(feature = "mmap")]
            Device::Mmap => Arc::new(storage_mmap::MmapDevice::open(&path, options)?),
            #[cfg(feature = "uring")]
            Device::Uring => Arc::new(storage_uring::UringDevice::open(&path, options)?),
            Device::Memory => Arc::new(MemoryDevice::open(&self.memory, options)?),
            Device::Simulated => {
                let image = self.sim().map_or_else(|| Image::new(self.page_size), |last| last.volatile());
                let next = Arc::new(SimDevice::open_image(image, options.mode, 1)?);
                *self.sim.lock().expect("no test panicked here") = Some(next.clone());
                next
            }
            #[allow(unreachable_patterns, reason = "with every feature there is nothing left")]
            other => panic!("{other:?} is not compiled in ({})", path.display()),
        })
    }

    /// A new store.
    pub fn create(&self) -> Database {
        self.options.create_device(self.create_device()).expect("a new store")
    }

    /// The store that is there.
    pub fn open(&self) -> Database {
        self.options.open_device(self.open_device()).expect("the store that was created")
    }

    /// The open or last simulated disk.
    pub fn sim(&self) -> Option<Arc<SimDevice>> {
        self.sim.lock().expect("no test panicked here").clone()
    }

    /// Cuts the store to this many bytes behind the device's back. A simulated disk must not be open.
    pub fn cut(&self, bytes: u64) {
        match self.device {
            Device::Memory => self.memory.tamper(|all| all.truncate(bytes as usize)),
            Device::Simulated => {
                let mut image = self.sim().expect("it was created").volatile();
                image.set_len(PageCount::new(bytes / self.page_size.bytes() as u64));
                let cut = SimDevice::from_image(image).expect("its first pages are whole");
                *self.sim.lock().expect("no test panicked here") = Some(Arc::new(cut));
            }
            Device::File | Device::Mmap | Device::Uring => {
                let file =
                    std::fs::OpenOptions::new().write(true).open(self.path()).expect("the store is there");
                file.set_len(bytes).expect("the store can be cut");
            }
        }
    }

    /// Where the file of a real device is.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("store.folio")
    }
}

/// Every bench of the matrix that runs here: devices × page sizes × caches of 16 pages and of 64 MiB.
pub fn matrix(devices: &[Device]) -> impl Iterator<Item = Bench> {
    let runs: Vec<Device> = devices.iter().copied().filter(|d| d.runs_here()).collect();
    let sizes = [PageSize::K4, PageSize::K16, PageSize::K64];
    runs.into_iter().flat_map(move |device| {
        sizes.into_iter().flat_map(move |size| {
            [16, (64 << 20) / size.bytes()].into_iter().map(move |cache| Bench::new(device, size, cache))
        })
    })
}

/// The default seed of random tests; `FOLIOGRAPH_SEED` replays another.
pub fn seed(default: u64) -> u64 {
    let seed = match std::env::var("FOLIOGRAPH_SEED") {
        Ok(text) => text.parse().expect("FOLIOGRAPH_SEED is a number"),
        Err(_) => default,
    };
    eprintln!("seed {seed} (FOLIOGRAPH_SEED={seed} replays it)");
    seed
}

/// Runs one test of this suite in a process of its own, where what it says of memory is about it alone. True in the
/// process that is to run it.
pub fn alone(test: &str) -> bool {
    alone_with(test, |_| {}).is_some()
}

/// The same with a directory that is made ready before, by another process. `Some` in the process that is to run it.
pub fn alone_with(test: &str, ready: impl FnOnce(&Path)) -> Option<PathBuf> {
    if let Some(place) = std::env::var_os("FOLIOGRAPH_ALONE") {
        return Some(place.into());
    }
    let dir = temp_dir();
    ready(dir.path());
    let suite = std::env::current_exe().expect("this suite");
    let mut command = std::process::Command::new(suite);
    command.args(["--exact", test, "--nocapture"]).env("FOLIOGRAPH_ALONE", dir.path());
    // Where the system's allocator heeds it: what was freed leaves no holes, large enough to count and too small to use.
    let status = command.env("MALLOC_MMAP_THRESHOLD_", "65536").status();
    assert!(status.expect("started").success(), "{test} failed in a process of its own");
    None
}

/// The most memory that the process ever had, in KiB; 0 where nobody says.
pub fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}
