//! Stories of commits through the log, of checkpoints beside them, and of opening again, without a tree: the state of a
//! version is a list of words, a record is one word, and a checkpoint writes all words into one page.

use super::*;
use crate::device::faults::{Fault, FaultRule, Faults};
use crate::device::faulty::FaultyDevice;
use crate::device::memory::{MemoryDevice, MemoryStore};
use crate::device::{OpenOptions, Operation};
use crate::page::{HEADER_LEN, PageImage, PageKind, PageSize};

const SIZE: PageSize = PageSize::K4;

/// The words of a version.
type Words = Vec<String>;

fn create(store: &MemoryStore) -> Arc<Pager> {
    let device = MemoryDevice::open(store, &OpenOptions::create(SIZE)).expect("empty");
    Pager::create(Arc::new(device), &PagerOptions::default()).expect("created")
}

fn open(store: &MemoryStore) -> Arc<Pager> {
    let device = MemoryDevice::open(store, &OpenOptions::open()).expect("a store");
    let pager = Pager::open(Arc::new(device), &PagerOptions::default()).expect("opens");
    if let Some(what) = pager.unreplayed() {
        let mut tx = pager.begin_replay(&what).expect("begun");
        let mut words = from_root(&tx, tx.root());
        let mut groups = pager.unreplayed_groups(&what);
        while let Some(group) = groups.next().expect("readable") {
            words.extend(group.records.iter().map(|r| String::from_utf8(r.clone()).expect("a word")));
        }
        let root = write(&mut tx, &words);
        tx.commit_with(root, Some(Arc::new(words))).expect("replayed");
    }
    pager
}

fn from_root(reader: &impl ReadPages, root: Option<Written>) -> Words {
    let Some(root) = root else { return Vec::new() };
    let page = reader.page(root, PageKind::Record).expect("readable");
    let text = String::from_utf8(page[HEADER_LEN..page.used()].to_vec()).expect("text");
    text.split(' ').map(str::to_owned).collect()
}

fn words(pager: &Arc<Pager>) -> Words {
    let snapshot = pager.begin_read();
    match snapshot.state::<Words>() {
        Some(words) => words.clone(),
        None => from_root(&snapshot, snapshot.root()),
    }
}

/// Writes all words into one page, in place of the base's.
fn write(tx: &mut Transaction, words: &Words) -> Option<Written> {
    if let Some(old) = tx.root() {
        tx.free(old);
    }
    let text = words.join(" ");
    let mut image = PageImage::new(SIZE, PageKind::Record, 0);
    image.bytes_mut()[HEADER_LEN..HEADER_LEN + text.len()].copy_from_slice(text.as_bytes());
    image.set_used(HEADER_LEN + text.len());
    Some(tx.write(vec![image]).expect("written")[0])
}

/// Begins a transaction on a version that stands on the newest root.
fn begin(pager: &Arc<Pager>) -> (Transaction, Words) {
    let mut tx = pager.begin_write().expect("begun");
    let words: Words = match tx.base().state::<Words>() {
        Some(words) => words.clone(),
        None => from_root(&tx, tx.root()),
    };
    if let Some(flushed) = tx.flushed() {
        tx.rebase(&flushed, Arc::new(words.clone()));
    }
    (tx, words)
}

fn submit(pager: &Arc<Pager>, word: &str, waits: bool) -> Commit {
    let (mut tx, mut words) = begin(pager);
    words.push(word.to_owned());
    let room = tx.reserve(word.len(), 8).expect("room").expect("in the log");
    tx.commit_logged(room, word.into(), Arc::new(words), waits).expect("queued")
}

fn commit(pager: &Arc<Pager>, word: &str) {
    submit(pager, word, true).wait().expect("durable");
}

fn checkpoint(pager: &Arc<Pager>) -> bool {
    let Some(mut tx) = pager.begin_checkpoint().expect("begun") else { return false };
    let words = tx.base().state::<Words>().expect("it was committed").clone();
    let root = write(&mut tx, &words);
    tx.commit_with(root, Some(Arc::new(words))).expect("durable");
    true
}

