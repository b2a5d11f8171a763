//! The catalogue of small histories; those around the log are in `logged.rs`, those with property indexes in `indexed.rs`.
//!
//! Each begins with a store that was just created: its first life holds the crash points of creation.

use super::indexed;
use super::logged;
use super::model::Change;
use super::record::{Run, options};
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::page::PageKind;
use foliograph::{Key, NewNode, NodeId, Options, Value, props};
use std::collections::HashSet;

/// A small history.
#[derive(Copy, Clone)]
pub struct History {
    pub name: &'static str,
    pub options: fn() -> Options,
    pub tell: fn(&mut Run),
}

const fn history(name: &'static str, tell: fn(&mut Run)) -> History {
    History { name, options, tell }
}

/// Every small history.
pub const CATALOGUE: &[History] = &[
    history("create", |_| {}),
    history("first-commit", first_commit),
    history("add-nodes", add_nodes),
    history("add-edges", add_edges),
    history("hub", hub),
    history("delete", delete),
    history("delete-all", delete_all),
    history("overflow", overflow),
    history("update", update),
    History { name: "early-flush", options: tiny_budget, tell: early_flush },
    History { name: "abort-then-commit", options: tiny_budget, tell: abort_then_commit },
    history("savepoints", savepoints),
    History { name: "savepoints-flushed", options: tiny_budget, tell: savepoints },
    History { name: "savepoints-beside", options: logged::small_budget, tell: logged::savepoints_beside },
    history("renames", renames),
    history("close-and-trim", close_and_trim),
    history("reopen-and-write", reopen_and_write),
    history("kill-and-write", kill_and_write),
    history("parallel-edges", parallel_edges),
    history("log-commit", logged::log_commit),
    history("group-commit", logged::group_commit),
    history("relaxed", logged::relaxed),
    history("checkpoint-commits", logged::checkpoint_commits),
    history("checkpoint-beside", logged::checkpoint_beside),
    history("two-checkpoints", logged::two_checkpoints),
    History { name: "log-growth", options: logged::larger_log, tell: logged::log_growth },
    History { name: "log-recycling", options: logged::smallest_log, tell: logged::log_recycling },
    History { name: "great-record", options: logged::larger_log, tell: logged::great_record },
    History { name: "flush-after-log", options: logged::small_budget, tell: logged::flush_after_log },
    History { name: "flush-beside", options: logged::small_budget, tell: logged::flush_beside },
    History { name: "abort-beside", options: logged::small_budget, tell: logged::abort_beside },
    history("bulk-load", logged::bulk_load),
    history("compact", logged::compact),
    history("kill-and-replay", logged::kill_and_replay),
    history("held-snapshot", logged::held_snapshot),
    history("log-of-nothing", logged::log_of_nothing),
    history("given-up", logged::given_up),
    history("index-over-data", indexed::over_what_is_there),
    history("index-in-log", indexed::kept_by_the_log),
    history("index-unique", indexed::unique),
    history("index-dropped", indexed::dropped),
    History { name: "index-on-pages", options: tiny_budget, tell: indexed::on_pages },
    history("index-beside", indexed::beside_checkpoints),
    history("index-of-hub", indexed::hub_with_indexed_edges),
    history("index-compacted", indexed::compacted),
    History { name: "index-flushed", options: logged::small_budget, tell: indexed::flushed_early },
];

/// The history of this name.
pub fn small(name: &str) -> History {
    *CATALOGUE.iter().find(|h| h.name == name).unwrap_or_else(|| panic!("no history is called {name}"))
}

/// Changes go to pages as soon as they take more than this.
pub fn tiny_budget() -> Options {
    options().memory_budget(2 << 10)
}

/// So many people more, with keys that nobody has.
pub fn people(c: &mut Change<'_>, count: usize) -> Vec<NodeId> {
    let taken: HashSet<Key> = c.model.nodes.values().filter_map(|node| node.key.clone()).collect();
    let free = (0..).filter(|n| !taken.contains(&Key::Text(format!("p{n}"))));
    let mut add = |n: usize| c.node("person", format!("p{n}"), props! { "born" => 1800 + n as i64 });
    free.take(count).map(&mut add).collect()
}

