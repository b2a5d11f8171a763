//! A store without trees, for stories of the pager and its log: the state of a version is a list of words, a record is
//! one word (and spaces behind it, where a story wants it long), and a checkpoint writes all words into one page.
//!
//! Must always be true: word n comes with version n, so what a store holds says which version it is; everything happens
//! on one thread, on a simulated disk, and a story told again writes the same bytes.

use super::hooked::Hooked;
use super::said;
use foliograph::storage_core::device::sim::{Image, SimDevice};
use foliograph::storage_core::page::{HEADER_LEN, PageImage, PageKind, PageSize, Written};
use foliograph::storage_core::pager::{
    BLOCK, Commit, FIXED_PAGES, Group, Inspector, LogReader, Meta, Pager, PagerOptions, ReadPages,
    Transaction,
};
use std::collections::BTreeSet;
use std::sync::Arc;

pub const SIZE: PageSize = PageSize::K4;

/// The log is as small as it may be: two extents of 64 blocks.
pub fn pager_options() -> PagerOptions {
    PagerOptions { log_bytes: Some(0), uuid: Some(*b"the same, always"), ..PagerOptions::default() }
}

/// An open store.
pub struct Words {
    pub disk: Arc<SimDevice>,
    /// The device that the pager has: the disk, with a hook.
    pub hooked: Arc<Hooked>,
    pub pager: Arc<Pager>,
}

/// The word that comes with a version.
pub fn word(version: u64) -> String {
    format!("w{version}")
}

impl Words {
    /// A new store.
    pub fn create() -> Words {
        let disk = Arc::new(SimDevice::new(SIZE, 1));
        let hooked = Hooked::new(&disk);
        let pager = Pager::create(hooked.clone(), &pager_options()).expect("a new store");
        Words { disk, hooked, pager }
    }

    /// Opens what a crash left, and replays its log.
    pub fn open(image: Image) -> Result<Words, String> {
        Self::open_with(image, &pager_options())
    }

    /// The same with other options.
    pub fn open_with(image: Image, options: &PagerOptions) -> Result<Words, String> {
        let disk = Arc::new(SimDevice::from_image(image).map_err(said)?);
        let hooked = Hooked::new(&disk);
        let pager = Pager::open(hooked.clone(), options).map_err(|e| format!("it does not open: {e}"))?;
        let store = Words { disk, hooked, pager };
        store.replay()?;
        Ok(store)
    }

    fn replay(&self) -> Result<(), String> {
        let Some(what) = self.pager.unreplayed() else { return Ok(()) };
        let mut tx = self.pager.begin_replay(&what).map_err(said)?;
        let mut words = from_root(&tx, tx.root())?;
        let mut groups = self.pager.unreplayed_groups(&what);
        while let Some(group) = groups.next().map_err(said)? {
            for record in group.records {
                words.push(String::from_utf8(record).map_err(said)?.trim_end().to_owned());
            }
        }
        let root = write(&mut tx, &words)?;
        tx.commit_with(root, Some(Arc::new(words))).map_err(|e| format!("replay: {e}"))?;
        Ok(())
    }

    /// What new readers see.
    pub fn words(&self) -> Result<Vec<String>, String> {
        let snapshot = self.pager.begin_read();
        match snapshot.state::<Vec<String>>() {
            Some(words) => Ok(words.clone()),
            None => from_root(&snapshot, snapshot.root()),
        }
    }

    /// A transaction on a version that stands on the newest root, and the words of that version.
    pub fn begin(&self) -> Result<(Transaction, Vec<String>), String> {
        let mut tx = self.pager.begin_write().map_err(said)?;
        let words = match tx.base().state::<Vec<String>>() {
            Some(words) => words.clone(),
            None => from_root(&tx, tx.root())?,
        };
        if let Some(flushed) = tx.flushed() {
            tx.rebase(&flushed, Arc::new(words.clone()));
        }
        Ok((tx, words))
    }

    /// Queues the next word, in a record of at least so many bytes. `None`: there was no room in the log.
    pub fn submit(&self, bytes: usize, waits: bool) -> Result<Option<Commit>, String> {
        let (mut tx, mut words) = self.begin()?;
        let word = word(tx.version());
        let mut record = word.clone().into_bytes();
        record.resize(bytes.max(record.len()), b' ');
        words.push(word);
        let Some(room) = tx.reserve(record.len(), 8).map_err(said)? else { return Ok(None) };
        let commit = tx.commit_logged(room, record, Arc::new(words), waits).map_err(said)?;
        Ok(Some(commit))
    }

    /// Commits the next word through the log, and waits. Returns the version.
    pub fn commit(&self) -> Result<u64, String> {
        self.submit(0, true)?.ok_or("there is no room in the log")?.wait().map_err(said)
    }

    /// As [`Words::commit`], with a record of at least so many bytes.
    pub fn commit_of(&self, bytes: usize) -> Result<(), String> {
        self.submit(bytes, true)?.ok_or("there is no room in the log")?.wait().map_err(said)?;
        Ok(())
    }

