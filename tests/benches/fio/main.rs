//! Devices against what stands below them: bare system calls, a plain copy of memory, and fio on the same file.
//!
//! Variants of a comparison take turns within one run, for a shared disk and shared cores drift: only the ratios mean
//! something. Each line has the median time of a page, and the median of the rounds' ratios to the comparison's first
//! variant (times: below 1 is faster than it). fio gets the same file, page size and depth, runs as one thread without
//! its clocks (`--gtod_reduce=1`), and is left out, loudly, where it is not installed.
//!
//! Warm: a store of 64 MiB that the kernel's cache holds. Direct: O_DIRECT on the same file. Run by hand:
//!
//! `cargo bench -p benches --bench fio -- [--quick] [WORD]`; with a word, only comparisons that have it in their names.

mod rival;

use rival::Fio;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use storage_core::device::metered::Metered;
use storage_core::device::sim::rng::Rng;
use storage_core::device::{OpenOptions, PageDevice, PageDeviceExt, ReadPage, WritePage};
use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
use storage_file::FileDevice;
use storage_mmap::MmapDevice;
use storage_uring::UringDevice;

const SIZE: PageSize = PageSize::K16;
const PAGES: u64 = 4096;
/// Operations in flight of a ring, and pages of a batch.
pub const DEPTH: usize = 32;
const BATCH: usize = 64;

/// How many rounds, of which comparisons.
struct Plan {
    rounds: usize,
    only: String,
}

/// Nanoseconds a page.
type Turn<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// Variants that take turns.
struct Comparison<'a> {
    name: &'static str,
    variants: Vec<(String, Turn<'a>, Vec<f64>)>,
}

impl<'a> Comparison<'a> {
    fn new(name: &'static str) -> Self {
        Comparison { name, variants: Vec::new() }
    }

    /// A variant that moves `pages` pages a step and takes `steps` of them in a turn.
    fn add(&mut self, name: &str, steps: usize, pages: usize, mut step: impl FnMut() + 'a) {
        let turn = move || {
            let since = Instant::now();
            (0..steps).for_each(|_| step());
            since.elapsed().as_nanos() as f64 / (steps * pages) as f64
        };
        self.variants.push((name.to_owned(), Box::new(turn), Vec::new()));
    }

