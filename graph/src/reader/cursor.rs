//! Places in lists of neighbours, as plain values.

use super::lists::Hop;
use crate::model::{NodeId, TypeId};
use std::fmt;
use std::str::FromStr;

/// A place in a list of neighbours: [`Neighbors::after`](crate::Neighbors::after) goes on behind it. It is worth the same in
/// whatever snapshot, also when that edge is gone; places are ordered as ascending lists are.
///
/// As text it is `neighbour.type.way.rank`, made of digits, letters and dots alone, so that it may stand in a URL:
///
/// ```
/// let cursor: foliograph::Cursor = "7.0.out.2".parse()?;
/// assert_eq!((cursor.neighbor(), cursor.to_string()), (foliograph::NodeId(7), "7.0.out.2".to_owned()));
/// # Ok::<(), foliograph::BadCursor>(())
/// ```
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cursor {
    neighbor: u64,
    edge_type: u32,
    incoming: bool,
    rank: u32,
}

impl Cursor {
    /// The neighbour.
    pub fn neighbor(&self) -> NodeId {
        NodeId(self.neighbor)
    }

    /// The type of the edge.
    pub fn edge_type(&self) -> TypeId {
        TypeId(self.edge_type)
    }

    pub(super) fn hop(self) -> Hop {
        let Cursor { neighbor, edge_type, incoming, rank } = self;
        Hop { neighbor, edge_type, into: incoming, rank }
    }
}

impl From<Hop> for Cursor {
    fn from(Hop { neighbor, edge_type, into, rank }: Hop) -> Self {
        Cursor { neighbor, edge_type, incoming: into, rank }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.incoming { "in" } else { "out" };
        write!(f, "{}.{}.{way}.{}", self.neighbor, self.edge_type, self.rank)
    }
}

/// Text that is no [`Cursor`].
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no place in a list of neighbours: one looks like 7.0.out.2")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let mut words = text.split('.');
        let mut word = || words.next().ok_or(BadCursor);
        // Signs and leading zeros are numbers to Rust, and other names of a place to nobody.
        fn number<T: FromStr + ToString>(word: &str) -> Result<T, BadCursor> {
            let number = word.parse::<T>().map_err(|_| BadCursor)?;
            if number.to_string() == word { Ok(number) } else { Err(BadCursor) }
        }
        let (neighbor, edge_type) = (number(word()?)?, number(word()?)?);
        let incoming = match word()? {
            "in" => true,
            "out" => false,
            _ => return Err(BadCursor),
        };
        let rank = number(word()?)?;
        if words.next().is_some() {
            return Err(BadCursor);
        }
        Ok(Cursor { neighbor, edge_type, incoming, rank })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_after_a_trip_through_text() {
        for neighbor in [0, 7, u64::MAX] {
            for (edge_type, incoming, rank) in [(0, false, 0), (3, true, 12), (u32::MAX, false, u32::MAX)] {
                let cursor = Cursor { neighbor, edge_type, incoming, rank };
                assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            "7",
            "7.0.out",
            "7.0.out.",
            "7.0.out.2.1",
            "7.0.up.2",
            "7.0.OUT.2",
            "-7.0.out.2",
            "+7.0.out.2",
            "07.0.out.2",
            " 7.0.out.2",
            "7.0.out.2\n",
            "18446744073709551616.0.in.0",
            "0.4294967296.in.0",
            "..out.",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text:?}");
        }
    }
}
