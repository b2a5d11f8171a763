//! The damaged store: its root, and its pages one by one.
//!
//! Must always be true: it is only read. A page that the device cannot read is as lost as one whose checksum does not
//! hold, and reported with the device's words; only a device that is gone ends the saving.

use super::{SalvageError, SalvageOptions, SalvageReport};
use crate::database::Database;
use crate::options::Options;
use std::sync::Arc;
use storage_core::device::overlay::OverlayDevice;
use storage_core::device::{DeviceErrorKind, PageDevice};
use storage_core::page::{PageCount, PageId, PageKind, PageRun, PageSize, Written};
use storage_core::pager::{
    FIXED_PAGES, FORMAT_VERSION, Inspected, Inspector, LogError, LogReader, Meta, OpenError, Page, PageError,
    write_roots,
};

/// A store that may be damaged.
pub(super) struct Source {
    pub inspector: Inspector,
    /// The root that is started from.
    pub meta: Meta,
    /// Pages that a tree has named, readable or not: a bit each.
    seen: Vec<u64>,
    /// The log holds commits that could not be replayed.
    pub log_is_left: bool,
    /// Keeps what was replayed in memory.
    _replayed: Option<Database>,
}

/// Of the root records that are left, the one to start from.
fn roots_to_start_from(
    inspector: &Inspector,
    options: &SalvageOptions,
    report: &mut SalvageReport,
) -> Result<Meta, SalvageError> {
    let roots = inspector.roots();
    let mut valid: Vec<&Meta> = roots.iter().flatten().collect();
    valid.sort_by_key(|meta| std::cmp::Reverse(meta.generation));
    match valid[..] {
        [] => Err(SalvageError::NoRoot),
        [only] => {
            let slot = if roots[0].is_none() { "A" } else { "B" };
            let version = only.lsn;
            report.notes.push(format!(
                "root record {slot} is damaged in both copies: started from the other one, of version {version}"
            ));
            Ok(only.clone())
        }
        [newest, older, ..] => Ok(if options.older_root { older.clone() } else { newest.clone() }),
    }
}

/// The store with the commits that stand only in its log, replayed in memory, and the root that these make. `Ok(None)` if
/// there are none, an error if that is not possible; the report says so.
fn with_log(
    device: &Arc<dyn PageDevice>,
    meta: &Meta,
    report: &mut SalvageReport,
) -> Result<Option<(Database, Meta)>, crate::OpenError> {
    let (commits, damage) = commits_in_log(device.as_ref(), meta);
    if let Some(e) = damage {
        report.notes.push(format!("{e}; what was committed from there on is lost"));
    }
    if commits == 0 {
        return Ok(None);
    }
    let overlay: Arc<dyn PageDevice> = Arc::new(OverlayDevice::lent(device.clone()));
    // Where the other record is lost, nothing can be opened; in memory it becomes the same as this one.
    let opened = write_roots(overlay.as_ref(), meta)
        .map_err(crate::OpenError::from)
        .and_then(|()| Options::new().background(false).tolerate_log(true).open_device(overlay));
    let db = opened.inspect_err(|e| {
        let done = format!("{commits} commits of the log were done on what was saved");
        report.notes.push(format!("{done}, for they cannot be replayed: {e}"));
    })?;
    let newer = db.pager().durable_meta();
    let saved = newer.lsn.saturating_sub(meta.lsn);
    report.notes.push(format!("{saved} commits were saved out of the log"));
    if saved < commits {
        report
            .notes
            .push(format!("{} commits of the log do not follow on them, and are lost", commits - saved));
    }
    Ok(Some((db, newer)))
}

/// How many commits the log holds beyond a root, and what is wrong with it.
fn commits_in_log(device: &dyn PageDevice, meta: &Meta) -> (u64, Option<LogError>) {
    let mut reader = LogReader::new(device, &meta.uuid, meta.log.clone());
    let mut commits = 0;
    loop {
        match reader.next() {
            Ok(Some(group)) => commits += group.records.len() as u64,
            Ok(None) => return (commits, None),
            Err(e) => return (commits, Some(e)),
        }
    }
}

