//! One endless story of changes, a line each, and what a store holds after the first so many of them.
//!
//! Must always be true: what the store holds follows from the number of lines alone, without going through them; and from
//! what a store holds the number of lines can be told, but for one.

use foliograph::{Database, Snapshot};
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// So many lines after it was added a node is deleted.
const AGE: u64 = 500;

fn text(line: u64) -> String {
    // Now and then a value of several pages.
    let len = if line % 245 == 1 { 9_000 } else { line * 7919 % 300 };
    "x".repeat(len as usize)
}

fn item(line: u64) -> Json {
    json!({ "label": "item", "key": line })
}

/// Line `i`, counted from 0.
pub fn line(i: u64) -> String {
    match i % 5 {
        0 => json!({ "op": "upsert_node", "label": "counter", "key": "c", "props": { "n": i } }),
        1 => {
            json!({ "op": "add_node", "label": "item", "key": i, "props": { "n": i, "text": text(i) } })
        }
        2 if i > 5 => {
            let (from, to) = (item(i - 1), item(i - 6));
            json!({ "op": "add_edge", "from": from, "type": "after", "to": to, "props": { "n": i } })
        }
        3 => json!({ "op": "set", "node": item(i - 2), "props": { "seen": i } }),
        4 if i > AGE => {
            json!({ "op": "delete_node", "node": item(i - 3 - AGE), "detach": true })
        }
        _ => json!({ "op": "upsert_node", "label": "counter", "key": "other", "props": { "n": i } }),
    }
    .to_string()
}

/// What a store holds after the first `lines` lines: nodes and edges in words.
pub fn expected(lines: u64) -> String {
    let mut out = String::new();
    let lives = |i: u64| i < lines && i + 3 + AGE >= lines;
    let last = |i: u64| (i < lines).then_some(i);
    let counter = lines.checked_sub(1).map(|i| i / 5 * 5);
    // Before anything is old enough to be deleted, and before there are two to connect, another node is changed.
    let idle = |i: &u64| i % 5 == 4 && *i <= AGE || *i == 2;
    let other = (0..lines.min(AGE + 5)).rev().find(idle);
    writeln!(out, "counter {counter:?} {other:?}").expect("a string");
    for i in (1..lines).step_by(5).filter(|i| lives(*i)) {
        writeln!(out, "{i} {} {:?}", text(i).len(), last(i + 2)).expect("a string");
        if i > 5
            && lives(i - 5)
            && let Some(edge) = last(i + 1)
        {
            writeln!(out, "{i} -> {} {edge}", i - 5).expect("a string");
        }
    }
    out
}

fn number(snapshot: &Snapshot, label: &str, key: &str) -> Option<u64> {
    let node = snapshot.node(label, key).expect("readable")?;
    snapshot.get::<i64>(node, "n").expect("readable").map(|n| n as u64)
}

/// What the store holds in the same words, and the last line that can be seen in it.
fn found(snapshot: &Snapshot) -> (String, Option<u64>) {
    let mut out = String::new();
    let (counter, other) = (number(snapshot, "counter", "c"), number(snapshot, "counter", "other"));
    let mut last = counter.max(other);
    writeln!(out, "counter {counter:?} {other:?}").expect("a string");
    let mut items = Vec::new();
    for node in snapshot.all_nodes() {
        let id = node.expect("readable").id;
        if let Some(text) = snapshot.get::<String>(id, "text").expect("readable") {
            let n = snapshot.get::<i64>(id, "n").expect("readable").expect("it was added with it");
            assert_eq!(snapshot.node("item", n).expect("readable"), Some(id), "its key leads to it");
            items.push((n as u64, id, text.len()));
        }
    }
    items.sort_unstable();
    for (n, id, len) in items {
        let seen = snapshot.get::<i64>(id, "seen").expect("readable").map(|seen| seen as u64);
        last = last.max(Some(n)).max(seen);
        writeln!(out, "{n} {len} {seen:?}").expect("a string");
        for neighbor in snapshot.neighbors(id).outgoing() {
            let neighbor = neighbor.expect("readable");
            let edge = neighbor.get::<i64>("n").expect("readable").expect("it was added with it") as u64;
            let to = snapshot.get::<i64>(neighbor.id, "n").expect("readable").expect("it was added with it");
            last = last.max(Some(edge));
            writeln!(out, "{n} -> {to} {edge}").expect("a string");
        }
    }
    (out, last)
}

/// How many lines the store holds; fails if it holds anything else than the first so many.
pub fn lines_in(db: &Database) -> u64 {
    let snapshot = db.begin_read().expect("a snapshot");
    let (found, last) = found(&snapshot);
    let Some(last) = last else {
        assert_eq!(found, expected(0));
        return 0;
    };
    // A line that deletes leaves no mark of its own.
    let deletes = (last + 1) % 5 == 4 && last + 1 > AGE;
    if deletes && found == expected(last + 2) {
        return last + 2;
    }
    let wanted = expected(last + 1);
    assert!(found == wanted, "not the first {} lines of the story:\n{found}\nbut\n{wanted}", last + 1);
    last + 1
}

#[test]
fn what_is_expected_is_what_the_lines_do() {
    use super::victim::{Place, apply};
    for lines in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 499, 500, 504, 505, 506, 1500, 1504, 1505, 1508] {
        let place = Place::new("file");
        let all: String = (0..lines).map(|i| line(i) + "\n").collect();
        apply(&place, &["--commit-every", "100000"], all);
        assert_eq!(lines_in(&place.open()), lines);
    }
}
