//! Stories through the log: crash states, damage, a device that fails, a follower in another thread.
//!
//! What PAGER-CHECKED found redundant is so here too: with one group in flight, numbers that never restart keep every dead
//! group out, and no crash state shows a salt that is kept. Salt and check of the group before are there for damage. So
//! their bugs are told over a log whose first group was damaged and given up (`tolerate_log`): the next life begins
//! with the same number, in front of dead groups whose numbers and LSNs would follow. If it begins with the very same
//! commit, then not even the check of the group before tells them apart: the salt does.

use super::{Caught, arm, caught, said};
use crate::harness::seed;
use crate::traces::guarded;
use crate::traces::hooked::Call;
use crate::traces::tale::{Tale, up_to};
use crate::traces::words::{Words, damage, finish, groups as groups_of, pager_options};
use foliograph::storage_core::device::Operation;
use foliograph::storage_core::device::faults::{Fault, FaultRule};
use foliograph::storage_core::device::sim::SimDevice;
use foliograph::storage_core::pager::PagerOptions;
use foliograph::storage_core::planted::Bug;
use foliograph::{Options, PageSize, props};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Tells a story with the bugs armed, and goes through its crash states.
fn states(bugs: &[Bug], story: fn(&mut Tale) -> Result<(), String>) -> Result<u64, Caught> {
    states_opened(bugs, &[], story)
}

/// The same, with bugs armed also while what a crash left is opened and goes on.
fn states_opened(
    bugs: &[Bug],
    opening: &[Bug],
    story: fn(&mut Tale) -> Result<(), String>,
) -> Result<u64, Caught> {
    let told = arm(bugs, || caught(0, || Tale::tell(story)));
    let told = told.map_err(|c| Caught { why: format!("the story itself stops: {}", c.why), ..c })?;
    let (after, result) = arm(opening, || told.crash_states(seed(6)));
    result.map(|()| after).map_err(|why| Caught { after, why })
}

pub(super) fn groups(bugs: &[Bug]) -> Result<u64, Caught> {
    states(bugs, |tale| {
        tale.commit()?;
        let two = [tale.submit(0, true)?, tale.submit(6000, true)?];
        two.into_iter().try_for_each(|commit| tale.wait(commit))?;
        tale.commit()
    })
}

pub(super) fn checkpoints(bugs: &[Bug]) -> Result<u64, Caught> {
    states(bugs, |tale| {
        tale.commit()?;
        let running = tale.begin_checkpoint()?;
        tale.commit()?;
        finish(running)?;
        tale.commit()?;
        tale.checkpoint()?;
        tale.commit()?;
        tale.commit_by_checkpoint()?;
        tale.commit()
    })
}

/// Replay, a chain without commits that the next life takes over, and a life after each.
pub(super) fn lives(bugs: &[Bug]) -> Result<u64, Caught> {
    states(bugs, |tale| {
        tale.commit()?;
        tale.commit()?;
        tale.crash()?;
        tale.commit()?;
        tale.checkpoint()?;
        tale.crash()?;
        tale.commit()?;
        tale.crash()?;
        tale.crash()?;
        tale.commit()
    })
}

/// The log is linked and recycled until it has gone round three times.
fn goes_round(tale: &mut Tale) -> Result<(), String> {
    for n in 0..72 {
        tale.commit_of(20_000)?;
        if n % 7 == 6 {
            tale.checkpoint()?;
        }
    }
    Ok(())
}

pub(super) fn ring(bugs: &[Bug]) -> Result<u64, Caught> {
    states(bugs, goes_round)
}

/// The bug is one of opening.
pub(super) fn ring_opened(bugs: &[Bug]) -> Result<u64, Caught> {
    states_opened(&[], bugs, goes_round)
}

/// The durable start is in the first extent, the end in the second; a checkpoint begins; then commits until the log is
/// full: the first extent must not be written on before the checkpoint is durable.
pub(super) fn full_beside_checkpoint(bugs: &[Bug]) -> Result<u64, Caught> {
    states(bugs, |tale| {
        while tale.store.pager.stats().log.used < 70 * 4096 {
            tale.commit_of(20_000)?;
        }
        let running = tale.begin_checkpoint()?;
        let mut more = 0;
        while more < 20 && tale.try_commit_of(20_000)? {
            more += 1;
        }
        finish(running)?;
        tale.commit()
    })
}

pub(super) fn checkpoint_of_relaxed(bugs: &[Bug]) -> Result<u64, Caught> {
    states(bugs, |tale| {
        let _ = tale.submit(0, false)?;
        let _ = tale.submit(0, false)?;
        tale.checkpoint()?;
        tale.commit()
    })
}

/// Three groups, the first of which is damaged; opened as if the log ended there; one commit, and a crash. Dead groups
/// behind it are taken for damage, or for commits.
fn after_damage(bugs: &[Bug], bytes: usize) -> Result<u64, Caught> {
    caught(1, || {
        arm(bugs, || {
            let store = Words::create();
            (0..3).try_for_each(|_| store.commit().map(drop))?;
            let image = store.crash();
            let damaged = damage(&image, &groups_of(&image)[0]);
            let tolerant = PagerOptions { tolerate_log: true, ..pager_options() };
            let store = Words::open_with(damaged, &tolerant)?;
            assert_eq!(store.words()?, up_to(0), "the first group was damaged");
            store.commit_of(bytes)?;
            let words = Words::open(store.crash())?.words()?;
            if words == up_to(1) {
                Ok(1)
            } else {
                Err(format!("one commit was made, and there are {words:?}"))
            }
        })
    })
}

