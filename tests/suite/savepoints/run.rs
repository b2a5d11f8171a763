//! One random story: transactions with savepoints in each other, committed, aborted, beside checkpoints; compared after each
//! rollback, each commit, and each time that the store is opened as it would be after a kill.

use crate::crash::long::random_changes;
use crate::crash::model::{Change, Model};
use foliograph::storage_core::device::OpenOptions;
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::sim::Rng;
use foliograph::{Checkpoint, Database, Options, PageSize, Savepoint, WriteTransaction, props};
use std::ops::AddAssign;
use std::sync::Arc;

/// What happened, so that a test can say that it did.
#[derive(Copy, Clone, Debug, Default)]
pub struct Seen {
    pub rolled_back: u64,
    /// Pages had been written since the savepoint.
    pub over_a_flush: u64,
    /// Transactions that a checkpoint became durable beside, and that had to write early then.
    pub beside: u64,
    pub logged: u64,
    pub by_checkpoint: u64,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Seen) {
        self.rolled_back += other.rolled_back;
        self.over_a_flush += other.over_a_flush;
        self.beside += other.beside;
        self.logged += other.logged;
        self.by_checkpoint += other.by_checkpoint;
    }
}

type Outcome = Result<(), String>;

/// So much memory that nothing is written early before a checkpoint that is pending ends.
const ROOMY: usize = 64 << 10;

struct Story {
    rng: Rng,
    options: Options,
    roomy: bool,
    store: MemoryStore,
    db: Database,
    model: Model,
    seen: Seen,
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Tells the story of a seed.
pub fn run(seed: u64) -> Result<Seen, String> {
    let mut rng = Rng::new(seed);
    let budget = [0, 3 << 10, ROOMY, ROOMY, 8 << 20][rng.index(5)];
    let options = Options::new().page_size(PageSize::K4).cache_pages(16).background(false);
    let options =
        options.memory_budget(budget).log_limit(if rng.chance(1, 3) { 512 << 10 } else { 16 << 20 });
    let store = MemoryStore::new(Vec::new());
    let device = MemoryDevice::open(&store, &OpenOptions::create(PageSize::K4)).map_err(said)?;
    let db = options.create_device(Arc::new(device)).map_err(said)?;
    let (model, seen, roomy) = (Model::default(), Seen::default(), budget == ROOMY);
    let mut story = Story { rng, options, roomy, store, db, model, seen };
    for _ in 0..4 + story.rng.below(5) {
        story.transaction()?;
        story.look()?;
    }
    story.end()
}

impl Story {
    /// A transaction, which a checkpoint may overtake.
    fn transaction(&mut self) -> Outcome {
        let checkpoint = match self.roomy && self.rng.chance(2, 3) {
            true => self.db.begin_checkpoint().map_err(said)?,
            false => None,
        };
        let tx = match &checkpoint {
            Some(_) => self.db.try_begin_write().map_err(said)?.ok_or("somebody else writes")?,
            None => self.db.begin_write().map_err(said)?,
        };
        let mut model = self.model.clone();
        let mut c = Change { tx, model: &mut model };
        c.node("first", format!("t{}", self.rng.next_u64()), props! {});
        let tx = self.changes(c, checkpoint)?;
        if self.rng.chance(1, 6) {
            tx.abort();
            return Ok(());
        }
        let before = self.db.pager().stats().log.commits;
        tx.commit().map_err(said)?;
        let logged = self.db.pager().stats().log.commits > before;
        self.seen.logged += u64::from(logged);
        self.seen.by_checkpoint += u64::from(!logged);
        self.model = model;
        Ok(())
    }

    fn changes(&mut self, c: Change<'_>, checkpoint: Option<Checkpoint>) -> Result<WriteTransaction, String> {
        let mut stack = Stack { c, saved: Vec::new(), seen: &mut self.seen };
        if let Some(checkpoint) = checkpoint {
            // Small changes: nothing must be written early before it ends, for it ends in this thread.
            for _ in 0..self.rng.below(6) {
                stack.c.node("first", format!("b{}", self.rng.next_u64()), props! { "a" => 1 });
                stack.step(&mut self.rng, |_, _| {})?;
            }
            checkpoint.finish().map_err(said)?;
            stack.save();
            for _ in 0..90 {
                let text = "x".repeat(900);
                stack.c.node("first", format!("c{}", self.rng.next_u64()), props! { "text" => text });
            }
            stack.seen.beside += u64::from(stack.c.tx.pages().is_flushing());
        }
        for _ in 0..3 + self.rng.below(14) {
            stack.step(&mut self.rng, random_changes)?;
        }
        Ok(stack.c.tx)
    }

