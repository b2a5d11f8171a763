//! Small histories with property indexes: made over what is there, kept by every change, unique, dropped, large; through the
//! log and beside checkpoints.

use super::histories::{long_text, people};
use super::indexes::On;
use super::model::Change;
use super::record::Run;
use foliograph::storage_core::page::PageKind;
use foliograph::{Durability, NodeId, Value, props};

fn person() -> On {
    On::label("person")
}

fn knows() -> On {
    On::edges("knows")
}

fn must<T: PartialEq + std::fmt::Debug>(found: T, wanted: T) {
    assert_eq!(found, wanted, "the history is another one than its story");
}

/// So many edges of one type with years, some of them parallel, all at the first few people.
fn years(c: &mut Change<'_>, count: u64) {
    for n in 0..count {
        let (from, to) = (NodeId(n % 3), NodeId(n * 5 % 4));
        c.edge(from, "knows", to, props! { "since" => 1800 + (n * 7 % 5) as i64 });
    }
}

/// Over nodes and edges that are there already; a commit of its own, one with changes before and behind, and one that
/// makes the label.
pub fn over_what_is_there(run: &mut Run) {
    run.commit(|c| {
        people(c, 6);
        years(c, 7);
    });
    run.commit(|c| must(c.index(person(), "born", false), true));
    run.commit(|c| {
        people(c, 1);
        c.set(NodeId(1), "born", "unknown");
        must(c.index(knows(), "since", false), true);
        c.delete(NodeId(2));
        must(c.index(On::label("new"), "at", true), true);
        c.node("new", 1, props! { "at" => 0.5 });
        years(c, 2);
    });
    run.kill();
    run.commit(|c| c.set(NodeId(0), "born", Value::Null));
}

/// Every sort of change behind an index, through the log, and replayed twice.
pub fn kept_by_the_log(run: &mut Run) {
    run.commit(|c| {
        must(c.index(person(), "born", false), true);
        must(c.index(knows(), "since", false), true);
        people(c, 5);
    });
    run.commit(|c| {
        years(c, 6);
        c.set(NodeId(3), "born", 1800.5);
    });
    run.kill();
    run.commit(|c| {
        c.set(NodeId(0), "born", Value::Date(-700_000));
        let first = c.model.edges.keys().next().expect("years").clone();
        c.set_edge(&first, "since", Value::List(vec![Value::Null, Value::Float(f64::NAN)]));
        c.delete_edge(&c.model.edges.keys().last().expect("years").clone());
    });
    // With all its edges.
    run.commit(|c| c.delete(NodeId(1)));
    run.commit_as(Durability::Relaxed, |c| c.set(NodeId(2), "born", 1800));
    run.kill();
    run.kill();
    run.reopen();
    run.commit(|c| drop(people(c, 1)));
}

/// What a unique index refuses, and values that are free again, in the same transaction and in later ones.
pub fn unique(run: &mut Run) {
    run.commit(|c| {
        people(c, 4);
        c.set(NodeId(3), "born", 1800);
        // Two are born in one year.
        must(c.index(person(), "born", true), false);
        c.set(NodeId(3), "born", 1803);
        must(c.index(person(), "born", true), true);
        c.refused_node("person", "twin", props! { "born" => 1801.0 });
        c.set(NodeId(0), "born", 1802);
        must(c.model.nodes[&0].props["born"].clone(), Value::Int(1800));
    });
    run.commit(|c| {
        c.delete(NodeId(1));
        c.node("person", "heir", props! { "born" => 1801 });
        c.set(NodeId(0), "born", Value::Null);
        c.set(NodeId(2), "born", 1800);
    });
    run.abort(|c| c.set(NodeId(3), "born", 1));
    run.kill();
    run.commit(|c| {
        c.refused_node("person", "second heir", props! { "born" => 1801 });
        must(c.index(knows(), "since", true), true);
        let year = || props! { "since" => 7 };
        c.edge(NodeId(0), "knows", NodeId(2), year());
        c.refused_edge((NodeId(0), "knows", NodeId(2)), year());
        c.refused_edge((NodeId(2), "knows", NodeId(3)), props! { "since" => long_text(1, 1022) });
    });
    run.commit(|c| {
        c.delete(NodeId(0));
        c.edge(NodeId(3), "knows", NodeId(2), props! { "since" => 7 });
    });
}