#[test]
fn a_commit_costs_one_durable_write_and_is_there_after_a_kill() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    commit(&pager, "one");
    commit(&pager, "two");
    let generation = pager.durable_meta().generation;
    commit(&pager, "three");
    assert_eq!(pager.durable_meta().generation, generation, "no root record a commit");
    assert_eq!(pager.stats().log.groups, 3);
    let image = store.image();
    assert_eq!(words(&open(&MemoryStore::new(image))), ["one", "two", "three"]);
}

#[test]
fn commits_that_wait_together_are_one_group() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    commit(&pager, "first");
    let waiting: Vec<Commit> = ["a", "b", "c"].iter().map(|word| submit(&pager, word, true)).collect();
    assert_eq!(words(&pager), ["first"], "nothing is published before it is durable (V4)");
    for commit in waiting {
        commit.wait().expect("durable");
    }
    assert_eq!(words(&pager), ["first", "a", "b", "c"]);
    let log = pager.stats().log;
    assert_eq!((log.groups, log.commits), (2, 4));
}

#[test]
fn what_nobody_waits_for_is_seen_at_once_but_not_before_an_earlier_commit_that_waits() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    let _ = submit(&pager, "relaxed", false);
    assert_eq!(words(&pager), ["relaxed"]);
    let full = submit(&pager, "full", true);
    let _ = submit(&pager, "later", false);
    assert_eq!(words(&pager), ["relaxed"], "R9");
    full.wait().expect("durable");
    assert_eq!(words(&pager), ["relaxed", "full", "later"]);
    assert_eq!(words(&open(&MemoryStore::new(store.image()))), ["relaxed", "full", "later"]);
}

#[test]
fn a_checkpoint_beside_the_writer_holds_its_version_and_the_log_holds_the_rest() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    commit(&pager, "one");
    let held = pager.begin_read();
    let mut running = pager.begin_checkpoint().expect("begun").expect("there is something to do");
    commit(&pager, "two");
    let one = running.base().state::<Words>().expect("a state").clone();
    let root = write(&mut running, &one);
    running.commit_with(root, Some(Arc::new(vec!["one".to_owned()]))).expect("durable");
    assert_eq!(pager.durable_meta().lsn, 1);
    assert!(!checkpoint(&pager), "the last one has not been taken in");
    for word in ["three", "four"] {
        assert_eq!(words(&open(&MemoryStore::new(store.image()))).len(), words(&pager).len());
        commit(&pager, word);
    }
    assert!(checkpoint(&pager));
    assert_eq!(pager.durable_meta().lsn, 4);
    assert_eq!(held.state::<Words>().map(Vec::len), Some(1));
    commit(&pager, "five");
    assert_eq!(words(&open(&MemoryStore::new(store.image()))), ["one", "two", "three", "four", "five"]);
}

/// Beside a store of any size it was 16 MiB: at random places a checkpoint writes most of the store, and came as often in a
/// large one.
#[test]
fn the_log_may_grow_with_the_store_unless_it_was_said_how_much_it_may_take() {
    let store = MemoryStore::new(Vec::new());
    drop(create(&store));
    let open = |log_bytes| {
        let device = Arc::new(MemoryDevice::open(&store, &OpenOptions::open()).expect("a store"));
        Pager::open(device, &PagerOptions { log_bytes, ..PagerOptions::default() }).expect("opens")
    };
    let limit = |pager: &Pager, bytes: u64| {
        let root = pager.durable_meta();
        pager.log.see_store(&Meta { used_count: bytes / root.page_size.bytes() as u64, ..root });
        pager.log_pressure().1
    };
    let pager = open(None);
    assert_eq!(pager.log_pressure().1, 16 << 20, "of a small store");
    for (bytes, wanted) in [(1 << 20, 16 << 20), (24 << 20, 24 << 20), (1 << 30, 64 << 20), (0, 16 << 20)] {
        assert_eq!(limit(&pager, bytes), wanted);
    }
    drop(pager);
    let said = |bytes| limit(&open(Some(bytes)), 1 << 30);
    assert_eq!(
        (said(1 << 20), said(0)),
        (1 << 20, LOG_LIMITS.0),
        "that was said, or as little as there may be"
    );
}

