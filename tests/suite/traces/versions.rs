//! R6, R7, R9: which version readers see, and whose pages are used again.

use super::hooked::Hooked;
use crate::history::{self, Contents, SMALL};
use foliograph::storage_core::device::sim::{Image, Rng, SimDevice, Step};
use foliograph::storage_core::pager::FIXED_PAGES;
use foliograph::{Database, Durability, Options, PageSize, props};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn options() -> Options {
    Options::new().page_size(PageSize::K4).cache_pages(16).background(false)
}

fn open(image: Image) -> Database {
    let disk = SimDevice::from_image(image).expect("a store");
    options().open_device(Arc::new(disk)).expect("opens")
}

fn contents(db: &Database) -> Contents {
    history::contents(&db.begin_read().expect("read")).expect("a whole store")
}

fn assert_whole(db: &Database) {
    let findings = db.check().expect("checked").findings;
    assert!(findings.is_empty(), "{findings:?}");
}

fn add_people(db: &Database, prefix: &str, count: usize) -> foliograph::WriteTransaction {
    let mut tx = db.begin_write().expect("begun");
    for n in 0..count {
        tx.add_node("person", format!("{prefix}{n}"), props! { "born" => n as i64 }).expect("added");
    }
    tx
}

/// Pages that were written from this step on, but for root records and the log.
fn written(disk: &SimDevice, from: usize) -> BTreeSet<u64> {
    let journal = disk.journal();
    let pages = journal.steps()[from..].iter().flat_map(|step| match step {
        Step::Write(pages) => pages.iter().map(|(page, _)| page.get()).collect(),
        _ => Vec::new(),
    });
    pages.filter(|page| *page >= FIXED_PAGES).collect()
}

/// R6: v1 dirty; running v2 flushes early and so writes v1's dirty leaf too; v2 aborts (or changes that leaf); the page is
/// reused: a live page is overwritten, for "a page that the running transaction itself took" may belong to a slot of a
/// committed version.
///
/// Here v1 is a delta over a page of the durable root; v2's early flush replaces that page. But versions share trees and
/// not slots: what v2 flushes are copies of its own, v1 keeps its changes in memory and does not learn where they were
/// written. So the abort may give all of them back; v3 writes on the same pages, while a reader holds v1, and v1 is whole
/// for it, in the log, and after every crash.
#[test]
pub fn r6_pages_flushed_early_over_a_dirty_committed_version_may_be_used_again_after_an_abort() {
    let disk = Arc::new(SimDevice::new(PageSize::K4, 1));
    let db = options().memory_budget(6 << 10).create_device(disk.clone()).expect("a new store");
    add_people(&db, "before", 5).commit().expect("committed");
    db.checkpoint().expect("on pages");
    add_people(&db, "first", 5).commit().expect("committed");
    assert_eq!(db.pager().stats().log.commits, 2, "v1 is in the log, its leaves are dirty");
    let (held, first) = (db.begin_read().expect("read"), contents(&db));

    let before = disk.journal().steps().len();
    let tx = add_people(&db, "second", 100);
    let flushed = written(&disk, before);
    assert!(!flushed.is_empty(), "v2 was flushed early");
    tx.abort();
    assert_eq!(contents(&db), first);

    disk.restart_journal();
    disk.mark(1);
    let tx = add_people(&db, "third", 60);
    tx.commit().expect("committed");
    disk.mark(2);
    let again = written(&disk, 0);
    assert!(!again.is_disjoint(&flushed), "the pages are used again: {flushed:?} and {again:?}");
    assert_eq!(history::contents(&held).expect("v1 is still there"), first, "what v1's reader sees");
    let third = contents(&db);

    let (mut rng, mut states) = (Rng::new(6), 0);
    for state in disk.journal().states() {
        let acknowledged = state.point.marks().contains(&2);
        for _ in 0..6 {
            states += 1;
            let after = open(state.pending.random(&mut rng));
            let found = contents(&after);
            assert!(found == third || (found == first && !acknowledged), "{:?}", state.point);
            assert_whole(&after);
        }
    }
    eprintln!("R6: {} pages used again, {states} crash states", again.intersection(&flushed).count());
}

