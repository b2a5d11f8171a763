//! Counting edges of a page between two keys: from the directory and the heads of lists. Only a list that an end of the
//! range cuts through is decoded, up to there.
//!
//! Must always be true: no byte of the page is read for two lists, so time is bounded by the page, whatever it says.

use super::directory::Form;
use super::leaf::{Leaf, Lists};
use super::list::List;
use super::{EdgeKey, Parsed};
use crate::edge::Entry;
use std::ops::Bound;

/// The smallest and the greatest key within bounds; `None` if there is no key within them.
pub(super) fn closed(from: Bound<&EdgeKey>, to: Bound<&EdgeKey>) -> Option<(EdgeKey, EdgeKey)> {
    let from = match from {
        Bound::Unbounded => EdgeKey::MIN,
        Bound::Included(key) => *key,
        Bound::Excluded(key) => key.next()?,
    };
    let to = match to {
        Bound::Unbounded => EdgeKey::MAX,
        Bound::Included(key) => *key,
        Bound::Excluded(key) => key.before()?,
    };
    (from <= to).then_some((from, to))
}

const FIRST: Entry = (0, 0, 0);
const LAST: Entry = (u32::MAX, u64::MAX, u32::MAX);

impl Leaf<'_> {
    /// How many edges lie from `from` to `to`, both included.
    pub fn count(&self, from: EdgeKey, to: EdgeKey) -> Parsed<u64> {
        let dense = self.head.form == Form::Dense;
        let (mut count, mut end, mut before) = (0, self.head.end(), None);
        for slot in self.head.slot_from(self.bytes, from.vertex)..self.head.slots {
            let vertex = self.head.vertex(self.bytes, slot);
            if vertex > to.vertex {
                break;
            }
            let at = self.head.offset(self.bytes, slot);
            if at == 0 && dense {
                continue;
            }
            if at < end || before >= Some(vertex) {
                return Err("lists overlap, or vertices do not ascend");
            }
            before = Some(vertex);
            let low = if vertex == from.vertex { from.entry() } else { FIRST };
            let high = if vertex == to.vertex { to.entry() } else { LAST };
            let (found, read) = self.count_of(vertex, at, low, high)?;
            count += found;
            end = read;
        }
        Ok(count)
    }

    /// How many edges of the vertex whose lists begin at `at` lie from `low` to `high`; and up to where the page was
    /// read for it.
    fn count_of(&self, vertex: u64, at: usize, low: Entry, high: Entry) -> Parsed<(u64, usize)> {
        let part = |list: &List<'_>, edge_type| {
            let low = if edge_type == low.0 { (low.1, low.2) } else { (0, 0) };
            let high = if edge_type == high.0 { (high.1, high.2) } else { (u64::MAX, u32::MAX) };
            list.count(low, high)
        };
        let table = match self.lists(at)? {
            Lists::One(at) => {
                let (list, edge_type) = (List::parse(self.bytes, at, vertex)?, self.head.main_type);
                let found = if (low.0..=high.0).contains(&edge_type) { part(&list, edge_type)? } else { 0 };
                return Ok((found, list.fields_end()));
            }
            Lists::Table(table) => table,
        };
        let (mut count, mut end) = (0, table.end());
        for index in table.place(low.0)?..table.count() {
            let edge_type = table.edge_type(index)?;
            if edge_type > high.0 {
                break;
            }
            let at = table.offset(index)?;
            if at < end {
                return Err("lists overlap");
            }
            let list = List::parse(self.bytes, at, vertex)?;
            count += part(&list, edge_type)?;
            end = list.fields_end();
        }
        Ok((count, end))
    }
}
