//! Runs a history once on a simulated disk, and keeps what a crash state needs: the journal of each life of the store,
//! and the graph after each commit.
//!
//! Marks in the journals name commits by their place in the life's list: [`asked`] before a commit may reach the disk,
//! [`durable`] once a call returned that promises that it and all before it survive. A relaxed commit gets the second mark
//! by what makes it durable. The first commit of a list is what the life began with: an empty store, or what the life
//! before left.
//!
//! A version's number says only which commit is the last that it holds: closing, compacting and checkpoints may add
//! versions of their own.

use super::model::{Change, Model};
use foliograph::bulk::{Bulk, BulkOptions, EdgeRow, NodeRow, Place, RowId};
use foliograph::storage_core::device::PageDevice;
use foliograph::storage_core::device::sim::{Journal, SimDevice, Step};
use foliograph::storage_core::page::PageKind;
use foliograph::storage_core::pager::{Pager, PagerOptions};
use foliograph::{Checkpoint, Commit, Database, Durability, Options, PageSize, Snapshot, WriteTransaction};
use std::sync::Arc;

/// The mark before a commit.
pub fn asked(commit: usize) -> u64 {
    2 * commit as u64
}

/// The mark behind what makes it and all before it durable.
pub fn durable(commit: usize) -> u64 {
    2 * commit as u64 + 1
}

/// A commit: the version that it made, and the graph since then.
#[derive(Clone)]
pub struct Committed {
    pub version: u64,
    pub model: Arc<Model>,
}

/// The last commit that a version holds.
pub fn held(commits: &[Committed], version: u64) -> Option<usize> {
    commits.partition_point(|commit| commit.version <= version).checked_sub(1)
}

/// From opening to closing.
pub struct Life {
    pub journal: Journal,
    /// False where the creation of the store is part of it.
    pub existed: bool,
    pub commits: Vec<Committed>,
}

/// A history that has run.
pub struct Recorded {
    pub options: Options,
    pub lives: Vec<Life>,
}

