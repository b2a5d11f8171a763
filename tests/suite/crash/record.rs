//! Runs a history once on a simulated disk, and keeps what a crash state needs: the journal of each life of the store,
//! and the graph after each commit.
//!
//! Marks in the journals: [`asked`] for the commit of a version, [`acknowledged`] once it returned. Version 0 is the empty
//! store, and its commit is the creation.

use super::model::{Change, Model};
use foliograph::storage_core::device::PageDevice;
use foliograph::storage_core::device::sim::{Journal, SimDevice};
use foliograph::storage_core::page::PageKind;
use foliograph::storage_core::pager::{Pager, PagerOptions};
use foliograph::{Database, Options, PageSize};
use std::sync::Arc;

/// The mark before a commit.
pub fn asked(version: u64) -> u64 {
    2 * version
}

/// The mark behind a commit.
pub fn acknowledged(version: u64) -> u64 {
    2 * version + 1
}

/// From opening to closing.
pub struct Life {
    pub journal: Journal,
    /// The version that was acknowledged before it; `None` before creation.
    pub before: Option<u64>,
}

/// A history that has run.
pub struct Recorded {
    pub options: Options,
    pub lives: Vec<Life>,
    /// The graph of each version.
    pub models: Vec<Arc<Model>>,
}

/// A history that runs.
pub struct Run {
    options: Options,
    device: Arc<SimDevice>,
    db: Option<Database>,
    lives: Vec<Life>,
    before: Option<u64>,
    models: Vec<Arc<Model>>,
    /// Dropping it would close the first device.
    _creator: Arc<Pager>,
}

/// The options of every store here: small pages, and few of them in memory.
pub fn options() -> Options {
    Options::new().page_size(PageSize::K4).cache_pages(16).background(false)
}

impl Run {
    /// Creates the store.
    pub fn create(options: Options, seed: u64) -> Run {
        let device = Arc::new(SimDevice::new(PageSize::K4, seed));
        device.mark(asked(0));
        // With an identity of its own every run writes the same bytes, so that a state's name is enough to find it again.
        let fixed = PagerOptions { uuid: Some(*b"the same, always"), ..PagerOptions::default() };
        let creator = Pager::create(device.clone(), &fixed).expect("a new store");
        let db = options.open_device(device.clone()).expect("the store that was just created");
        device.mark(acknowledged(0));
        let models = vec![Arc::new(Model::default())];
        Run { options, device, db: Some(db), lives: Vec::new(), before: None, models, _creator: creator }
    }

    /// The newest graph.
    pub fn model(&self) -> &Model {
        self.models.last().expect("there is always version 0")
    }

    /// How many pages of a kind the store has.
    pub fn pages(&self, kind: PageKind) -> usize {
        let pages = self.db().pages().expect("a whole store");
        pages.iter().filter(|info| info.kind == kind).count()
    }

    /// Changes the graph and commits.
    pub fn commit(&mut self, change: impl FnOnce(&mut Change<'_>)) {
        let mut model = Model::clone(self.model());
        let tx = self.db().begin_write().expect("nobody else writes");
        let mut both = Change { tx, model: &mut model };
        change(&mut both);
        let version = self.models.len() as u64;
        self.device.mark(asked(version));
        assert_eq!(both.tx.commit().expect("no fault was planned"), version);
        self.device.mark(acknowledged(version));
        self.models.push(Arc::new(model));
    }

    /// Changes the graph and thinks better of it.
    pub fn abort(&mut self, change: impl FnOnce(&mut Change<'_>)) {
        let mut model = Model::clone(self.model());
        let tx = self.db().begin_write().expect("nobody else writes");
        let mut both = Change { tx, model: &mut model };
        change(&mut both);
        both.tx.abort();
    }

    /// Closes, and opens as the next process does: what was read is synced before it is trusted (D1).
    pub fn reopen(&mut self) {
        self.end_life(true);
        self.device = Arc::new(self.device.fork(1));
        self.device.sync().expect("no fault was planned");
        self.db = Some(self.options.open_device(self.device.clone()).expect("what was closed opens"));
    }

    /// The process is killed, and another one opens: like [`Run::reopen`] without closing.
    pub fn kill(&mut self) {
        // The old process's device goes its own way; what it does while it is dropped is not recorded.
        let next = Arc::new(self.device.fork(1));
        self.end_life(false);
        next.sync().expect("no fault was planned");
        self.db = Some(self.options.open_device(next.clone()).expect("what was killed opens"));
        self.device = next;
    }

    fn end_life(&mut self, close: bool) {
        let db = self.db.take().expect("open");
        let mut journal = self.device.journal();
        if close {
            db.close().expect("no fault was planned");
            journal = self.device.journal();
        }
        self.lives.push(Life { journal, before: self.before });
        self.before = Some(self.models.len() as u64 - 1);
    }

    /// Closes for good.
    pub fn finish(mut self) -> Recorded {
        self.end_life(true);
        Recorded { options: self.options, lives: self.lives, models: self.models }
    }

    fn db(&self) -> &Database {
        self.db.as_ref().expect("open")
    }
}
