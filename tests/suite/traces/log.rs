//! R1, R2, R3, R8, R10, R11: what the log holds, where it starts, and what lies behind its end.

use super::hooked::Call;
use super::tale::{Tale, up_to};
use super::words::{Words, damage, finish, groups, root_record};
use foliograph::storage_core::device::sim::Image;
use foliograph::storage_core::page::PageId;
use foliograph::storage_core::pager::{BLOCK, FIXED_PAGES};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// R1: commit Full, group durable; crash; open replays it in memory and writes a root record with a new salt and the old
/// root and log start; crash: the second recovery finds a group of another salt at the start, and the commit is lost.
///
/// Here a replay ends as a checkpoint, and before that nothing is written but pages that no root names. So the commit is
/// there wherever the opening, or what follows it, is cut off by another crash, and another.
#[test]
pub fn r1_a_commit_replayed_in_memory_is_not_lost_by_a_second_crash() {
    let told = Tale::tell(|tale| {
        tale.commit()?;
        assert_eq!(groups(&tale.store.durable()).len(), 1, "it is in the log alone");
        tale.crash()?;
        assert_eq!(tale.store.pager.durable_meta().lsn, 1, "what was replayed is a checkpoint");
        assert_eq!(tale.store.pager.durable_meta().log.extents, [], "and the old life of the log is over");
        tale.crash()?;
        tale.commit()?;
        tale.crash()?;
        tale.crash()?;
        tale.commit()
    });
    let states = told.expect("told").survives(1);
    eprintln!("R1: {states} crash states");
}

/// R2: v1 commits by checkpoint (no record), not durable yet; v2 commits Full on top, its group is durable; crash: v2,
/// acknowledged, cannot be replayed.
///
/// Here a commit by checkpoint keeps the writer's seat until its root is durable, so there is no v2 on top of it before:
/// at every write of that commit a second writer is refused. And what was queued before goes first.
#[test]
pub fn r2_no_group_carries_a_commit_above_one_without_a_record_before_that_is_durable() {
    let told = Tale::tell(|tale| {
        let queued = tale.submit(0, true)?;
        let (pager, asked) = (Arc::downgrade(&tale.store.pager), Arc::new(Mutex::new(0)));
        let count = asked.clone();
        tale.store.hooked.set(move |_| {
            let pager = pager.upgrade().expect("open");
            assert!(pager.try_begin_write().expect("open").is_none(), "nobody writes on top of it");
            *count.lock().expect("no panic") += 1;
        });
        tale.commit_by_checkpoint()?;
        tale.store.hooked.clear();
        assert!(*asked.lock().expect("no panic") >= 5, "map, sync, group, two copies of the root");
        tale.wait(queued)?;
        assert_eq!(tale.store.pager.stats().log.groups, 1, "what was queued before went first");
        tale.acknowledge(2);
        tale.commit()?;
        let groups = groups(&tale.store.durable());
        assert_eq!(groups.iter().map(|g| g.first_lsn).collect::<Vec<_>>(), [3], "the log starts above it");
        Ok(())
    });
    let states = told.expect("told").survives(2);
    eprintln!("R2: {states} crash states");
}

/// Damages each group in turn: all but the last are proven by the one behind them, and it is said which is missing. The
/// last is nobody's to prove: the log ends before it.
fn every_damaged_group_is_reported(image: &Image, commits: u64) {
    let groups = groups(image);
    let (last, before) = groups.split_last().expect("groups");
    for group in before {
        let error = Words::open(damage(image, group)).err();
        let error = error.unwrap_or_else(|| panic!("group {} is missing, and nobody says so", group.number));
        assert!(error.contains(&format!("group {}", group.number)), "{error}");
    }
    let store = Words::open(damage(image, last)).expect("the end of the log");
    assert_eq!(store.words().expect("readable"), up_to(commits - last.records.len() as u64));
}

