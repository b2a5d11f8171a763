//! A vertex's edges of one type between two ends, a part at a time: how long lists are read without being collected.
//!
//! Must always be true: parts come in order (ascending, or descending), none is given twice and none is left out, and what
//! was changed in memory is seen; a part takes no more than was asked for, and one leaf is read at a time.
//!
//! Each part is found by its key, so a window may be put aside for as long as one likes.

use super::EdgeKey;
use super::lists::Leaf;
use super::page::{self, EdgeLeaf};
use crate::btree::Finger;
use storage_core::pager::{PageError, ReadPages};

/// Where an edge stands in a list of one type: neighbour and rank.
pub(crate) type Stand = (u64, u32);

/// What is left to read of a list of one type.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub vertex: u64,
    pub edge_type: u32,
    /// The lowest edge that may come.
    pub low: Stand,
    /// The highest.
    pub high: Stand,
    /// The highest comes first.
    pub backwards: bool,
}

impl Window {
    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.low > self.high
    }

    /// Leaves nothing.
    pub fn close(&mut self) {
        (self.low, self.high) = ((u64::MAX, u32::MAX), (0, 0));
    }

    fn key(&self, (neighbor, rank): Stand) -> EdgeKey {
        EdgeKey { vertex: self.vertex, edge_type: self.edge_type, neighbor, rank }
    }

    /// Leaves out everything up to `stand`, in the order of the window.
    fn pass(&mut self, stand: Stand) {
        let next = if self.backwards { before(stand) } else { behind(stand) };
        match next {
            None => self.close(),
            Some(next) if self.backwards => self.high = next,
            Some(next) => self.low = next,
        }
    }

    /// Leaves out what a leaf with these bounds covers.
    fn pass_leaf(&mut self, lower: &[u8], upper: Option<&[u8]>) {
        let own = |key: &EdgeKey| (key.vertex, key.edge_type) == (self.vertex, self.edge_type);
        if self.backwards {
            match last_below(lower).filter(own) {
                Some(key) => self.high = self.high.min((key.neighbor, key.rank)),
                None => self.close(),
            }
        } else {
            match upper.and_then(first_from).filter(own) {
                Some(key) => self.low = self.low.max((key.neighbor, key.rank)),
                None => self.close(),
            }
        }
    }

    /// Appends the next edges, at most `most` and all of one leaf. Appends none only if nothing is left.
    pub fn part<const IN: bool, R: ReadPages>(
        &mut self,
        finger: &mut Finger<'_, EdgeLeaf<IN>, R>,
        most: usize,
        out: &mut Vec<Stand>,
    ) -> Result<(), PageError> {
        let had = out.len();
        while out.len() == had && !self.is_empty() {
            let first = if self.backwards { self.high } else { self.low };
            let Some(leaf) = finger.seek(&self.key(first).to_bytes())? else {
                self.close();
                break;
            };
            if self.of_leaf((leaf.page, leaf.delta), had.saturating_add(most), out)? {
                let last = out[out.len() - 1];
                self.pass(last);
            } else {
                self.pass_leaf(leaf.lower, leaf.upper);
            }
        }
        Ok(())
    }

    /// Appends the edges of one leaf until `out` is `full`, and says whether it is.
    pub(super) fn of_leaf(
        &self,
        (page, delta): Leaf<'_, '_>,
        full: usize,
        out: &mut Vec<Stand>,
    ) -> Result<bool, PageError> {
        let (low, high) = (self.low, self.high);
        let steps = page.map(|page| page::steps(page, self.vertex, self.edge_type, low.0)).transpose()?;
        let stands = steps
            .into_iter()
            .flatten()
            .skip_while(|step| step.as_ref().is_ok_and(|stand| *stand < low))
            .take_while(|step| !step.as_ref().is_ok_and(|stand| *stand > high));
        let changes = delta.map(|delta| delta.range(self.key(low)..=self.key(high)));
        let changes =
            changes.into_iter().flatten().map(|(key, now)| ((key.neighbor, key.rank), now.is_some()));
        if !self.backwards {
            return merge((stands, changes), |a, b| a < b, full, out);
        }
        // A list can only be read forwards: of a page, so there is an end to what that takes.
        let stands: Vec<Stand> = stands.collect::<Result<_, _>>()?;
        merge((stands.into_iter().rev().map(Ok), changes.rev()), |a, b| a > b, full, out)
    }
}

