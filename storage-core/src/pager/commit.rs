//! The checkpoint that every commit is without a log (C1, C4): the map's pages, a sync, then the root record.
//!
//! Order, which is all of I2: (1) every page of the version is written, children first, before this begins; (2) map
//! pages; (3) sync; (4) the older meta slot, one copy durably, then the other; (5) published.
//!
//! A crash before (4) leaves the old root, whose pages are untouched; a crash within (4) leaves the old or the new.

use super::allocator;
use super::error::{PageError, WriteError};
use super::map::{MapEntry, encode_index, encode_region, index_entries};
use super::meta::{FIXED_PAGES, Meta, Slot};
use super::snapshot::Version;
use super::superblock::BLOCK;
use super::transaction::Transaction;
use super::writer::{Writer, load_region, publish};
use super::{Pager, reserve_pages};
use crate::device::WriteBlock;
use crate::page::{PageBuf, PageId, PageKind, Written};
use crate::planted::{Bug, armed};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The most regions that a commit writes only to move their pages down.
const MOST_STRAYS: usize = 64;

/// Everything the new map is made of, until it is durable.
struct NewMap {
    /// Changed regions: their bits and the page they go to.
    regions: BTreeMap<usize, NewRegion>,
    /// Places of the index pages, bottom level first, the root last.
    index: Vec<PageId>,
    /// Pages of the old map that the new one does not use.
    freed: Vec<PageId>,
}

struct NewRegion {
    bits: Vec<u64>,
    place: Option<PageId>,
}

pub(super) fn commit(tx: &mut Transaction, root: Option<Written>) -> Result<(), WriteError> {
    if !tx.late.is_empty() {
        tx.write_late()?;
    }
    if root == tx.base.root && tx.born.is_empty() && tx.freed.is_empty() {
        return Ok(());
    }
    let mut map = plan_map(tx)?;
    let (entries, index) = write_map(tx, &map)?;
    let pager = tx.pager.clone();
    if !armed(Bug::MetaBeforeSync) {
        pager.device.sync().map_err(|e| tx.fail(e.into()))?;
    }
    let version = tx.version();
    let writer = tx.writer();
    let meta = Meta {
        generation: writer.meta.generation + 1,
        lsn: version,
        page_count: writer.alloc.page_count(),
        used_count: entries.iter().map(|e| u64::from(e.used)).sum(),
        root,
        map_root: index.last().copied(),
        map_levels: if index.len() > 1 { 2 } else { 1 },
        ..writer.meta
    };
    write_meta(&pager, writer, meta).map_err(|e| tx.fail(e))?;

    // Durable. From here on nothing can fail.
    tx.born.clear();
    let mut freed = std::mem::take(&mut tx.freed);
    freed.append(&mut map.freed);
    let writer = tx.writer();
    for (r, region) in map.regions {
        writer.alloc.install(r, entries[r], region.bits);
    }
    writer.map_index = index;
    writer.quarantine(version, freed);
    publish(&pager, writer, Version { number: version, root, meta });
    tx.base = pager.published.read().clone();
    tx.writer().reclaim();
    Ok(())
}

/// Decides what the new map says and where its pages go (A3): places first, each region at most once, until taking a
/// place touches no new region.
fn plan_map(tx: &mut Transaction) -> Result<NewMap, WriteError> {
    let pager = tx.pager.clone();
    let mut map = NewMap { regions: BTreeMap::new(), index: Vec::new(), freed: Vec::new() };
    let forget = armed(Bug::MapForgetsPages);
    let born: Vec<PageId> = if forget { Vec::new() } else { tx.born.iter().copied().collect() };
    for page in born {
        mark(tx.writer(), &pager, &mut map, page, true)?;
    }
    for page in std::mem::take(&mut tx.freed) {
        mark(tx.writer(), &pager, &mut map, page, false)?;
        tx.freed.push(page);
    }
    for old in tx.writer().map_index.clone() {
        mark(tx.writer(), &pager, &mut map, old.page(), false)?;
        map.freed.push(old.page());
    }
    take_in_strays(tx, &pager, &mut map)?;
    let mut missing = 0;
    loop {
        // Index pages depend on how many regions there are, and that on the growth that taking pages may cause.
        let index_pages = index_page_count(&pager, tx.writer().alloc.regions().len());
        missing = index_pages.max(missing);
        while map.index.len() < missing {
            let page = place(tx, &pager)?;
            mark(tx.writer(), &pager, &mut map, page, true)?;
            map.index.push(page);
        }
        let Some(r) = map.regions.iter().find_map(|(r, new)| new.place.is_none().then_some(*r)) else {
            if index_page_count(&pager, tx.writer().alloc.regions().len()) == map.index.len() {
                return Ok(map);
            }
            continue;
        };
        if let Some(old) = tx.writer().alloc.regions()[r].entry.at {
            mark(tx.writer(), &pager, &mut map, old.page(), false)?;
            map.freed.push(old.page());
        }
        let page = place(tx, &pager)?;
        mark(tx.writer(), &pager, &mut map, page, true)?;
        map.regions.get_mut(&r).expect("found above").place = Some(page);
    }
}

