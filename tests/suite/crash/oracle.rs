//! What must be true of one crash state, and the trial of it.
//!
//! A state is opened; it must hold every commit that was durable, and of those under way the first so many: exactly the
//! graph after one of them; `check` must find nothing; then it is written once more, checkpointed, opened again, compared
//! and checked again. Where creation had not returned, the store may be unfinished; then it must be possible to create it.
//!
//! Comparing and checking look at the pages that are in use, so what was found whole byte for byte in one state is not
//! looked at again in the next: see [`Oracle::whole`].
//!
//! How it is written and ended differs from state to state, by the state's digest: see [`Way`].

use super::digest::Digests;
use super::model::{Model, More, Wrong};
use super::record::{Committed, Life, asked, durable, held};
use foliograph::storage_core::device::sim::{Image, Point, SimDevice};
use foliograph::storage_core::device::{DeviceErrorKind, OpenMode, PageDevice};
use foliograph::storage_core::page::PageId;
use foliograph::{Database, Durability, Options, PageSize};
use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;

/// Which commits of a life's list a state may hold as the last one.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// The last one that is durable; `None` before creation returned.
    pub durable: Option<usize>,
    /// The last one that was asked for.
    pub asked: Option<usize>,
}

impl Allowed {
    /// What a point of a life allows.
    pub fn at(life: &Life, point: &Point) -> Allowed {
        let first = life.existed.then_some(0);
        let mut allowed = Allowed { durable: first, asked: first };
        for mark in point.marks() {
            let commit = (mark / 2) as usize;
            if *mark == asked(commit) {
                allowed.asked = allowed.asked.max(Some(commit));
            } else {
                allowed.durable = allowed.durable.max(Some(commit));
            }
        }
        allowed
    }

    /// Whether a store may hold `commit` as its last one; `None` is a store that had to be created.
    pub fn admits(self, commit: Option<usize>) -> bool {
        self.durable <= commit && commit <= self.asked
    }
}

/// What a store that survived is asked to do.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// A commit through the log, then closing, which makes a checkpoint.
    Close,
    /// A commit through the log; the process is killed, and the next one recovers.
    Kill,
    /// A commit by checkpoint, then closing.
    Checkpoint,
}

impl Way {
    pub fn of(digest: u64) -> Way {
        [Way::Close, Way::Kill, Way::Checkpoint, Way::Checkpoint][(digest >> 32) as usize % 4]
    }
}

/// A store that survived, and went on.
pub struct Survivor {
    /// What it held at first; `None` if it had to be created.
    pub held: Option<usize>,
    version: u64,
    device: Arc<SimDevice>,
}

/// The graphs of all commits of a life, and what each becomes by one more change.
pub struct Oracle {
    options: Options,
    commits: Vec<Committed>,
    after: Vec<OnceCell<(Arc<Model>, More)>>,
    /// Digests of pages in use that were compared with a graph, and checked.
    proven: RefCell<HashSet<(u64, *const Model)>>,
}

impl Oracle {
    pub fn new(options: &Options, life: &Life) -> Oracle {
        let commits = life.commits.clone();
        let after = commits.iter().map(|_| OnceCell::new()).collect();
        Oracle { options: options.clone(), commits, after, proven: RefCell::default() }
    }

    fn after(&self, commit: usize) -> &(Arc<Model>, More) {
        self.after[commit].get_or_init(|| {
            let (model, more) = self.commits[commit].model.with_more();
            (Arc::new(model), more)
        })
    }

    /// The life that a survivor went on to have.
    pub fn next_life(&self, survivor: &Survivor) -> Life {
        let commit = survivor.held.unwrap_or(0);
        let before = Committed { version: survivor.version, model: self.commits[commit].model.clone() };
        let after = Committed { version: survivor.version + 1, model: self.after(commit).0.clone() };
        Life {
            journal: survivor.device.journal(),
            existed: survivor.held.is_some(),
            commits: vec![before, after],
        }
    }

