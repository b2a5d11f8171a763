//! Stores that were killed while their log held commits, and what must be true of one whose log is damaged.

use crate::crash::model::{Change, Model};
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::{OpenOptions, PageDevice};
use foliograph::storage_core::page::{PageId, PageKind};
use foliograph::storage_core::pager::{
    self, BLOCK, Extent, Group, LogError, LogReader, LogStart, Meta, PageError, Superblock,
};
use foliograph::{Database, Durability, NodeId, OpenError, Options, PageSize, props};
use std::sync::Arc;

/// Bytes of an extent, in a log of the sizes that are used here.
pub const EXTENT_BYTES: usize = 256 << 10;

/// A log that is this long takes records longer than an extent.
pub const LIMIT: u64 = 2 << 20;

/// Without a thread, and without a checkpoint that nobody asked for.
pub fn options(size: PageSize) -> Options {
    Options::new().page_size(size).cache_pages(64).background(false).checkpoint_interval(None)
}

/// Opens what is in `store`.
pub fn open(store: &MemoryStore, options: &Options) -> Result<Database, OpenError> {
    let device = MemoryDevice::open(store, &OpenOptions::open())?;
    options.open_device(Arc::new(device) as Arc<dyn PageDevice>)
}

/// A store that is being written, with the graph after each commit.
pub struct Writing {
    pub size: PageSize,
    pub store: MemoryStore,
    pub db: Database,
    /// The graph after each commit since the last checkpoint.
    pub models: Vec<Model>,
}

impl Writing {
    /// A new store: some nodes and edges, in a checkpoint.
    pub fn new(size: PageSize, limit: u64) -> Writing {
        let store = MemoryStore::new(Vec::new());
        let device = MemoryDevice::open(&store, &OpenOptions::create(size)).expect("a new store");
        let db = options(size).log_limit(limit).create_device(Arc::new(device)).expect("a new store");
        let mut this = Writing { size, store, db, models: vec![Model::default()] };
        this.commit(Durability::Checkpoint, |c| {
            for n in 0..10 {
                c.node("person", format!("p{n}"), props! { "born" => 1800 + n });
                c.edge(NodeId(n as u64), "knows", NodeId(0), props! {});
            }
        });
        this.models.drain(..1);
        this
    }

    /// A killed store, opened again: all of its commits are in a checkpoint.
    pub fn reopen(logged: &Logged, limit: u64) -> Writing {
        let store = MemoryStore::new(logged.image.clone());
        let db = open(&store, &options(logged.size).log_limit(limit)).expect("a store that was killed");
        Writing { size: logged.size, store, db, models: logged.models.last().cloned().into_iter().collect() }
    }

