//! Page devices side by side: random and sequential reads, batches, writes, syncs. The active backend stands in every
//! name; a backend that cannot run here is said so and left out.
//!
//! Warm: the store is in the kernel's page cache. 16 KiB pages, a store of 4,096 pages (64 MiB) under `target/`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::storage_core::device::{
    OpenOptions, PageDevice, PageDeviceExt, ReadPage, WriteBlock, WritePage,
};
use foliograph::storage_core::page::{PageBuf, PageCount, PageId, PageSize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PAGES: u64 = 4096;
const BATCH: usize = 64;
const SIZE: PageSize = PageSize::K16;

fn devices(dir: &Path) -> Vec<Arc<dyn PageDevice>> {
    let options = OpenOptions::create(SIZE);
    let mut out: Vec<Arc<dyn PageDevice>> = Vec::new();
    let mut add = |name: &str, device: Result<Arc<dyn PageDevice>, _>| match device {
        Ok(device) => out.push(device),
        Err(e) => eprintln!("!!!!! {name} is left out: {e}"),
    };
    add("file", storage_file::FileDevice::open(&dir.join("file"), &options).map(|d| Arc::new(d) as _));
    add("mmap", storage_mmap::MmapDevice::open(&dir.join("mmap"), &options).map(|d| Arc::new(d) as _));
    add("uring", storage_uring::UringDevice::open(&dir.join("uring"), &options).map(|d| Arc::new(d) as _));
    out
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
    for device in devices(dir.path()) {
        fill(device.as_ref());
        reads(c, device.as_ref());
        writes(c, device.as_ref());
    }
}

fn reads(c: &mut Criterion, device: &dyn PageDevice) {
    let backend = device.info().backend;
    let mut group = c.benchmark_group(format!("device/{backend}"));
    let mut rng = Rng::new(7);
    let mut buf = PageBuf::zeroed(SIZE.bytes());
    group.throughput(Throughput::Bytes(SIZE.bytes() as u64));
    group.bench_function("read one, random", |b| {
        b.iter(|| device.read_page(PageId::new(rng.below(PAGES)), &mut buf).expect("read"));
    });
    let mut next = 0;
    group.bench_function("read one, sequential", |b| {
        b.iter(|| {
            next = (next + 1) % PAGES;
            device.read_page(PageId::new(next), &mut buf).expect("read");
        });
    });
    let mut batch = PageBuf::zeroed(BATCH * SIZE.bytes());
    group.throughput(Throughput::Bytes((BATCH * SIZE.bytes()) as u64));
    group.bench_function("read 64 in a batch, random", |b| {
        b.iter(|| {
            let chunks = batch.chunks_exact_mut(SIZE.bytes());
            let mut pages: Vec<ReadPage<'_>> =
                chunks.map(|buf| ReadPage { page: PageId::new(rng.below(PAGES)), buf }).collect();
            device.read(&mut pages).expect("read");
        });
    });
    group.finish();
}

fn writes(c: &mut Criterion, device: &dyn PageDevice) {
    let backend = device.info().backend;
    let mut group = c.benchmark_group(format!("device/{backend}"));
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    let data = PageBuf::zeroed(SIZE.bytes());
    let mut start = 0;
    group.throughput(Throughput::Bytes((BATCH * SIZE.bytes()) as u64));
    group.bench_function("write 64 in a batch, and sync", |b| {
        b.iter(|| {
            start = (start + 97) % (PAGES - BATCH as u64);
            let pages: Vec<WritePage<'_>> =
                (0..BATCH as u64).map(|i| WritePage { page: PageId::new(start + i), data: &data }).collect();
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
