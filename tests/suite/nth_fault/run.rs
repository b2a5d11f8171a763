//! A run: a story told on a device that fails by one rule, and what must hold of every call and of the store afterwards.
//!
//! Must always be true, of each call: one in which a fault fired returns an error that names it; one that returns an
//! error had a fault, now or, where that poisons, before; an answer is right or an error. After a failure that does not
//! poison the same call works a second time, and the failed commit is not there. After one that does every later write
//! fails with the first cause, and what is still read is what was acknowledged.
//!
//! Told to nobody is only: a checkpoint that `begin_write` makes because it is due (the commit that finds no room says what
//! is wrong), space that closing could not give back, a full disk where less growth does as well, and a read ahead of pages
//! that are read again where they are needed.

use super::known::{Change, Graph, Kind, Known};
use crate::harness::{Bench, Device};
use foliograph::storage_core::device::faults::{Fault, FaultRule, Faults, Lasts};
use foliograph::storage_core::device::faulty::FaultyDevice;
use foliograph::storage_core::device::sim::{Image, Rng, SimDevice};
use foliograph::storage_core::device::{DeviceErrorKind, OpenMode, Operation, PageDevice};
use foliograph::storage_core::pager::PageError;
use foliograph::{Checkpoint, Commit, Database, Durability, OpenError, Options, PageSize, Snapshot};
use foliograph::{ReadError, WriteTransaction};
use std::sync::Arc;

pub const SIZE: PageSize = PageSize::K4;

/// The story is over: the store could not be opened, or is poisoned, and all was tried that then can be.
#[derive(Debug)]
pub struct Over;

pub type Told = Result<(), Over>;

/// Where a run's store lies.
pub enum Disk {
    Simulated(Arc<SimDevice>),
    Real(Box<Bench>, Arc<Faults>),
}

impl Disk {
    /// A simulated disk with these contents; none is a new one.
    pub fn simulated(image: Option<&Image>, seed: u64) -> Disk {
        let (image, mode) = match image {
            Some(image) => (image.clone(), OpenMode::Open),
            None => (Image::new(SIZE), OpenMode::Create(SIZE)),
        };
        Disk::Simulated(Arc::new(SimDevice::open_image(image, mode, seed).expect("as it was left")))
    }

    /// A file with these contents.
    pub fn real(device: Device, image: &Image, seed: u64) -> Disk {
        let bench = Bench::new(device, SIZE, 16);
        std::fs::write(bench.path(), image.to_bytes()).expect("a file under target/");
        Disk::Real(Box::new(bench), Arc::new(Faults::new(seed)))
    }

    pub fn faults(&self) -> &Faults {
        match self {
            Disk::Simulated(sim) => sim.faults(),
            Disk::Real(_, faults) => faults,
        }
    }

    /// Reads of pages that will be needed go to the device before somebody asks for them.
    fn reads_ahead(&self) -> bool {
        matches!(self, Disk::Real(bench, _) if bench.device == Device::Uring)
    }

    fn device(&self) -> Arc<dyn PageDevice> {
        match self {
            Disk::Simulated(sim) => sim.clone(),
            Disk::Real(bench, faults) => Arc::new(FaultyDevice::new(bench.open_device(), faults.clone())),
        }
    }

    /// What the disk shows now.
    pub fn image(&self) -> Image {
        match self {
            Disk::Simulated(sim) => sim.volatile(),
            Disk::Real(bench, _) => {
                Image::from_bytes(SIZE, &std::fs::read(bench.path()).expect("the store is there"))
            }
        }
    }
}

/// A call's error in words.
type Failure = String;

pub struct Run {
    pub disk: Disk,
    rule: Option<FaultRule>,
    options: Options,
    create: bool,
    db: Option<Database>,
    pub known: Known,
    /// The next commit's number.
    pub n: u64,
    /// A fault fired after which every write fails.
    poisoned: bool,
    held: Option<(Snapshot, Arc<Graph>)>,
    /// One that commits come beside.
    checkpoint: Option<Checkpoint>,
    /// Calls in which a fault fired and nobody was told.
    pub quiet: u64,
}

impl Run {
    pub fn new(
        disk: Disk,
        options: Options,
        create: bool,
        (known, n): (Known, u64),
        rule: Option<FaultRule>,
    ) -> Run {
        if let Some(rule) = rule {
            disk.faults().add(rule);
        }
        let options = options.page_size(SIZE).cache_pages(16).background(false).checkpoint_interval(None);
        Run {
            disk,
            rule,
            options,
            create,
            db: None,
            known,
            n,
            poisoned: false,
            held: None,
            checkpoint: None,
            quiet: 0,
        }
    }

