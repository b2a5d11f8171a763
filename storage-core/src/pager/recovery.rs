//! Creating a store, and opening one again (N1, N2, C2).
//!
//! Creation: both meta slots, sync, superblock, sync. A crash leaves a file whose superblock is zero: unfinished, and
//! `create` starts afresh. Opening for writing first repairs the copy of a root record that a crash left torn or older
//! than its twin (R4), durably, before anything else is written. A slot with two invalid copies is damage, for no
//! mere crash makes one (R5): it is never fallen back past silently.

use super::allocator::Allocator;
use super::cache::Cache;
use super::commit::write_meta_copy;
use super::copy::{write_roots, write_superblock};
use super::error::{OpenError, PageError};
use super::log::{Log, LogStart};
use super::map::{MapEntry, decode_index};
use super::meta::{FIXED_PAGES, Meta, Slot};
use super::quota::Quota;
use super::seat::Seat;
use super::snapshot::{BRING, Version};
use super::space::Space;
use super::superblock::{FORMAT_VERSION, Superblock};
use super::transaction::{Checkpointer, Writer};
use super::verified::Verified;
use super::{Pager, PagerOptions, replay};
use crate::device::{DeviceError, DeviceErrorKind, Operation, PageDevice, PageDeviceExt};
use crate::page::{BufferPool, PageBuf, PageCount, PageId, PageKind, Written};
use crate::planted::{Bug, armed};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

/// Feature flags that this version knows: none yet.
const KNOWN_FEATURES: [u32; 3] = [0, 0, 0];

/// What of the cache's bytes frames get, and what decoded nodes. Pages that are lent take no frames.
fn share(cache_bytes: usize, lends: bool) -> (usize, usize) {
    match lends {
        true => (0, cache_bytes),
        false => (cache_bytes - cache_bytes / 8, cache_bytes / 8),
    }
}

impl Pager {
    /// Makes an empty store on a device that was opened for creation. A store that is there already is refused (N2).
    ///
    /// # Errors
    /// [`OpenError`]: there is a store already, or the device failed.
    pub fn create(device: Arc<dyn PageDevice>, options: &PagerOptions) -> Result<Arc<Pager>, OpenError> {
        refuse_existing(device.as_ref())?;
        device.grow(PageCount::new(FIXED_PAGES))?;
        let page_size = device.info().page_size;
        let uuid = options.uuid.unwrap_or_else(random_uuid);
        let meta = Meta {
            format: FORMAT_VERSION,
            page_size,
            features: [0; 3],
            uuid,
            generation: 0,
            lsn: 0,
            page_count: FIXED_PAGES,
            used_count: FIXED_PAGES,
            root: None,
            map_root: None,
            map_levels: 0,
            log: LogStart { group: 1, ..LogStart::default() },
        };
        write_roots(device.as_ref(), &meta)?;
        device.sync()?;
        write_superblock(device.as_ref(), &meta)?;
        Self::open(device, options)
    }

    /// Opens the store on a device.
    ///
    /// # Errors
    /// [`OpenError`]: the device holds no store, or one of another format; its root or its log is damaged; it must
    /// be recovered, and may not be written.
    pub fn open(device: Arc<dyn PageDevice>, options: &PagerOptions) -> Result<Arc<Pager>, OpenError> {
        let (superblock, copies) = read_fixed_pages(device.as_ref())?;
        let info = device.info();
        let read_only = options.read_only || options.older_root || options.root_only || info.read_only;
        if let Some(superblock) = superblock {
            // Said before root records are judged: to a newer format they may look different.
            check_format(superblock.format, superblock.features, read_only)?;
        }
        let meta = choose(&copies, options)?;
        check_identity(superblock, &meta, read_only)?;
        check_numbers(&meta)?;
        let found = device.page_count();
        if found.get() < meta.page_count {
            return Err(OpenError::ShortFile { found, expected: PageCount::new(meta.page_count) });
        }
        let version = Version {
            number: meta.lsn,
            epoch: 0,
            root: meta.root,
            meta: Arc::new(meta.clone()),
            state: None,
        };
        let mut space = Space::new(Allocator::new(info.page_size, found.get(), Vec::new()));
        let version = space.register(version);
        let lends = info.lends_pages;
        let (frames, decoded) = share(options.cache_bytes, lends);
        let mut pager = Pager {
            lends,
            parallel: info.parallel_reads,
            decoded: Quota::new(decoded),
            page_size: info.page_size,
            uuid: meta.uuid,
            read_only,
            cache: Cache::new(frames / info.page_size.bytes()),
            buffers: BufferPool::new(info.page_size.bytes(), (frames + BRING) / info.page_size.bytes()),
            verified: Verified::default(),
            published: ArcSwap::new(version.clone()),
            // Nobody writes until all is read: a pager that fails to open must not tidy up when it is dropped.
            writer: Seat::closed(),
            checkpointer: Seat::closed(),
            log: Log::new(info.page_size, None, 1, version.clone()),
            space: Mutex::new(space),
            durable: Mutex::new(meta.clone()),
            meta_writes: Mutex::new(()),
            flushed: Mutex::new(None),
            unreplayed: Mutex::new(None),
            device,
        };
        if !read_only {
            repair(&pager, &copies)?;
        }
        let (entries, map_index) = read_map_index(&pager, &meta)?;
        pager.space.lock().alloc = Allocator::new(pager.page_size, found.get(), entries);
        if !options.older_root {
            pager.open_log(&meta, &version, options)?;
        }
        pager.writer = Seat::new(Writer { newest: version });
        pager.checkpointer = Seat::new(Checkpointer { map_index });
        Ok(Arc::new(pager))
    }

