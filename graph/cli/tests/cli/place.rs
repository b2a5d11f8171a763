//! Places: directories on a real disk, the small graph, backends that run here, data that is here.
//!
//! `FOLIOGRAPH_REQUIRE=file,mmap,uring` makes it a failure when one of these cannot run; without it, a backend that this
//! machine blocks is printed loudly and passed over. Data that is absent is said loudly, and is a failure under `CI`.

use super::run::foliograph;
use lzma_rust2::XzReader;
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The backends that this build should have.
pub const BACKENDS: [&str; 3] = ["file", "mmap", "uring"];

/// A directory under `target/`: a real disk, removed at the end.
pub fn temp_dir() -> TempDir {
    let target = root().join("target").join("test-stores");
    std::fs::create_dir_all(&target).expect("target/ can be written");
    tempfile::Builder::new().prefix("cli").tempdir_in(target).expect("a directory under target/")
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace").to_owned()
}

/// The backends that run here.
pub fn backends() -> Vec<&'static str> {
    BACKENDS.into_iter().filter(|backend| runs_here(backend)).collect()
}

/// Whether a backend runs here. If it does not, says so loudly, or fails if it is required.
pub fn runs_here(backend: &str) -> bool {
    let dir = temp_dir();
    let store = dir.path().join("probe.folio");
    let args = ["--backend", backend, "apply", store.to_str().expect("UTF-8"), "-"];
    let ran = foliograph(args).stdin("\n").go();
    if ran.code == 0 {
        return true;
    }
    assert!(ran.err.contains("cannot run here") || ran.err.contains("not compiled"), "{ran}");
    assert!(!ran.hint().is_empty(), "a refused backend has a hint: {ran}");
    let required = std::env::var("FOLIOGRAPH_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|name| name == backend);
    assert!(!is_required, "backend {backend} is required (FOLIOGRAPH_REQUIRE) and cannot run: {ran}");
    loudly(&format!("backend {backend} cannot run here: {}", ran.error()));
    false
}

/// Says that something is not tested.
pub fn loudly(what: &str) {
    eprintln!("\n!!!!! SKIPPED: {what}\n");
}

/// A file of the shared graph data; `None`, loudly, if it is not here. Under CI its absence is a failure.
pub fn data(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{name} is missing: its test cannot run");
    loudly(&format!("{} is not here", path.display()));
    None
}

/// The text of an `.xz` file.
pub fn unpacked(path: &Path) -> String {
    let file = std::fs::File::open(path).expect("the data can be read");
    let mut text = String::new();
    XzReader::new(file, true).read_to_string(&mut text).expect("the data is whole");
    text
}

/// Nodes of the small graph: two labels, a key that stands under both, one with a slash in it.
pub const PEOPLE: &str = "\
:ID,:LABEL,name:KEY,born:int,tags:string[],score:float
1,person,ada,1815,math;poetry,1.5
2,person,charles,1791,,
3,person,mary,1797,,
4,city,london,,,
5,city,ada,,,
6,city,a/b,,,
";

/// Its edges: two that are parallel, a self-loop, two types.
pub const TIES: &str = "\
:START_ID,:END_ID,:TYPE,since:int
1,2,knows,1833
1,2,knows,1843
1,4,lives_in,
2,3,knows,
3,3,knows,
2,4,lives_in,
";

/// A directory with a store in it, which goes with it.
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// With no store yet.
    pub fn empty() -> Place {
        Place { dir: temp_dir() }
    }

    /// With the small graph, 4 KiB pages.
    pub fn small() -> Place {
        let place = Place::empty();
        let (nodes, edges) = (place.file("people.csv", PEOPLE), place.file("ties.csv", TIES));
        let args = ["import", place.store_name(), nodes.as_str(), edges.as_str(), "--page-size", "4096"];
        foliograph(args).go().ok();
        place
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn store(&self) -> PathBuf {
        self.dir.path().join("store.folio")
    }

    pub fn store_name(&self) -> &'static str {
        // Paths are passed as text; leaking a few bytes a test keeps the tests short.
        Box::leak(self.store().into_os_string().into_string().expect("UTF-8").into_boxed_str())
    }

    /// Writes a file, and returns its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("the file can be written");
        path.into_os_string().into_string().expect("UTF-8")
    }

    /// The names of what lies here.
    pub fn listing(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).expect("the directory can be read");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs words with `STORE` for the store.
    pub fn run(&self, line: &str) -> super::run::Run {
        super::run::words(&self.store(), line)
    }
}

/// A text as a gzip file: one stored block.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    let len = u16::try_from(text.len()).expect("a short text");
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    out.extend(len.to_le_bytes());
    out.extend((!len).to_le_bytes());
    out.extend(text);
    let crc = text.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    });
    out.extend((!crc).to_le_bytes());
    out.extend(u32::from(len).to_le_bytes());
    out
}