    fn submit(
        &mut self,
        how: Durability,
        fill: impl FnOnce(&mut Change<'_>),
    ) -> Result<foliograph::Commit, foliograph::CommitError> {
        let mut model = self.models.last().expect("there is always one").clone();
        let mut tx = self.db.begin_write().expect("nobody else writes");
        tx.set_durability(how);
        let mut change = Change { tx, model: &mut model };
        fill(&mut change);
        let commit = change.tx.submit();
        self.models.push(model);
        commit
    }

    pub fn commit(&mut self, how: Durability, fill: impl FnOnce(&mut Change<'_>)) {
        self.submit(how, fill).and_then(foliograph::Commit::wait).expect("memory does not fail");
    }

    /// So many steps of the story, each a commit, in one group.
    pub fn group(&mut self, steps: impl IntoIterator<Item = Step>) {
        let commits: Vec<_> =
            steps.into_iter().map(|step| self.submit(Durability::Full, |c| step.make(c))).collect();
        for commit in commits {
            commit.and_then(foliograph::Commit::wait).expect("memory does not fail");
        }
    }

    /// A checkpoint beside what goes on; the log keeps its extents.
    pub fn checkpoint(&mut self) {
        if let Some(checkpoint) = self.db.begin_checkpoint().expect("memory does not fail") {
            checkpoint.finish().expect("memory does not fail");
            let last = self.models.len() - 1;
            self.models.drain(..last);
        }
    }

    /// The store as it is now, and all that can be known of its log.
    pub fn image(&self) -> Logged {
        Logged::new(self.size, self.store.image(), self.models.clone())
    }
}

/// A change that is a commit.
#[derive(Copy, Clone, Debug)]
pub enum Step {
    /// One of a row of small changes of every sort.
    Small(u64),
    /// A record of about so many bytes.
    Long(usize),
}

impl Step {
    fn make(self, c: &mut Change<'_>) {
        let n = match self {
            Step::Long(bytes) => {
                let text: String = (0..bytes).map(|i| char::from(b'a' + (i * i / 7 % 26) as u8)).collect();
                return c.set(NodeId(3), "story", text);
            }
            Step::Small(n) => n,
        };
        let person = NodeId(n % 7);
        match n % 7 {
            0 => {
                let new = c.node("person", format!("new{n}"), props! { "born" => n as i64, "ok" => true });
                c.edge(new, "knows", person, props! { "since" => n as i64 });
            }
            1 => c.set(person, "letter", "dear me ".repeat(n as usize * 3)),
            2 => drop(c.edge(person, &format!("type {n}"), NodeId(1), props! { "half" => 0.5 })),
            3 => {
                let first = c.model.edges.keys().next().expect("there are edges").clone();
                c.delete_edge(&first);
            }
            4 => {
                let dot = c.plain(&format!("label {n}"));
                c.edge(dot, "knows", dot, props! {});
            }
            5 => {
                let last = c.model.edges.keys().next_back().expect("there are edges").clone();
                c.set_edge(&last, "weight", n as f64);
            }
            _ => {
                let gone = *c.model.nodes.keys().next_back().expect("there are nodes");
                c.delete(NodeId(gone));
            }
        }
    }
}

/// The image of a killed store, and what its log is.
#[derive(Clone)]
pub struct Logged {
    pub size: PageSize,
    pub image: Vec<u8>,
    /// The graph after so many commits of the log.
    pub models: Vec<Model>,
    pub meta: Meta,
    pub groups: Vec<Group>,
    /// The number of each group's first block in the chain, and that of the block behind the last group.
    pub at: Vec<usize>,
    /// Where each block of the chain is in the file.
    pub blocks: Vec<usize>,
    pub end: LogStart,
}

impl Logged {
    pub fn new(size: PageSize, image: Vec<u8>, models: Vec<Model>) -> Logged {
        let page = size.bytes();
        let copy = |n: usize| Meta::decode(PageId::new(n as u64), &image[n * page..][..page]);
        let meta = (1..5).filter_map(copy).max_by_key(|meta| meta.generation).expect("a whole store");
        let device = MemoryDevice::from_image(image.clone(), Some(size)).expect("a whole store");
        let mut reader = LogReader::new(&device, &meta.uuid, meta.log.clone());
        let mut groups = Vec::new();
        let mut at = vec![meta.log.block as usize];
        while let Some(group) = reader.next().expect("a whole log") {
            at.push(at[at.len() - 1] + group.blocks as usize);
            groups.push(group);
        }
        let blocks = reader.chain().iter().flat_map(|extent| blocks_of(*extent, page)).collect();
        let end = reader.end();
        let logged = Logged { size, image, models, meta, groups, at, blocks, end };
        assert_eq!(
            logged.models.len(),
            logged.commits_before(logged.groups.len()) + 1,
            "a graph for each commit"
        );
        logged
    }

    pub fn page(&self) -> usize {
        self.size.bytes()
    }

    /// Commits in the first so many groups.
    pub fn commits_before(&self, groups: usize) -> usize {
        self.groups[..groups].iter().map(|group| group.records.len()).sum()
    }

    pub fn uuid(&self) -> [u8; 16] {
        Superblock::decode(&self.image[..self.page()]).expect("a whole store").uuid
    }

    /// Where the part of the log that is in use lies: the offsets of its blocks in the file.
    pub fn used(&self) -> &[usize] {
        &self.blocks[self.at[0]..self.at[self.groups.len()]]
    }

    /// Bytes of a group that its checks cover: header, links and records.
    pub fn covered(&self, group: usize) -> usize {
        let group = &self.groups[group];
        96 + group.links.len() * 12 + group.records.iter().map(|record| 4 + record.len()).sum::<usize>()
    }

    /// How many commits of the log an opened store has.
    pub fn prefix(&self, db: &Database) -> usize {
        let snapshot = db.begin_read().expect("an open store");
        let commits = snapshot.version().checked_sub(self.meta.lsn).expect("the root's version is there");
        let model = self.models.get(commits as usize).expect("no commit that was never made");
        if let Err(wrong) = model.compare(&snapshot) {
            panic!("a wrong answer after {commits} commits: {wrong}");
        }
        commits as usize
    }

    /// A store that was refused is as it was. Only what could not be replayed may have been replayed in part, onto pages
    /// that are free: a long value goes to its pages at once.
    pub fn unchanged(&self, bytes: &[u8], before: &[u8], error: &OpenError) {
        if bytes == before {
            return;
        }
        let replays = format!("{error}");
        assert!(replays.contains("operation ") || replays.contains("the record "), "written to: {error}");
        let same = |page: usize| {
            let page = page * self.page()..(page + 1) * self.page();
            bytes.get(page.clone()) == before.get(page)
        };
        let log = self.blocks.iter().map(|at| at / self.page());
        assert!(self.in_use().into_iter().chain(log).all(same), "a page in use was written to: {error}");
    }

    /// The pages that the root below the log has in use.
    fn in_use(&self) -> Vec<usize> {
        let mut image = self.image.clone();
        super::frame::change_root(self, &mut image, |record| record[super::frame::root::EXTENTS] = 0);
        let db = open(&MemoryStore::new(image), &options(self.size).read_only(true)).expect("without a log");
        let pages = db.pages().expect("a whole store");
        pages.iter().map(|page| page.id.get() as usize).collect()
    }

    /// What a refusal says. One that is about no damage, or does not say where and what to do, is a panic.
    pub fn refused(error: &OpenError) -> Outcome {
        assert!(error.is_damage() && error.hint().is_some(), "no damage, or no hint: {error}");
        match error {
            OpenError::Pager(pager::OpenError::Log(LogError::Damaged { group, page, what })) => {
                let words = error.to_string();
                assert!(words.contains(&format!("group {group}")) && words.contains(&format!("page {page}")));
                Outcome::Damage { group: *group, page: page.get(), what: what.to_string() }
            }
            OpenError::Pager(
                pager::OpenError::Page(PageError::Damage { kind: PageKind::Meta, .. })
                | pager::OpenError::DamagedRoot { .. },
            ) => Outcome::Root,
            OpenError::Pager(pager::OpenError::ShortFile { .. }) => Outcome::Short,
            other => panic!("not about the log: {other}"),
        }
    }

    /// A store that opened with so many commits works on: it is written, closed, opened and checked.
    pub fn works_on(&self, store: &MemoryStore, commits: usize) {
        let (model, more) = self.models[commits].with_more();
        for options in [options(self.size), options(self.size).read_only(true)] {
            let device = MemoryDevice::open(store, &OpenOptions::open()).expect("nobody has it open");
            let db = options.open_device(Arc::new(device)).expect("it opened before");
            if !db.pager().is_read_only() {
                let mut tx = db.begin_write().expect("nobody else writes");
                more.apply(&mut tx).expect("a change like any other");
                tx.commit().expect("memory does not fail");
            }
            model.compare(&db.begin_read().expect("an open store")).expect("all that was committed");
            assert_eq!(db.check().expect("memory does not fail").findings, []);
            db.close().expect("memory does not fail");
        }
    }
}

/// Where the blocks of an extent are in the file.
pub fn blocks_of(extent: Extent, page: usize) -> impl Iterator<Item = usize> {
    let first = extent.first.get() as usize * page;
    (0..extent.pages as usize * page / BLOCK).map(move |block| first + block * BLOCK)
}

/// One store that is damaged again and again. A failure in judging is a panic.
pub struct Trial<'l> {
    pub logged: &'l Logged,
    pub store: MemoryStore,
    /// What the store is made of before it is opened.
    damaged: Vec<u8>,
}

impl<'l> Trial<'l> {
    pub fn new(logged: &'l Logged) -> Trial<'l> {
        Trial { logged, store: MemoryStore::new(logged.image.clone()), damaged: logged.image.clone() }
    }

    /// Flips bits of one byte, opens, and puts all back.
    pub fn flip(&mut self, at: usize, mask: u8) -> Outcome {
        self.damaged[at] ^= mask;
        self.store.tamper(|bytes| bytes[at] ^= mask);
        let outcome = self.judge();
        self.damaged[at] ^= mask;
        match outcome {
            Outcome::Prefix(_) => self.store.tamper(|bytes| bytes.clone_from(&self.damaged)),
            _ => self.store.tamper(|bytes| bytes[at] ^= mask),
        }
        outcome
    }

    /// Opens the store with this damage.
    pub fn with(&mut self, damage: impl Fn(&mut Vec<u8>)) -> Outcome {
        self.damage(&damage);
        let outcome = self.judge();
        self.damaged.clone_from(&self.logged.image);
        outcome
    }

    /// The same, as one who takes a damaged log for its end: how many commits there are.
    pub fn tolerant(&mut self, damage: impl Fn(&mut Vec<u8>)) -> usize {
        self.damage(&damage);
        let options = options(self.logged.size).tolerate_log(true);
        let db = open(&self.store, &options).expect("a log may be damaged");
        let commits = self.logged.prefix(&db);
        drop(db);
        self.logged.works_on(&self.store, commits);
        self.damaged.clone_from(&self.logged.image);
        commits
    }

    fn damage(&mut self, damage: &impl Fn(&mut Vec<u8>)) {
        damage(&mut self.damaged);
        self.store.tamper(|bytes| bytes.clone_from(&self.damaged));
    }

    fn judge(&self) -> Outcome {
        match open(&self.store, &options(self.logged.size)) {
            Ok(db) => Outcome::Prefix(self.logged.prefix(&db)),
            Err(error) => {
                self.store.tamper(|bytes| self.logged.unchanged(bytes, &self.damaged, &error));
                Logged::refused(&error)
            }
        }
    }
}

/// What opening a damaged store came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It opened with the first so many commits of the log.
    Prefix(usize),
    /// The log is damaged.
    Damage { group: u64, page: u64, what: String },
    /// The file is too short for its root record.
    Short,
    /// The root record is none.
    Root,
}

/// About twenty commits in eight groups, all in the first extent; records smaller than a block and longer than a page.
pub fn small(size: PageSize) -> Logged {
    let mut writing = Writing::new(size, LIMIT);
    let mut step = 0;
    for commits in [1, 3, 2, 1, 5, 1, 4, 3] {
        writing.group((step..step + commits).map(Step::Small));
        step += commits;
        if step == 7 {
            writing.group([Step::Long(size.bytes() * 5 / 4)]);
        }
    }
    let logged = writing.image();
    assert!(logged.groups.iter().all(|group| group.links.is_empty()) && logged.groups.len() == 9);
    logged
}

/// A log over several extents that are linked one after the other, with records longer than an extent.
pub fn long(size: PageSize) -> Logged {
    let mut writing = Writing::new(size, LIMIT);
    writing.group([Step::Long(EXTENT_BYTES + 9000)]);
    writing.group((0..3).map(Step::Small));
    writing.group([Step::Small(3), Step::Long(180_000), Step::Small(4)]);
    for step in 5..15 {
        writing.group([Step::Small(step)]);
    }
    writing.group([Step::Small(15), Step::Long(EXTENT_BYTES + 3), Step::Small(16)]);
    writing.group((17..20).map(Step::Small));
    let logged = writing.image();
    let links: usize = logged.groups.iter().map(|group| group.links.len()).sum();
    assert!(links >= 2, "{links} links");
    let longest = logged.groups.iter().flat_map(|group| &group.records).map(Vec::len).max();
    assert!(longest > Some(EXTENT_BYTES), "{longest:?}");
    logged
}
