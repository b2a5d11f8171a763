//! A story of a [`Words`] store over one life or several, and the crash states of each.
//!
//! Marks in the journals: `2v` when version v is asked for, `2v + 1` when it is acknowledged. A crash state must hold the
//! words of one version, at least the newest acknowledged one and at most the newest that was asked for; it must be
//! whole, and go on.

use super::words::{Words, finish, word};
use super::{guarded, said};
use foliograph::storage_core::device::sim::{Fate, Image, Journal, Outcome, Pending, Rng};
use foliograph::storage_core::pager::{Commit, Transaction};

/// A story that is being told.
pub struct Tale {
    pub store: Words,
    lives: Vec<(Journal, u64)>,
    /// The newest version that was acknowledged.
    acknowledged: u64,
    /// What was acknowledged when this life began.
    before: u64,
}

/// A story that was told.
pub struct Told {
    lives: Vec<(Journal, u64)>,
}

impl Tale {
    /// It begins with a store that is there.
    pub fn begin() -> Tale {
        let store = Words::create();
        store.disk.restart_journal();
        Tale { store, lives: Vec::new(), acknowledged: 0, before: 0 }
    }

    /// Tells a story to its end, with a last crash.
    pub fn tell(story: impl FnOnce(&mut Tale) -> Result<(), String>) -> Result<Told, String> {
        let mut tale = Tale::begin();
        story(&mut tale)?;
        tale.end_life();
        Ok(Told { lives: tale.lives })
    }

    fn end_life(&mut self) {
        self.lives.push((self.store.disk.journal(), self.before));
        self.before = self.acknowledged;
    }

    /// The next version's number.
    fn next(&self) -> Result<u64, String> {
        Ok(self.store.begin()?.0.version())
    }

    pub fn submit(&mut self, bytes: usize, waits: bool) -> Result<Commit, String> {
        self.store.disk.mark(2 * self.next()?);
        self.store.submit(bytes, waits)?.ok_or_else(|| "there is no room in the log".to_owned())
    }

    /// As [`Tale::commit_of`]; false if the log is full.
    pub fn try_commit_of(&mut self, bytes: usize) -> Result<bool, String> {
        self.store.disk.mark(2 * self.next()?);
        let Some(commit) = self.store.submit(bytes, true)? else { return Ok(false) };
        self.wait(commit)?;
        Ok(true)
    }

    pub fn acknowledge(&mut self, version: u64) {
        self.store.disk.mark(2 * version + 1);
        self.acknowledged = version;
    }

    pub fn wait(&mut self, commit: Commit) -> Result<(), String> {
        let version = commit.wait().map_err(said)?;
        self.acknowledge(version);
        Ok(())
    }

    pub fn commit(&mut self) -> Result<(), String> {
        self.commit_of(0)
    }

    /// A commit with a record of at least so many bytes.
    pub fn commit_of(&mut self, bytes: usize) -> Result<(), String> {
        let commit = self.submit(bytes, true)?;
        self.wait(commit)
    }

    pub fn commit_by_checkpoint(&mut self) -> Result<(), String> {
        self.store.disk.mark(2 * self.next()?);
        let version = self.store.commit_by_checkpoint()?;
        self.acknowledge(version);
        Ok(())
    }

    pub fn begin_checkpoint(&mut self) -> Result<Transaction, String> {
        self.store.begin_checkpoint()?.ok_or_else(|| "there is nothing for a checkpoint".to_owned())
    }

    pub fn checkpoint(&mut self) -> Result<(), String> {
        finish(self.begin_checkpoint()?)?;
        drop(self.store.begin()?);
        Ok(())
    }

    /// The process is killed and the power goes; the next life begins with its opening.
    pub fn crash(&mut self) -> Result<(), String> {
        self.end_life();
        let image = self.store.durable();
        self.store = Words::open(image)?;
        Ok(())
    }
}

/// A few states at every point: nothing of what is unsynced landed, all of it, each half, and random ones.
fn outcomes(pending: &Pending, rng: &mut Rng) -> Vec<Outcome> {
    let n = pending.count();
    let whole = |landed: &dyn Fn(usize) -> bool| Outcome {
        fates: (0..n).map(|unit| if landed(unit) { Fate::Landed } else { Fate::Lost }).collect(),
        order: Vec::new(),
        data_extends: true,
    };
    let mut all = vec![whole(&|_| false)];
    if n > 0 {
        all.push(whole(&|_| true));
    }
    if n > 1 {
        all.push(whole(&|unit| unit < n / 2));
        all.push(whole(&|unit| unit >= n / 2));
    }
    all.extend((0..n.min(4)).map(|_| pending.random_outcome(rng)));
    all
}

impl Told {
    /// Goes through crash states of every life; how many there were until one was not survived, and why.
    pub fn crash_states(&self, seed: u64) -> (u64, Result<(), String>) {
        let (mut states, mut rng) = (0, Rng::new(seed));
        for (nth, (journal, before)) in self.lives.iter().enumerate() {
            for state in journal.states() {
                let marks = state.point.marks();
                let newest =
                    |kind: u64| marks.iter().filter(|mark| *mark % 2 == kind).max().map(|mark| mark / 2);
                let acknowledged = newest(1).unwrap_or(*before);
                let asked = newest(0).unwrap_or(*before).max(acknowledged);
                for outcome in outcomes(&state.pending, &mut rng) {
                    states += 1;
                    let image = state.pending.land(&outcome);
                    if let Err(why) = guarded(|| survive(image, acknowledged, asked)) {
                        let (step, moment) = (state.point.step(), state.point.moment());
                        return (states, Err(format!("life {nth}, step {step} ({moment:?}): {why}")));
                    }
                }
            }
        }
        (states, Ok(()))
    }

    /// All crash states are survived. Returns how many there were.
    pub fn survives(&self, seed: u64) -> u64 {
        let (states, result) = self.crash_states(seed);
        result.unwrap_or_else(|why| panic!("after {states} states (seed {seed}): {why}"));
        states
    }
}

/// The words of the first so many versions.
pub fn up_to(version: u64) -> Vec<String> {
    (1..=version).map(word).collect()
}

/// The store opens, holds a version that it may hold, is whole, leaks nothing, and goes on.
pub fn survive(image: Image, acknowledged: u64, asked: u64) -> Result<(), String> {
    let store = Words::open(image)?;
    let words = store.words()?;
    let version = words.len() as u64;
    if version < acknowledged || version > asked || words != up_to(version) {
        let last = words.last();
        return Err(format!("it holds {version} words, the last {last:?}: {acknowledged} to {asked} may be"));
    }
    store.whole()?;
    store.no_leak()?;
    store.commit()?;
    store.checkpoint()?;
    store.whole()?;
    store.commit()?;
    let again = Words::open(store.crash()).map_err(|why| format!("after going on: {why}"))?;
    if again.words()? != up_to(version + 2) {
        return Err(format!("after going on it holds {:?} behind {version}", again.words()?.len()));
    }
    again.whole()?;
    again.no_leak()
}
