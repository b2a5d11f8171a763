//! The path with the least sum of a property of its edges: Dijkstra's search, and A* where somebody can say how far it
//! still is.
//!
//! Must always be true: every edge that is looked at has a weight, a number that is not negative; another one is an error
//! and not a guess. A weight of +∞ is one: a path over such an edge weighs +∞, and is found only where there is no other.
//! Between two paths of the same sum the one whose nodes were settled first is taken, which is the same on every run.
//! Sums are compared as 64-bit floats, so ints are exact up to 2⁵³.

use super::all::{AllPaths, Links, on_paths};
use super::path::{Path, ShortestPath};
use super::search::{Estimate, Search};
use crate::error::ReadError;
use crate::model::{NodeId, Value};
use std::fmt;
use storage_core::pager::ReadPages;

/// A question for the lightest path; [`LightestPath::find`] answers it.
#[derive(Debug)]
#[must_use]
pub struct LightestPath<'a, R> {
    question: ShortestPath<'a, R>,
    property: String,
}

impl<'a, R: ReadPages> ShortestPath<'a, R> {
    /// Asks for the path with the least sum of this property of its edges, in place of that with the fewest edges. Weights
    /// are ints or floats that are not negative; an edge of weight +∞ is taken only where there is no finite path.
    pub fn weighted_by(self, property: &str) -> LightestPath<'a, R> {
        LightestPath { question: self, property: property.to_owned() }
    }
}

/// A path and the sum of its weights.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WeightedPath {
    /// Its nodes.
    pub path: Path,
    /// The sum: an int where all weights are, and it fits, else a float.
    pub weight: Value,
}

impl<'a, R: ReadPages> LightestPath<'a, R> {
    /// The path; `None` where there is none. Both ends must be there. Takes about 100 bytes for each node that is reached,
    /// and 24 for each edge that made one lighter.
    ///
    /// # Errors
    /// [`ReadError::NoNode`] if an end is not there; [`ReadError::BadWeight`] if an edge that is looked at has no weight, or
    /// one that is negative or no number; [`ReadError::Cancelled`]; what reading and the filters fail with.
    pub fn find(self) -> Result<Option<WeightedPath>, ReadError> {
        find(self, None)
    }

    /// Looks first where the end seems near (A*): `estimate` says for a node what the way from there to the end weighs at
    /// least. It is asked at most once for a node, and not for the end.
    ///
    /// It must never say too much: then the path is the same as without it in weight, however wrong it is otherwise. It need
    /// not fit together from node to node (be *consistent*): a node that turns out nearer than it was when its edges were
    /// read is looked at again, which with bad luck takes long. Less than 0 is taken for 0.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("roads.folio")?.begin_read()?;
    /// # let (from, to) = (foliograph::NodeId(0), foliograph::NodeId(1));
    /// let place = |node| Ok((snapshot.get::<f64>(node, "x")?.unwrap_or(0.0), snapshot.get::<f64>(node, "y")?.unwrap_or(0.0)));
    /// let end = place(to)?;
    /// let route = snapshot
    ///     .shortest_path(from, to)
    ///     .weighted_by("metres")
    ///     .guided_by(|node| place(node).map(|at| (at.0 - end.0).hypot(at.1 - end.1)))
    ///     .find()?;
    /// # Ok::<(), foliograph::ReadError>(())
    /// # .map_err(Into::into) }
    /// ```
    pub fn guided_by(self, estimate: impl FnMut(NodeId) -> Result<f64, ReadError> + 'a) -> GuidedPath<'a, R> {
        GuidedPath { question: self, estimate: Box::new(estimate) }
    }

    /// All paths of the least sum, in the order of their nodes' ids, made one by one as they are asked for. No path takes a
    /// node twice. Sums are equal if they are as computed, added from the start on. Where the least sum is +∞ the only one
    /// given is that which [`LightestPath::find`] finds.
    ///
    /// The search is made here, at once; a failure of it is the first item. Takes what [`LightestPath::find`] takes, 24
    /// bytes for each edge that was no worse than what was known, and about 56 bytes for each node and 8 for each link that
    /// lie on a path; nothing for each path. Where edges weigh nothing, each step of a path looks at the nodes before it.
    pub fn all(self) -> AllPaths {
        let ends = self.question.ends;
        AllPaths::new(ends, self.links())
    }

    fn links(self) -> Result<Option<Links>, ReadError> {
        let ends @ [_, end] = self.question.ends;
        let (mut walk, [(_, ways), _]) = self.question.begin()?;
        let mut search = Search::new(ends, &self.property, None)?.keep_links();
        let found = search.run(&mut walk, &ways)?;
        walk.finish();
        let Some(least) = found else { return Ok(None) };
        let mut links = Links::default();
        if least.is_infinite() {
            for step in search.answer().path.nodes.windows(2) {
                links.next.insert(step[0].0, vec![step[1].0]);
            }
            return Ok(Some(links));
        }
        on_paths(search.tight_links(), &[end.0], |near, far| {
            links.circular |= search.distance(near) == search.distance(far);
            links.next.entry(near).or_default().push(far);
        });
        links.sort();
        Ok(Some(links))
    }
}

/// A question for the lightest path with somebody who knows where to look; [`GuidedPath::find`] answers it.
#[must_use]
pub struct GuidedPath<'a, R> {
    question: LightestPath<'a, R>,
    estimate: Estimate<'a>,
}

impl<R: ReadPages> GuidedPath<'_, R> {
    /// The path; `None` where there is none. Takes what [`LightestPath::find`] takes for the nodes it reaches, which are
    /// fewer the better the estimates are.
    ///
    /// # Errors
    /// As [`LightestPath::find`]; [`ReadError::BadEstimate`] for an estimate that is no number; what the estimate fails
    /// with.
    pub fn find(self) -> Result<Option<WeightedPath>, ReadError> {
        find(self.question, Some(self.estimate))
    }
}

impl<R: fmt::Debug> fmt::Debug for GuidedPath<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuidedPath").field("question", &self.question).finish_non_exhaustive()
    }
}

fn find<'a, R: ReadPages>(
    LightestPath { question, property }: LightestPath<'a, R>,
    estimate: Option<Estimate<'a>>,
) -> Result<Option<WeightedPath>, ReadError> {
    let ends = question.ends;
    let (mut walk, [(_, ways), _]) = question.begin()?;
    let mut search = Search::new(ends, &property, estimate)?;
    let found = search.run(&mut walk, &ways)?;
    walk.finish();
    Ok(found.map(|_| search.answer()))
}