    /// What the log holds beyond the root: refused where nothing may be written, else marked and waiting for its replay.
    fn open_log(
        &mut self,
        meta: &Meta,
        newest: &Arc<Version>,
        options: &PagerOptions,
    ) -> Result<(), OpenError> {
        let tolerant = options.tolerate_log || options.root_only;
        let mut found = replay::find(self, &mut self.space.lock(), meta, tolerant)?;
        if options.root_only {
            found.unreplayed = None;
        }
        if let Some(what) = &found.unreplayed
            && self.read_only
        {
            return Err(OpenError::NeedsRecovery { commits: what.commits });
        }
        self.log = Log::new(self.page_size, options.log_bytes, found.next_group, newest.clone());
        self.log.see_store(meta);
        self.log.adopt(&found.chain);
        *self.unreplayed.lock() = found.unreplayed;
        Ok(())
    }
}

/// Whoever brings a device of his own may have opened it over a store.
pub(super) fn refuse_existing(device: &dyn PageDevice) -> Result<(), OpenError> {
    if device.page_count().get() < FIXED_PAGES {
        return Ok(());
    }
    let (superblock, _) = read_fixed_pages(device)?;
    if superblock.is_none() {
        return Ok(());
    }
    let info = device.info();
    let there = DeviceError::new(DeviceErrorKind::AlreadyExists, Operation::Open, info.backend);
    Err(OpenError::Device(match &info.path {
        Some(path) => there.path(path),
        None => there,
    }))
}

/// The copies of the root record by slot; `None` where invalid.
pub(super) type Copies = [[Option<Meta>; 2]; 2];

/// Superblock and meta copies as they are; `None` where invalid.
pub(super) fn read_fixed_pages(device: &dyn PageDevice) -> Result<(Option<Superblock>, Copies), OpenError> {
    let found = device.page_count();
    if found.get() < FIXED_PAGES {
        return Err(OpenError::ShortFile { found, expected: PageCount::new(FIXED_PAGES) });
    }
    let mut buf = PageBuf::zeroed(device.info().page_size.bytes());
    device.read_page(PageId::new(0), &mut buf)?;
    let superblock = Superblock::decode(&buf);
    let mut copies = Copies::default();
    for slot in Slot::BOTH {
        for (copy, page) in slot.pages().into_iter().enumerate() {
            device.read_page(page, &mut buf)?;
            copies[slot as usize][copy] = Meta::decode(page, &buf).filter(|m| Slot::of(m.generation) == slot);
        }
    }
    Ok((superblock, copies))
}

/// The record of a slot: the newer of its valid copies.
fn record(copies: &[Option<Meta>; 2]) -> Option<Meta> {
    copies.iter().flatten().max_by_key(|m| m.generation).cloned()
}