/// R7: v1 (Full) is committed, its group not durable; checkpoint of v1 becomes durable, no pin exists, pages freed by v1
/// are reused; new readers still get v0: version v0, the published one, is overwritten.
///
/// Here a checkpoint takes the newest *durable* version, and makes what is queued durable, and so published, first. At
/// every write of several commits, checkpoints beside a running writer, and reuses of pages: what a new reader gets is at
/// least the durable root, and whole. Nobody holds a version meanwhile.
#[test]
pub fn r7_no_checkpoint_is_durable_of_a_version_that_is_not_published() {
    let expected = Arc::new(history::expected(&options(), 8, SMALL));
    let disk = Arc::new(SimDevice::new(PageSize::K4, 1));
    let hooked = Hooked::new(&disk);
    let db = options().create_device(hooked.clone()).expect("a new store");
    let (looked, inside) = (Arc::new(AtomicU64::new(0)), db.clone());
    let (count, wanted) = (looked.clone(), expected.clone());
    hooked.set(move |call| {
        let snapshot = inside.begin_read().expect("read");
        let durable = inside.pager().durable_meta().lsn;
        assert!(
            snapshot.version() >= durable,
            "{call:?}: {} is published, {durable} durable",
            snapshot.version()
        );
        let found = history::contents(&snapshot).expect("whole");
        let different = history::difference(&found, &wanted[snapshot.version() as usize]);
        assert_eq!(different, None, "{call:?}: version {}", snapshot.version());
        count.fetch_add(1, Ordering::Relaxed);
    });
    let mut tx = db.begin_write().expect("begun");
    for n in 0..8 {
        history::change(&mut tx, n, SMALL).expect("changed");
        let queued = tx.submit().expect("queued");
        assert_eq!(db.begin_read().expect("read").version(), n, "it is committed, and not published");
        let checkpoint = db.begin_checkpoint().expect("begun").expect("there is something to do");
        assert_eq!(checkpoint.version(), n + 1, "it holds the commit that was queued");
        assert_eq!(db.begin_read().expect("read").version(), n + 1, "which is durable and published first");
        // The next transaction runs over its end, on the old root, and writes long values on pages that are free.
        tx = db.begin_write().expect("begun");
        checkpoint.finish().expect("durable");
        assert_eq!(db.pager().durable_meta().lsn, n + 1);
        assert_eq!(queued.wait().ok(), Some(n + 1));
    }
    tx.abort();
    hooked.clear();
    assert!(looked.load(Ordering::Relaxed) > 50, "{looked:?}");
    assert_eq!(contents(&db), expected[8]);
    assert_whole(&db);
    eprintln!("R7: {} looks", looked.load(Ordering::Relaxed));
}

/// R9: commit Full (queued), commit Relaxed on top, published at once; crash: readers saw a Full commit that is gone.
///
/// Here what does not wait is published at once only if nothing before it waits; else with the group that carries that.
#[test]
pub fn r9_a_relaxed_commit_shows_no_full_one_before_that_is_durable() {
    let disk = Arc::new(SimDevice::new(PageSize::K4, 1));
    let db = options().create_device(disk.clone()).expect("a new store");
    let relaxed = |db: &Database, name: &str| {
        let mut tx = add_people(db, name, 1);
        tx.set_durability(Durability::Relaxed);
        tx.commit().expect("acknowledged at once")
    };
    let published = |db: &Database| db.begin_read().expect("read").version();
    let crashed = || published(&open(disk.pending().durable().clone()));
    assert_eq!(relaxed(&db, "alone"), 1);
    assert_eq!((published(&db), crashed()), (1, 0), "nothing waits: seen at once, and lost by a crash");
    let full = add_people(&db, "full", 1).submit().expect("queued");
    assert_eq!(relaxed(&db, "behind"), 3);
    assert_eq!((published(&db), crashed()), (1, 0), "the Full one is not durable: neither is seen");
    assert_eq!(full.wait().ok(), Some(2));
    let (seen, left) = (published(&db), crashed());
    assert!(seen >= 2 && left >= 2, "{seen} is seen, {left} is left");
    db.flush().expect("durable");
    assert_eq!((published(&db), crashed()), (3, 3));
}
