//! The damaged store: its root, and its pages one by one.
//!
//! Must always be true: it is only read. A page that the device cannot read is as lost as one whose checksum does not
//! hold, and reported with the device's words; only a device that is gone ends the saving.

use super::{SalvageError, SalvageOptions, SalvageReport};
use std::sync::Arc;
use storage_core::device::{DeviceErrorKind, PageDevice};
use storage_core::page::{PageCount, PageId, PageKind, PageRun, PageSize, Written};
use storage_core::pager::{
    FIXED_PAGES, FORMAT_VERSION, Inspected, Inspector, Meta, OpenError, Page, PageError,
};

/// A store that may be damaged.
pub(super) struct Source {
    pub inspector: Inspector,
    /// The root that is started from.
    pub meta: Meta,
    /// Pages that a tree has named, readable or not: a bit each.
    seen: Vec<u64>,
}

/// Of the root records that are left, the one to start from.
///
/// The log is not looked at: commits that stand only in it, above the newest root, are not saved. Whoever replays it does
/// it here: over a device that keeps changes in memory, and then starts from the root that this makes.
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
        let inspector = Inspector::new(device);
        let meta = roots_to_start_from(&inspector, options, report)?;
        check_format(&meta)?;
        report.version = meta.lsn;
        note_fixed_pages(&inspector, report);
        let pages = inspector.device().page_count().get();
        if pages < meta.page_count {
            let cut = meta.page_count - pages;
            report
                .notes
                .push(format!("the file is cut short: {cut} of {} pages are missing", meta.page_count));
        }
        let words = usize::try_from(pages.div_ceil(64)).unwrap_or(usize::MAX);
        Ok(Source { inspector, meta, seen: vec![0; words] })
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
