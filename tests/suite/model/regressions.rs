//! Histories that failed once, shrunk, each with what it was; and short ones that every change to the engine should
//! meet first.

use super::history::{History, Id, Step, Val};
use super::run::run;
use crate::harness::Device;

fn holds(memory_budget: usize, steps: Vec<Step>) {
    for device in [Device::Memory, Device::Simulated] {
        let history = History { memory_budget, large_pages: false, steps: steps.clone() };
        if let Err(why) = run(device, &history) {
            panic!("{device:?}: {why}");
        }
    }
}

fn add(key: u8, id: Id) -> Step {
    Step::Add { label: 1, key: Some(key), id, props: vec![(0, Val::Int(1)), (1, Val::Long(9_000, 3))] }
}

/// Ids at both ends of the range, linked, and nothing in between.
#[test]
fn the_first_and_the_last_id_are_neighbors() {
    let link = |from, to| Step::Link {
        from,
        edge_type: 2,
        to,
        rank: Some(u32::MAX),
        props: vec![(4, Val::Text(9))],
    };
    let steps = vec![
        add(1, Id::Top(1)),
        add(2, Id::At(0)),
        add(3, Id::Next),
        add(4, Id::Top(0)),
        link(0, 1),
        link(1, 0),
        link(1, 1),
        Step::Link { from: 0, edge_type: 2, to: 1, rank: None, props: vec![] },
        Step::Commit,
        Step::Reopen,
        Step::Delete { node: 1, detach: true },
        Step::Look,
    ];
    holds(0, steps);
}

/// Everything goes within the transaction that added it, when every change was written to pages at once.
#[test]
fn what_is_added_and_deleted_in_one_transaction_leaves_nothing() {
    let steps = vec![
        Step::Plain { label: 0, count: 80 },
        add(5, Id::Next),
        Step::Fan { hub: 80, edge_type: 0, into: true, numbered: false, count: 200 },
        Step::Delete { node: 80, detach: true },
        Step::Look,
        Step::Hold,
        Step::Commit,
        add(5, Id::Next),
        Step::Abort,
        add(5, Id::Next),
        Step::Commit,
        Step::Release,
    ];
    holds(0, steps.clone());
    holds(4 << 10, steps);
}
