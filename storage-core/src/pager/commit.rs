//! The checkpoint (C1), which without a log every commit is (C4): the map's pages, a sync, then the root record.
//!
//! Order, which is all of I2: (1) every page of the version is written, children first, before this begins; (2) map
//! pages; (3) sync; (4) the older meta slot, one copy durably, then the other; (5) published.
//!
//! The record's log start is where the first group lies that may carry a later version: fixed together with the version
//! when a checkpoint beside the writer begins (R10), and only when the record is durable are extents before it spare.
//!
//! A crash before (4) leaves the old root, whose pages are untouched; a crash within (4) leaves the old or the new.

use super::allocator;
use super::error::{PageError, WriteError};
use super::log::LogStart;
use super::map::{MapEntry, encode_index, encode_region, index_entries};
use super::meta::{FIXED_PAGES, Meta, Slot};
use super::snapshot::{State, Version};
use super::space::{Space, load_region};
use super::superblock::BLOCK;
use super::transaction::{Transaction, Writer};
use super::{Flushed, Pager, reserve_pages};
use crate::device::{DeviceError, WriteBlock};
use crate::page::{PageBuf, PageId, PageKind, Written};
use crate::planted::{Bug, armed};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

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

/// Commits by checkpoint: the writer's new version, or a version that was committed before.
pub(super) fn commit(
    tx: &mut Transaction,
    root: Option<Written>,
    state: Option<State>,
) -> Result<(), WriteError> {
    if !tx.late.is_empty() {
        tx.write_late()?;
    }
    tx.begin_flush()?;
    let pager = tx.pager.clone();
    let unchanged = root == tx.base.root && tx.own.is_empty();
    // What the log holds may come to nothing: then it takes a root that says so, or it would be replayed for ever.
    let replays = pager.unreplayed.lock().is_some();
    if unchanged && !replays && tx.base.number == pager.durable_meta().lsn {
        return Ok(());
    }
    assert!(
        pager.flushed.lock().is_none(),
        "what the last checkpoint flushed is taken in before the next one"
    );
    let start = match tx.log_start.take() {
        Some(start) => start,
        None => {
            // Earlier commits first: no group may be missing below this one (R2).
            if !armed(Bug::QueueNotFlushed) {
                pager.log.flush(&pager).map_err(|e| tx.fail(e))?;
            }
            pager.log.durable_point().1
        }
    };
    let mut map = plan_map(tx)?;
    let (entries, index) = write_map(tx, &map)?;
    // Before the sync: whatever the writer adds from here on, this root does not name, and it may not be durable.
    let page_count = pager.space.lock().alloc.page_count();
    if !armed(Bug::MetaBeforeSync) {
        pager.sync().map_err(|e| tx.fail(e))?;
    }
    let durable = pager.durable_meta();
    let (map_root, map_levels, used_count) = match armed(Bug::MapNotInRoot) {
        true => (durable.map_root, durable.map_levels, durable.used_count),
        false => (
            index.last().copied(),
            if index.len() > 1 { 2 } else { 1 },
            entries.iter().map(|e| u64::from(e.used)).sum(),
        ),
    };
    let meta = Meta {
        generation: durable.generation + 1,
        lsn: tx.number,
        page_count,
        used_count,
        root,
        map_root,
        map_levels,
        log: if armed(Bug::LogStartLate) { pager.log.durable_point().1 } else { start },
        ..durable
    };
    write_meta(&pager, meta.clone()).map_err(|e| tx.fail(e))?;

    // Durable. From here on nothing can fail.
    install(tx, &mut map, &entries, index);
    let freed = std::mem::take(&mut map.freed);
    finish(tx, root, meta, state, freed);
    Ok(())
}

/// The new map is the durable one.
fn install(tx: &mut Transaction, map: &mut NewMap, entries: &[MapEntry], index: Vec<Written>) {
    let mut space = tx.pager.space.lock();
    for (r, region) in std::mem::take(&mut map.regions) {
        space.alloc.install(r, entries[r], region.bits);
    }
    tx.checkpointer.as_mut().expect("taken by begin_flush").map_index = index;
    let (_, mut freed) = tx.own.take();
    map.freed.append(&mut freed);
    for change in space.changes_until(tx.base.number) {
        map.freed.extend(&change.freed);
    }
    space.forget_changes_until(tx.base.number);
}

