//! Looking at a store for `check`, `stats` and the page commands: what the durable map says, and whether superblock and
//! root records are whole. Reads only, and past the cache: what is on the device is what counts.

mod damaged;
mod log;

use super::map::{decode_region, region_pages};
use super::meta::{FIXED_PAGES, Meta, Slot};
use super::page::Page;
use super::recovery::read_map_index;
use super::superblock::Superblock;
use super::{PageError, Pager, Snapshot, allocator};
use crate::device::{DeviceError, PageDevice, PageDeviceExt};
use crate::page::{PageBuf, PageHeader, PageId, PageKind, checksum, checksum_seed};
use std::sync::Arc;

/// What the durable allocation map of the newest version says (I4).
#[derive(Debug)]
pub struct MapCheck {
    /// One entry a page of the file: in use according to the map.
    pub used: Vec<bool>,
    /// The map's own pages: they are in use, and no tree names them.
    pub map_pages: Vec<Page>,
}

/// The pages that a page of the map names; empty for every other kind, which the pager does not know.
///
/// # Errors
/// [`PageError::Damage`] if the page contradicts itself.
pub fn references(page: &Page) -> Result<Vec<PageId>, PageError> {
    if page.kind() != PageKind::MapIndex {
        return Ok(Vec::new());
    }
    let level = page[crate::page::HEADER_LEN];
    let entries = super::map::decode_index(page, level)?;
    Ok(entries.into_iter().filter_map(|e| e.at).map(|at| at.page()).collect())
}

impl Pager {
    /// Reads the durable map of a version. Its pages are freed by the next version, and like all such pages stay until
    /// the snapshot is dropped (A2).
    ///
    /// # Errors
    /// A page of the map cannot be read, or is damaged.
    pub fn check_map(&self, snapshot: &Snapshot) -> Result<MapCheck, PageError> {
        self.read_map(&snapshot.version.meta)
    }

    fn read_map(&self, meta: &Meta) -> Result<MapCheck, PageError> {
        let mut used = vec![false; usize::try_from(meta.page_count).unwrap_or(usize::MAX)];
        let (entries, index) = read_map_index(self, meta)?;
        if entries.is_empty() {
            used[..FIXED_PAGES as usize].fill(true);
        }
        let mut map_pages =
            index.iter().map(|at| self.load(*at, &[PageKind::MapIndex])).collect::<Result<Vec<_>, _>>()?;
        for (r, entry) in entries.iter().enumerate() {
            let Some(at) = entry.at else { continue };
            let page = self.load(at, &[PageKind::MapRegion])?;
            let bits = decode_region(&page, entry.used)?;
            let start = r as u64 * region_pages(self.page_size);
            for bit in allocator::ones(&bits) {
                let in_file = used.get_mut((start + bit) as usize);
                *in_file.ok_or_else(|| page.damage("a page beyond the end is marked in use"))? = true;
            }
            map_pages.push(page);
        }
        Ok(MapCheck { used, map_pages })
    }

    /// Findings in the superblock and the four meta pages. A store with one bad copy is whole, but no longer safe.
    /// No root record is written meanwhile.
    ///
    /// # Errors
    /// What the device fails with; damage is among the findings.
    pub fn check_fixed_pages(&self) -> Result<Vec<(PageId, PageKind, String)>, PageError> {
        let _whole = self.meta_writes.lock();
        let mut findings = Vec::new();
        let mut buf = PageBuf::zeroed(self.page_size.bytes());
        self.device.read_page(PageId::new(0), &mut buf)?;
        if Superblock::decode(&buf).is_none() {
            findings.push((PageId::new(0), PageKind::Superblock, "the superblock is damaged".to_owned()));
        }
        for slot in Slot::BOTH {
            let mut generations = Vec::new();
            for page in slot.pages() {
                self.device.read_page(page, &mut buf)?;
                let copy = Meta::decode(page, &buf).filter(|m| Slot::of(m.generation) == slot);
                match copy {
                    None => findings.push((
                        page,
                        PageKind::Meta,
                        "this copy of the root record is damaged".into(),
                    )),
                    Some(meta) => generations.push((meta.generation, page)),
                }
            }
            if let [(a, page_a), (b, page_b)] = generations[..]
                && a != b
            {
                let page = if a < b { page_a } else { page_b };
                findings.push((
                    page,
                    PageKind::Meta,
                    "this copy of the root record is older than its twin".into(),
                ));
            }
        }
        for page in 0..FIXED_PAGES {
            let page = PageId::new(page);
            self.device.read_page(page, &mut buf)?;
            if buf[super::superblock::BLOCK..].iter().any(|b| *b != 0) {
                let kind = if page.get() == 0 { PageKind::Superblock } else { PageKind::Meta };
                findings.push((page, kind, "the page is not zero behind its record".into()));
            }
        }
        Ok(findings)
    }
}