    /// Tries a state.
    pub fn survive(
        &self,
        image: &Image,
        allowed: Allowed,
        way: Way,
        digests: &Digests<'_>,
    ) -> Result<Survivor, Wrong> {
        let opened = SimDevice::from_image(image.clone());
        let (device, db, created) = match opened {
            Err(e) if e.kind() == DeviceErrorKind::Unfinished && allowed.admits(None) => {
                let (device, db) = self.create(image)?;
                (device, db, true)
            }
            Err(e) => return Err(format!("the device does not open: {e}")),
            Ok(device) => {
                let (device, db) = self.open(device)?;
                (device, db, false)
            }
        };
        let version = db.begin_read().map_err(said)?.version();
        let found = held(&self.commits, version);
        let held = if created { None } else { found };
        let commit = found.filter(|_| allowed.admits(held));
        let commit = commit.ok_or_else(|| self.unexpected(version, allowed))?;
        self.whole((&device, &db), &self.commits[commit].model, digests)?;
        self.go_on(&device, db, (commit, version), way)?;
        self.open_again(&device, &self.after(commit).0, digests)
            .map_err(|wrong| format!("after going on ({way:?}): {wrong}"))?;
        Ok(Survivor { held, version, device })
    }

    fn unexpected(&self, version: u64, allowed: Allowed) -> Wrong {
        let versions: Vec<u64> = self.commits.iter().map(|commit| commit.version).collect();
        format!("it holds version {version}, where {allowed:?} of versions {versions:?}")
    }

    fn open(&self, device: SimDevice) -> Result<(Arc<SimDevice>, Database), Wrong> {
        let device = Arc::new(device);
        let db = self.options.open_device(device.clone()).map_err(|e| format!("it does not open: {e}"))?;
        Ok((device, db))
    }

    fn create(&self, image: &Image) -> Result<(Arc<SimDevice>, Database), Wrong> {
        let device = SimDevice::open_image(image.clone(), OpenMode::Create(PageSize::K4), 0);
        let device = Arc::new(device.map_err(|e| format!("it cannot be created afresh: {e}"))?);
        device.mark(asked(0));
        let db = self.options.create_device(device.clone());
        let db = db.map_err(|e| format!("it cannot be created afresh: {e}"))?;
        device.mark(durable(0));
        Ok((device, db))
    }

    fn open_again(&self, device: &SimDevice, model: &Arc<Model>, digests: &Digests<'_>) -> Result<(), Wrong> {
        let (device, db) = self.open(SimDevice::from_image(device.volatile()).map_err(said)?)?;
        self.whole((&device, &db), model, digests)
    }

    /// The store equals the graph, and `check` finds nothing. Both are functions of the pages in use, among them the map
    /// that says which these are, and the root records.
    fn whole(
        &self,
        (device, db): (&SimDevice, &Database),
        model: &Arc<Model>,
        digests: &Digests<'_>,
    ) -> Result<(), Wrong> {
        let map = db.pager().check_map(&db.pager().begin_read()).map_err(said)?;
        let used = map.used.iter().enumerate().filter(|(_, used)| **used);
        let used = used.map(|(page, _)| PageId::new(page as u64));
        let key = (digests.of_pages(&device.volatile(), used), Arc::as_ptr(model));
        if self.proven.borrow().contains(&key) {
            return Ok(());
        }
        model.compare(&db.begin_read().map_err(said)?)?;
        let report = db.check().map_err(said)?;
        if let Some(first) = report.findings.first() {
            let count = report.findings.len();
            return Err(format!(
                "check has {count} findings, first: page {} ({}): {}",
                first.page, first.kind, first.what
            ));
        }
        self.proven.borrow_mut().insert(key);
        Ok(())
    }

    fn go_on(
        &self,
        device: &SimDevice,
        db: Database,
        (commit, version): (usize, u64),
        way: Way,
    ) -> Result<(), Wrong> {
        let mut tx = db.begin_write().map_err(said)?;
        if way == Way::Checkpoint {
            tx.set_durability(Durability::Checkpoint);
        }
        self.after(commit).1.apply(&mut tx).map_err(|e| format!("writing failed: {e}"))?;
        device.mark(asked(1));
        let made = tx.commit().map_err(|e| format!("committing failed: {e}"))?;
        device.mark(durable(1));
        if made != version + 1 {
            return Err(format!("the next commit made version {made} out of {version}"));
        }
        if way == Way::Kill {
            return Ok(());
        }
        db.close().map_err(|e| format!("closing failed: {e}"))?;
        device.sync().map_or(Ok(()), |()| Err("a closed device still syncs".to_owned()))
    }
}

fn said(error: impl std::fmt::Display) -> Wrong {
    error.to_string()
}