/// The same where nothing is said by hand: a checkpoint tells, and an opening.
#[test]
fn the_limit_of_the_log_is_what_the_last_root_counts() {
    let (store, size) = (MemoryStore::new(Vec::new()), PageSize::K64);
    let device = MemoryDevice::open(&store, &OpenOptions::create(size)).expect("a device");
    let pager = Pager::create(Arc::new(device), &PagerOptions::default()).expect("a store");
    let pages = (20 << 20) / size.bytes();
    let mut tx = pager.begin_write().expect("the seat");
    let image = || PageImage::new(size, PageKind::Record, 0);
    let written = tx.write((0..pages).map(|_| image()).collect()).expect("written");
    tx.commit(written.first().copied()).expect("durable");
    let takes = pager.durable_meta().used_count * size.bytes() as u64;
    assert!(takes > 20 << 20);
    assert_eq!(pager.log_pressure().1, takes);
    drop(pager);
    let device = Arc::new(MemoryDevice::open(&store, &OpenOptions::open()).expect("a store"));
    let pager = Pager::open(device, &PagerOptions::default()).expect("opens");
    assert_eq!(pager.log_pressure().1, takes);
}

/// The log's limit is half a mebibyte: it goes round many times.
#[test]
fn extents_are_linked_and_recycled_and_the_file_does_not_grow() {
    let store = MemoryStore::new(Vec::new());
    drop(create(&store));
    let device = Arc::new(MemoryDevice::open(&store, &OpenOptions::open()).expect("a store"));
    let options = PagerOptions { log_bytes: Some(0), ..PagerOptions::default() };
    let pager = Pager::open(device, &options).expect("opens");
    let (mut most, mut full) = (0, 0);
    for n in 0..600 {
        let (mut tx, _) = begin(&pager);
        let words = vec![format!("{n}"), "x".repeat(n % 97)];
        let record = vec![b'r'; 9000];
        match tx.reserve(record.len(), 8).expect("room") {
            Some(room) => {
                tx.commit_logged(room, record, Arc::new(words), true)
                    .expect("queued")
                    .wait()
                    .expect("durable");
            }
            None => {
                let root = write(&mut tx, &words);
                tx.commit_with(root, Some(Arc::new(words))).expect("by checkpoint");
                full += 1;
            }
        };
        assert!(pager.stats().log.bytes <= LOG_LIMITS.0);
        if n == 200 {
            most = pager.stats().page_count;
        }
    }
    assert!(full > 5 && full < 60, "the log was full {full} times");
    assert!(pager.stats().page_count <= most + 16, "{most} pages became {}", pager.stats().page_count);
    checkpoint(&pager);
    drop(begin(&pager));
    pager.trim(true).expect("trimmed");
    assert_eq!((pager.stats().log.bytes, pager.log_extents()), (0, vec![]), "all is in a checkpoint: no log");
    let stats = pager.stats();
    assert!(stats.free_pages + 20 > stats.page_count, "{stats:?}");
    commit(&pager, "again");
    assert_eq!(open(&MemoryStore::new(store.image())).begin_read().state::<Words>().map(Vec::len), Some(3));
}

/// A record larger than an extent, and several that fill groups of their own.
#[test]
fn a_record_larger_than_an_extent_is_replayed() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    let long = |n: usize| n.to_string() + &"x".repeat(n);
    let lens = [3000, 5000, 900_000, 10, 60_000, 300_000];
    for n in lens {
        let (mut tx, _) = begin(&pager);
        let room = tx.reserve(long(n).len(), 8).expect("room").expect("in the log");
        let state: State = Arc::new(Words::new());
        tx.commit_logged(room, long(n).into(), state, true).expect("queued").wait().expect("durable");
    }
    let device = MemoryDevice::open(&MemoryStore::new(store.image()), &OpenOptions::open()).expect("a store");
    let again = Pager::open(Arc::new(device), &PagerOptions::default()).expect("opens");
    let what = again.unreplayed().expect("commits");
    assert_eq!((what.commits, what.last), (6, 6));
    let mut groups = again.unreplayed_groups(&what);
    for n in lens {
        let records = loop {
            let group = groups.next().expect("readable").expect("not the end");
            if !group.records.is_empty() {
                break group.records;
            }
        };
        assert_eq!(records, [long(n).into_bytes()]);
    }
}

