//! Page devices side by side: random and sequential reads, batches, writes, syncs. The active backend stands in every
//! name; a backend that cannot run here is said so and left out.
//!
//! Beside them what a read cannot be faster than, a plain copy of a page, and what wrapping costs: the same read on the
//! device itself, through `dyn PageDevice`, and metered. `fio.rs` beside this compares with fio, in turns.
//!
//! Warm: the store is in the kernel's page cache. 16 KiB pages, a store of 4,096 pages (64 MiB) under `target/`.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use foliograph::storage_core::device::metered::Metered;
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::storage_core::device::{
    OpenOptions, PageDevice, PageDeviceExt, ReadPage, WriteBlock, WritePage,
};
use foliograph::storage_core::page::{PageBuf, PageCount, PageId, PageSize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PAGES: u64 = 4096;
/// Pages of a batch: what a ring of that depth has in flight, and a long one.
const BATCHES: [usize; 2] = [32, 64];
const SIZE: PageSize = PageSize::K16;

/// A device as itself and as any device: the first is what dispatch is compared with.
struct Named<D> {
    itself: Arc<D>,
    any: Arc<dyn PageDevice>,
}

fn named<D: PageDevice + 'static>(
    name: &str,
    device: Result<D, foliograph::storage_core::device::DeviceError>,
) -> Option<Named<D>> {
    match device {
        Ok(device) => {
            let itself = Arc::new(device);
            Some(Named { any: itself.clone(), itself })
        }
        Err(e) => {
            eprintln!("!!!!! {name} is left out: {e}");
            None
        }
    }
}

fn fill(device: &dyn PageDevice) {
    device.grow(PageCount::new(PAGES)).expect("room under target/");
    let mut data = PageBuf::zeroed(SIZE.bytes());
    for page in 0..PAGES {
        data[..8].copy_from_slice(&page.to_le_bytes());
        device.write_page(PageId::new(page), &data).expect("written");
    }
    device.sync().expect("synced");
}

fn bench(c: &mut Criterion) {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let dir = tempfile::tempdir_in(target).expect("target/ can be written");
    let (path, options) = (|name| dir.path().join(name), OpenOptions::create(SIZE));
    floor(c);
    all(c, named("file", storage_file::FileDevice::open(&path("file"), &options)));
    all(c, named("mmap", storage_mmap::MmapDevice::open(&path("mmap"), &options)));
    all(c, named("uring", storage_uring::UringDevice::open(&path("uring"), &options)));
}

fn all<D: PageDevice + 'static>(c: &mut Criterion, device: Option<Named<D>>) {
    let Some(Named { itself, any }) = device else { return };
    fill(any.as_ref());
    let mut group = c.benchmark_group(format!("device/{}", any.info().backend));
    group.throughput(Throughput::Bytes(SIZE.bytes() as u64));
    one_page(&mut group, "read one, random", |page, buf| itself.read_page(page, buf).expect("read"));
    one_page(&mut group, "read one, random, dyn", |page, buf| any.read_page(page, buf).expect("read"));
    let metered: Arc<dyn PageDevice> = Arc::new(Metered::new(any.clone()));
    one_page(&mut group, "read one, random, metered", |page, buf| {
        metered.read_page(page, buf).expect("read")
    });
    reads(&mut group, any.as_ref());
    group.finish();
    writes(c, any.as_ref());
}

/// Reads of one random page after the other.
fn one_page(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, read: impl Fn(PageId, &mut [u8])) {
    let (mut rng, mut buf) = (Rng::new(7), PageBuf::zeroed(SIZE.bytes()));
    group.bench_function(name, |b| b.iter(|| read(PageId::new(rng.below(PAGES)), &mut buf)));
}

/// A copy of a page out of as much memory as a store has.
fn floor(c: &mut Criterion) {
    let mut memory = PageBuf::zeroed(PAGES as usize * SIZE.bytes());
    memory.fill(1);
    let mut group = c.benchmark_group("device/floor");
    group.throughput(Throughput::Bytes(SIZE.bytes() as u64));
    one_page(&mut group, "copy one, random", |page, buf| {
        let at = page.get() as usize * SIZE.bytes();
        buf.copy_from_slice(&memory[at..at + SIZE.bytes()]);
    });
    group.finish();
}

fn reads(group: &mut BenchmarkGroup<'_, WallTime>, device: &dyn PageDevice) {
    let mut rng = Rng::new(7);
    let mut buf = PageBuf::zeroed(SIZE.bytes());
    let mut next = 0;
    group.bench_function("read one, sequential", |b| {
        b.iter(|| {
            next = (next + 1) % PAGES;
            device.read_page(PageId::new(next), &mut buf).expect("read");
        });
    });
    for count in BATCHES {
        let mut batch = PageBuf::zeroed(count * SIZE.bytes());
        group.throughput(Throughput::Bytes((count * SIZE.bytes()) as u64));
        group.bench_function(format!("read {count} in a batch, random"), |b| {
            b.iter(|| {
                let chunks = batch.chunks_exact_mut(SIZE.bytes());
                let mut pages: Vec<ReadPage<'_>> =
                    chunks.map(|buf| ReadPage { page: PageId::new(rng.below(PAGES)), buf }).collect();
                device.read(&mut pages).expect("read");
            });
        });
    }
}

/// Pages of a batch of writes.
const WRITES: usize = 64;

fn writes(c: &mut Criterion, device: &dyn PageDevice) {
    let backend = device.info().backend;
    let mut group = c.benchmark_group(format!("device/{backend}"));
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    let data = PageBuf::zeroed(SIZE.bytes());
    let mut start = 0;
    group.throughput(Throughput::Bytes((WRITES * SIZE.bytes()) as u64));
    group.bench_function("write 64 in a batch, and sync", |b| {
        b.iter(|| {
            start = (start + 97) % (PAGES - WRITES as u64);
            let pages: Vec<WritePage<'_>> =
                (0..WRITES as u64).map(|i| WritePage { page: PageId::new(start + i), data: &data }).collect();
            device.write(&pages).expect("written");
            device.sync().expect("synced");
        });
    });
    group.throughput(Throughput::Bytes(4096));
    group.bench_function("write one block durably", |b| {
        b.iter(|| {
            start = (start + 1) % PAGES;
            let block = WriteBlock { page: PageId::new(start), offset: 0, data: &data[..4096] };
            device.write_durable(&[block]).expect("durable");
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