/// A history that runs.
pub struct Run {
    options: Options,
    device: Arc<SimDevice>,
    db: Option<Database>,
    lives: Vec<Life>,
    existed: bool,
    commits: Vec<Committed>,
    /// Commits that were submitted and not waited for.
    waiting: Vec<(usize, Commit)>,
    checkpoint: Option<Checkpoint>,
    snapshot: Option<(Snapshot, Arc<Model>)>,
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
        device.mark(durable(0));
        Run {
            options,
            device,
            db: Some(db),
            lives: Vec::new(),
            existed: false,
            commits: vec![Committed { version: 0, model: Arc::default() }],
            waiting: Vec::new(),
            checkpoint: None,
            snapshot: None,
            _creator: creator,
        }
    }

    fn newest(&self) -> usize {
        self.commits.len() - 1
    }

    /// The newest graph.
    pub fn model(&self) -> &Arc<Model> {
        &self.commits[self.newest()].model
    }

    /// How many pages of a kind the store has.
    pub fn pages(&self, kind: PageKind) -> usize {
        let pages = self.db().pages().expect("a whole store");
        pages.iter().filter(|info| info.kind == kind).count()
    }

    /// A writer. While a checkpoint is pending it must not wait for it: nobody else would finish it.
    fn begin(&self) -> WriteTransaction {
        match &self.checkpoint {
            None => self.db().begin_write().expect("nobody else writes"),
            Some(_) => {
                self.db().try_begin_write().expect("no fault was planned").expect("nobody else writes")
            }
        }
    }

    /// Changes the graph and commits.
    pub fn commit(&mut self, change: impl FnOnce(&mut Change<'_>)) {
        self.submit(change);
        self.wait(self.waiting.len() - 1);
    }

    /// Changes the graph and commits, with a durability of its own.
    pub fn commit_as(&mut self, durability: Durability, change: impl FnOnce(&mut Change<'_>)) {
        self.submit_as(Some(durability), change);
        let (commit, waiting) = self.waiting.pop().expect("just submitted");
        waiting.wait().expect("no fault was planned");
        if durability != Durability::Relaxed {
            self.device.mark(durable(commit));
        }
    }

    /// Changes the graph and submits the commit: see [`Run::wait`].
    pub fn submit(&mut self, change: impl FnOnce(&mut Change<'_>)) {
        self.submit_as(None, change);
    }

    fn submit_as(&mut self, durability: Option<Durability>, change: impl FnOnce(&mut Change<'_>)) {
        let mut model = Model::clone(self.model());
        let mut both = Change { tx: self.begin(), model: &mut model };
        if let Some(durability) = durability {
            both.tx.set_durability(durability);
        }
        change(&mut both);
        let tx = both.tx;
        self.hand_over(tx, model);
    }

    fn hand_over(&mut self, tx: WriteTransaction, model: Model) {
        let commit = self.commits.len();
        self.device.mark(asked(commit));
        let waiting = tx.submit().expect("no fault was planned");
        assert!(waiting.version() > self.commits[commit - 1].version, "every commit makes a version");
        self.commits.push(Committed { version: waiting.version(), model: Arc::new(model) });
        self.waiting.push((commit, waiting));
    }

    /// Waits for one of the submitted commits.
    pub fn wait(&mut self, nth: usize) {
        let (commit, waiting) = self.waiting.remove(nth);
        waiting.wait().expect("no fault was planned");
        self.device.mark(durable(commit));
    }

    /// How many commits were submitted and not waited for.
    pub fn unwaited(&self) -> usize {
        self.waiting.len()
    }

    /// Changes the graph and thinks better of it.
    pub fn abort(&mut self, change: impl FnOnce(&mut Change<'_>)) {
        let mut model = Model::clone(self.model());
        let mut both = Change { tx: self.begin(), model: &mut model };
        change(&mut both);
        both.tx.abort();
    }

    /// The pending checkpoint is finished beside a transaction that may have to wait for it, because it flushes early;
    /// then that one commits, or not. The change must not be so that part of it reaches the disk before the rest waits:
    /// whatever a transaction writes comes after the seat that it waits for.
    pub fn finish_beside(&mut self, commits: bool, change: impl FnOnce(&mut Change<'_>)) {
        let checkpoint = self.checkpoint.take().expect("a checkpoint is pending");
        let mut model = Model::clone(self.model());
        let tx = self.db().try_begin_write().expect("no fault was planned").expect("nobody else writes");
        let mut both = Change { tx, model: &mut model };
        std::thread::scope(|scope| {
            let finishing = scope.spawn(|| checkpoint.finish().expect("no fault was planned"));
            change(&mut both);
            finishing.join().expect("no fault was planned");
        });
        let tx = both.tx;
        if commits {
            self.hand_over(tx, model);
            self.wait(self.waiting.len() - 1);
        } else {
            tx.abort();
        }
    }

    fn all_is_durable(&self) {
        self.device.mark(durable(self.newest()));
    }

    /// Makes relaxed commits durable.
    pub fn flush(&mut self) {
        self.db().flush().expect("no fault was planned");
        self.all_is_durable();
    }

    /// Makes a checkpoint and gives space back.
    pub fn checkpoint(&mut self) {
        self.db().checkpoint().expect("no fault was planned");
        self.all_is_durable();
    }

    /// Writes the store anew.
    pub fn compact(&mut self) {
        self.db().compact().expect("no fault was planned");
        self.all_is_durable();
    }

    /// Begins a checkpoint beside what follows, if there is something to do.
    pub fn begin_checkpoint(&mut self) -> bool {
        assert!(self.checkpoint.is_none(), "one at a time");
        self.checkpoint = self.db().begin_checkpoint().expect("no fault was planned");
        self.checkpoint.is_some()
    }

    /// Ends it.
    pub fn finish_checkpoint(&mut self) {
        let checkpoint = self.checkpoint.take().expect("a checkpoint is pending");
        let version = checkpoint.version();
        checkpoint.finish().expect("no fault was planned");
        self.device.mark(durable(held(&self.commits, version).expect("a version of this life")));
    }

    /// Gives it up.
    pub fn drop_checkpoint(&mut self) {
        self.checkpoint = None;
    }

    /// True while a checkpoint is pending.
    pub fn is_checkpointing(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Room in the log, in bytes, before a checkpoint is due.
    pub fn log_room(&self) -> u64 {
        let log = self.db().pager().stats().log;
        (log.limit / 2).saturating_sub(log.used + log.waiting)
    }

    /// Bytes of the log's extents.
    pub fn log_bytes(&self) -> u64 {
        self.db().pager().stats().log.bytes
    }

    /// Holds a snapshot of what is published now.
    pub fn hold(&mut self) {
        let snapshot = self.db().begin_read().expect("a whole store");
        let commit = held(&self.commits, snapshot.version()).expect("a version of this life");
        self.snapshot = Some((snapshot, self.commits[commit].model.clone()));
    }

    /// Lets it go; it has not changed (I6).
    pub fn release(&mut self) {
        if let Some((snapshot, model)) = self.snapshot.take() {
            model.compare(&snapshot).expect("a snapshot never changes");
        }
    }

    /// Loads `count` nodes and as many edges into the empty store.
    pub fn load(&mut self, count: u64) {
        let mut model = Model::default();
        let mut bulk = Bulk::new(BulkOptions { memory_budget: 1 << 20, ..BulkOptions::default() });
        for n in 0..count {
            let (key, props) = (format!("b{n}"), foliograph::props! { "n" => n as i64 });
            model.put_node(n, "bulk", Some(key.clone().into()), props.clone());
            let (id, label) = (Some(RowId::Int(n)), "bulk".into());
            let row = NodeRow { space: 0, id, label, key: Some(key.into()), props, place: Place::default() };
            bulk.add_node(row).expect("a good row");
        }
        for n in 0..count {
            let (target, props) = (n * 7 % count, foliograph::props! {});
            model.put_edge(n, "bulk", target, 0);
            let (from, to) = ((0, RowId::Int(n)), (0, RowId::Int(target)));
            let edge_type = "bulk".into();
            let place = Place::default();
            let row = EdgeRow { from, to, edge_type, undirected: false, rank: None, props, place };
            bulk.add_edge(row).expect("a good row");
        }
        let tx = self.begin();
        let commit = self.commits.len();
        self.device.mark(asked(commit));
        tx.load(bulk).expect("no fault was planned");
        self.device.mark(durable(commit));
        let version = self.version();
        self.commits.push(Committed { version, model: Arc::new(model) });
    }

    fn version(&self) -> u64 {
        self.db().begin_read().expect("a whole store").version()
    }

    /// Closes, and opens as the next process does: what was read is synced before it is trusted (D1).
    pub fn reopen(&mut self) {
        self.end_life(true);
        let next = Arc::new(self.device.fork(1));
        self.begin_life(next);
    }

    /// The process is killed, and another one opens: like [`Run::reopen`] without closing.
    pub fn kill(&mut self) {
        // The old process's device goes its own way; what it does while it is dropped is not recorded.
        let next = Arc::new(self.device.fork(1));
        self.end_life(false);
        self.begin_life(next);
    }

    fn end_life(&mut self, close: bool) {
        self.release();
        let mut journal = self.device.journal();
        self.waiting.clear();
        self.checkpoint = None;
        let db = self.db.take().expect("open");
        if close {
            db.close().expect("no fault was planned");
            self.all_is_durable();
            journal = self.device.journal();
        }
        self.lives.push(Life { journal, existed: self.existed, commits: self.commits.clone() });
    }

    /// What the store holds when it is opened again is what the new life begins with.
    fn begin_life(&mut self, device: Arc<SimDevice>) {
        self.device = device;
        self.existed = true;
        self.device.sync().expect("no fault was planned");
        let opened = self.options.open_device(self.device.clone());
        self.db = Some(opened.expect("what was closed or killed opens"));
        let version = self.version();
        let kept = held(&self.commits, version).expect("no commit of an earlier life is lost");
        let last = self.lives.last().expect("a life has ended");
        let sure = last.journal.steps().iter().filter_map(|step| match step {
            Step::Mark(mark) if mark % 2 == 1 => Some(mark / 2),
            _ => None,
        });
        assert!(sure.max().unwrap_or(0) <= kept as u64, "what was acknowledged is lost");
        self.commits = vec![Committed { version, model: self.commits[kept].model.clone() }];
        self.model().compare(&self.db().begin_read().expect("a whole store")).expect("what was acknowledged");
    }

    /// Closes for good.
    pub fn finish(mut self) -> Recorded {
        self.end_life(true);
        Recorded { options: self.options, lives: self.lives }
    }

    fn db(&self) -> &Database {
        self.db.as_ref().expect("open")
    }
}
