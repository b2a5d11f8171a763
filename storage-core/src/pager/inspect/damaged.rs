//! What can be read of a store that cannot be opened: its root records, the pages that references name, and which pages
//! its map marks in use.
//!
//! Must always be true: each page is judged alone, and one that cannot be read hides nothing but itself. Memory is in
//! proportion to the device, whatever the pages say.

use super::super::map::{MapEntry, decode_index, decode_region, region_pages};
use super::super::meta::{Meta, Slot};
use super::super::page::Page;
use super::super::superblock::Superblock;
use super::super::{PageError, allocator};
use super::{Inspected, Inspector};
use crate::device::{PageDevice, PageDeviceExt};
use crate::page::{PageBuf, PageId, PageKind, Written};

/// The superblock and the record of each slot, A and B: the newer of its valid copies.
pub(super) fn fixed_pages(device: &dyn PageDevice) -> (Option<Superblock>, [Option<Meta>; 2]) {
    let mut buf = PageBuf::zeroed(device.info().page_size.bytes());
    let superblock = device.read_page(PageId::new(0), &mut buf).ok().and_then(|()| Superblock::decode(&buf));
    let roots = Slot::BOTH.map(|slot| {
        let mut copy = |page| {
            device.read_page(page, &mut buf).ok()?;
            Meta::decode(page, &buf).filter(|meta| Slot::of(meta.generation) == slot)
        };
        slot.pages().into_iter().filter_map(&mut copy).max_by_key(|meta| meta.generation)
    });
    (superblock, roots)
}

impl Inspector {
    /// The root records that are left, of slot A and of slot B.
    pub fn roots(&self) -> [Option<Meta>; 2] {
        fixed_pages(self.device.as_ref()).1
    }

    /// The page that a reference names, verified as it is for a store that is open.
    ///
    /// # Errors
    /// The page cannot be read, or is not what its name says.
    pub fn named(&self, at: Written, kinds: &[PageKind]) -> Result<Page, PageError> {
        let expected = kinds.first().copied().unwrap_or(PageKind::Inner);
        let damage = |what: &'static str| Err(PageError::damage(at.page(), expected, what));
        if !self.device.page_count().contains(at.page()) {
            return damage("a reference names a page beyond the end of the file");
        }
        match self.page(at.page())? {
            Inspected::Superblock(_) | Inspected::Meta(_) => damage("a reference names a fixed page"),
            Inspected::Empty => damage("the page was never written"),
            Inspected::Damaged(what, _) => damage(what),
            Inspected::Page(page) if page.check() != at.check() => {
                damage("it is not the page that its parent names (another life of the same page)")
            }
            Inspected::Page(page) if !kinds.contains(&page.kind()) => {
                Err(page.damage(format!("the page holds another kind: {}", page.kind())))
            }
            Inspected::Page(page) => Ok(page),
        }
    }

    /// Which pages the map of a root marks in use; `None` where its page cannot be read. One entry for each page of the
    /// device; those that the map does not reach are not in use.
    pub fn in_use(&self, meta: &Meta) -> Vec<Option<bool>> {
        let pages = self.device.page_count().get();
        let mut used = vec![Some(false); usize::try_from(pages).unwrap_or(usize::MAX)];
        let Some(root) = meta.map_root else { return used };
        let each = region_pages(self.device.info().page_size);
        let Ok(entries) = self.map_entries(root, meta.map_levels) else {
            used.fill(None);
            return used;
        };
        for (region, entry) in entries.into_iter().enumerate() {
            let first = (region as u64).saturating_mul(each).min(pages);
            let last = first.saturating_add(each).min(pages);
            let bits = match entry {
                Some(MapEntry { at: None, .. }) => continue,
                Some(MapEntry { at: Some(at), used }) => {
                    self.named(at, &[PageKind::MapRegion]).and_then(|page| decode_region(&page, used)).ok()
                }
                None => None,
            };
            for page in first..last {
                used[page as usize] = bits.as_ref().map(|bits| allocator::get(bits, page - first));
            }
        }
        used
    }