/// Publishes the writer's version; or leaves what a checkpoint flushed to be taken in by the writer.
fn finish(tx: &mut Transaction, root: Option<Written>, meta: Meta, state: Option<State>, freed: Vec<PageId>) {
    let pager = tx.pager.clone();
    let (start, meta) = (meta.log.clone(), Arc::new(meta));
    if let Some(writer) = &mut tx.writer {
        let version = Version { number: tx.number, epoch: 0, root, meta, state };
        let mut space = pager.space.lock();
        let version = space.register(version);
        space.quarantine(version.epoch, freed);
        space.keep_promises();
        drop(space);
        writer.newest = version.clone();
        pager.log.set_durable(&pager, version.clone());
        tx.base = version;
    } else {
        let (version, mut freed) = (tx.base.clone(), freed);
        if armed(Bug::FreedBeforeTakenIn) {
            pager.space.lock().alloc.give_back(freed.drain(..));
        }
        let flushed = Flushed { version, root, meta, state, freed: Mutex::new(freed) };
        *pager.flushed.lock() = Some(Arc::new(flushed));
    }
    *pager.unreplayed.lock() = None;
    pager.log.started_at(&pager, &start);
    pager.space.lock().reclaim();
}

/// Decides what the new map says and where its pages go (A3): places first, each region at most once, until taking a
/// place touches no new region.
fn plan_map(tx: &mut Transaction) -> Result<NewMap, WriteError> {
    let pager = tx.pager.clone();
    let mut space = pager.space.lock();
    let mut map = NewMap { regions: BTreeMap::new(), index: Vec::new(), freed: Vec::new() };
    let (born, freed) = changes(tx, &space);
    for page in born {
        mark(&mut space, &pager, &mut map, page, true)?;
    }
    for page in freed {
        mark(&mut space, &pager, &mut map, page, false)?;
    }
    let old_index = tx.checkpointer.as_ref().expect("taken by begin_flush").map_index.clone();
    for old in old_index {
        mark(&mut space, &pager, &mut map, old.page(), false)?;
        map.freed.push(old.page());
    }
    take_in_strays(&mut space, &pager, &mut map)?;
    let mut missing = 0;
    loop {
        // Index pages depend on how many regions there are, and that on the growth that taking pages may cause.
        let index_pages = index_page_count(&pager, space.alloc.regions().len());
        missing = index_pages.max(missing);
        while map.index.len() < missing {
            let page = place(tx, &mut space, &pager)?;
            mark(&mut space, &pager, &mut map, page, true)?;
            map.index.push(page);
        }
        let Some(r) = map.regions.iter().find_map(|(r, new)| new.place.is_none().then_some(*r)) else {
            if index_page_count(&pager, space.alloc.regions().len()) == map.index.len() {
                return Ok(map);
            }
            continue;
        };
        if let Some(old) = space.alloc.regions()[r].entry.at {
            mark(&mut space, &pager, &mut map, old.page(), false)?;
            map.freed.push(old.page());
        }
        let page = place(tx, &mut space, &pager)?;
        mark(&mut space, &pager, &mut map, page, true)?;
        map.regions.get_mut(&r).expect("found above").place = Some(page);
    }
}

/// Pages born and freed since the durable root: by the commits that it does not hold, and by this transaction (A1). One
/// that was born and freed is in both.
fn changes(tx: &Transaction, space: &Space) -> (Vec<PageId>, Vec<PageId>) {
    let (mut born, mut freed): (Vec<PageId>, Vec<PageId>) = (Vec::new(), tx.own.freed().to_vec());
    if !armed(Bug::MapForgetsPages) {
        born.extend(tx.own.born());
    }
    for change in space.changes_until(tx.base.number) {
        born.extend(&change.born);
        freed.extend(&change.freed);
    }
    (born, freed)
}

