//! [`OrderWatch`]: goes through what a recorded device saw, and says where the order of writes broke a rule (I1, I2,
//! A2).
//!
//! Must always be true: it believes nothing but the record. A page is what was last written to its place; it is durable
//! when a sync began after its write had ended; the durable root is the last root record that was written.
//!
//! It is not: a check of contents. Which pages a page names is the business of whoever made it, so that is a function.
//! Failed calls are left out: a history with faults is for the simulated device's crash states.

use crate::device::recorded::{Call, Record, RecordedBlock};
use crate::page::{PageBuf, PageCount, PageHeader, PageId};
use crate::pager::{FIXED_PAGES, Meta, Page, PageError};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A rule that a history broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Breach {
    /// I1: `page` was written, and names `names`, which was not written before it.
    NamedFirst {
        /// The page that names; page 1 to 4 for a root record.
        page: PageId,
        /// The page that was not there.
        names: PageId,
    },
    /// I2: a root record was written that reaches `page`, which was not synced yet.
    NotDurable {
        /// Of the root record.
        generation: u64,
        /// The page that a power cut could have taken.
        page: PageId,
    },
    /// A2: `page` was written, or cut off, while the durable root reached it.
    LivePage {
        /// Of the durable root.
        generation: u64,
        /// The page that was lost.
        page: PageId,
    },
    /// What was written is no page, or does not say what it names.
    Unreadable {
        /// Where.
        page: PageId,
        /// Why.
        what: String,
    },
}

/// How much a watch has compared: a history that names nothing proves nothing.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Pages written.
    pub pages: u64,
    /// Root records written, counting each copy.
    pub roots: u64,
    /// References in pages when they were written.
    pub names: u64,
    /// Pages found to be durable below a root record, summed over the records.
    pub durable: u64,
}

/// The pages that a page names.
pub type References<'a> = &'a dyn Fn(&Page) -> Result<Vec<PageId>, PageError>;

/// What is kept of a page: which pages it names, and when it was written.
#[derive(Debug)]
struct Life {
    names: Vec<PageId>,
    written: u64,
}

/// See the module.
pub struct OrderWatch<'a> {
    references: References<'a>,
    pages: HashMap<PageId, Life>,
    /// Counts changing calls.
    step: u64,
    /// What was written up to this step is durable.
    synced: u64,
    /// The durable root: its generation, its two roots, and all it reaches.
    root: (u64, [Option<PageId>; 2]),
    live: HashSet<PageId>,
    last_ended: u64,
    breaches: Vec<Breach>,
    seen: Seen,
}

/// More breaches than this tell nobody anything new.
const MOST_BREACHES: usize = 1000;