/// A newer format is not guessed at.
fn check_format(meta: &Meta) -> Result<(), SalvageError> {
    if meta.format > FORMAT_VERSION {
        let newer = OpenError::NewerFormat { found: meta.format, known: FORMAT_VERSION };
        return Err(SalvageError::Format(newer));
    }
    match meta.features[2] {
        0 => Ok(()),
        flags => Err(SalvageError::Format(OpenError::UnknownFeatures { flags })),
    }
}

/// Lists the fixed pages that are damaged; each has a twin, or can be done without.
fn note_fixed_pages(inspector: &Inspector, report: &mut SalvageReport) {
    for page in (0..FIXED_PAGES).map(PageId::new) {
        let (owner, what) = match inspector.page(page) {
            Ok(Inspected::Superblock(None)) => ("superblock", "it is not valid".to_owned()),
            Ok(Inspected::Meta(None)) => ("root record", "this copy is not valid".to_owned()),
            Ok(_) => continue,
            Err(e) => ("fixed page", e.to_string()),
        };
        report.unreadable(page, owner, what);
    }
}

impl Source {
    pub fn open(
        device: Arc<dyn PageDevice>,
        options: &SalvageOptions,
        report: &mut SalvageReport,
    ) -> Result<Source, SalvageError> {
        let mut inspector = Inspector::new(device.clone());
        let mut meta = roots_to_start_from(&inspector, options, report)?;
        check_format(&meta)?;
        note_fixed_pages(&inspector, report);
        let pages = inspector.device().page_count().get();
        if pages < meta.page_count {
            let cut = meta.page_count - pages;
            report
                .notes
                .push(format!("the file is cut short: {cut} of {} pages are missing", meta.page_count));
        }
        // The older root was asked for: what came after it is not.
        let replayed = if options.older_root { Ok(None) } else { with_log(&device, &meta, report) };
        let log_is_left = replayed.is_err();
        let replayed = replayed.ok().flatten().map(|(db, newer)| {
            inspector = Inspector::new(db.pager().device().clone());
            meta = newer;
            db
        });
        report.version = meta.lsn;
        let pages = inspector.device().page_count().get();
        let words = usize::try_from(pages.div_ceil(64)).unwrap_or(usize::MAX);
        Ok(Source { inspector, meta, seen: vec![0; words], log_is_left, _replayed: replayed })
    }

    pub fn page_size(&self) -> PageSize {
        self.inspector.device().info().page_size
    }

    pub fn page_count(&self) -> u64 {
        self.inspector.device().page_count().get()
    }

    /// The page that a reference names, or why it cannot be had.
    pub fn page(&self, at: Written, kinds: &[PageKind]) -> Result<Result<Page, String>, SalvageError> {
        match self.inspector.named(at, kinds) {
            Ok(page) => Ok(Ok(page)),
            Err(PageError::Damage { what, .. }) => Ok(Err(what.into_owned())),
            Err(PageError::Device(e)) if e.kind() == DeviceErrorKind::Closed => Err(SalvageError::Device(e)),
            Err(PageError::Device(e)) => Ok(Err(e.to_string())),
        }
    }

    /// Marks a page as named. False if it was already.
    pub fn see(&mut self, page: PageId) -> bool {
        let bit = 1 << (page.get() % 64);
        match self.seen.get_mut((page.get() / 64) as usize) {
            // Beyond the end: whoever reads it is told.
            None => true,
            Some(word) => {
                let new = *word & bit == 0;
                *word |= bit;
                new
            }
        }
    }

    pub fn was_seen(&self, page: PageId) -> bool {
        self.seen.get((page.get() / 64) as usize).is_some_and(|word| word & 1 << (page.get() % 64) != 0)
    }

    /// Says that these pages will be read soon.
    pub fn prefetch(&self, pages: impl Iterator<Item = Written>) {
        let runs: Vec<PageRun> =
            pages.map(|at| PageRun { start: at.page(), count: PageCount::new(1) }).collect();
        self.inspector.device().prefetch(&runs);
    }
}

/// What an error of decoding a page says of it.
pub(super) fn damage(error: PageError) -> (PageId, String) {
    match error {
        PageError::Damage { page, what, .. } => (page, what.into_owned()),
        PageError::Device(e) => (e.page().unwrap_or(PageId::new(0)), e.to_string()),
    }
}
