//! One device under all layers (I8): one instance in the program, one open description in the process, and no traffic
//! that a wrapper around it does not see.

use crate::harness::{Bench, Device};
use crate::history::{self, LARGE};
use crate::observed::{recorded, tell, tight};
use foliograph::PageSize;
use foliograph::storage_core::device::PageDevice;
use foliograph::storage_core::device::metered::{Metered, Tally};
use foliograph::storage_core::device::recorded::{Call, Record, RecordedDevice};
use foliograph::storage_core::page::PageId;
use foliograph::storage_core::pager::ReadPages;
use rstest::rstest;
use std::collections::BTreeSet;
use std::sync::Arc;

#[rstest]
fn btree_node_and_edge_layers_hold_the_same_device(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
) {
    if !device.runs_here() {
        return;
    }
    let bench = Bench::new(device, PageSize::K4, 16);
    let mine = bench.create_device();
    let db = bench.options.create_device(mine.clone()).expect("a new store");
    let layers = db.layers();
    let snapshot = db.begin_read().expect("a snapshot");
    let tx = db.begin_write().expect("a transaction");
    for (layer, pager) in [
        ("database", db.pager()),
        ("btree", layers.btree.pager()),
        ("node", layers.node.pager()),
        ("edge", layers.edge.pager()),
        ("snapshot", snapshot.pages().pager()),
        ("transaction", tx.pages().pager()),
    ] {
        assert!(Arc::ptr_eq(pager.device(), &mine), "{layer} has a device of its own");
        assert!(Arc::ptr_eq(pager, db.pager()), "{layer} has a pager of its own");
    }
}

/// What the recorded calls add up to, in the words of the meter.
#[derive(Default, PartialEq, Debug)]
struct Sums {
    read: Tally,
    write: Tally,
    write_durable: Tally,
    sync: u64,
    lent: Tally,
}

fn count(tally: &mut Tally, pages: usize, bytes: usize) {
    tally.calls += 1;
    tally.pages += pages as u64;
    tally.bytes += bytes as u64;
    tally.batches += u64::from(pages > 1);
}

fn sums(records: &[Record], page: usize) -> Sums {
    let mut sums = Sums::default();
    for record in records {
        match &record.call {
            Call::Read(pages) => count(&mut sums.read, pages.len(), pages.len() * page),
            Call::Write(pages) => count(&mut sums.write, pages.len(), pages.len() * page),
            Call::WriteDurable(blocks) => {
                count(&mut sums.write_durable, blocks.len(), blocks.iter().map(|b| b.data.len()).sum());
            }
            Call::Sync => sums.sync += 1,
            Call::Mapped(_) => count(&mut sums.lent, usize::from(record.ok), usize::from(record.ok) * page),
            Call::Grow(..) | Call::Shrink(_) | Call::Prefetch(_) | Call::Close => {}
        }
    }
    sums
}

fn metered(metered: &Metered) -> Sums {
    let m = metered.meters();
    Sums { read: m.read, write: m.write, write_durable: m.write_durable, sync: m.sync.calls, lent: m.lent }
}

fn both(device: Arc<dyn PageDevice>) -> (Arc<Metered>, Arc<RecordedDevice>) {
    let recorded = recorded(device);
    (Arc::new(Metered::new(recorded.clone())), recorded)
}

#[rstest]
fn a_metered_device_sees_all_traffic_and_every_page_that_is_lent(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
    #[values(PageSize::K4, PageSize::K16)] size: PageSize,
) {
    if !device.runs_here() {
        return;
    }
    let bench = Bench::new(device, size, 16);
    let options = tight(&bench.options);
    let (meter, record) = both(bench.create_device());
    let db = options.create_device(meter.clone()).expect("a new store");
    tell(&db, 0..3, LARGE).expect("the history runs");
    let reachable: Vec<PageId> = db.pages().expect("listed").into_iter().map(|page| page.id).collect();
    db.close().expect("closed");
    let seen = metered(&meter);
    assert_eq!(seen, sums(&record.take(), size.bytes()));
    assert!(seen.write.pages > 100 && seen.sync >= 3 && seen.write_durable.calls >= 6, "{seen:?}");

    // Cold: nothing is cached, so every page that is reached must come through the device.
    let (meter, record) = both(bench.open_device());
    let db = options.open_device(meter.clone()).expect("it opens");
    let snapshot = db.begin_read().expect("a snapshot");
    history::contents(&snapshot).expect("everything is read");
    assert_eq!(db.check().expect("checked").findings, []);
    let seen = metered(&meter);
    let records = record.take();
    assert_eq!(seen, sums(&records, size.bytes()));
    let through: BTreeSet<PageId> = records.iter().filter(|r| r.ok).flat_map(pages_read).collect();
    let unseen: Vec<&PageId> = reachable.iter().filter(|page| !through.contains(page)).collect();
    assert!(unseen.is_empty(), "read without the device: {unseen:?}");
    assert!(seen.read.pages + seen.lent.pages >= reachable.len() as u64);
    assert_eq!(seen.lent.pages > 0, device == Device::Mmap, "only a mapping lends: {seen:?}");
}

