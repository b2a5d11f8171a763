//! Asking the processor for what changes of many edges will touch, before they are made one by one: most of it is in no
//! cache, and each would wait for five or six lines of memory, one behind the other.
//!
//! Must always be true: it is a hint. It reads no page that is not at hand, finds nothing wrong, and changes nothing; whoever
//! makes the changes looks everything up again.

use super::EdgeKey;
use super::page::{Again, EdgeLeaf};
use crate::btree::{Family, Place, Spot, Tree};
use crate::prefetch;
use storage_core::pager::{AtHand, ReadPages};

/// So many at a time: enough to wait for them together, few enough to be kept by the nearest cache.
pub(crate) const SOON: usize = 16;

/// An edge whose leaf is known, and that leaf's page, if it is at hand.
struct Found<'a, const IN: bool> {
    key: EdgeKey,
    spot: Spot<'a, EdgeLeaf<IN>>,
    page: Option<AtHand<'a>>,
}

/// Asks for the leaves of up to [`SOON`] keys; if the edges will be `looked_up`, for what that reads in pages and in runs of
/// changes as well.
pub(crate) fn ask<const IN: bool>(
    tree: &Tree<EdgeLeaf<IN>>,
    pages: &impl ReadPages,
    keys: impl Iterator<Item = EdgeKey> + Clone,
    looked_up: bool,
) {
    let mut places: [Option<Place<'_, EdgeLeaf<IN>>>; SOON] = [const { None }; SOON];
    let mut found: [Option<Found<'_, IN>>; SOON] = [const { None }; SOON];
    for (place, key) in places.iter_mut().zip(keys.clone()) {
        *place = tree.place(&key.to_bytes());
        place.iter().for_each(Place::ask);
    }
    for ((found, place), key) in found.iter_mut().zip(&places).zip(keys) {
        let Some(spot) = place.as_ref().and_then(Place::spot) else { continue };
        if let Some(delta) = spot.delta {
            delta.ask_few();
        }
        let mut page = None;
        if looked_up
            && let Some(slot) = spot.slot
            && let Some(head) = slot.head()
        {
            page = pages.at_hand(slot.page, &slot.near);
            if let Some(page) = &page {
                prefetch::ahead(page, head.begins(key.vertex));
            }
        }
        *found = Some(Found { key, spot, page });
    }
    if !looked_up {
        return;
    }
    for Found { key, spot, page } in found.iter().flatten() {
        if let Some(delta) = spot.delta {
            delta.ask_run(0, key.family());
        }
        if let (Some(page), Some(head)) = (page, spot.slot.and_then(|slot| slot.head())) {
            // What is wrong with the page is told by whoever looks the edge up.
            let _ = Again::new(page, head).map(|page| page.ask(key.vertex));
        }
    }
    for Found { key, spot, .. } in found.iter().flatten() {
        if let Some(delta) = spot.delta {
            delta.ask_run(1, key.family());
        }
    }
}