/// Regions whose pages lie where the file could end: they are written anew, further down, for else the page of a region
/// that nothing changes would keep the file from being cut (A4). There are fewer pages in use than come before such a
/// page, so a free one is found, and each page moves a few times at most.
fn take_in_strays(space: &mut Space, pager: &Pager, map: &mut NewMap) -> Result<(), WriteError> {
    let alloc = &mut space.alloc;
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
fn place(tx: &mut Transaction, space: &mut Space, pager: &Pager) -> Result<PageId, WriteError> {
    let page = space.take(pager, 1, 0)?[0];
    tx.own.add([page]);
    Ok(page)
}

fn mark(
    space: &mut Space,
    pager: &Pager,
    map: &mut NewMap,
    page: PageId,
    used: bool,
) -> Result<(), WriteError> {
    let alloc = &mut space.alloc;
    // What a transaction frees it has read out of a page, and a page may say anything.
    if page.get() < FIXED_PAGES || page.get() >= alloc.page_count() {
        return Err(
            PageError::damage(page, PageKind::MapRegion, "a page is freed that no map can mark").into()
        );
    }
    let (r, bit) = alloc.place(page);
    let new = match map.regions.entry(r) {
        Entry::Occupied(e) => e.into_mut(),
        Entry::Vacant(e) => {
            let bits = alloc.map_bits(r, &|r, at, used| load_region(pager, r, at, used))?.to_vec();
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
    let mut entries: Vec<MapEntry> = tx.pager.space.lock().alloc.regions().iter().map(|r| r.entry).collect();
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
/// repaired what a crash left (R4), and a write that fails poisons the device. Only whoever has the checkpointer's seat
/// comes here.
pub(super) fn write_meta(pager: &Pager, meta: Meta) -> Result<(), WriteError> {
    let _whole = pager.meta_writes.lock();
    let copies = Slot::of(meta.generation).pages();
    let written = if armed(Bug::OneMetaCopy) { 1 } else { copies.len() };
    for page in &copies[..written] {
        write_meta_copy(pager, &meta, *page).map_err(|e| pager.lost(e))?;
    }
    *pager.durable.lock() = meta;
    Ok(())
}

pub(super) fn write_meta_copy(pager: &Pager, meta: &Meta, page: PageId) -> Result<(), DeviceError> {
    let mut block = PageBuf::zeroed(BLOCK);
    meta.encode(page, &mut block);
    pager.device.write_durable(&[WriteBlock { page, offset: 0, data: &block }])
}

impl Pager {
    /// Makes all that was written durable.
    pub(super) fn sync(&self) -> Result<(), WriteError> {
        self.device.sync().map_err(|e| self.lost(e))
    }

    /// A sync or a root record failed: nobody knows what is durable now. The device is poisoned (D6); should one not be,
    /// nothing is committed any more all the same.
    fn lost(&self, error: DeviceError) -> WriteError {
        self.log.fail(&error);
        error.into()
    }
}

/// Ends the log if a durable root holds all that it says, and cuts free pages off the end of the file: first a durable
/// root without them, then the cut. What a snapshot holds is in the map or in quarantine, so it is before the end that
/// is kept, and no page beyond is pinned or lent. Whoever calls has both seats.
pub(super) fn trim(pager: &Pager, writer: &mut Writer, end_log: bool) -> Result<(), WriteError> {
    // What nobody waited for is in the log before it is judged whether a root holds all that it says.
    pager.log.flush(pager)?;
    let (newest, start) = pager.log.durable_point();
    let root = pager.durable_meta();
    if end_log && newest.number == root.lsn && !root.log.extents.is_empty() {
        let log = LogStart { extents: Vec::new(), block: 0, ..start };
        write_meta(pager, Meta { generation: root.generation + 1, log: log.clone(), ..root })?;
        pager.log.started_at(pager, &log);
    } else {
        pager.log.release(pager);
    }
    let mut space = pager.space.lock();
    space.reclaim();
    let end = space.alloc.end(&|r, at, used| load_region(pager, r, at, used))?;
    let used = space.alloc.page_count() - space.alloc.free();
    let mut target = end;
    while target < used + reserve_pages(target) {
        target = used + reserve_pages(target);
    }
    if target >= space.alloc.page_count() {
        return Ok(());
    }
    let root = pager.durable_meta();
    pager.sync()?;
    let meta = Meta { generation: root.generation + 1, page_count: target, ..root };
    write_meta(pager, meta.clone())?;
    space.alloc.set_page_count(target);
    if writer.newest.meta.lsn == meta.lsn {
        // The same version under a new root record: whoever looks at it sees the length that the file has.
        let Version { number, root, ref state, .. } = *writer.newest;
        let version = Version { number, epoch: 0, root, meta: Arc::new(meta), state: state.clone() };
        writer.newest = space.register(version);
        pager.log.replace(pager, &writer.newest);
    }
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