fn pages_read(record: &Record) -> Vec<PageId> {
    match &record.call {
        Call::Read(pages) => pages.iter().map(|(page, _)| *page).collect(),
        Call::Mapped(page) => vec![*page],
        _ => Vec::new(),
    }
}

#[cfg(target_os = "linux")]
mod descriptors {
    use super::*;
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    use std::fs::File;
    use std::io::{Seek, SeekFrom};
    use std::path::Path;

    /// The process's descriptors that name the store.
    fn of_store(path: &Path) -> Vec<i32> {
        let path = std::fs::canonicalize(path).expect("the store is there");
        let number = |entry: std::io::Result<std::fs::DirEntry>| {
            let entry = entry.ok()?;
            // A descriptor of another test may be gone by now.
            let target = std::fs::read_link(entry.path()).ok()?;
            if target == path { entry.file_name().to_str()?.parse().ok() } else { None }
        };
        std::fs::read_dir("/proc/self/fd").expect("the process's descriptors").filter_map(number).collect()
    }

    fn position(fd: i32) -> u64 {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).expect("an open descriptor");
        let pos = info.lines().find_map(|line| line.strip_prefix("pos:")).expect("a file has a position");
        pos.trim().parse().expect("a number")
    }

    /// Whether the lock of the store is this descriptor's: such a lock belongs to one open description.
    fn is_locked(fd: i32) -> bool {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).expect("an open descriptor");
        info.lines().any(|line| line.starts_with("lock:") && line.contains("FLOCK") && line.contains("WRITE"))
    }

    /// A second descriptor of the same open description, by the number of the first. Some containers forbid it.
    fn again(fd: i32) -> Option<File> {
        let process = pidfd_open(getpid(), PidfdFlags::empty());
        let again = process.and_then(|process| pidfd_getfd(process, fd, PidfdGetfdFlags::empty()));
        match again {
            Ok(fd) => Some(File::from(fd)),
            Err(e) => {
                eprintln!("\n!!!!! SKIPPED: positions are not moved, pidfd_getfd cannot run here: {e}\n");
                None
            }
        }
    }

    #[rstest]
    fn all_descriptors_of_the_store_are_one_open_description(
        #[values(Device::File, Device::Mmap, Device::Uring)] device: Device,
    ) {
        if !device.runs_here() {
            return;
        }
        let bench = Bench::new(device, PageSize::K4, 16);
        let db = bench.create();
        tell(&db, 0..2, history::SMALL).expect("the history runs");
        let snapshot = db.begin_read().expect("a snapshot");
        let tx = db.begin_write().expect("a transaction");
        let fds = of_store(&bench.path());
        assert!(!fds.is_empty(), "an open store has a descriptor");
        assert!(fds.iter().all(|fd| position(*fd) == 0), "positioned I/O moves no position");
        for fd in &fds {
            let wanted = 4242 + *fd as u64;
            assert!(is_locked(*fd), "{fd} has not the lock that the store was opened with");
            let Some(mut file) = again(*fd) else { break };
            file.seek(SeekFrom::Start(wanted)).expect("a file can be sought in");
            let found: Vec<u64> = fds.iter().map(|fd| position(*fd)).collect();
            assert!(
                found.iter().all(|pos| *pos == wanted),
                "they share one position: {fds:?} are at {found:?}"
            );
        }
        // A second `open` of the file is noticed: the control of the above.
        let second = File::open(bench.path()).expect("a second description");
        let fds = of_store(&bench.path());
        let others: Vec<bool> = fds.iter().map(|fd| is_locked(*fd)).filter(|locked| !locked).collect();
        assert_eq!(others, [false], "just the second one has no lock: {fds:?}");
        let moved = again(fds[0]).is_some();
        assert_eq!(
            fds.iter().filter(|fd| position(**fd) != 0).count(),
            if moved { fds.len() - 1 } else { 0 }
        );
        drop(second);
        // Nobody minds where the position is.
        history::contents(&snapshot).expect("read");
        drop((tx, snapshot));
        tell(&db, 2..3, history::SMALL).expect("written");
        db.close().expect("closed");
        assert!(of_store(&bench.path()).is_empty(), "close closes");
    }
}