/// Regions whose pages lie where the file could end: they are written anew, further down, for else the page of a region
/// that nothing changes would keep the file from being cut (A4). There are fewer pages in use than come before such a
/// page, so a free one is found, and each page moves a few times at most.
fn take_in_strays(tx: &mut Transaction, pager: &Pager, map: &mut NewMap) -> Result<(), WriteError> {
    let alloc = &mut tx.writer().alloc;
    let busy = alloc.page_count() - alloc.free();
    let end = busy + reserve_pages(busy) + busy / 64 + 16;
    let strays = alloc.regions().iter().enumerate();
    let strays = strays.filter(|(_, region)| region.entry.at.is_some_and(|at| at.page().get() >= end));
    let strays: Vec<usize> = strays.map(|(r, _)| r).take(MOST_STRAYS).collect();
    for r in strays {
        if let Entry::Vacant(new) = map.regions.entry(r) {
            let bits = alloc.map_bits(r, &|r, at, used| load_region(pager, r, at, used))?.to_vec();
            new.insert(NewRegion { bits, place: None });
        }
    }
    Ok(())
}

/// A place for a page of the map; it may come out of the reserve (A5).
fn place(tx: &mut Transaction, pager: &Pager) -> Result<PageId, WriteError> {
    let page = tx.writer().take(pager, 1, 0)?[0];
    tx.born.insert(page);
    Ok(page)
}

fn mark(w: &mut Writer, pager: &Pager, map: &mut NewMap, page: PageId, used: bool) -> Result<(), WriteError> {
    // What a transaction frees it has read out of a page, and a page may say anything.
    if page.get() < FIXED_PAGES || page.get() >= w.alloc.page_count() {
        return Err(
            PageError::damage(page, PageKind::MapRegion, "a page is freed that no map can mark").into()
        );
    }
    let (r, bit) = w.alloc.place(page);
    let new = match map.regions.entry(r) {
        Entry::Occupied(e) => e.into_mut(),
        Entry::Vacant(e) => {
            let bits = w.alloc.map_bits(r, &|r, at, used| load_region(pager, r, at, used))?.to_vec();
            e.insert(NewRegion { bits, place: None })
        }
    };
    if allocator::get(&new.bits, bit) == used {
        let what = if used { "was in use already" } else { "was not in use" };
        return Err(PageError::damage(
            page,
            PageKind::MapRegion,
            format!("a page that the map marks {what}"),
        )
        .into());
    }
    if used {
        allocator::set(&mut new.bits, bit)
    } else {
        allocator::clear(&mut new.bits, bit)
    }
    Ok(())
}

/// One page a level while one suffices, else as many as the regions need and a root.
fn index_page_count(pager: &Pager, regions: usize) -> usize {
    match regions.div_ceil(index_entries(pager.page_size)) {
        1 => 1,
        pages => pages + 1,
    }
}