/// R3: groups 1, 2 = link in the last block, 3 in the new extent, acknowledged; the block of group 2 is damaged: the new
/// extent is found only through it, so the log is truncated without a word.
///
/// Here a group that links leaves room behind it for one more header in its own extent, and that is written there.
#[test]
pub fn r3_a_damaged_group_that_links_is_reported_and_the_log_is_not_cut_silently() {
    let store = Words::create();
    for _ in 0..20 {
        store.commit_of(20_000).expect("room");
    }
    let image = store.crash();
    let (root, groups) = (root_record(&image), groups(&image));
    let links: Vec<_> = groups.iter().filter(|group| !group.links.is_empty()).collect();
    assert!(!links.is_empty() && root.log.extents.len() == 1, "only a group names the second extent");
    for link in links {
        let behind = groups.iter().find(|group| group.number == link.number + 1).expect("a group behind it");
        let first = root.log.extents[0];
        let inside = |page: PageId| (first.first..first.first.plus(u64::from(first.pages))).contains(&page);
        assert!(inside(link.page) && inside(behind.page), "{link:?} is followed in its own extent");
        assert!(!inside(groups.last().expect("groups").page), "the log goes on in the next one");
    }
    every_damaged_group_is_reported(&image, 20);
}

/// R3, where the record does not fit into what is left: a group of its own links, and the next one begins behind it in the
/// same extent.
#[test]
pub fn r3_a_group_that_only_links_is_proven_by_the_long_one_behind_it() {
    let store = Words::create();
    store.commit_of(100_000).expect("room");
    store.commit_of(100_000).expect("room");
    store.commit_of(100_000).expect("room");
    let image = store.crash();
    let alone = groups(&image).iter().filter(|g| g.records.is_empty() && !g.links.is_empty()).count();
    assert!(alone > 0, "a group links, and does nothing else");
    every_damaged_group_is_reported(&image, 3);
}

/// R3, where every group takes one block: the last one of the extent must not be the one that links.
#[test]
pub fn r3_the_group_that_fills_an_extent_is_not_the_one_that_links_the_next() {
    let store = Words::create();
    for _ in 0..70 {
        store.commit().expect("room");
    }
    let image = store.crash();
    assert_eq!(groups(&image)[63].page, root_record(&image).log.extents[0].first.plus(63), "a block each");
    every_damaged_group_is_reported(&image, 70);
}

/// R8: extents are in the map; the start moves into the next extent; crash: the extent behind the start is in the map but
/// on no chain, and leaks. (R8b: so it does when only a root record for a new salt moves the start.)
///
/// Here the durable map holds no extents: in use is the map and the chain from the start on. All else is free after a
/// crash, the extent behind the start too, at every state of several lives.
#[test]
pub fn r8_extents_behind_the_start_are_free_after_a_crash() {
    let fill = |tale: &mut Tale| {
        while tale.store.pager.stats().log.used < 70 * BLOCK as u64 {
            tale.commit_of(20_000)?;
        }
        Ok::<_, String>(())
    };
    let told = Tale::tell(|tale| {
        fill(tale)?;
        let extents = tale.store.pager.log_extents();
        tale.checkpoint()?;
        let start = root_record(&tale.store.durable()).log;
        assert_eq!(start.extents, extents[1..], "the start has moved into the second extent");
        tale.crash()?;
        assert_eq!(tale.store.pager.log_extents(), start.extents, "the first is not the log's any more");
        tale.store.no_leak()?;
        // R8b: a new life begins with a root record alone.
        tale.commit()?;
        tale.checkpoint()?;
        tale.crash()?;
        tale.store.no_leak()?;
        fill(tale)?;
        tale.crash()?;
        assert_eq!(tale.store.pager.log_extents(), [], "replayed, and all of it free");
        tale.store.no_leak()
    });
    let states = told.expect("told").survives(8);
    eprintln!("R8: {states} crash states");
}