    /// The entries of all regions; `None` for each that an index page hides.
    fn map_entries(&self, root: Written, levels: u8) -> Result<Vec<Option<MapEntry>>, PageError> {
        let top = self.named(root, &[PageKind::MapIndex])?;
        if levels < 2 {
            return Ok(decode_index(&top, 1)?.into_iter().map(Some).collect());
        }
        let size = self.device.info().page_size;
        let full = super::super::map::index_entries(size);
        let most = self.device.page_count().get().div_ceil(region_pages(size));
        let mut entries = Vec::new();
        for below in decode_index(&top, 2)? {
            if entries.len() as u64 >= most {
                break;
            }
            let page = below.at.map(|at| self.named(at, &[PageKind::MapIndex]));
            match page.and_then(Result::ok).map(|page| decode_index(&page, 1)) {
                Some(Ok(found)) => entries.extend(found.into_iter().map(Some)),
                _ => entries.extend(std::iter::repeat_n(None, full)),
            }
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{FIXED_PAGES, Pager, PagerOptions};
    use super::*;
    use crate::device::memory::{MemoryDevice, MemoryStore};
    use crate::page::{HEADER_LEN, PageImage, PageSize};
    use std::sync::Arc;

    const SIZE: usize = 4096;

    /// A store whose root is one page, its newest root record, and the root before it, which was freed.
    fn store() -> (MemoryStore, Meta, Written) {
        let store = MemoryStore::new(Vec::new());
        let device = MemoryDevice::open(&store, &crate::device::OpenOptions::create(PageSize::K4)).unwrap();
        let pager = Pager::create(Arc::new(device), &PagerOptions::default()).unwrap();
        let mut first = None;
        for text in [b"one", b"two"] {
            let mut tx = pager.begin_write().unwrap();
            let old = tx.root();
            let mut image = PageImage::new(PageSize::K4, PageKind::Record, 0);
            image.bytes_mut()[HEADER_LEN..HEADER_LEN + 3].copy_from_slice(text);
            image.set_used(HEADER_LEN + 3);
            let root = tx.write(vec![image]).unwrap()[0];
            old.into_iter().for_each(|old| tx.free(old));
            tx.commit(Some(root)).unwrap();
            first.get_or_insert(root);
        }
        pager.close().unwrap();
        // Closing cuts the file, which makes a root record of its own.
        let meta = inspect(&store).meta().unwrap().clone();
        (store, meta, first.unwrap())
    }

    fn inspect(store: &MemoryStore) -> Inspector {
        Inspector::new(Arc::new(MemoryDevice::from_image(store.image(), Some(PageSize::K4)).unwrap()))
    }

    fn spoil(store: &MemoryStore, page: PageId) {
        store.tamper(|bytes| bytes[page.get() as usize * SIZE + 40] ^= 0x10);
    }

    #[test]
    fn the_map_says_what_is_in_use_of_a_store_that_is_not_open() {
        let (store, meta, freed) = store();
        let inspector = inspect(&store);
        let used = inspector.in_use(&meta);
        let in_use = used.iter().filter(|used| **used == Some(true)).count() as u64;
        assert_eq!(in_use, meta.used_count);
        let root = meta.root.unwrap();
        assert_eq!(used[root.page().get() as usize], Some(true));
        let page = inspector.named(root, &[PageKind::Record]).unwrap();
        assert_eq!(&page[HEADER_LEN..page.used()], b"two");
        assert!(inspector.named(root, &[PageKind::Node]).is_err());
        // What a freed page held is still there, but it is not marked.
        assert!(inspector.named(freed, &[PageKind::Record]).is_ok());
        assert_eq!(used[freed.page().get() as usize], Some(false));
    }

    #[test]
    fn a_map_that_cannot_be_read_says_nothing_rather_than_something_wrong() {
        let (store, meta, _) = store();
        spoil(&store, meta.map_root.unwrap().page());
        let inspector = inspect(&store);
        assert!(inspector.in_use(&meta).iter().all(Option::is_none));
        assert!(inspector.named(meta.root.unwrap(), &[PageKind::Record]).is_ok());
    }

    #[test]
    fn any_one_fixed_page_may_be_gone() {
        let (store, meta, _) = store();
        for page in 0..FIXED_PAGES {
            let damaged = MemoryStore::new(store.image());
            spoil(&damaged, PageId::new(page));
            let inspector = inspect(&damaged);
            assert_eq!(inspector.meta(), Some(&meta), "page {page}");
            assert!(inspector.named(meta.root.unwrap(), &[PageKind::Record]).is_ok());
        }
    }
}