/// A long text that says which it is.
pub fn long_text(seed: u64, len: usize) -> String {
    let mut rng = Rng::new(seed);
    (0..len).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
}

fn first_commit(run: &mut Run) {
    run.commit(|c| drop(people(c, 1)));
}

fn add_nodes(run: &mut Run) {
    run.commit(|c| drop(people(c, 5)));
    run.commit(|c| {
        people(c, 30);
        (0..200).for_each(|_| {
            c.plain("dot");
        });
    });
    run.commit(|c| {
        c.insert("far", NewNode { id: Some(NodeId(u64::MAX - 9)), key: Some((-7).into()), props: props! {} });
    });
}

pub fn add_edges(run: &mut Run) {
    run.commit(|c| drop(people(c, 6)));
    run.commit(|c| {
        for n in 0..6 {
            c.edge(NodeId(n), "knows", NodeId((n + 1) % 6), props! {});
            c.edge(NodeId((n + 2) % 6), "likes", NodeId(n), props! { "since" => n as i64 });
        }
        c.edge(NodeId(3), "knows", NodeId(3), props! {});
    });
    run.commit(|c| {
        c.edge(NodeId(5), "knows", NodeId(0), props! {});
    });
}

/// Neighbours far apart, so that the lists take several pages in both directions.
fn hub(run: &mut Run) {
    run.commit(|c| {
        c.node("hub", "hub", props! {});
        for n in 0..640u64 {
            let id = Some(NodeId(((n + 1) << 54) | (n * n * 1_000_003)));
            c.insert("end", NewNode { id, ..NewNode::default() });
        }
    });
    run.commit(|c| {
        let ends: Vec<u64> = c.model.nodes.keys().copied().skip(1).collect();
        ends.into_iter().for_each(|end| {
            c.edge(NodeId(0), "to", NodeId(end), props! {});
        });
    });
    assert!(run.pages(PageKind::EdgeOut) > 1, "the hub's list fits into one page");
    run.commit(|c| {
        let last = NodeId(*c.model.nodes.keys().last().expect("640 ends"));
        c.delete_edge(&(0, "to".to_owned(), last.0, 0));
        c.edge(last, "back", NodeId(0), props! {});
    });
}

fn delete(run: &mut Run) {
    add_edges(run);
    run.commit(|c| c.delete(NodeId(2)));
    run.commit(|c| {
        let name = c.model.edges.keys().next().expect("edges are left").clone();
        c.delete_edge(&name);
    });
}

fn delete_all(run: &mut Run) {
    add_edges(run);
    run.commit(|c| {
        let all: Vec<u64> = c.model.nodes.keys().copied().collect();
        all.into_iter().for_each(|id| c.delete(NodeId(id)));
    });
    run.commit(|c| drop(people(c, 2)));
}

fn overflow(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    run.commit(|c| c.set(NodeId(0), "story", long_text(1, 14_000)));
    run.commit(|c| {
        c.set(NodeId(0), "story", long_text(2, 6_000));
        c.edge(NodeId(0), "knows", NodeId(1), props! { "letter" => long_text(3, 9_000) });
    });
    run.commit(|c| c.set(NodeId(0), "story", Value::Null));
}

fn update(run: &mut Run) {
    add_edges(run);
    run.commit(|c| {
        c.set(NodeId(1), "born", 1815);
        c.set(NodeId(1), "tags", vec![Value::from("a"), Value::Null, Value::from(1.5)]);
        c.set(NodeId(4), "born", Value::Null);
    });
    run.commit(|c| {
        let name = (2, "likes".to_owned(), 0, 0);
        c.set_edge(&name, "since", 7);
        c.set_edge(&name, "how", "much");
    });
}

fn early_flush(run: &mut Run) {
    run.commit(|c| {
        let all = people(c, 20);
        for n in 0..20 {
            c.edge(all[n], "knows", all[n * 7 % 20], props! { "n" => n as i64 });
        }
    });
}