/// Writes regions, then the index over them; returns all entries and the index pages, the root last.
fn write_map(tx: &mut Transaction, map: &NewMap) -> Result<(Vec<MapEntry>, Vec<Written>), WriteError> {
    let size = tx.pager.page_size;
    let mut entries: Vec<MapEntry> = tx.writer().alloc.regions().iter().map(|r| r.entry).collect();
    let places: Vec<PageId> = map.regions.values().map(|r| r.place.expect("planned")).collect();
    let mut images: Vec<_> = map.regions.values().map(|r| encode_region(size, &r.bits)).collect();
    let written = tx.write_at(&places, &mut images)?;
    for ((r, region), at) in map.regions.iter().zip(written) {
        let used = region.bits.iter().map(|w| w.count_ones()).sum();
        entries[*r] = MapEntry { at: Some(at), used };
    }
    let bottom: Vec<_> = entries.chunks(index_entries(size)).collect();
    let mut images: Vec<_> = bottom.iter().map(|chunk| encode_index(size, 1, chunk)).collect();
    let mut index = tx.write_at(&map.index[..images.len()], &mut images)?;
    if index.len() > 1 {
        let above: Vec<_> = index.iter().map(|at| MapEntry { at: Some(*at), used: 0 }).collect();
        index.extend(tx.write_at(&map.index[index.len()..], &mut [encode_index(size, 2, &above)])?);
    }
    assert_eq!(index.len(), map.index.len(), "every planned place is used");
    Ok((entries, index))
}

/// Writes a root record into the older slot: one copy durably, then the other (C2). Both are valid before: opening has
/// repaired what a crash left (R4), and a write that fails poisons the device.
pub(super) fn write_meta(pager: &Pager, writer: &mut Writer, meta: Meta) -> Result<(), WriteError> {
    let _whole = pager.meta_writes.lock();
    let copies = Slot::of(meta.generation).pages();
    let written = if armed(Bug::OneMetaCopy) { 1 } else { copies.len() };
    for page in &copies[..written] {
        write_meta_copy(pager, &meta, *page)?;
    }
    writer.meta = meta;
    Ok(())
}

pub(super) fn write_meta_copy(pager: &Pager, meta: &Meta, page: PageId) -> Result<(), WriteError> {
    let mut block = PageBuf::zeroed(BLOCK);
    meta.encode(page, &mut block);
    pager.device.write_durable(&[WriteBlock { page, offset: 0, data: &block }])?;
    Ok(())
}

/// Cuts free pages off the end of the file: first a durable root without them, then the cut. What a snapshot holds is in
/// the map or in quarantine, so it is before the end that is kept, and no page beyond is pinned or lent.
pub(super) fn trim(pager: &Pager, writer: &mut Writer) -> Result<(), WriteError> {
    writer.reclaim();
    let end = writer.alloc.end(&|r, at, used| load_region(pager, r, at, used))?;
    let used = writer.alloc.page_count() - writer.alloc.free();
    let mut target = end;
    while target < used + reserve_pages(target) {
        target = used + reserve_pages(target);
    }
    let now = writer.alloc.page_count();
    if target >= now {
        return Ok(());
    }
    let meta = Meta { generation: writer.meta.generation + 1, page_count: target, ..writer.meta };
    pager.device.sync()?;
    write_meta(pager, writer, meta)?;
    // The same version under a new root record: whoever looks at the newest one sees the length that the file has.
    let (number, root) = (meta.lsn, meta.root);
    publish(pager, writer, Version { number, root, meta });
    writer.alloc.set_page_count(target);
    pager.device.shrink(crate::page::PageCount::new(target))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::memory::MemoryDevice;
    use crate::page::{PageImage, PageSize};
    use crate::pager::PagerOptions;
    use std::sync::Arc;

    /// What is freed was read out of a page, and a damaged page may name anything.
    #[test]
    fn freeing_what_a_damaged_page_names_fails_and_leaves_the_store_whole() {
        let device = Arc::new(MemoryDevice::new(PageSize::K4));
        let pager = Pager::create(device, &PagerOptions::default()).unwrap();
        let mut tx = pager.begin_write().unwrap();
        let root = tx.write(vec![PageImage::new(PageSize::K4, PageKind::Record, 0)]).unwrap()[0];
        tx.commit(Some(root)).unwrap();
        for page in [0, 3, 1 << 16, u64::MAX] {
            let mut tx = pager.begin_write().unwrap();
            tx.free(Written::new(PageId::new(page), 7));
            let error = tx.commit(Some(root)).unwrap_err();
            assert!(matches!(error, WriteError::Page(PageError::Damage { page: p, .. }) if p.get() == page));
        }
        assert_eq!(pager.begin_read().root(), Some(root));
        pager.begin_write().unwrap().commit(None).unwrap();
    }
}
