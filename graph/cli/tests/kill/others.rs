//! Other commands are killed: a store that is being imported is whole or not there, one that is being compacted stays what
//! it is. And while a process writes, no other gets in.

use super::story::{line, lines_in};
use super::victim::{Place, Victim, apply, runs_here, spin};
use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::storage_core::device::sim::Rng;
use foliograph::{Database, OpenError};
use rstest::rstest;

const NODES: u64 = 20_000;

/// Rounds that find their kill's moment between nothing and all that the command takes.
fn moments(rounds: u64, rng: &mut Rng) -> impl Iterator<Item = u64> {
    (0..rounds).map(move |_| 1 << rng.below(23))
}

fn is_nothing(error: &OpenError) -> bool {
    let kind = error.device().map(|e| e.kind());
    matches!(kind, Some(DeviceErrorKind::NotFound | DeviceErrorKind::Unfinished))
}

/// How many edges there are; everything else is found by `check`.
fn edges(db: &Database) -> u64 {
    assert_eq!(db.check().expect("checked").findings, []);
    db.begin_read().expect("a snapshot").edge_count()
}

#[rstest]
fn an_import_that_is_killed_leaves_nothing_or_all(#[values("file", "mmap", "uring")] backend: &'static str) {
    if !runs_here(backend) {
        return;
    }
    let mut rng = Rng::new(0x1337);
    let place = Place::new(backend);
    let text: String = (0..NODES).map(|n| format!("{n} {}\n", n * 7919 % NODES)).collect();
    let from = place.file("edges.txt");
    std::fs::write(&from, text).expect("written");
    let from = from.to_str().expect("UTF-8");
    let (mut nothing, mut empty, mut all) = (0, 0, 0);
    for moment in moments(12, &mut rng) {
        let _ = std::fs::remove_file(place.store());
        let victim = Victim::of(&place, "import", &[from, "--memory", "1MiB", "--page-size", "4096"]);
        spin(moment);
        let (killed, _) = victim.kill();
        place.wait_for_lock();
        match place.options().open_existing(place.store()) {
            Err(e) if is_nothing(&e) => nothing += 1,
            Err(e) => panic!("neither nothing nor a store: {e}"),
            Ok(db) => {
                let found = edges(&db);
                assert!(found == NODES || (killed && found == 0), "{found} of {NODES} edges");
                if found == 0 {
                    empty += 1;
                } else {
                    all += 1;
                }
                db.close().expect("closed");
            }
        }
        // Whatever is there, changes can be applied: an unfinished creation is begun anew.
        let add = "{\"op\":\"add_node\",\"label\":\"more\",\"key\":\"x\"}\n";
        apply(&place, &[], add.to_owned());
        assert!(place.open().begin_read().expect("a snapshot").node("more", "x").expect("read").is_some());
    }
    eprintln!("{backend}: killed imports left nothing {nothing} times, an empty store {empty}, all {all}");
}

#[rstest]
fn a_compaction_that_is_killed_leaves_the_store_as_it_was(
    #[values("file", "mmap", "uring")] backend: &'static str,
) {
    if !runs_here(backend) {
        return;
    }
    let mut rng = Rng::new(0xc0ffee);
    let place = Place::new(backend);
    let story: String = (0..3_000).map(|i| line(i) + "\n").collect();
    apply(&place, &["--commit-every", "100", "--page-size", "4096"], story);
    let mut lines = 3_000;
    let mut killed_meanwhile = 0;
    for moment in moments(12, &mut rng) {
        let victim = Victim::of(&place, "compact", &[]);
        spin(moment);
        killed_meanwhile += u64::from(victim.kill().0);
        let db = place.open();
        assert_eq!(lines_in(&db), lines);
        assert_eq!(db.check().expect("checked").findings, []);
        db.close().expect("closed");
        let more: String = (lines..lines + 50).map(|i| line(i) + "\n").collect();
        apply(&place, &["--commit-every", "7"], more);
        lines += 50;
    }
    eprintln!("{backend}: {killed_meanwhile} compactions were killed before their end");
    assert_eq!(lines_in(&place.open()), lines);
}

#[rstest]
fn a_second_process_is_refused_at_once_and_gets_in_after_the_kill(
    #[values("file", "mmap", "uring")] backend: &'static str,
) {
    if !runs_here(backend) {
        return;
    }
    let place = Place::new(backend);
    let mut first = Victim::apply(&place, &["--page-size", "4096"], 0);
    first.hear();
    let refused = place.options().open(place.store()).expect_err("the first process has it");
    assert_eq!(refused.device().map(|e| e.kind()), Some(DeviceErrorKind::Locked), "{refused}");
    assert!(refused.to_string().contains("open"), "{refused}");
    let read = place.options().read_only(true).open_existing(place.store()).expect_err("not beside a writer");
    assert_eq!(read.device().map(|e| e.kind()), Some(DeviceErrorKind::Locked), "{read}");
    first.hear();
    let (_, told) = first.kill();
    assert!(lines_in(&place.open()) >= told.unwrap_or(2));
}