/// The newest record; the older one only if it was asked for (R5).
fn choose(copies: &Copies, options: &PagerOptions) -> Result<Meta, OpenError> {
    let records = [record(&copies[0]), record(&copies[1])];
    let mut valid: Vec<Meta> = records.iter().flatten().cloned().collect();
    valid.sort_by_key(|m| m.generation);
    if options.older_root
        && let Some(older) = valid.first()
    {
        return Ok(older.clone());
    }
    for slot in Slot::BOTH {
        if records[slot as usize].is_none() && (valid.is_empty() || !armed(Bug::FallsBackSilently)) {
            let [first, second] = slot.pages();
            return Err(OpenError::DamagedRoot {
                slot: slot.letter(),
                first,
                second,
                older_root: !valid.is_empty(),
            });
        }
    }
    Ok(valid.pop().expect("both are valid"))
}

fn check_identity(superblock: Option<Superblock>, meta: &Meta, read_only: bool) -> Result<(), OpenError> {
    check_format(meta.format, meta.features, read_only)?;
    match superblock {
        Some(s) if s.uuid != meta.uuid || s.page_size != meta.page_size => Err(OpenError::Mixed),
        _ => Ok(()),
    }
}

/// A format and features that this version knows, or can do without.
fn check_format(format: u32, features: [u32; 3], read_only: bool) -> Result<(), OpenError> {
    if format > FORMAT_VERSION {
        return Err(OpenError::NewerFormat { found: format, known: FORMAT_VERSION });
    }
    let unknown = |i: usize| features[i] & !KNOWN_FEATURES[i];
    let forbidden = unknown(2) | if read_only { 0 } else { unknown(1) };
    match forbidden {
        0 => Ok(()),
        flags => Err(OpenError::UnknownFeatures { flags }),
    }
}

/// Numbers that no store of ours can have, under a checksum that holds (I7): with them nothing can be counted on.
fn check_numbers(meta: &Meta) -> Result<(), PageError> {
    let [page, _] = Slot::of(meta.generation).pages();
    let damage = |what: &'static str| Err(PageError::damage(page, PageKind::Meta, what));
    if meta.page_count < FIXED_PAGES || meta.used_count < FIXED_PAGES || meta.used_count > meta.page_count {
        return damage("the root record counts fewer pages than it names");
    }
    if meta.generation == u64::MAX || meta.lsn == u64::MAX {
        return damage("the root record has the last number that there is");
    }
    if meta.log.group > u64::MAX / 2 {
        return damage("the root record says that the log has had more groups than there can be");
    }
    Ok(())
}

/// R4: a copy that is invalid or older than its twin is rewritten from it before anything else is written.
fn repair(pager: &Pager, copies: &Copies) -> Result<(), OpenError> {
    for slot in Slot::BOTH {
        let Some(newest) = record(&copies[slot as usize]) else { continue };
        for (copy, page) in slot.pages().into_iter().enumerate() {
            if copies[slot as usize][copy].as_ref() == Some(&newest) || armed(Bug::TornCopyStays) {
                continue;
            }
            write_meta_copy(pager, &newest, page)?;
        }
    }
    Ok(())
}

/// The entries of all regions, and the index pages that hold them, the root last.
pub(super) fn read_map_index(pager: &Pager, meta: &Meta) -> Result<(Vec<MapEntry>, Vec<Written>), PageError> {
    let Some(root) = meta.map_root else { return Ok((Vec::new(), Vec::new())) };
    let top = pager.load(root, &[PageKind::MapIndex])?;
    let (entries, index) = match meta.map_levels {
        1 => (decode_index(&top, 1)?, vec![root]),
        2 => {
            let mut entries = Vec::new();
            let mut index = Vec::new();
            for below in decode_index(&top, 2)? {
                let at = below.at.ok_or_else(|| top.damage("an index page of the map is missing"))?;
                // Else one page of entries could stand for as many as the root has places.
                if index.contains(&at) {
                    return Err(top.damage("an index page of the map is named twice"));
                }
                entries.extend(decode_index(&pager.load(at, &[PageKind::MapIndex])?, 1)?);
                index.push(at);
            }
            index.push(root);
            (entries, index)
        }
        _ => return Err(top.damage("the map has an unknown number of levels")),
    };
    let used: u64 = entries.iter().map(|e| u64::from(e.used)).sum();
    if entries.is_empty() || used != meta.used_count || used > meta.page_count {
        return Err(
            top.damage(format!("the map counts {used} pages in use, the root record {}", meta.used_count))
        );
    }
    Ok((entries, index))
}

/// 128 bits from the operating system's randomness, as the standard library seeds its hash maps with it.
fn random_uuid() -> [u8; 16] {
    let mut uuid = [0; 16];
    for half in uuid.chunks_exact_mut(8) {
        half.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    uuid
}