#[test]
fn opening_for_reading_says_that_the_log_has_to_be_replayed() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    commit(&pager, "one");
    let image = MemoryStore::new(store.image());
    let device = MemoryDevice::open(&image, &OpenOptions::open()).expect("a store");
    let options = PagerOptions { read_only: true, ..PagerOptions::default() };
    let error = Pager::open(Arc::new(device), &options).expect_err("it needs recovery");
    assert!(matches!(error, OpenError::NeedsRecovery { commits: 1 }), "{error}");
    let device = MemoryDevice::open(&image, &OpenOptions::open()).expect("a store");
    let pager = Pager::open(Arc::new(device), &PagerOptions::default()).expect("opens");
    assert!(matches!(pager.begin_write(), Err(WriteError::NotReplayed)));
}

/// What was committed without waiting stood in the queue while the log was ended under it.
#[test]
fn a_log_is_not_ended_under_a_commit_that_nobody_waits_for() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    commit(&pager, "one");
    assert!(checkpoint(&pager));
    drop(begin(&pager));
    let _ = submit(&pager, "relaxed", false);
    pager.trim(true).expect("trimmed");
    assert_eq!(words(&open(&MemoryStore::new(store.image()))), ["one", "relaxed"]);
    commit(&pager, "two");
    assert_eq!(words(&open(&MemoryStore::new(store.image()))), ["one", "relaxed", "two"]);
}

#[test]
fn an_abort_beside_a_checkpoint_gives_back_only_its_own_pages() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    commit(&pager, "one");
    let mut tx = pager.begin_write().expect("begun");
    let words = vec!["gone".to_owned()];
    write(&mut tx, &words);
    assert!(checkpoint(&pager));
    drop(tx);
    commit(&pager, "two");
    assert!(checkpoint(&pager));
    commit(&pager, "three");
    assert_eq!(self::words(&open(&MemoryStore::new(store.image()))), ["one", "two", "three"]);
}

/// A commit that begins the log's life, a checkpoint, and the end of the log with a cut.
fn a_whole_life(pager: &Arc<Pager>) -> Result<(), WriteError> {
    let (mut tx, mut words) = begin(pager);
    words.push("one".into());
    if let Some(room) = tx.reserve(3, 8)? {
        tx.commit_logged(room, b"one".to_vec(), Arc::new(words), true)?.wait()?;
    }
    if let Some(mut tx) = pager.begin_checkpoint()? {
        let words = tx.base().state::<Words>().expect("a state").clone();
        let root = write(&mut tx, &words);
        tx.commit_with(root, Some(Arc::new(words)))?;
    }
    drop(begin(pager));
    pager.trim(true)
}

/// Nobody knows what is durable then: not the commit that follows may find out.
#[test]
fn after_a_sync_or_root_record_that_failed_nothing_is_committed_whoever_it_was_made_for() {
    for on in [Operation::Sync, Operation::WriteDurable] {
        let mut failed = 0;
        for n in 1.. {
            let faults = Arc::new(Faults::new(n));
            let memory = Arc::new(MemoryDevice::new(SIZE));
            let device = Arc::new(FaultyDevice::new(memory, faults.clone()));
            let pager = Pager::create(device, &PagerOptions::default()).expect("created");
            faults.add(FaultRule::once(on, n, Fault::Io));
            let told = a_whole_life(&pager);
            if faults.injected() == 0 {
                told.expect("nothing failed");
                break;
            }
            told.expect_err("it failed");
            assert!(matches!(pager.begin_write(), Err(WriteError::Device(_))), "{on:?} {n}");
            failed += 1;
        }
        assert!(failed >= 3, "{on:?}: only {failed} calls were made");
    }
}
