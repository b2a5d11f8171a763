//! Small histories around the log: groups, durabilities, checkpoints beside commits, growth and recycling.

use super::histories::{add_edges, long_text, people};
use super::model::Change;
use super::record::{Run, options};
use foliograph::{Durability, NodeId, Options, Value, props};

/// The smallest log: two extents of 64 blocks; a checkpoint is due when it is half full.
pub fn smallest_log() -> Options {
    options().log_limit(512 << 10)
}

/// Extents of 64 blocks, and room for eight of them.
pub fn larger_log() -> Options {
    options().log_limit(2 << 20)
}

/// Changes go to pages as soon as they take more than this: the first commits go through the log.
pub fn small_budget() -> Options {
    options().memory_budget(6 << 10)
}

/// A record of about so many bytes that changes little: one property, again and again.
pub fn churn(c: &mut Change<'_>, node: NodeId, bytes: usize) {
    for n in 0..bytes / 900 {
        c.set(node, "text", long_text(n as u64, 900));
    }
}

fn more(run: &mut Run) {
    run.commit(|c| drop(people(c, 1)));
}

/// Small records, and one over several blocks.
pub fn log_commit(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    run.commit(|c| {
        c.edge(NodeId(0), "knows", NodeId(1), props! {});
    });
    run.commit(|c| churn(c, NodeId(0), 12_000));
    run.commit(|c| c.set(NodeId(0), "text", Value::Null));
}

/// Commits that undo each other, and come to nothing: recovery finds nothing to write, and has to end all the same.
pub fn log_of_nothing(run: &mut Run) {
    let link = |c: &mut Change<'_>| {
        c.edge(NodeId(0), "knows", NodeId(1), props! {});
    };
    let unlink = |c: &mut Change<'_>| c.delete_edge(&(0, "knows".to_owned(), 1, 0));
    run.commit(|c| {
        people(c, 2);
        link(c);
        unlink(c);
    });
    run.checkpoint();
    for _ in 0..2 {
        run.commit(link);
        run.commit(unlink);
        run.kill();
    }
    more(run);
}

/// Groups of three, waited for in every order.
pub fn group_commit(run: &mut Run) {
    for order in [[0, 0, 0], [2, 1, 0], [1, 0, 0], [0, 1, 0]] {
        for _ in 0..3 {
            run.submit(|c| drop(people(c, 1)));
        }
        for nth in order {
            run.wait(nth);
        }
    }
    run.submit(|c| churn(c, NodeId(1), 6_000));
    run.submit(|c| c.delete(NodeId(2)));
    more(run);
    run.wait(1);
    run.wait(0);
}

/// What nobody waits for, before and behind what somebody does (R9).
pub fn relaxed(run: &mut Run) {
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 2)));
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    more(run);
    run.submit(|c| drop(people(c, 1)));
    run.commit_as(Durability::Relaxed, |c| c.delete(NodeId(0)));
    run.wait(0);
    run.flush();
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    run.flush();
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    run.checkpoint();
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    run.kill();
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    run.reopen();
    more(run);
}

/// Commits without a record among those with one (R2).
pub fn checkpoint_commits(run: &mut Run) {
    run.commit_as(Durability::Checkpoint, |c| drop(people(c, 2)));
    more(run);
    run.commit_as(Durability::Checkpoint, |c| c.delete(NodeId(0)));
    more(run);
    run.submit(|c| drop(people(c, 1)));
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    run.commit_as(Durability::Checkpoint, |c| drop(people(c, 1)));
    run.wait(0);
    more(run);
    run.kill();
    run.commit_as(Durability::Checkpoint, |c| drop(people(c, 1)));
}

/// A checkpoint that commits overtake.
pub fn checkpoint_beside(run: &mut Run) {
    add_edges(run);
    assert!(run.begin_checkpoint());
    more(run);
    run.submit(|c| c.delete(NodeId(1)));
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    run.finish_checkpoint();
    more(run);
    run.wait(0);
    more(run);
}

/// Two in a row, the second of what came beside the first.
pub fn two_checkpoints(run: &mut Run) {
    run.commit(|c| drop(people(c, 3)));
    assert!(run.begin_checkpoint());
    run.commit(|c| c.delete(NodeId(0)));
    run.finish_checkpoint();
    assert!(run.begin_checkpoint());
    run.commit(|c| drop(people(c, 2)));
    run.finish_checkpoint();
    more(run);
    run.checkpoint();
    run.checkpoint();
    more(run);
}

/// More than the extents that a log begins with: others are linked.
pub fn log_growth(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    let first = run.log_bytes();
    for _ in 0..5 {
        run.commit(|c| churn(c, NodeId(0), 40_000));
    }
    for _ in 0..22 {
        run.commit(|c| churn(c, NodeId(1), 20_000));
    }
    assert!(run.log_bytes() > first, "no extent was linked");
    run.kill();
    more(run);
}