/// What a page holds and what was changed, both in the same order, until `out` is `full`; says whether it is.
fn merge(
    (stands, changes): (impl Iterator<Item = Result<Stand, PageError>>, impl Iterator<Item = (Stand, bool)>),
    precedes: impl Fn(&Stand, &Stand) -> bool,
    full: usize,
    out: &mut Vec<Stand>,
) -> Result<bool, PageError> {
    let mut changes = changes.peekable();
    for stand in stands {
        let stand = stand?;
        while let Some((changed, now)) = changes.next_if(|(changed, _)| precedes(changed, &stand)) {
            out.extend(now.then_some(changed));
            if out.len() == full {
                return Ok(true);
            }
        }
        let now = changes.next_if(|(changed, _)| *changed == stand).is_none_or(|(_, now)| now);
        out.extend(now.then_some(stand));
        if out.len() == full {
            return Ok(true);
        }
    }
    for (changed, now) in changes {
        out.extend(now.then_some(changed));
        if out.len() == full {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The types of which a vertex has edges, ascending; one that has lost all its edges in memory may be among them. Reads
/// at most two leaves a type.
pub(crate) fn types_of<const IN: bool, R: ReadPages>(
    finger: &mut Finger<'_, EdgeLeaf<IN>, R>,
    vertex: u64,
) -> Result<Vec<u32>, PageError> {
    let mut found: Vec<u32> = Vec::new();
    let mut here = Vec::new();
    let mut next = Some(EdgeKey::first_of(vertex));
    while let Some(from) = next.filter(|key| key.vertex == vertex) {
        let Some(leaf) = finger.seek(&from.to_bytes())? else { break };
        here.clear();
        if let Some(page) = leaf.page {
            page::types(page, vertex, &mut here)?;
        }
        let mut at = Some(from.edge_type);
        while let (Some(edge_type), Some(delta)) = (at, leaf.delta) {
            let last = EdgeKey { vertex, edge_type: u32::MAX, neighbor: u64::MAX, rank: u32::MAX };
            let first = EdgeKey { edge_type, ..EdgeKey::first_of(vertex) };
            let changed = delta.range(first..=last).next().map(|(key, _)| key.edge_type);
            here.extend(changed);
            at = changed.and_then(|edge_type| edge_type.checked_add(1));
        }
        found.extend(here.iter().filter(|edge_type| **edge_type >= from.edge_type));
        // The last type may fill leaves; the next one begins behind all of its edges.
        let highest = here.iter().max().and_then(|edge_type| edge_type.checked_add(1));
        let behind = highest.map(|edge_type| EdgeKey { edge_type, ..EdgeKey::first_of(vertex) });
        next = leaf.upper.and_then(first_from).map(|upper| behind.map_or(upper, |key| key.max(upper)));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The place of the edge that may come right behind one; `None` behind the last.
pub(crate) fn behind((neighbor, rank): Stand) -> Option<Stand> {
    match rank.checked_add(1) {
        Some(rank) => Some((neighbor, rank)),
        None => Some((neighbor.checked_add(1)?, 0)),
    }
}

/// The place of the edge that may come right before one; `None` before the first.
pub(crate) fn before((neighbor, rank): Stand) -> Option<Stand> {
    match rank.checked_sub(1) {
        Some(rank) => Some((neighbor, rank)),
        None => Some((neighbor.checked_sub(1)?, u32::MAX)),
    }
}

/// The first key whose bytes are not below `bound`, which may be of any length.
pub(super) fn first_from(bound: &[u8]) -> Option<EdgeKey> {
    let mut key = padded(bound);
    if bound.len() > EdgeKey::LEN {
        let carry = key.iter_mut().rev().all(|byte| {
            *byte = byte.wrapping_add(1);
            *byte == 0
        });
        if carry {
            return None;
        }
    }
    EdgeKey::from_bytes(&key)
}

/// The last key whose bytes are below `bound`, which may be of any length.
fn last_below(bound: &[u8]) -> Option<EdgeKey> {
    let mut key = padded(bound);
    if bound.len() <= EdgeKey::LEN {
        let borrow = key.iter_mut().rev().all(|byte| {
            *byte = byte.wrapping_sub(1);
            *byte == u8::MAX
        });
        if borrow {
            return None;
        }
    }
    EdgeKey::from_bytes(&key)
}

/// The first bytes of `bound`, and zeros behind it.
fn padded(bound: &[u8]) -> [u8; EdgeKey::LEN] {
    let mut key = [0; EdgeKey::LEN];
    let len = bound.len().min(EdgeKey::LEN);
    key[..len].copy_from_slice(&bound[..len]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: [u8; EdgeKey::LEN]) -> Option<EdgeKey> {
        EdgeKey::from_bytes(&bytes)
    }

    #[test]
    fn a_bound_of_any_length_has_a_first_key_and_a_last_one_below() {
        let mut ten = [0; EdgeKey::LEN];
        ten[..2].copy_from_slice(&[1, 0]);
        let mut below = [0xff; EdgeKey::LEN];
        below[0] = 0;
        assert_eq!((first_from(&[1]), last_below(&[1])), (key(ten), key(below)));
        assert_eq!((first_from(&[]), last_below(&[])), (key([0; EdgeKey::LEN]), None));
        let (whole, long) = ([0xff; EdgeKey::LEN], [0xff; EdgeKey::LEN + 1]);
        assert_eq!(
            (first_from(&whole), first_from(&long), last_below(&long)),
            (key(whole), None, key(whole))
        );
        let mut long = [0; EdgeKey::LEN + 1];
        let mut one = [0; EdgeKey::LEN];
        one[EdgeKey::LEN - 1] = 1;
        assert_eq!((first_from(&long), last_below(&long)), (key(one), key([0; EdgeKey::LEN])));
        long[EdgeKey::LEN - 1] = 0xff;
        one[EdgeKey::LEN - 2..].copy_from_slice(&[1, 0]);
        assert_eq!(first_from(&long), key(one));
    }

    #[test]
    fn stands_have_neighbours_up_to_the_ends() {
        assert_eq!(behind((7, 0)), Some((7, 1)));
        assert_eq!(behind((7, u32::MAX)), Some((8, 0)));
        assert_eq!(behind((u64::MAX, u32::MAX)), None);
        assert_eq!(
            (before((8, 0)), before((8, 2)), before((0, 0))),
            (Some((7, u32::MAX)), Some((8, 1)), None)
        );
    }
}
