//! Leaves that nothing names any more, because a page above them is lost.
//!
//! Must always be true: a page is taken only if the map of the root marks it in use, so it belongs to that version and to
//! no other (free, reachable and map together are all, and disjoint). Where the map itself cannot be read, pages of no
//! later version are taken, after the others and newest first, and the report says so. Of free pages only catalogs are
//! looked at, for the names in them: a number that was given to a name is never given to another.

use super::catalog::is_catalog_key;
use super::{Job, SalvageError};
use crate::btree::{LeafFormat, RecordLeaf};
use crate::edge::EdgeKey;
use crate::index::{key_of, node_of};
use std::cmp::Reverse;
use storage_core::device::DeviceErrorKind;
use storage_core::page::{PageId, PageKind};
use storage_core::pager::{FIXED_PAGES, Inspected, Page};

/// What a leaf holds, read off itself.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Class {
    Catalog,
    Nodes,
    Keys,
    EdgesOut,
    EdgesIn,
    EdgeProps,
}

/// What the map says of a leaf.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Use {
    /// It belongs to the root's version.
    Live,
    /// The map cannot be read there.
    Unknown,
    /// It belonged to an older version.
    Free,
}

/// A leaf that nothing names.
#[derive(Copy, Clone, Debug)]
pub(super) struct Orphan {
    pub usage: Use,
    version: u64,
    page: PageId,
    class: Class,
}

impl Class {
    fn of(page: &Page) -> Option<Class> {
        Some(match page.kind() {
            PageKind::Node => Class::Nodes,
            PageKind::EdgeOut => Class::EdgesOut,
            PageKind::EdgeIn => Class::EdgesIn,
            PageKind::Record => return class_of_records(page),
            _ => return None,
        })
    }
}

/// The trees of records differ in their keys, and in what stands under them: an entry of the key index is one number,
/// properties are at least two, and under the keys of a property index is nothing: those are made anew.
fn class_of_records(page: &Page) -> Option<Class> {
    let (key, record) = RecordLeaf::entries(page.clone()).ok()?.next()?.ok()?;
    if record.is_empty() && !is_catalog_key(&key) {
        None
    } else if is_catalog_key(&key) {
        Some(Class::Catalog)
    } else if key_of(&key).is_some() && node_of(&record).is_some() {
        Some(Class::Keys)
    } else {
        EdgeKey::from_bytes(&key).map(|_| Class::EdgeProps)
    }
}

impl Job<'_> {
    /// The leaves of this class that no walk came to, in the order in which they are to be believed.
    pub(super) fn orphans_of(&mut self, class: Class) -> Result<Vec<Orphan>, SalvageError> {
        if self.orphans.is_none() {
            self.orphans = Some(self.look_for_orphans()?);
        }
        let all = self.orphans.iter().flatten();
        Ok(all.filter(|o| o.class == class && !self.source.was_seen(o.page)).copied().collect())
    }

    /// The page of an orphan; `None` if it came to be known meanwhile.
    pub(super) fn orphan(&mut self, orphan: Orphan) -> Result<Option<Page>, SalvageError> {
        if !self.source.see(orphan.page) {
            return Ok(None);
        }
        self.report.old_versions |= orphan.usage == Use::Unknown;
        Ok(self.verified(orphan.page)?.ok())
    }

    /// Reads every page that may be in use, once.
    fn look_for_orphans(&mut self) -> Result<Vec<Orphan>, SalvageError> {
        let in_use = self.source.inspector.in_use(&self.source.meta);
        let mut found = Vec::new();
        for id in FIXED_PAGES..self.source.page_count() {
            self.tick("pages")?;
            let (used, id) = (in_use[id as usize], PageId::new(id));
            if self.source.was_seen(id) {
                continue;
            }
            let usage = match used {
                Some(true) => Use::Live,
                None => Use::Unknown,
                Some(false) => Use::Free,
            };
            let page = match self.verified(id)? {
                Ok(page) => page,
                Err(what) => {
                    if usage == Use::Live {
                        self.report.unreadable(id, "unknown", what);
                    }
                    continue;
                }
            };
            let version = page.version();
            let Some(class) = Class::of(&page) else { continue };
            let current = match usage {
                Use::Live => true,
                Use::Unknown => version <= self.source.meta.lsn,
                Use::Free => version <= self.source.meta.lsn && class == Class::Catalog,
            };
            if current {
                found.push(Orphan { usage, version, page: id, class });
            }
        }
        found.sort_unstable_by_key(|orphan| (orphan.usage, Reverse(orphan.version), orphan.page));
        Ok(found)
    }

    /// A page whose checksum holds, or why there is none.
    fn verified(&self, id: PageId) -> Result<Result<Page, String>, SalvageError> {
        match self.source.inspector.page(id) {
            Ok(Inspected::Page(page)) => Ok(Ok(page)),
            Ok(Inspected::Damaged(what, _)) => Ok(Err(what.to_owned())),
            Ok(_) => Ok(Err("the page was never written".to_owned())),
            Err(e) if e.kind() == DeviceErrorKind::Closed => Err(SalvageError::Device(e)),
            Err(e) => Ok(Err(e.to_string())),
        }
    }
}