/// Dropped and made again, under the same number and under others, with commits in the log before and behind.
pub fn dropped(run: &mut Run) {
    run.commit(|c| {
        people(c, 5);
        must(c.index(person(), "born", false), true);
    });
    run.commit(|c| c.drop_index(&person(), "born"));
    run.commit(|c| {
        c.set(NodeId(0), "born", 1900);
        must(c.index(person(), "born", true), true);
        must(c.index(person(), "name", false), true);
    });
    run.kill();
    run.commit(|c| {
        // One transaction that makes, drops and makes.
        must(c.index(person(), "age", false), true);
        people(c, 1);
        c.drop_index(&person(), "born");
        must(c.index(person(), "born", false), true);
        c.set(NodeId(2), "name", "somebody");
    });
    run.abort(|c| c.drop_index(&person(), "name"));
    run.commit(|c| c.drop_index(&person(), "age"));
    run.commit(|c| must(c.index(person(), "age", false), true));
    run.kill();
    run.commit(|c| drop(people(c, 1)));
}

/// Larger than the memory for changes: sorted, built on pages, refused there, built again, dropped.
pub fn on_pages(run: &mut Run) {
    run.commit(|c| {
        for (n, node) in people(c, 12).into_iter().enumerate() {
            c.set(node, "name", long_text(n as u64 % 11, 700));
        }
    });
    run.commit(|c| {
        // The first and the last have one name.
        must(c.index(person(), "name", true), false);
        c.set(NodeId(11), "name", long_text(99, 700));
    });
    let before = run.pages(PageKind::Record);
    run.commit(|c| must(c.index(person(), "name", true), true));
    assert!(run.pages(PageKind::Record) > before + 2, "the index fits into one page");
    run.commit(|c| c.set(NodeId(5), "name", long_text(77, 900)));
    run.abort(|c| must(c.index(person(), "born", false), true));
    run.commit(|c| c.drop_index(&person(), "name"));
    run.commit(|c| must(c.index(person(), "born", false), true));
}

/// Indexes that are made, filled and dropped beside checkpoints; and dropping one that waits for a checkpoint.
pub fn beside_checkpoints(run: &mut Run) {
    run.commit(|c| {
        people(c, 4);
        must(c.index(person(), "born", false), true);
    });
    assert!(run.begin_checkpoint());
    run.commit(|c| {
        must(c.index(person(), "name", true), true);
        c.set(NodeId(0), "name", "a");
        c.set(NodeId(1), "born", 1);
    });
    run.submit(|c| c.set(NodeId(2), "name", "b"));
    run.finish_checkpoint();
    run.commit(|c| c.set(NodeId(2), "name", "c"));
    run.wait(0);
    assert!(run.begin_checkpoint());
    run.commit(|c| c.delete(NodeId(0)));
    run.finish_beside(true, |c| {
        c.set(NodeId(3), "name", "a");
        c.drop_index(&person(), "born");
        must(c.index(person(), "born", false), true);
    });
    run.commit(|c| c.set(NodeId(3), "born", 3));
    assert!(run.begin_checkpoint());
    run.commit(|c| drop(people(c, 1)));
    run.finish_beside(false, |c| c.drop_index(&person(), "name"));
    run.commit(|c| drop(people(c, 1)));
    run.checkpoint();
    run.commit(|c| c.set(NodeId(1), "born", 2));
}

/// A hub whose edges are indexed goes; then everything.
pub fn hub_with_indexed_edges(run: &mut Run) {
    run.commit(|c| {
        must(c.index(On::edges("to"), "n", false), true);
        let hub = c.node("hub", "hub", props! {});
        for n in 0..120 {
            let end = c.plain("end");
            let (from, to) = if n % 2 == 0 { (hub, end) } else { (end, hub) };
            c.edge(from, "to", to, props! { "n" => n % 50 });
        }
    });
    run.commit(|c| c.delete(NodeId(0)));
    run.commit(|c| {
        c.edge(NodeId(1), "to", NodeId(1), props! { "n" => 1 });
        c.drop_index(&On::edges("to"), "n");
    });
}

/// Written anew and moved down.
pub fn compacted(run: &mut Run) {
    run.commit(|c| {
        must(c.index(person(), "born", false), true);
        people(c, 60);
    });
    run.commit(|c| (10..55).for_each(|n| c.delete(NodeId(n))));
    run.compact();
    run.commit(|c| c.set(NodeId(3), "born", 7));
    run.checkpoint();
    run.commit(|c| must(c.index(person(), "name", false), true));
    run.compact();
}

/// Pages written early by transactions that make indexes and fill them.
pub fn flushed_early(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    run.submit(|c| must(c.index(person(), "born", false), true));
    run.commit(|c| {
        people(c, 6);
        must(c.index(person(), "name", true), true);
        for n in 0..6 {
            c.set(NodeId(n), "name", long_text(n, 800));
        }
        c.set(NodeId(0), "name", long_text(1, 800));
    });
    run.wait(0);
    run.abort(|c| {
        for n in 0..6 {
            c.set(NodeId(n), "name", long_text(n + 100, 900));
        }
        c.drop_index(&person(), "born");
    });
    run.commit(|c| c.set(NodeId(0), "name", Value::Null));
}
