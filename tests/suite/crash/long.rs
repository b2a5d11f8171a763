//! Long random histories: commits of all sizes and durabilities, groups, aborts, checkpoints beside them, early flushes,
//! closings, kills; property indexes that are made, kept, refused and dropped meanwhile.
//!
//! Must always be true: while a checkpoint is pending, nothing in the same thread needs its seat: changes are small and
//! the log has room; what flushes early goes beside another thread that finishes the checkpoint.

use super::histories::{long_text, tiny_budget};
use super::indexes::On;
use super::logged::{churn, smallest_log};
use super::model::{Change, Model};
use super::record::{Recorded, Run, options};
use foliograph::storage_core::device::sim::Rng;
use foliograph::{Durability, NodeId, Options, Value, props};

/// Log room, in bytes, that small changes beside a checkpoint may need.
const ROOM: u64 = 64 << 10;

/// Runs the history of a seed.
pub fn tell(seed: u64) -> Recorded {
    let mut rng = Rng::new(seed);
    let (options, tight) = random_options(&mut rng);
    let mut run = Run::create(options, 1);
    let mut story = Story { run: &mut run, rng: &mut rng, tight };
    if story.rng.chance(1, 12) {
        let count = 5 + story.rng.below(40);
        story.run.load(count);
    }
    for _ in 0..10 + story.rng.index(25) {
        story.step();
    }
    run.finish()
}

/// With some seeds changes outgrow their memory, which the second value says; with some the log is small.
fn random_options(rng: &mut Rng) -> (Options, bool) {
    match rng.below(6) {
        0 | 1 => (tiny_budget(), true),
        2 => (options().memory_budget(16 << 10), true),
        3 => (smallest_log(), false),
        _ => (options(), false),
    }
}

struct Story<'r> {
    run: &'r mut Run,
    rng: &'r mut Rng,
    /// Changes may outgrow their memory at any time.
    tight: bool,
}

impl Story<'_> {
    fn step(&mut self) {
        if self.run.is_checkpointing() {
            return self.step_beside();
        }
        let Story { run, rng, .. } = self;
        match rng.below(40) {
            0 => run.reopen(),
            1 | 2 => run.kill(),
            3..6 => run.abort(|c| random_changes(c, rng)),
            6..9 => drop(run.begin_checkpoint()),
            9 => run.checkpoint(),
            10 => run.flush(),
            11..14 => self.group(),
            14..18 => run.commit_as(Durability::Relaxed, |c| random_changes(c, rng)),
            18..20 => run.commit_as(Durability::Checkpoint, |c| random_changes(c, rng)),
            20 => run.commit(|c| {
                let (node, bytes) = (c.plain("churned"), 5_000 + rng.index(40_000));
                churn(c, node, bytes);
            }),
            21 => run.hold(),
            22 => run.release(),
            23 if rng.chance(1, 3) => run.compact(),
            _ => run.commit(|c| random_changes(c, rng)),
        }
    }

    /// Several commits, waited for in any order, or by nobody.
    fn group(&mut self) {
        let Story { run, rng, .. } = self;
        for _ in 0..2 + rng.below(3) {
            run.submit(|c| random_changes(c, rng));
        }
        while run.unwaited() > 0 && !rng.chance(1, 8) {
            let nth = rng.index(run.unwaited());
            run.wait(nth);
        }
    }

    fn step_beside(&mut self) {
        let Story { run, rng, tight } = self;
        match rng.below(12) {
            0 => run.kill(),
            1 => run.drop_checkpoint(),
            2 | 3 => run.finish_checkpoint(),
            4 => {
                let commits = rng.chance(2, 3);
                run.finish_beside(commits, |c| random_changes(c, rng));
            }
            _ if *tight || run.log_room() < ROOM => run.finish_beside(true, |c| random_changes(c, rng)),
            5 => run.abort(|c| small_changes(c, rng)),
            6 => run.commit_as(Durability::Relaxed, |c| small_changes(c, rng)),
            7 => {
                run.submit(|c| small_changes(c, rng));
                run.submit(|c| small_changes(c, rng));
                run.wait(run.unwaited() - 1);
            }
            _ => run.commit(|c| small_changes(c, rng)),
        }
    }
}

/// Always one change at least, so that every commit makes a version.
fn small_changes(c: &mut Change<'_>, rng: &mut Rng) {
    let number = rng.next_u64() as i64;
    c.node("first", format!("k{number}"), props! { "number" => number });
    if rng.chance(1, 6) {
        c.index(On::label("first"), "number", rng.chance(1, 2));
    }
}