    /// Commits the next word by checkpoint. Returns the version.
    pub fn commit_by_checkpoint(&self) -> Result<u64, String> {
        let (mut tx, mut words) = self.begin()?;
        words.push(word(tx.version()));
        let root = write(&mut tx, &words)?;
        tx.commit_with(root, Some(Arc::new(words))).map_err(said)
    }

    /// Begins a checkpoint beside the writer; the last one is taken in first.
    pub fn begin_checkpoint(&self) -> Result<Option<Transaction>, String> {
        drop(self.begin()?);
        self.pager.begin_checkpoint().map_err(said)
    }

    /// A whole checkpoint, of which the newest version takes in what it flushed.
    pub fn checkpoint(&self) -> Result<(), String> {
        if let Some(tx) = self.begin_checkpoint()? {
            finish(tx)?;
        }
        drop(self.begin()?);
        Ok(())
    }

    /// The durable map of the newest version says exactly what is reachable (A1).
    pub fn whole(&self) -> Result<(), String> {
        let snapshot = self.pager.begin_read();
        let map = self.pager.check_map(&snapshot).map_err(said)?;
        let mut reachable: BTreeSet<u64> = (0..FIXED_PAGES).collect();
        reachable.extend(snapshot.root().map(|at| at.page().get()));
        reachable.extend(map.map_pages.iter().map(|page| page.id().get()));
        let used: BTreeSet<u64> = (0..).zip(&map.used).filter(|(_, used)| **used).map(|(n, _)| n).collect();
        if used == reachable {
            return Ok(());
        }
        let (more, fewer) = (used.difference(&reachable), reachable.difference(&used));
        Err(format!(
            "the map marks {:?} for nobody, and {:?} are reachable and not marked",
            more.collect::<Vec<_>>(),
            fewer.collect::<Vec<_>>()
        ))
    }

    /// Every page is free, in the durable map, or in the log: nothing leaks (R8). Only while nobody holds a version, and
    /// the last checkpoint was taken in.
    pub fn no_leak(&self) -> Result<(), String> {
        let stats = self.pager.stats();
        let log: u64 = self.pager.log_extents().iter().map(|extent| u64::from(extent.pages)).sum();
        let known = stats.free_pages + stats.meta.used_count + log;
        if known == stats.page_count && stats.quarantined_pages == 0 {
            return Ok(());
        }
        Err(format!("of {} pages {known} are accounted for ({log} by the log)", stats.page_count))
    }

    /// The process is killed and the power goes: only what was durable is there.
    pub fn crash(self) -> Image {
        // What the pager does while it is dropped nobody sees.
        self.durable()
    }

    /// What is there whatever happens.
    pub fn durable(&self) -> Image {
        self.disk.pending().durable().clone()
    }
}

/// The root record that a disk would be opened with.
pub fn root_record(image: &Image) -> Meta {
    let disk = Arc::new(SimDevice::from_image(image.clone()).expect("a store"));
    Inspector::new(disk).meta().expect("a root record").clone()
}

/// The groups of the log that its root names, as far as they can be read.
pub fn groups(image: &Image) -> Vec<Group> {
    let disk = SimDevice::from_image(image.clone()).expect("a store");
    let meta = root_record(image);
    let mut reader = LogReader::new(&disk, &meta.uuid, meta.log);
    std::iter::from_fn(|| reader.next().ok().flatten()).collect()
}

/// Damages the header of a group.
pub fn damage(image: &Image, group: &Group) -> Image {
    let mut damaged = image.clone();
    damaged.flip(group.page, group.block as usize * BLOCK + 20, 0x10);
    damaged
}

/// Writes what a checkpoint beside the writer holds.
pub fn finish(mut tx: Transaction) -> Result<(), String> {
    let words = tx.base().state::<Vec<String>>().ok_or("a version without words")?.clone();
    let root = write(&mut tx, &words)?;
    tx.commit_with(root, Some(Arc::new(words))).map_err(said)?;
    Ok(())
}

fn from_root(reader: &impl ReadPages, root: Option<Written>) -> Result<Vec<String>, String> {
    let Some(root) = root else { return Ok(Vec::new()) };
    let page = reader.page(root, PageKind::Record).map_err(said)?;
    let text = String::from_utf8(page[HEADER_LEN..page.used()].to_vec()).map_err(said)?;
    Ok(text.split(' ').map(str::to_owned).collect())
}

/// Writes all words into one page, in place of the base's.
pub fn write(tx: &mut Transaction, words: &[String]) -> Result<Option<Written>, String> {
    if let Some(old) = tx.root() {
        tx.free(old);
    }
    let text = words.join(" ");
    let mut image = PageImage::new(SIZE, PageKind::Record, 0);
    image.bytes_mut()[HEADER_LEN..HEADER_LEN + text.len()].copy_from_slice(text.as_bytes());
    image.set_used(HEADER_LEN + text.len());
    Ok(Some(tx.write(vec![image]).map_err(said)?[0]))
}