fn abort_then_commit(run: &mut Run) {
    run.commit(|c| drop(people(c, 3)));
    run.abort(|c| {
        people(c, 30);
        c.set(NodeId(0), "story", long_text(4, 5_000));
        c.delete(NodeId(1));
    });
    run.commit(|c| {
        c.edge(NodeId(0), "knows", NodeId(1), props! {});
    });
}

/// What is undone is in no record and on no page: of the store's values, and of the transaction's own; in one savepoint, in
/// several, twice in the same. With the smallest budget all of it is written early.
fn savepoints(run: &mut Run) {
    run.commit(|c| {
        people(c, 3);
        c.set(NodeId(0), "story", long_text(11, 9_000));
    });
    run.commit(|c| {
        let last = people(c, 2)[1];
        c.set(last, "story", long_text(12, 7_000));
        let savepoint = c.savepoint();
        c.set(last, "story", Value::Null);
        c.delete(NodeId(0));
        c.edge(NodeId(1), "undone", NodeId(2), props! { "letter" => long_text(13, 5_000) });
        c.rollback(&savepoint);
        c.node("undone", "u", props! {});
        c.rollback(&savepoint);
        c.edge(NodeId(1), "knows", NodeId(2), props! { "a" => 1 });
    });
    run.commit(|c| {
        people(c, 1);
        let outer = c.savepoint();
        c.set(NodeId(1), "story", long_text(14, 8_000));
        let inner = c.savepoint();
        c.delete(NodeId(2));
        people(c, 12);
        c.tx.release(inner.0).expect("it is there");
        c.rollback(&outer);
        people(c, 1);
    });
    run.kill();
    run.commit(|c| c.delete(NodeId(1)));
}

/// Names change, and go round; the old ones are given again, also after what was done by them.
fn renames(run: &mut Run) {
    add_edges(run);
    run.commit(|c| {
        c.rename_label("person", "human");
        people(c, 2);
        c.rename_type("likes", "adores");
        c.rename_property("born", "year");
    });
    run.kill();
    run.commit(|c| {
        c.rename_label("person", "other");
        c.rename_label("human", "person");
        c.edge(NodeId(0), "likes", NodeId(5), props! { "born" => 1 });
        let savepoint = c.savepoint();
        c.rename_type("knows", "knew");
        c.rollback(&savepoint);
        c.rename_type("knows", "known");
        c.set(NodeId(1), "year", 7);
    });
    run.checkpoint();
    run.commit(|c| c.rename_property("year", "since when"));
}

/// The file grows, is emptied, and is cut when it is closed; then it grows over the cut.
fn close_and_trim(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    run.commit(|c| c.set(NodeId(0), "story", long_text(5, 320_000)));
    run.commit(|c| c.set(NodeId(0), "story", Value::Null));
    run.reopen();
    run.commit(|c| c.set(NodeId(1), "story", long_text(6, 20_000)));
}

fn reopen_and_write(run: &mut Run) {
    run.commit(|c| drop(people(c, 3)));
    run.reopen();
    run.commit(|c| {
        c.edge(NodeId(0), "knows", NodeId(2), props! { "a" => 1 });
    });
    run.reopen();
    run.reopen();
    run.commit(|c| c.delete(NodeId(1)));
}

fn kill_and_write(run: &mut Run) {
    run.commit(|c| drop(people(c, 3)));
    run.kill();
    run.commit(|c| {
        c.edge(NodeId(0), "knows", NodeId(2), props! { "a" => 1 });
    });
    run.kill();
    run.commit(|c| c.delete(NodeId(1)));
}

fn parallel_edges(run: &mut Run) {
    run.commit(|c| {
        people(c, 2);
        for n in 0..5 {
            c.edge(NodeId(0), "calls", NodeId(1), props! { "at" => n });
        }
    });
    run.commit(|c| {
        c.delete_edge(&(0, "calls".to_owned(), 1, 2));
        c.edge(NodeId(0), "calls", NodeId(1), props! {});
    });
}