pub(super) fn same_after_damage(bugs: &[Bug]) -> Result<u64, Caught> {
    after_damage(bugs, 0)
}

pub(super) fn other_after_damage(bugs: &[Bug]) -> Result<u64, Caught> {
    after_damage(bugs, 100)
}

/// Every group but the last is damaged in turn: the one behind it says that it was durable.
pub(super) fn damaged_groups(bugs: &[Bug]) -> Result<u64, Caught> {
    let store = Words::create();
    (0..20).try_for_each(|_| store.commit_of(20_000)).expect("room");
    let image = store.crash();
    let groups = groups_of(&image);
    let before = &groups[..groups.len() - 1];
    for (after, group) in (1..).zip(before) {
        let opened = arm(bugs, || guarded(|| Words::open(damage(&image, group))?.words()));
        if let Ok(words) = opened {
            let why =
                format!("group {} is damaged, and {} words open without a word", group.number, words.len());
            return Err(Caught { after, why });
        }
    }
    Ok(before.len() as u64)
}

/// The durable write of a group fails: nobody may see the commit, and whoever waits is told.
pub(super) fn failed_group(bugs: &[Bug]) -> Result<u64, Caught> {
    for (after, fault) in [(1, Fault::Io), (2, Fault::Short), (3, Fault::DiskFull)] {
        caught(after, || {
            arm(bugs, || {
                let store = Words::create();
                store.commit()?;
                store.disk.faults().add(FaultRule::once(Operation::WriteDurable, 1, fault));
                let commit = store.submit(9000, true)?.ok_or("no room")?.wait();
                let (seen, durable) = (store.words()?, Words::open(store.durable())?.words()?);
                match commit {
                    Ok(_) if durable != up_to(2) => Err("what was acknowledged is lost".to_owned()),
                    Err(_) if seen != up_to(1) => Err("readers see a commit that failed".to_owned()),
                    Err(_) if store.commit().is_ok() => Err("it goes on after an error".to_owned()),
                    _ => Ok(()),
                }
            })
        })?;
    }
    Ok(3)
}

/// A commit that waits is queued, one that does not comes behind it: what readers see of the first must stay (R9).
pub(super) fn relaxed_behind_full(bugs: &[Bug]) -> Result<u64, Caught> {
    caught(1, || {
        arm(bugs, || {
            let store = Words::create();
            let full = store.submit(0, true)?.ok_or("no room")?;
            let _ = store.submit(0, false)?;
            let seen = store.words()?;
            let durable = Words::open(store.durable())?.words()?;
            if seen.len() > durable.len() {
                return Err(format!("readers saw {seen:?}, a crash leaves {durable:?}"));
            }
            full.wait().map_err(said)?;
            assert_eq!(store.words()?, up_to(2));
            Ok(1)
        })
    })
}

/// Two commits are one group, and its leader is stopped before the disk has it: the other must wait. Without the bug it
/// does so however long the leader is stopped.
pub(super) fn follower(bugs: &[Bug]) -> Result<u64, Caught> {
    let store = Words::create();
    store.commit().expect("committed");
    let [first, second] = [(); 2].map(|()| store.submit(0, true).expect("queued").expect("room"));
    let (entered, in_flight) = channel();
    let (returned, woken) = channel::<()>();
    let patience = if bugs.is_empty() { Duration::from_millis(50) } else { Duration::from_secs(60) };
    store.hooked.set(move |call| {
        if let Call::BeforeDurable(_) = call {
            let _ = entered.send(());
            let _ = woken.recv_timeout(patience);
        }
    });
    let durable = std::thread::scope(|scope| {
        // Bugs are armed in a thread: in the one that leads.
        let leader = scope.spawn(|| arm(bugs, || first.wait()));
        in_flight.recv().expect("the leader writes");
        second.wait().expect("durable");
        let durable = store.durable();
        let _ = returned.send(());
        leader.join().expect("no panic").expect("durable");
        durable
    });
    store.hooked.clear();
    let words = Words::open(durable).and_then(|again| again.words()).expect("a store");
    if words == up_to(3) {
        return Ok(2);
    }
    Err(Caught {
        after: 2,
        why: format!("the follower is told that 3 are durable, and a crash leaves {words:?}"),
    })
}

/// Long values are on pages before the commit: the checkpoint that holds it marks them.
pub(super) fn long_values(bugs: &[Bug]) -> Result<u64, Caught> {
    let options = Options::new().page_size(PageSize::K4).background(false);
    arm(bugs, || {
        let db = options.create_device(Arc::new(SimDevice::new(PageSize::K4, 1))).expect("a new store");
        for n in 0..6 {
            caught(n + 1, || {
                let mut tx = db.begin_write().map_err(said)?;
                let node = match tx.node("story", "only").map_err(said)? {
                    Some(node) => node,
                    None => tx.add_node("story", "only", props! {}).map_err(said)?,
                };
                tx.set(node, "text", "abc".repeat(3000 + n as usize)).map_err(said)?;
                tx.commit().map_err(said)?;
                assert_eq!(db.pager().stats().log.commits, n + 1, "it went through the log");
                let findings = db.check().map_err(said)?.findings;
                findings.first().map_or(Ok(()), |f| Err(format!("page {} ({}): {}", f.page, f.kind, f.what)))
            })?;
        }
        Ok(6)
    })
}