/// Pages one by one, of a store that may be too damaged to open.
#[derive(Debug)]
pub struct Inspector {
    device: Arc<dyn PageDevice>,
    superblock: Option<Superblock>,
    meta: Option<Meta>,
}

/// What one page turned out to be.
#[derive(Debug)]
pub enum Inspected {
    /// The superblock, if it is valid.
    Superblock(Option<Superblock>),
    /// A copy of the root record, if it is valid.
    Meta(Option<Meta>),
    /// All zero: never written.
    Empty,
    /// A page whose checksum holds.
    Page(Page),
    /// Bytes that are no valid page; what is wrong, and the header if it can be read.
    Damaged(&'static str, Option<PageHeader>),
}

impl Inspector {
    /// Reads what the fixed pages say, and takes it as it is.
    pub fn new(device: Arc<dyn PageDevice>) -> Inspector {
        let (superblock, roots) = damaged::fixed_pages(device.as_ref());
        let meta = roots.into_iter().flatten().max_by_key(|meta| meta.generation);
        Inspector { device, superblock, meta }
    }

    /// Of a store that is open: its identity is known, so nothing is read, and no error of a read is taken for damage.
    pub fn of(pager: &Pager) -> Inspector {
        Inspector { device: pager.device.clone(), superblock: None, meta: Some(pager.durable_meta()) }
    }

    /// The device.
    pub fn device(&self) -> &Arc<dyn PageDevice> {
        &self.device
    }

    /// The newest valid root record.
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    /// The bytes of a page as they are.
    ///
    /// # Errors
    /// What the device fails with, `OutOfBounds` among it.
    pub fn raw(&self, page: PageId) -> Result<PageBuf, DeviceError> {
        let mut buf = PageBuf::zeroed(self.device.info().page_size.bytes());
        self.device.read_page(page, &mut buf)?;
        Ok(buf)
    }

    /// What a page is.
    ///
    /// # Errors
    /// What the device fails with; a page that is damaged is an answer.
    pub fn page(&self, page: PageId) -> Result<Inspected, DeviceError> {
        let buf = self.raw(page)?;
        Ok(match page.get() {
            0 => Inspected::Superblock(Superblock::decode(&buf)),
            n if n < FIXED_PAGES => Inspected::Meta(Meta::decode(page, &buf)),
            _ if is_unwritten(&buf) => Inspected::Empty,
            _ => self.inspect(page, buf),
        })
    }

    fn inspect(&self, page: PageId, buf: PageBuf) -> Inspected {
        match judge(page, &buf, self.uuid().as_ref()) {
            Ok(header) => Inspected::Page(Page::owned(header, buf)),
            Err((what, header)) => Inspected::Damaged(what, header),
        }
    }
}

/// All zero.
pub(super) fn is_unwritten(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Compares all that a page says of itself; what is wrong with it, and its header if that can be read.
pub(super) fn judge(
    page: PageId,
    bytes: &[u8],
    uuid: Option<&[u8; 16]>,
) -> Result<PageHeader, (&'static str, Option<PageHeader>)> {
    let header = PageHeader::decode(bytes).map_err(|what| (what, None))?;
    let wrong = |what| Err((what, Some(header)));
    if header.page != page {
        return wrong("it says that it is another page");
    }
    let Some(uuid) = uuid else {
        return wrong("the store's identity is lost, so nothing can be verified");
    };
    match checksum(bytes, checksum_seed(page, uuid)) == header.checksum {
        true => Ok(header),
        false => wrong("checksum does not match"),
    }
}