impl<'a> OrderWatch<'a> {
    /// A watch over a device that is still empty.
    pub fn new(references: References<'a>) -> Self {
        OrderWatch {
            references,
            pages: HashMap::new(),
            step: 0,
            synced: 0,
            root: (0, [None, None]),
            live: HashSet::new(),
            last_ended: 0,
            breaches: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Goes through records, in the order in which [`RecordedDevice::take`] gives them.
    ///
    /// [`RecordedDevice::take`]: crate::device::recorded::RecordedDevice::take
    ///
    /// # Panics
    /// If two changing calls overlap in time: there is one writer (V4).
    pub fn see(&mut self, records: &[Record]) {
        for record in records.iter().filter(|r| r.ok) {
            let changes = match &record.call {
                Call::Write(pages) => {
                    self.wrote(pages);
                    true
                }
                Call::WriteDurable(blocks) => {
                    blocks.iter().for_each(|block| self.wrote_durably(block));
                    true
                }
                Call::Sync => {
                    self.synced = self.step;
                    true
                }
                Call::Shrink(count) => {
                    self.cut(*count);
                    true
                }
                _ => false,
            };
            if changes {
                assert!(record.began >= self.last_ended, "two writers at once: {record:?}");
                self.last_ended = record.ended;
            }
        }
    }

    /// The device was closed and opened again, with a clock that began anew; opening makes durable what is there.
    pub fn reopened(&mut self) {
        self.synced = self.step;
        self.last_ended = 0;
    }

    /// What was broken so far.
    pub fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    /// How much was compared.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    fn breach(&mut self, breach: Breach) {
        if self.breaches.len() < MOST_BREACHES && !self.breaches.contains(&breach) {
            self.breaches.push(breach);
        }
    }

    fn wrote(&mut self, batch: &[(PageId, Arc<[u8]>)]) {
        self.step += 1;
        let mut lives = Vec::with_capacity(batch.len());
        for (page, bytes) in batch {
            self.seen.pages += 1;
            if self.live.contains(page) {
                self.breach(Breach::LivePage { generation: self.root.0, page: *page });
            }
            let names = self.names_of(*page, bytes).unwrap_or_else(|what| {
                self.breach(Breach::Unreadable { page: *page, what });
                Vec::new()
            });
            self.seen.names += names.len() as u64;
            // Pages of the same batch do not count: a batch has no order within.
            for name in
                names.iter().filter(|name| !self.pages.contains_key(*name)).copied().collect::<Vec<_>>()
            {
                self.breach(Breach::NamedFirst { page: *page, names: name });
            }
            lives.push((*page, Life { names, written: self.step }));
        }
        self.pages.extend(lives);
    }

    fn names_of(&self, page: PageId, bytes: &[u8]) -> Result<Vec<PageId>, String> {
        let header = PageHeader::decode(bytes)?;
        if header.page != page {
            return Err(format!("it says that it is page {}", header.page));
        }
        let mut buf = PageBuf::zeroed(bytes.len());
        buf.copy_from_slice(bytes);
        (self.references)(&Page::owned(header, buf)).map_err(|e| e.to_string())
    }

    /// A root record makes reachable what it reaches: all of it must be there, in order, and durable.
    fn wrote_durably(&mut self, block: &RecordedBlock) {
        self.step += 1;
        if block.page.get() == 0 || block.page.get() >= FIXED_PAGES || block.offset != 0 {
            return;
        }
        let Some(meta) = Meta::decode(block.page, &block.data) else {
            self.breach(Breach::Unreadable { page: block.page, what: "no valid root record".to_owned() });
            return;
        };
        self.seen.roots += 1;
        let root = (meta.generation, [meta.root, meta.map_root].map(|at| at.map(|at| at.page())));
        if root != self.root {
            self.live = self.walk(block.page, root.0, root.1);
            self.root = root;
        }
    }

    fn walk(&mut self, record: PageId, generation: u64, roots: [Option<PageId>; 2]) -> HashSet<PageId> {
        let mut reached = HashSet::new();
        let mut open: Vec<(PageId, u64, PageId)> =
            roots.into_iter().flatten().map(|root| (record, self.step, root)).collect();
        while let Some((parent, parent_written, page)) = open.pop() {
            let (written, names) = match self.pages.get(&page) {
                Some(life) => (life.written, life.names.clone()),
                None => (u64::MAX, Vec::new()),
            };
            if written >= parent_written {
                self.breach(Breach::NamedFirst { page: parent, names: page });
            }
            if written > self.synced {
                self.breach(Breach::NotDurable { generation, page });
            }
            if reached.insert(page) {
                self.seen.durable += 1;
                open.extend(names.into_iter().map(|name| (page, written, name)));
            }
        }
        reached
    }

    fn cut(&mut self, count: PageCount) {
        self.step += 1;
        for page in self.live.iter().copied().filter(|page| !count.contains(*page)).collect::<Vec<_>>() {
            self.breach(Breach::LivePage { generation: self.root.0, page });
        }
        self.pages.retain(|page, _| count.contains(*page));
    }
}

impl std::fmt::Debug for OrderWatch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OrderWatch({:?}, {} breaches)", self.seen, self.breaches.len())
    }
}