    /// The newest version, and the store as it would be after a kill: the log replayed.
    fn look(&mut self) -> Outcome {
        self.model.compare(&self.db.begin_read().map_err(said)?)?;
        if self.rng.chance(1, 3) {
            // It makes a checkpoint.
            whole(&self.db)?;
        }
        let store = MemoryStore::new(self.store.image());
        let device = MemoryDevice::open(&store, &OpenOptions::open()).map_err(said)?;
        let db = self.options.open_device(Arc::new(device)).map_err(said)?;
        self.model.compare(&db.begin_read().map_err(said)?).map_err(|why| format!("after a kill: {why}"))?;
        whole(&db).map_err(|why| format!("after a kill: {why}"))
    }

    fn end(self) -> Result<Seen, String> {
        let Story { options, store, db, model, seen, .. } = self;
        db.close().map_err(said)?;
        let device = MemoryDevice::open(&store, &OpenOptions::open()).map_err(said)?;
        let db = options.open_device(Arc::new(device)).map_err(said)?;
        model.compare(&db.begin_read().map_err(said)?).map_err(|why| format!("after closing: {why}"))?;
        whole(&db)?;
        Ok(seen)
    }
}

fn whole(db: &Database) -> Outcome {
    let findings = db.check().map_err(said)?.findings;
    findings.first().map_or(Ok(()), |f| Err(format!("check: page {} ({}): {}", f.page, f.kind, f.what)))
}

/// A transaction, and the graphs that it can go back to.
struct Stack<'m, 's> {
    c: Change<'m>,
    /// With how many pages had been written by then.
    saved: Vec<(Savepoint, Model, usize)>,
    seen: &'s mut Seen,
}

impl Stack<'_, '_> {
    fn save(&mut self) {
        let (savepoint, model) = self.c.savepoint();
        self.saved.push((savepoint, model, self.c.tx.pages().pages_written()));
    }

    fn step(&mut self, rng: &mut Rng, change: impl Fn(&mut Change<'_>, &mut Rng)) -> Outcome {
        match rng.below(8) {
            0 | 1 => self.save(),
            2 | 3 if !self.saved.is_empty() => {
                let to = rng.index(self.saved.len());
                self.roll_back(to)?;
            }
            4 if !self.saved.is_empty() => {
                let from = rng.index(self.saved.len());
                let (savepoint, ..) = self.saved.drain(from..).next().ok_or("not empty")?;
                self.c.tx.release(savepoint).map_err(said)?;
            }
            5 => self.nested(rng, change)?,
            _ => change(&mut self.c, rng),
        }
        Ok(())
    }

    fn roll_back(&mut self, to: usize) -> Outcome {
        let written = self.c.tx.pages().pages_written();
        self.saved.truncate(to + 1);
        let (savepoint, model, before) = &self.saved[to];
        self.c.tx.rollback_to(savepoint).map_err(said)?;
        self.c.model.clone_from(model);
        self.seen.rolled_back += 1;
        self.seen.over_a_flush += u64::from(written != *before);
        if self.c.tx.pages().pages_written() != *before {
            return Err("it uses other pages than it did".into());
        }
        model.compare(&self.c.tx).map_err(|why| format!("after going back: {why}"))
    }

    /// A part that fails half the time. [`Change`] has the transaction, so what is nested is told with savepoints.
    fn nested(&mut self, rng: &mut Rng, change: impl Fn(&mut Change<'_>, &mut Rng)) -> Outcome {
        let Stack { c, .. } = self;
        let (before, fails) = (c.model.clone(), rng.chance(1, 2));
        let done = c.tx.nested(|tx| {
            let node = tx.add_anonymous("nested", props! { "b" => 2 }).map_err(said)?;
            tx.add_edge(node, "nested", node, props! {}).map_err(said)?;
            if fails { Err("on purpose".to_owned()) } else { Ok(node) }
        });
        match done {
            Ok(node) => {
                c.tx.delete_node(node, true).map_err(said)?;
                change(c, rng);
            }
            Err(why) if why == "on purpose" => {}
            Err(why) => return Err(why),
        }
        if fails {
            before.compare(&c.tx).map_err(|why| format!("after a part that failed: {why}"))
        } else {
            Ok(())
        }
    }
}
