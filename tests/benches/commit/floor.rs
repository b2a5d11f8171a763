//! The floor: what the device costs without a store. Bare durable writes, a bare leader/follower loop, and the page writes
//! and syncs of a checkpoint, on a file of its own.

use crate::load::{Busy, Done};
use foliograph::Database;
use foliograph::storage_core::device::{OpenOptions, PageDevice, WriteBlock, WritePage};
use foliograph::storage_core::page::{PageBuf, PageCount, PageId};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// Pages that are written durably, round and round; pages behind them that checkpoints write.
const EXTENT: u64 = 256;
const PAGES: u64 = 16_384;

pub struct Floor {
    device: Arc<dyn PageDevice>,
    page: PageBuf,
    next: AtomicU64,
    queue: Mutex<Queue>,
    done: Condvar,
}

#[derive(Default)]
struct Queue {
    asked: u64,
    written: u64,
    writing: bool,
}

impl Floor {
    /// On the same backend and page size as the store.
    pub fn beside(db: &Database, path: &Path) -> Floor {
        let info = db.device_info();
        let options = OpenOptions::create(info.page_size);
        let device: Arc<dyn PageDevice> = match info.backend {
            "mmap" => Arc::new(storage_mmap::MmapDevice::open(path, &options).expect("opened")),
            "uring" => Arc::new(storage_uring::UringDevice::open(path, &options).expect("opened")),
            _ => Arc::new(storage_file::FileDevice::open(path, &options).expect("opened")),
        };
        assert_eq!(device.info().backend, info.backend);
        device.grow(PageCount::new(EXTENT + PAGES)).expect("room");
        let page = PageBuf::zeroed(info.page_size.bytes());
        let pages: Vec<WritePage<'_>> =
            (0..EXTENT + PAGES).map(|n| WritePage { page: PageId::new(n), data: &page }).collect();
        pages.chunks(256).for_each(|some| device.write(some).expect("written"));
        device.sync().expect("synced");
        Floor { device, page, next: AtomicU64::new(0), queue: Mutex::default(), done: Condvar::new() }
    }

    pub fn backend(&self) -> &'static str {
        self.device.info().backend
    }

    /// One page, durably.
    pub fn write(&self) {
        let page = PageId::new(self.next.fetch_add(1, Ordering::Relaxed) % EXTENT);
        self.device.write_durable(&[WriteBlock { page, offset: 0, data: &self.page }]).expect("written");
    }

    /// One commit of a bare leader/follower loop: who finds nobody writing writes one page for all that wait.
    pub fn commit(&self) {
        let mut queue = self.queue.lock().expect("no panic");
        queue.asked += 1;
        let mine = queue.asked;
        while queue.written < mine {
            if queue.writing {
                queue = self.done.wait(queue).expect("no panic");
                continue;
            }
            queue.writing = true;
            let all = queue.asked;
            drop(queue);
            self.write();
            queue = self.queue.lock().expect("no panic");
            queue.writing = false;
            queue.written = all;
            self.done.notify_all();
        }
    }

    /// Checkpoints of so many pages, one after the other, in a thread: pages in batches, a sync, two blocks durably.
    pub fn checkpoints(&self, pages: u64) -> Busy {
        let (device, page) = (self.device.clone(), PageBuf::zeroed(self.page.len()));
        let mut at = 0;
        Busy::run(move |at_work| {
            at_work.store(true, Ordering::Release);
            let ids: Vec<PageId> = (0..pages).map(|n| PageId::new(EXTENT + (at + n) % PAGES)).collect();
            at += pages;
            let batch: Vec<WritePage<'_>> =
                ids.iter().map(|id| WritePage { page: *id, data: &page }).collect();
            batch.chunks(64).for_each(|some| device.write(some).expect("written"));
            device.sync().expect("synced");
            for copy in [EXTENT, EXTENT + 1] {
                let block = WriteBlock { page: PageId::new(copy), offset: 0, data: &page[..4096] };
                device.write_durable(&[block]).expect("written");
            }
            Done { rounds: 1, pages }
        })
    }
}