pub fn random_changes(c: &mut Change<'_>, rng: &mut Rng) {
    let changes = [1, 1, 3, 10, 40][rng.index(5)];
    c.node("first", format!("k{}", rng.next_u64()), props! {});
    for _ in 0..changes {
        random_change(c, rng);
    }
    if rng.chance(1, 6) {
        change_indexes(c, rng);
    }
    if rng.chance(1, 4) {
        undone_changes(c, rng);
    }
}

/// Makes an index, or drops one. Properties that everything new is given are never unique.
fn change_indexes(c: &mut Change<'_>, rng: &mut Rng) {
    let indexes = &c.model.indexes;
    if !indexes.is_empty() && rng.chance(1, 3) {
        let gone = indexes[rng.index(indexes.len())].clone();
        return c.drop_index(&gone.on, &gone.property);
    }
    let unique = rng.chance(1, 2);
    let (on, property, unique) = match rng.below(8) {
        0 => (On::label("first"), "number", unique),
        1 => (On::label("first"), "a", false),
        2 => (On::label("person"), "a", false),
        3 => (On::label("person"), "b", unique),
        4 => (On::label("dot"), "c", unique),
        5 => (On::edges("knows"), "w", false),
        6 => (On::edges("likes"), "a", unique),
        _ => (On::edges("calls"), "w", false),
    };
    c.index(on, property, unique);
}

/// Savepoints in each other; each is gone back to, or released, or left as it is.
fn undone_changes(c: &mut Change<'_>, rng: &mut Rng) {
    let savepoint = c.savepoint();
    for _ in 0..1 + rng.below(12) {
        random_change(c, rng);
    }
    if rng.chance(1, 3) {
        undone_changes(c, rng);
    }
    match rng.below(4) {
        0 => c.tx.release(savepoint.0).expect("it is there"),
        1 => {}
        _ => {
            c.rollback(&savepoint);
            random_change(c, rng);
        }
    }
}

fn any_node(model: &Model, rng: &mut Rng) -> NodeId {
    let nth = rng.index(model.nodes.len());
    NodeId(*model.nodes.keys().nth(nth).expect("below the length"))
}

fn random_value(rng: &mut Rng) -> Value {
    match rng.below(8) {
        0 => Value::Null,
        1 => Value::Bool(rng.chance(1, 2)),
        2 => Value::Float([rng.below(1000) as f64 / 8.0, -0.0, f64::NAN][rng.index(3)]),
        3 => Value::Date(rng.below(10_000) as i32 - 5_000),
        4 => Value::List(vec![Value::Null, Value::Int(rng.below(9) as i64)]),
        5 => {
            let (seed, len) = (rng.next_u64(), rng.index(9_000));
            Value::Text(long_text(seed, len))
        }
        6 => Value::Bytes(vec![rng.below(256) as u8; rng.index(300)]),
        _ => Value::Int(rng.next_u64() as i64),
    }
}

fn random_change(c: &mut Change<'_>, rng: &mut Rng) {
    let types = ["knows", "likes", "calls"];
    let names = ["a", "b", "c", "d"];
    match rng.below(16) {
        0..3 => {
            let (key, born) = (rng.next_u64() as i64, rng.below(99) as i64);
            c.node("person", key, props! { "a" => born });
        }
        3 => {
            c.plain("dot");
        }
        4 if c.model.nodes.len() > 4 => c.delete(any_node(c.model, rng)),
        5 if !c.model.edges.is_empty() => {
            let nth = rng.index(c.model.edges.len());
            let name = c.model.edges.keys().nth(nth).expect("below the length").clone();
            c.delete_edge(&name);
        }
        6 if !c.model.edges.is_empty() => {
            let nth = rng.index(c.model.edges.len());
            let name = c.model.edges.keys().nth(nth).expect("below the length").clone();
            c.set_edge(&name, names[rng.index(4)], random_value(rng));
        }
        7 | 8 => {
            let node = any_node(c.model, rng);
            c.set(node, names[rng.index(4)], random_value(rng));
        }
        9 => {
            let hub = any_node(c.model, rng);
            for _ in 0..rng.below(20) {
                let end = c.plain("end");
                c.edge(hub, "to", end, props! {});
            }
        }
        _ => {
            let (from, to) = (any_node(c.model, rng), any_node(c.model, rng));
            let props = if rng.chance(1, 3) {
                props! { "w" => rng.below(100) as i64 }
            } else {
                props! {}
            };
            c.edge(from, types[rng.index(3)], to, props);
        }
    }
}
