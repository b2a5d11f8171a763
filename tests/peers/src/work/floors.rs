//! The floors as a peer of their own, `floor`: the device in the same rounds as the stores.

use super::{Job, Outcome, Work};
use crate::floor::append::Appends;
use crate::floor::{fio, pread};
use crate::measure::quantile;
use crate::{Result, target};

/// As deep as Foliograph's ring.
pub const DEPTH: u32 = 128;
const READS: usize = 2_000;

/// Does the job on the bare device.
pub fn run(job: &Job) -> Result<Outcome> {
    let mut outcome = Outcome { settings: "the bare device".to_owned(), ..Outcome::default() };
    match job.work {
        Work::Commit => {
            let mut floor = Appends::new(&target(), job.commits)?;
            floor.more(job.commits)?;
            outcome.add("appends/s", job.commits as f64 / floor.seconds.iter().sum::<f64>());
            outcome.add("p99, ms", quantile(&mut floor.seconds, 0.99) * 1e3);
            outcome.note(format!("4 KiB by {}", floor.how));
        }
        Work::Cold1 => {
            let file = pread::file()?;
            for (name, len) in [("4 KiB pread, µs", 4096), ("16 KiB pread, µs", 16384)] {
                outcome.add(name, quantile(&mut pread::reads(&file, READS, len)?, 0.5) * 1e6);
            }
            add_fio(&mut outcome, "psync", 1)?;
        }
        Work::Coldbatch => add_fio(&mut outcome, "io_uring", DEPTH)?,
        other => return Err(format!("`{}` has no floor", other.name()).into()),
    }
    Ok(outcome)
}

fn add_fio(outcome: &mut Outcome, engine: &str, depth: u32) -> Result<()> {
    for (size, len) in [("4 KiB", 4096), ("16 KiB", 16384)] {
        match fio::random_reads(&pread::file()?, engine, depth, len)? {
            Some(rate) => outcome.add(&format!("fio {engine}, depth {depth}, {size}: µs/read"), 1e6 / rate),
            None => outcome.note(format!("fio is not installed: no {engine} at depth {depth} of {size}")),
        }
    }
    Ok(())
}