    fn add_fio(&mut self, fio: Option<&'a Fio>, arguments: &'static [&'static str]) {
        if let Some(fio) = fio {
            self.variants.push((
                format!("fio {}", arguments.join(" ")),
                Box::new(|| fio.page(arguments)),
                Vec::new(),
            ));
        }
    }

    fn run(mut self, plan: &Plan) {
        if !self.name.contains(&plan.only) {
            return;
        }
        let rounds = plan.rounds;
        for round in 0..=rounds {
            for (_, turn, times) in &mut self.variants {
                let time = turn();
                if round > 0 {
                    times.push(time); // the first warms up
                }
            }
        }
        let first = self.variants[0].2.clone();
        println!("\n{}", self.name);
        for (name, _, times) in self.variants {
            let ratios = times.iter().zip(&first).map(|(time, first)| time / first).collect();
            println!("  {:>9.0} ns  {:.3} ×  {name}", median(times), median(ratios));
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A batch of random pages into one buffer.
fn batch<'b>(rng: &mut Rng, buf: &'b mut [u8]) -> Vec<ReadPage<'b>> {
    let pages = buf.chunks_exact_mut(SIZE.bytes());
    pages.map(|buf| ReadPage { page: PageId::new(rng.below(PAGES)), buf }).collect()
}

/// One random page after the other through `read`.
fn one(mut read: impl FnMut(PageId, &mut [u8])) -> impl FnMut() {
    let (mut rng, mut buf) = (Rng::new(7), PageBuf::zeroed(SIZE.bytes()));
    move || read(PageId::new(rng.below(PAGES)), &mut buf)
}

/// A batch of `pages` random pages after the other.
fn many(device: &dyn PageDevice, pages: usize) -> impl FnMut() {
    let (mut rng, mut buf) = (Rng::new(7), PageBuf::zeroed(pages * SIZE.bytes()));
    move || device.read(&mut batch(&mut rng, &mut buf)).expect("read")
}

/// As many single pages, one after the other, into the same buffers as a batch has.
fn each(file: &File, pages: usize) -> impl FnMut() {
    let (mut rng, mut buf) = (Rng::new(7), PageBuf::zeroed(pages * SIZE.bytes()));
    move || {
        for read in batch(&mut rng, &mut buf) {
            file.read_exact_at(read.buf, read.page.offset(SIZE).expect("small")).expect("read");
        }
    }
}

fn bare(file: &File) -> impl FnMut() {
    one(move |page, buf| file.read_exact_at(buf, page.offset(SIZE).expect("small")).expect("read"))
}

/// Everything that reads the one file, warm.
struct Warm {
    bare: File,
    file: Arc<FileDevice>,
    mmap: Arc<MmapDevice>,
    uring: Option<UringDevice>,
    /// As many bytes as the store, in memory.
    memory: PageBuf,
}

fn open(path: &Path) -> Warm {
    let reading = OpenOptions { read_only: true, ..OpenOptions::open() };
    let uring = UringDevice::open(path, &reading);
    let uring = uring.inspect_err(|e| eprintln!("!!!!! uring is left out: {e}")).ok();
    let mut memory = PageBuf::zeroed(PAGES as usize * SIZE.bytes());
    memory.fill(1);
    Warm {
        bare: File::open(path).expect("it was made"),
        file: Arc::new(FileDevice::open(path, &reading).expect("opened")),
        mmap: Arc::new(MmapDevice::open(path, &reading).expect("opened")),
        uring,
        memory,
    }
}

/// `--ioengine=psync` beside a page at a time, warm.
fn single(warm: &Warm, fio: Option<&Fio>, plan: &Plan) {
    const STEPS: usize = 20_000;
    let read = |device: &dyn PageDevice, page, buf: &mut [u8]| device.read_page(page, buf).expect("read");
    let (file, mmap): (Arc<dyn PageDevice>, Arc<dyn PageDevice>) = (warm.file.clone(), warm.mmap.clone());
    let (metered, metered_mmap) = (Metered::new(file.clone()), Metered::new(mmap.clone()));
    let mut all = Comparison::new("a random page, warm, against bare pread");
    all.add("bare pread", STEPS, 1, bare(&warm.bare));
    all.add("file", STEPS, 1, one(|page, buf| warm.file.read_page(page, buf).expect("read")));
    all.add("file, dyn", STEPS, 1, one(|page, buf| read(&*file, page, buf)));
    all.add("file, metered", STEPS, 1, one(|page, buf| read(&metered, page, buf)));
    if let Some(uring) = &warm.uring {
        all.add("uring", STEPS, 1, one(|page, buf| uring.read_page(page, buf).expect("read")));
    }
    all.add_fio(fio, &["--ioengine=psync"]);
    all.run(plan);
    let mut all = Comparison::new("a random page, warm, against a copy of memory");
    let copy = |page: PageId, buf: &mut [u8]| {
        let at = page.get() as usize * SIZE.bytes();
        buf.copy_from_slice(&warm.memory[at..at + SIZE.bytes()]);
    };
    all.add("copy of memory", STEPS, 1, one(copy));
    all.add("mmap", STEPS, 1, one(|page, buf| warm.mmap.read_page(page, buf).expect("read")));
    all.add("mmap, dyn", STEPS, 1, one(|page, buf| read(&*mmap, page, buf)));
    all.add("mmap, metered", STEPS, 1, one(|page, buf| read(&metered_mmap, page, buf)));
    all.run(plan);
}

fn batches(warm: &Warm, fio: Option<&Fio>, plan: &Plan) {
    const STEPS: usize = 400;
    let mut all = Comparison::new("64 random pages in a batch, warm, against as many bare preads");
    all.add("bare preads", STEPS, BATCH, each(&warm.bare, BATCH));
    all.add("file", STEPS, BATCH, many(&*warm.file, BATCH));
    all.add("mmap", STEPS, BATCH, many(&*warm.mmap, BATCH));
    if let Some(uring) = &warm.uring {
        all.add("uring", STEPS, BATCH, many(uring, BATCH));
    }
    all.run(plan);
    if let Some(uring) = &warm.uring {
        let mut all = Comparison::new("32 random pages in a batch, warm");
        all.add("uring", STEPS, DEPTH, many(uring, DEPTH));
        all.add_fio(fio, rival::RING);
        all.run(plan);
    }
}

fn direct(path: &Path, fio: Option<&Fio>, plan: &Plan) {
    const STEPS: usize = 2000;
    let options = OpenOptions { read_only: true, direct_io: true, ..OpenOptions::open() };
    let file = match FileDevice::open(path, &options) {
        Ok(file) => file,
        Err(e) => return eprintln!("!!!!! direct is left out: {e}"),
    };
    let mut all = Comparison::new("a random page, direct");
    all.add("file", STEPS, 1, one(|page, buf| file.read_page(page, buf).expect("read")));
    all.add_fio(fio, &["--ioengine=psync", "--direct=1"]);
    all.run(plan);
    let uring = match UringDevice::open(path, &options) {
        Ok(uring) => uring,
        Err(e) => return eprintln!("!!!!! uring is left out: {e}"),
    };
    let mut all = Comparison::new("32 random pages in a batch, direct");
    all.add("uring", 10 * STEPS / DEPTH, DEPTH, many(&uring, DEPTH));
    all.add("file", STEPS / DEPTH, DEPTH, many(&file, DEPTH));
    all.add_fio(fio, rival::RING_DIRECT);
    all.run(plan);
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let plan = Plan { rounds: if quick { 5 } else { 15 }, only };
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let dir = tempfile::tempdir_in(target).expect("target/ can be written");
    let path = dir.path().join("pages");
    fill(&path);
    let fio = Fio::found(&path);
    let warm = open(&path);
    single(&warm, fio.as_ref(), &plan);
    batches(&warm, fio.as_ref(), &plan);
    direct(&path, fio.as_ref(), &plan);
}

fn fill(path: &Path) {
    let device = FileDevice::open(path, &OpenOptions::create(SIZE)).expect("created");
    device.grow(PageCount::new(PAGES)).expect("room under target/");
    let first = storage_core::conformance::superblock(SIZE);
    device.write_page(PageId::new(0), &first).expect("written");
    let data = PageBuf::zeroed(SIZE.bytes());
    let writes: Vec<WritePage<'_>> =
        (1..PAGES).map(|page| WritePage { page: PageId::new(page), data: &data }).collect();
    writes.chunks(256).for_each(|some| device.write(some).expect("written"));
    device.sync().expect("synced");
}