/// R10: checkpoint of the newest published version while the group with v+1 is in flight; log start = next group: v+1 lies
/// before the start, and an acknowledged commit is lost.
///
/// Here the start is fixed when v is chosen. A commit is queued after that; and the checkpoint becomes durable at the very
/// moment when the group with it is in flight.
#[test]
pub fn r10_a_commit_in_flight_while_a_checkpoint_becomes_durable_is_behind_its_start() {
    let told = Tale::tell(|tale| {
        tale.commit()?;
        let running = Mutex::new(Some(tale.begin_checkpoint()?));
        let queued = tale.submit(0, true)?;
        let in_flight = Arc::new(AtomicBool::new(false));
        let (seen, pager) = (in_flight.clone(), tale.store.pager.clone());
        tale.store.hooked.set(move |call| {
            let Call::BeforeDurable(_) = call else { return };
            let Some(checkpoint) = running.lock().expect("no panic").take() else { return };
            finish(checkpoint).expect("durable");
            assert_eq!(pager.durable_meta().lsn, 1, "it holds the first commit alone");
            seen.store(true, Ordering::SeqCst);
        });
        tale.wait(queued)?;
        tale.store.hooked.clear();
        assert!(in_flight.load(Ordering::SeqCst));
        let durable = tale.store.durable();
        assert_eq!(groups(&durable).iter().map(|g| g.first_lsn).collect::<Vec<_>>(), [2]);
        tale.commit()?;
        tale.checkpoint()?;
        tale.commit()
    });
    let states = told.expect("told").survives(10);
    eprintln!("R10: {states} crash states");
}

/// R10, where several are queued after it was chosen; in every other round they are durable before the checkpoint is.
#[test]
pub fn r10_commits_queued_after_a_checkpoint_was_chosen_are_behind_its_start() {
    let told = Tale::tell(|tale| {
        tale.commit()?;
        for n in 0..4 {
            let running = tale.begin_checkpoint()?;
            let (first, second) = (tale.submit(0, true)?, tale.submit(5000, true)?);
            if n % 2 == 1 {
                tale.wait(first)?;
                finish(running)?;
            } else {
                finish(running)?;
                tale.wait(first)?;
            }
            tale.wait(second)?;
        }
        Ok(())
    });
    let states = told.expect("told").survives(11);
    eprintln!("R10: {states} crash states");
}

/// Numbers and salts of the headers that lie anywhere in these pages.
fn headers(image: &Image, pages: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
    let number = |block: &[u8], at: usize| u64::from_le_bytes(block[at..at + 8].try_into().expect("8 bytes"));
    let mut out = Vec::new();
    for page in pages {
        for block in image.page(PageId::new(page)).into_iter().flat_map(|page| page.chunks(BLOCK)) {
            if block.starts_with(b"FOLIOLOG") {
                out.push((number(block, 16), number(block, 24)));
            }
        }
    }
    out
}

/// R11: open, recovery checkpoint, crash tears the next write of a root record; C2's "any log group beyond a gap" read
/// literally: groups before the start count as later ones, which is false corruption after a mere crash.
///
/// Here a group proves something only if its number is above the missing one and it has the same salt. Behind the end lie
/// groups with lower numbers: of the same life, in extents that were used again, and of an earlier one, where the next
/// life took over the chain. No crash makes corruption of them.
#[test]
pub fn r11_groups_before_the_start_prove_nothing() {
    let told = Tale::tell(|tale| {
        for n in 0..40 {
            tale.commit_of(20_000)?;
            if n % 6 == 5 {
                tale.checkpoint()?;
            }
        }
        let image = tale.store.durable();
        let (log, end) = (root_record(&image).log, groups(&image).last().expect("groups").number);
        let old = headers(&image, FIXED_PAGES..image.page_count().get());
        let lower = old.iter().filter(|(n, salt)| *salt == log.salt && *n < log.group).count();
        assert!(lower > 3, "groups of this life lie before the start: {old:?}, which is {}", log.group);
        assert!(old.iter().all(|(n, _)| *n <= end), "none lies beyond the end");
        // The next life takes the chain over: a checkpoint holds all, and the log starts behind its last group.
        tale.checkpoint()?;
        tale.crash()?;
        assert_ne!(tale.store.pager.log_extents(), [], "the chain is taken over");
        tale.commit()?;
        let image = tale.store.durable();
        let salts: BTreeSet<u64> =
            headers(&image, FIXED_PAGES..image.page_count().get()).iter().map(|(_, salt)| *salt).collect();
        assert_eq!(salts.len(), 2, "groups of the earlier life lie behind those of this one");
        tale.crash()?;
        tale.commit()
    });
    let states = told.expect("told").survives(12);
    eprintln!("R11: {states} crash states");
}
