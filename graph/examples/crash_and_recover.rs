//! A process is killed in the middle of its work; what was acknowledged is there when the store is opened again. Run with
//! `cargo run -p foliograph --example crash_and_recover`.

#![allow(clippy::disallowed_methods, reason = "an application makes its own directory")]

use foliograph::{Database, Options, Recovery, props};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The victim: commits one node after the other, and says so on stdout after each commit.
fn work(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::open(path)?;
    for n in 0.. {
        let mut tx = db.begin_write()?;
        tx.add_node("event", n, props! { "text" => format!("event {n}") })?;
        tx.commit()?;
        println!("{n}");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(path) = std::env::args_os().nth(1) {
        return work(path.as_ref());
    }
    let dir = std::env::temp_dir().join(format!("foliograph-crash-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let path = dir.join("events.folio");

    let mut victim = Command::new(std::env::current_exe()?).arg(&path).stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(victim.stdout.take().expect("it is piped")).lines();
    let mut acknowledged = None;
    for line in lines.take(200) {
        acknowledged = Some(line?.parse::<i64>()?);
    }
    victim.kill()?;
    victim.wait()?;
    let acknowledged = acknowledged.expect("it said something before it was killed");
    println!("killed after it acknowledged event {acknowledged}");

    // The log is replayed at opening; nothing has to be called.
    let said = |progress: Recovery| {
        if progress.replayed == progress.commits {
            println!("{} commits of the log were done again", progress.replayed);
        }
    };
    let db = Options::new().on_recovery(said).open(&path)?;
    let snapshot = db.begin_read()?;
    for n in 0..=acknowledged {
        assert!(snapshot.node("event", n)?.is_some(), "event {n} was acknowledged");
    }
    println!("{} events are there, all that were acknowledged among them", snapshot.node_count());
    assert!(db.check()?.findings.is_empty());
    drop(snapshot);
    db.close()?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