/// The extents of the smallest log round and round: a checkpoint each time that half of them are full.
pub fn log_recycling(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    for _ in 0..5 {
        run.commit(|c| churn(c, NodeId(0), 36_000));
    }
    for _ in 0..40 {
        run.commit(|c| churn(c, NodeId(1), 20_000));
    }
    assert!(run.log_bytes() <= 512 << 10, "the log has {} bytes", run.log_bytes());
}

/// One record that does not fit into an extent, and one that does not fit into the log.
pub fn great_record(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    run.commit(|c| churn(c, NodeId(0), 270_000));
    more(run);
    run.commit(|c| churn(c, NodeId(1), 530_000));
    more(run);
}

fn many(c: &mut Change<'_>) {
    let all = people(c, 12);
    for n in 0..12 {
        c.edge(all[n], "knows", all[n * 7 % 12], props! { "n" => n as i64 });
    }
    // More than any budget here: the transaction flushes.
    for node in &all[..8] {
        c.set(*node, "text", long_text(node.0, 900));
    }
    people(c, 3);
}

/// Pages written early by a transaction that stands on logged commits.
pub fn flush_after_log(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    run.submit(|c| drop(people(c, 1)));
    run.commit(many);
    run.wait(0);
    more(run);
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    run.commit(many);
}

/// A transaction that has to flush while a checkpoint is pending: it waits, and takes in what that one flushed.
pub fn flush_beside(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    assert!(run.begin_checkpoint());
    more(run);
    run.finish_beside(true, many);
    more(run);
}

/// A transaction with savepoints has to flush while a checkpoint is pending: what it goes back to is put onto the root of
/// that one.
pub fn savepoints_beside(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    assert!(run.begin_checkpoint());
    more(run);
    run.finish_beside(true, |c| {
        let first = c.savepoint();
        people(c, 1);
        let second = c.savepoint();
        many(c);
        c.rollback(&second);
        many(c);
        c.rollback(&first);
        people(c, 1);
    });
    more(run);
    run.kill();
    more(run);
}

/// Transactions that come to nothing, before, beside and after a checkpoint.
pub fn abort_beside(run: &mut Run) {
    run.commit(|c| drop(people(c, 2)));
    assert!(run.begin_checkpoint());
    run.abort(|c| drop(people(c, 1)));
    more(run);
    run.finish_beside(false, many);
    more(run);
    assert!(run.begin_checkpoint());
    run.abort(|c| c.delete(NodeId(0)));
    run.finish_checkpoint();
    run.abort(many);
    more(run);
}

/// Rows into an empty store; then it is written, and goes on.
pub fn bulk_load(run: &mut Run) {
    run.load(150);
    run.commit(|c| c.delete(NodeId(3)));
    run.kill();
    more(run);
}

/// Written anew, with commits in the log before and behind.
pub fn compact(run: &mut Run) {
    add_edges(run);
    run.commit(|c| {
        for _ in 0..40 {
            c.plain("dot");
        }
    });
    run.commit(|c| (10..30).for_each(|n| c.delete(NodeId(n))));
    run.compact();
    more(run);
    run.compact();
}

/// Recovery that replays, again and again, and writing between.
pub fn kill_and_replay(run: &mut Run) {
    run.commit(|c| drop(people(c, 3)));
    run.submit(|c| drop(people(c, 1)));
    run.commit_as(Durability::Relaxed, |c| drop(people(c, 1)));
    run.kill();
    run.kill();
    more(run);
    run.commit(|c| c.delete(NodeId(1)));
    run.kill();
    run.commit(|c| churn(c, NodeId(0), 9_000));
    more(run);
    run.kill();
    run.kill();
}

/// A snapshot that keeps its pages while checkpoints replace them.
pub fn held_snapshot(run: &mut Run) {
    add_edges(run);
    run.checkpoint();
    run.hold();
    for n in 0..3 {
        run.commit(|c| c.delete(NodeId(n)));
        run.checkpoint();
    }
    run.commit(|c| drop(people(c, 2)));
    assert!(run.begin_checkpoint());
    more(run);
    run.finish_checkpoint();
    run.release();
    more(run);
    run.checkpoint();
    more(run);
}

/// A checkpoint that is begun and given up changes nothing.
pub fn given_up(run: &mut Run) {
    run.commit(|c| drop(people(c, 3)));
    assert!(run.begin_checkpoint());
    more(run);
    run.drop_checkpoint();
    more(run);
    assert!(run.begin_checkpoint());
    run.drop_checkpoint();
    assert!(run.begin_checkpoint());
    run.commit(|c| c.delete(NodeId(0)));
    run.finish_checkpoint();
    more(run);
    run.kill();
    more(run);
}
