//! Plain edges as single words, to be sorted three times as fast as the rows they stand for.
//!
//! Must always be true: rows are packed only where a word says all that differs among them: they are of one type, have the
//! same rank or none, carry no properties, and the bits of both ends fit into 64. So equal words are equal rows, and the
//! sorted words give the rows back.
//!
//! Memory: two words a row, less than the row's second copy, which sorting is given anyway.

use super::edges::EdgeItem;
use super::plain::Split;
use super::words;

/// How rows are packed.
#[derive(Copy, Clone)]
pub(super) struct Packing {
    /// One of the rows: what all have in common.
    like: EdgeItem,
    split: Split,
}

impl Packing {
    /// How these rows are packed, if they can be.
    pub fn of(rows: &[EdgeItem]) -> Option<Packing> {
        let like = *rows.first()?;
        let (mut vertices, mut neighbors, mut alike) = (0, 0, true);
        for row in rows {
            let (vertex, neighbor) = row.ends();
            vertices |= vertex;
            neighbors |= neighbor;
            alike &= row.is_like(&like);
        }
        let split = Split::of(vertices, neighbors)?;
        (alike && !like.has_props()).then_some(Packing { like, split })
    }

    /// Sorts by both ends.
    pub fn sort(self, rows: &mut [EdgeItem]) {
        self.sort_from(rows, 0);
    }

    /// Sorts rows that are sorted by their second end by the first one, stably.
    pub fn sort_by_first(self, rows: &mut [EdgeItem]) {
        self.sort_from(rows, self.split.low);
    }

    fn sort_from(self, rows: &mut [EdgeItem], from: u32) {
        let word = |row: &EdgeItem| {
            let (vertex, neighbor) = row.ends();
            self.split.word(vertex, neighbor)
        };
        let words = words::sorted(rows.iter().map(word).collect(), from);
        for (row, word) in rows.iter_mut().zip(words) {
            let (vertex, neighbor) = self.split.ends(word);
            *row = self.like.with_ends(vertex, neighbor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage_core::device::sim::Rng;

    fn rows(rng: &mut Rng, count: usize, [vertices, neighbors]: [u64; 2]) -> Vec<EdgeItem> {
        (0..count).map(|_| EdgeItem::new(rng.below(vertices), 3, rng.below(neighbors), None, false)).collect()
    }

    #[test]
    fn packed_rows_come_out_as_comparing_sorts_them() {
        let rng = &mut Rng::new(5);
        for ends in [[1, 1], [2, 1 << 40], [1 << 40, 2], [1000, 1000], [1 << 32, 1 << 31], [1 << 20, 1 << 44]]
        {
            let mut all = rows(rng, 3000, ends);
            let packing = Packing::of(&all).expect("both ends fit into a word");
            let mut wanted = all.clone();
            wanted.sort_by_key(EdgeItem::ends);
            packing.sort(&mut all);
            assert_eq!(all, wanted, "{ends:?}");

            let mut turned: Vec<_> = all.iter().map(EdgeItem::turned).collect();
            let mut wanted = turned.clone();
            wanted.sort_by_key(EdgeItem::ends);
            Packing::of(&turned).expect("as before").sort_by_first(&mut turned);
            assert_eq!(turned, wanted, "{ends:?}, turned");
        }
    }

    #[test]
    fn rows_that_differ_in_more_than_their_ends_are_not_packed() {
        let row = |vertex, edge_type, rank, props| EdgeItem::new(vertex, edge_type, 7, rank, props);
        let plain = row(1, 3, None, false);
        assert!(Packing::of(&[plain, plain]).is_some());
        for other in [row(1, 4, None, false), row(1, 3, Some(0), false), row(1, 3, None, true)] {
            assert!(Packing::of(&[plain, other]).is_none(), "{other:?}");
        }
        assert!(Packing::of(&[row(1, 3, None, true)]).is_none());
        assert!(Packing::of(&[row(u64::MAX - 1, 3, None, false)]).is_none());
        assert!(Packing::of(&[]).is_none());
    }
}
