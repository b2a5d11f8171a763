//! What a journal tells of a history that ran once.

use super::super::{Fate, Moment, Outcome, Step, Unit};
use super::*;

/// The history of two commits as a pager without a log makes them.
fn two_commits() -> SimDevice {
    let sim = disk(PageSize::K4, 8);
    for commit in 1..=2u8 {
        sim.mark(u64::from(commit) * 10);
        write(&sim, 4 + u64::from(commit), commit);
        write(&sim, 3, commit);
        sim.sync().unwrap();
        write_durable(&sim, u64::from(commit), 0, commit);
        sim.mark(u64::from(commit) * 10 + 1);
    }
    sim
}

#[test]
fn points_lie_before_each_step_and_inside_durable_writes() {
    let journal = two_commits().journal();
    let points: Vec<(usize, Moment)> = journal.points().iter().map(|p| (p.step(), p.moment())).collect();
    use Moment::{Before, During};
    // Steps: mark, write, write, sync, durable, mark, mark, write, write, sync, durable, mark.
    let expected = [
        (1, Before),
        (2, Before),
        (3, Before),
        (4, Before),
        (4, During),
        (7, Before),
        (8, Before),
        (9, Before),
        (10, Before),
        (10, During),
        (12, Before),
    ];
    assert_eq!(points, expected);
    assert_eq!(journal.steps().len(), 12);
    assert!(matches!(journal.steps()[4], Step::Durable(_)));
}

#[test]
fn a_point_knows_the_marks_before_it() {
    let journal = two_commits().journal();
    let marks: Vec<Vec<u64>> = journal.points().iter().map(|point| point.marks().to_vec()).collect();
    assert_eq!(marks[0], [10], "a mark right before a step lies before its point");
    assert_eq!(marks[4], [10], "in the durable write nothing is acknowledged");
    assert_eq!(marks[5], [10, 11, 20]);
    assert_eq!(marks[10], [10, 11, 20, 21]);
}

#[test]
fn walking_and_asking_for_a_point_yield_the_same_state() {
    let journal = two_commits().journal();
    for state in journal.states() {
        let asked = journal.state(&state.point);
        assert_eq!(asked.durable(), state.pending.durable());
        assert_eq!(format!("{:?}", asked.units()), format!("{:?}", state.pending.units()));
    }
}

#[test]
fn a_durable_write_under_way_is_lost_landed_or_torn_block_by_block() {
    let sim = disk(PageSize::K8, 2);
    write(&sim, 0, 1);
    let data = [9; 8192];
    sim.write_durable(&[WriteBlock { page: PageId::new(1), offset: 0, data: &data }]).unwrap();
    let journal = sim.journal();
    let inside = journal.states().find(|state| state.point.moment() == Moment::During).unwrap().pending;
    assert!(matches!(
        inside.units(),
        [Unit::Page { .. }, Unit::Block { index: 0, .. }, Unit::Block { index: 1, .. }]
    ));
    let states: Vec<Vec<u8>> = inside.subsets().map(|(_, image)| blocks(&image, 1)).collect();
    assert_eq!(states[0b000], [0, 0]);
    assert_eq!(states[0b010], [9, 0]);
    assert_eq!(states[0b101], [0, 9]);
    assert_eq!(states[0b111], [9, 9]);
    let fates = vec![Fate::Lost, Fate::Lost, Fate::Torn(0b1000_0000)];
    let image = inside.land(&Outcome { fates, order: Vec::new(), data_extends: true });
    let page = image.page(PageId::new(1)).unwrap();
    assert!(page[..8192 - 512].iter().all(|b| *b == 0) && page[8192 - 512..] == [9; 512]);
}

#[test]
fn after_a_durable_write_its_blocks_are_in_every_state() {
    let journal = two_commits().journal();
    for state in journal.states() {
        for (_, image) in state.pending.subsets() {
            if state.point.marks().contains(&11) {
                assert_eq!(firsts(&image)[1], 1);
                assert_eq!(firsts(&image)[5], 1);
            }
            if firsts(&image)[2] == 2 {
                assert_eq!((firsts(&image)[3], firsts(&image)[6]), (2, 2), "the root came after its sync");
            }
        }
    }
}

#[test]
fn a_missing_sync_is_seen_in_some_state() {
    let sim = disk(PageSize::K4, 4);
    write(&sim, 3, 1);
    write_durable(&sim, 1, 0, 1);
    let broken = sim.journal().states().any(|state| {
        state.pending.subsets().any(|(_, image)| firsts(&image)[1] == 1 && firsts(&image)[3] == 0)
    });
    assert!(broken, "a root without its leaf");
}

#[test]
fn a_journal_restarted_in_the_middle_begins_with_what_is_unsynced() {
    let sim = disk(PageSize::K4, 2);
    write(&sim, 0, 1);
    sim.restart_journal();
    write(&sim, 1, 2);
    let counts: Vec<usize> = sim.journal().states().map(|state| state.pending.count()).collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn a_long_history_is_walked_in_little_time() {
    let sim = disk(PageSize::K4, 4096);
    for n in 0..20_000u64 {
        write(&sim, n * 37 % 4096, n as u8);
        if n % 16 == 15 {
            sim.sync().unwrap();
        }
    }
    let began = std::time::Instant::now();
    let mut states = 0;
    for state in sim.journal().states() {
        let count = state.pending.count();
        for mask in [0, 0x5555, (1 << count) - 1] {
            let image = state.pending.subset(mask);
            assert_eq!(image.page_count(), PageCount::new(4096));
            states += 1;
        }
    }
    assert!(states > 60_000);
    // About a second on a slow machine; a copy of every page would take minutes.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
