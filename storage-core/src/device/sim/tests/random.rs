//! Random histories: a seed reproduces them, and what must hold of every disk holds of them.

use super::super::{Moment, Rng, Step};
use super::*;

/// A disk after `n` random calls.
fn history(seed: u64, n: usize) -> SimDevice {
    let mut rng = Rng::new(seed);
    let size = [PageSize::K4, PageSize::K8, PageSize::K64][rng.index(3)];
    let sim = disk(size, 6);
    for _ in 0..n {
        let len = sim.page_count().get();
        let (page, fill) = (rng.below(len), rng.next_u64() as u8);
        match rng.below(16) {
            0 => sim.sync().unwrap(),
            1 => drop(sim.grow(PageCount::new(len + rng.below(4))).unwrap()),
            2 => sim.shrink(PageCount::new(1 + rng.below(len))).unwrap(),
            3..7 => write_durable(&sim, page, rng.index(size.bytes() / 4096), fill),
            _ => write(&sim, page, fill),
        }
    }
    sim
}

#[test]
fn a_seed_reproduces_the_same_states() {
    let run = |seed| {
        let mut rng = Rng::new(seed);
        let pending = history(seed, 60).pending();
        (0..5).map(|_| pending.random(&mut rng).to_bytes()).collect::<Vec<_>>()
    };
    assert_eq!(run(11), run(11));
    assert_ne!(run(11), run(12));
}

#[test]
fn an_outcome_can_be_landed_again() {
    let pending = history(21, 40).pending();
    let outcome = pending.random_outcome(&mut Rng::new(4));
    assert_eq!(pending.land(&outcome), pending.random(&mut Rng::new(4)));
}

#[test]
fn everything_landed_is_what_was_read() {
    for seed in 0..300 {
        let sim = history(seed, 50);
        assert_eq!(sim.pending().subset_by(|_| true), sim.volatile(), "seed {seed}");
        sim.sync().unwrap();
        assert_eq!(sim.pending().durable(), &sim.volatile(), "seed {seed}");
    }
}

#[test]
fn at_the_last_point_of_the_journal_the_disk_is_as_it_is_now() {
    for seed in 0..100 {
        let sim = history(seed, 50);
        let last = sim.journal().states().last().unwrap();
        assert_eq!(last.pending.durable(), sim.pending().durable(), "seed {seed}");
        assert_eq!(last.pending.count(), sim.pending().count(), "seed {seed}");
    }
}

/// A model of one block: what it may hold after a crash are the durable value and every value written since.
#[test]
fn no_state_holds_a_block_that_was_never_written_or_was_overwritten_durably() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed ^ 0xb10c);
        let sim = history(seed, 40);
        let journal = sim.journal();
        for state in journal.states().filter(|state| state.point.moment() == Moment::Before) {
            let image = state.pending.random(&mut rng);
            for page in 0..image.page_count().get() {
                for block in 0..image.page_size().bytes() / 4096 {
                    let allowed = allowed(&journal.steps()[..state.point.step()], page, block);
                    let bytes = &image.page(PageId::new(page)).unwrap()[block * 4096..][..4096];
                    assert!(
                        bytes.iter().all(|b| allowed.contains(b)),
                        "seed {seed}, step {}, page {page}, block {block}: not of {allowed:?}",
                        state.point.step()
                    );
                }
            }
        }
    }
}

/// What the bytes of a block may be after these steps; a block beyond the end may be zero once it is back.
fn allowed(steps: &[Step], page: u64, block: usize) -> Vec<u8> {
    let mut values = vec![0];
    let mut newest = 0;
    for step in steps {
        match step {
            Step::Write(pages) => {
                if let Some((_, data)) = pages.iter().find(|(id, _)| id.get() == page) {
                    newest = data[block * 4096];
                    values.push(newest);
                }
            }
            Step::Durable(blocks) => {
                if let Some(b) = blocks.iter().find(|b| b.page.get() == page && b.index == block) {
                    newest = b.data[0];
                    values = vec![newest];
                }
            }
            Step::Shrink(to) if page >= to.get() => {
                newest = 0;
                values.push(0);
            }
            Step::Sync => values = vec![newest],
            _ => {}
        }
    }
    values
}