    fn db(&self) -> &Database {
        self.db.as_ref().expect("the story opens the store first")
    }

    fn lasts(&self) -> bool {
        self.rule.is_some_and(|rule| rule.lasts == Lasts::Forever)
    }

    /// Makes a call and judges how it ended.
    fn call<T, E: std::fmt::Display>(
        &mut self,
        what: &str,
        quiet: bool,
        make: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, Failure> {
        let before = self.disk.faults().injected();
        let result = make(self).map_err(|e| e.to_string());
        let after = self.disk.faults().injected();
        let fired = after > before;
        let poisons = [None, Some(Operation::Write), Some(Operation::WriteDurable), Some(Operation::Sync)];
        self.poisoned |= fired && self.rule.is_some_and(|rule| poisons.contains(&rule.on));
        let less = self.rule.is_some_and(|r| r.on == Some(Operation::Grow) && r.fault == Fault::DiskFull);
        let ahead = self.disk.reads_ahead() && self.rule.is_some_and(|r| r.on == Some(Operation::Read));
        match &result {
            Ok(_) if fired && !quiet && !less && !ahead => panic!("{what}: a fault was swallowed"),
            Ok(_) => self.quiet += u64::from(fired),
            Err(e) => {
                assert!(fired || self.poisoned, "{what}: an error that no fault explains: {e}");
                assert!(e.contains("injected fault"), "{what}: the cause is not named: {e}");
            }
        }
        result
    }

    /// Opens the store, or makes it.
    pub fn open(&mut self) -> Told {
        let (create, options, device) = (self.create, self.options.clone(), self.disk.device());
        let open = |_: &mut Self| match create {
            true => options.create_device(device),
            false => options.open_device(device),
        };
        self.db = Some(self.call("open", false, open).map_err(|_| Over)?);
        self.look()
    }

    /// A call that changes nothing that can be seen: once more if it failed and may work now.
    fn again<T, E: std::fmt::Display>(
        &mut self,
        what: &str,
        mut make: impl FnMut(&mut Self) -> Result<T, E>,
    ) -> Result<Option<T>, Over> {
        if let Ok(done) = self.call(what, false, &mut make) {
            return Ok(Some(done));
        }
        if self.poisoned {
            return Err(self.refuses());
        }
        if self.lasts() {
            return Ok(None);
        }
        let done = self.call(what, false, make);
        Ok(Some(done.unwrap_or_else(|e| panic!("{what}: works the second time: {e}"))))
    }

    /// Asks a few questions of the newest snapshot.
    pub fn look(&mut self) -> Told {
        let (graph, seed) = (self.known.published(), self.n);
        self.again("look", |run| {
            let snapshot = run.db().begin_read()?;
            graph.look(&snapshot, &mut Rng::new(seed)).inspect_err(page_is_named)
        })?;
        Ok(())
    }

    /// Reads all that there is.
    pub fn look_at_all(&mut self) -> Told {
        let graph = self.known.published();
        self.again("look at all", |run| {
            let found = Graph::read(&run.db().begin_read()?).inspect_err(page_is_named)?;
            assert!(found == *graph, "what is read is what was acknowledged");
            Ok::<(), ReadError>(())
        })?;
        Ok(())
    }

    /// Holds a snapshot until [`Run::let_go`].
    pub fn hold(&mut self) -> Told {
        let snapshot = self.again("hold", |run| run.db().begin_read())?;
        self.held = snapshot.map(|snapshot| (snapshot, self.known.published()));
        Ok(())
    }

    /// What the held snapshot shows is what it showed.
    pub fn let_go(&mut self) -> Told {
        let Some((snapshot, graph)) = self.held.take() else { return Ok(()) };
        self.again("held snapshot", |_| {
            let found = Graph::read(&snapshot)?;
            assert!(found == *graph, "a snapshot never changes");
            Ok::<(), ReadError>(())
        })?;
        Ok(())
    }

    fn begin(&mut self, changes: &[Change], durability: Durability) -> Result<WriteTransaction, Failure> {
        let mut tx = self.call("begin to write", true, |run| run.db().begin_write())?;
        tx.set_durability(durability);
        let before = self.known.newest();
        self.call("change", false, |_| before.make(&mut tx, changes))?;
        Ok(tx)
    }

    fn next_changes(&mut self, kind: Kind) -> (Vec<Change>, Graph) {
        let newest = self.known.newest();
        let changes = newest.changes(self.n, kind);
        self.n += 1;
        let after = newest.after(&changes);
        (changes, after)
    }

    /// Commits. A failure that does not poison fails this commit alone; once more, and it works.
    pub fn commit(&mut self, kind: Kind, durability: Durability) -> Told {
        let (changes, after) = self.next_changes(kind);
        for _ in 0..2 {
            if let Ok(tx) = self.begin(&changes, durability) {
                if self.call("commit", false, |_| tx.commit()).is_ok() {
                    let place = self.known.submitted(after);
                    self.known.acknowledged(place);
                    if durability != Durability::Relaxed {
                        self.known.durable();
                    }
                    return self.look();
                }
                if self.poisoned {
                    self.known.doubted(after.clone());
                }
            }
            if self.poisoned {
                return Err(self.refuses());
            }
            if self.lasts() {
                return self.look();
            }
        }
        panic!("a commit works the second time");
    }

    /// A transaction that is dropped.
    pub fn abort(&mut self, kind: Kind) -> Told {
        let (changes, _) = self.next_changes(kind);
        let begun = self.begin(&changes, Durability::Full).map(drop);
        if begun.is_err() && self.poisoned { Err(self.refuses()) } else { self.look() }
    }

    /// Commits that wait together, the last one first; the last of them is relaxed.
    pub fn group(&mut self, count: usize) -> Told {
        let mut waiting: Vec<(usize, Commit)> = Vec::new();
        for i in 0..count {
            let (changes, after) = self.next_changes(Kind::Small);
            let durability = if i + 1 == count { Durability::Relaxed } else { Durability::Full };
            let submitted = match self.begin(&changes, durability) {
                Ok(tx) => self.call("submit", false, |_| tx.submit()),
                Err(e) => Err(e),
            };
            match submitted {
                Ok(commit) => waiting.push((self.known.submitted(after), commit)),
                // A commit that fails alone is not there, and those around it are not touched.
                Err(_) if !self.poisoned => {}
                Err(_) => self.known.doubted(after),
            }
        }
        let relaxed = waiting.len() == count;
        for (i, (place, commit)) in waiting.into_iter().enumerate().rev() {
            let waited = self.call("wait", false, |_| commit.wait());
            if waited.is_ok() && !(relaxed && i + 1 == count && self.poisoned) {
                self.known.acknowledged(place);
            }
        }
        if self.poisoned {
            return Err(self.refuses());
        }
        self.look()
    }

    /// Makes all durable that was committed.
    pub fn flush(&mut self) -> Told {
        if self.again("flush", |run| run.db().flush())?.is_some() {
            self.known.durable();
        }
        Ok(())
    }

    /// A checkpoint, and these commits beside it. A commit that finds the disk full becomes a checkpoint itself and waits
    /// for the one that runs: on one thread that one is given up then.
    pub fn checkpoint_beside(&mut self, commits: &[(Kind, Durability)]) -> Told {
        let mut begun = self.again("begin a checkpoint", |run| run.db().begin_checkpoint())?;
        if self.rule.is_some_and(|rule| rule.on == Some(Operation::Grow) && rule.fault == Fault::DiskFull) {
            begun = None;
        }
        self.checkpoint = begun.flatten();
        for (kind, durability) in commits {
            self.commit(*kind, *durability)?;
        }
        let Some(checkpoint) = self.checkpoint.take() else { return Ok(()) };
        if self.call("finish a checkpoint", false, |_| checkpoint.finish()).is_err() {
            if self.poisoned {
                return Err(self.refuses());
            }
            self.again("checkpoint", |run| run.db().begin_checkpoint()?.map_or(Ok(0), Checkpoint::finish))?;
        }
        self.look()
    }

    /// A checkpoint that gives space back.
    pub fn checkpoint(&mut self) -> Told {
        if self.again("checkpoint", |run| run.db().checkpoint())?.is_some() {
            self.known.durable();
        }
        self.look()
    }

    pub fn compact(&mut self) -> Told {
        if self.again("compact", |run| run.db().compact())?.is_some() {
            self.known.durable();
        }
        self.look()
    }

    /// Looks at all pages.
    pub fn check(&mut self) -> Told {
        let report = self.again("check", |run| run.db().check())?;
        assert!(report.is_none_or(|report| report.findings.is_empty()), "check finds nothing");
        Ok(())
    }

    pub fn close(&mut self) -> Told {
        self.held = None;
        let db = self.db.take().expect("it is open");
        if self.call("close", true, |_| db.close()).is_ok() && !self.poisoned {
            self.known.durable();
        }
        Ok(())
    }

    /// After a failure that poisons: reads go on or fail, every write fails, and both name the first cause.
    fn refuses(&mut self) -> Over {
        // What it does may wait for one that is pending.
        self.checkpoint = None;
        let graph = self.known.published();
        let read = self.call("read when poisoned", true, |run| Graph::read(&run.db().begin_read()?));
        assert!(
            read.is_err() || read.is_ok_and(|found| found == *graph),
            "only what was acknowledged is seen"
        );
        for durability in [Durability::Full, Durability::Relaxed, Durability::Checkpoint] {
            let (changes, after) = self.next_changes(Kind::Small);
            if self.rule.is_some_and(|rule| rule.on.is_none()) {
                // The first write that meets a device which has gone may have landed.
                self.known.doubted(after);
            }
            let done = self.begin(&changes, durability);
            let done = done.and_then(|tx| self.call("commit when poisoned", true, |_| tx.commit()));
            // Nobody waits for a relaxed commit: it may be acknowledged until the log has met the failure.
            let lost = done.is_ok() && durability == Durability::Relaxed;
            let flushed = lost.then(|| self.call("flush when poisoned", true, |run| run.db().flush()));
            assert!(done.is_err() || flushed.is_some_and(|f| f.is_err()), "no write goes on");
        }
        // One that has nothing to do may say so.
        let _ = self.call("checkpoint when poisoned", false, |run| run.db().checkpoint());
        Over
    }

    /// Whether a fault fired.
    pub fn fired(&self) -> bool {
        self.disk.faults().injected() > 0
    }

    /// The end of the run: the process goes, another one comes, and the disk is well again; or the power went as well.
    pub fn verify(mut self, seed: u64) {
        let crash = match &self.disk {
            Disk::Simulated(sim) => Some(sim.crash(&mut Rng::new(seed))),
            Disk::Real(..) => None,
        };
        let killed = self.disk.image();
        self.held = None;
        // What closing still does may fail as well, and is no panic.
        self.db = None;
        self.disk.faults().clear();
        for image in [Some(killed), crash].into_iter().flatten() {
            self.goes_on(image);
        }
        if let Disk::Real(bench, _) = &self.disk {
            let db = self.options.open_device(bench.open_device()).expect("it opens on its own device");
            self.holds(&db);
        }
    }

    fn goes_on(&self, image: Image) {
        let open = |image: Image| {
            let device = SimDevice::open_image(image, OpenMode::Open, 1).map_err(OpenError::from);
            device.and_then(|device| {
                let device = Arc::new(device);
                Ok((device.clone(), self.options.open_device(device)?))
            })
        };
        let (device, db) = match open(image.clone()) {
            Ok(opened) => opened,
            Err(e) => {
                let unfinished = e.device().is_some_and(|e| e.kind() == DeviceErrorKind::Unfinished);
                assert!(unfinished && self.create, "it opens: {e}");
                assert!(self.known.allows(&Graph::default()), "what was acknowledged is there");
                let device = SimDevice::open_image(image, OpenMode::Create(SIZE), 1).expect("made afresh");
                let device = Arc::new(device);
                (device.clone(), self.options.create_device(device).expect("made afresh"))
            }
        };
        let found = self.holds(&db);
        let changes = found.changes(self.n + 7, Kind::Small);
        let mut tx = db.begin_write().expect("begun");
        found.make(&mut tx, &changes).expect("changed");
        tx.commit().expect("committed");
        db.close().expect("closed");
        let (_, db) = open(device.volatile()).expect("it opens once more");
        let again = Graph::read(&db.begin_read().expect("begun")).expect("read");
        assert!(again == found.after(&changes), "what was committed after the failure is there");
    }

    /// One of the states that are allowed, without a finding.
    fn holds(&self, db: &Database) -> Graph {
        let found = Graph::read(&db.begin_read().expect("begun")).expect("read");
        let count = self.known.count();
        assert!(self.known.allows(&found), "it holds none of the {count} states that it may");
        let report = db.check().expect("checked");
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        found
    }
}

/// A read that failed says which page it was for.
fn page_is_named(error: &ReadError) {
    if let ReadError::Page(PageError::Device(e)) = error
        && e.kind() != DeviceErrorKind::Poisoned
    {
        assert!(e.page().is_some() && e.operation() == Operation::Read, "{e}");
    }
}
