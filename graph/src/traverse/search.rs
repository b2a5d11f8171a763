//! The search behind lightest paths: the nearest node first, or that whose estimate is least (A*).
//!
//! Must always be true: a node whose distance shrinks is looked at again, so that the distance of the end is right when
//! the end comes out of the queue, if no estimate was too large; the queue never holds NaN.

use super::path::Path;
use super::rules::{Step, Walk};
use super::weighted::WeightedPath;
use crate::algo::{Weight, Weights};
use crate::error::ReadError;
use crate::model::{NodeId, Value};
use crate::reader::Way;
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap, HashSet};
use storage_core::pager::ReadPages;

/// Says what the way from a node to the end weighs at least.
pub(super) type Estimate<'a> = Box<dyn FnMut(NodeId) -> Result<f64, ReadError> + 'a>;

/// What is asked.
pub(super) struct Search<'a> {
    start: NodeId,
    end: NodeId,
    property: &'a str,
    estimate: Option<Estimate<'a>>,
    reached: HashMap<u64, Reached>,
    refused: HashSet<u64>,
    /// Nodes that were allowed, and not reached yet, at the ends of the edges that are looked at.
    entered: HashSet<u64>,
    queue: BinaryHeap<Reverse<(Sum, u64)>>,
    /// Every edge that was no worse than what was known, where all paths are wanted.
    links: Option<Vec<Link>>,
}

/// How a node was reached.
struct Reached {
    from: u64,
    weight: Weight,
    distance: f64,
    estimate: f64,
    settled: bool,
}

/// An edge that was no worse than what was known.
#[derive(Copy, Clone)]
struct Link {
    to: u64,
    from: u64,
    distance: f64,
}

fn number(weight: Weight) -> f64 {
    match weight {
        Weight::Int(n) => n as f64,
        // Adding 0.0 makes -0.0 positive, which the queue tells apart.
        Weight::Float(x) => x + 0.0,
    }
}

/// A sum that is never NaN, for the queue.
#[derive(Copy, Clone, PartialEq)]
struct Sum(f64);

impl Eq for Sum {}

impl PartialOrd for Sum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sum {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<'a> Search<'a> {
    pub(super) fn new(
        [start, end]: [NodeId; 2],
        property: &'a str,
        estimate: Option<Estimate<'a>>,
    ) -> Result<Self, ReadError> {
        let mut search = Search {
            start,
            end,
            property,
            estimate,
            reached: HashMap::new(),
            refused: HashSet::new(),
            entered: HashSet::new(),
            queue: BinaryHeap::new(),
            links: None,
        };
        search.reach(start.0, start.0, Weight::Int(0), 0.0)?;
        Ok(search)
    }

    /// Keeps every link that may lie on a lightest path. Not together with estimates: sums with estimates round
    /// differently, and then one of two equal paths would be lost.
    pub(super) fn keep_links(mut self) -> Self {
        debug_assert!(self.estimate.is_none());
        self.links = Some(Vec::new());
        self
    }

    /// Searches; gives the distance of the end, if it is reached.
    pub(super) fn run<R: ReadPages>(
        &mut self,
        walk: &mut Walk<'_, R>,
        ways: &[Way],
    ) -> Result<Option<f64>, ReadError> {
        let mut found = None;
        while let Some(Reverse((Sum(sum), node))) = self.queue.pop() {
            if found.is_some_and(|least| sum > least) {
                break;
            }
            let Some(this) = self.reached.get_mut(&node) else { continue };
            if std::mem::replace(&mut this.settled, true) {
                continue;
            }
            let so_far = this.distance;
            if node == self.end.0 {
                found = Some(so_far);
                // Nodes as far as the end may lie on another path of the same sum.
                if self.links.is_none() {
                    break;
                }
                continue;
            }
            // What may be gone along is known before weights are read, for only those edges need one.
            let mut hops = Vec::new();
            self.entered.clear();
            walk.expand_edges(&[NodeId(node)], ways, |hop, step| {
                if self.may_take(step)? {
                    hops.push(hop);
                }
                Ok(())
            })?;
            let weights = Weights::new(walk.reader(), self.property);
            weights.each(NodeId(node), &mut hops, |to, weight| self.look((node, to), weight, so_far))?;
        }
        Ok(found)
    }

    /// Whether an edge, and the node at its end, may be taken.
    fn may_take<R: ReadPages>(&mut self, step: &mut Step<'_, '_, R>) -> Result<bool, ReadError> {
        let to = step.to;
        if self.refused.contains(&to) || !step.is_open()? {
            return Ok(false);
        }
        if to == self.end.0 || self.reached.contains_key(&to) || self.entered.contains(&to) {
            return Ok(true);
        }
        let may = step.may_enter()?;
        if may {
            self.entered.insert(to)
        } else {
            self.refused.insert(to)
        };
        Ok(may)
    }

    /// Looks at an edge from a node at this distance.
    fn look(&mut self, (from, to): (u64, u64), weight: Weight, so_far: f64) -> Result<(), ReadError> {
        let known = self.reached.get(&to).map(|known| known.distance);
        let distance = so_far + number(weight);
        if let Some(links) = &mut self.links
            && known.is_none_or(|known| distance <= known)
        {
            links.push(Link { to, from, distance });
        }
        if known.is_none_or(|known| distance < known) {
            self.reach(to, from, weight, distance)?;
        }
        Ok(())
    }

    fn reach(&mut self, node: u64, from: u64, weight: Weight, distance: f64) -> Result<(), ReadError> {
        let estimate = match (self.reached.get(&node), &mut self.estimate) {
            (Some(known), _) => known.estimate,
            (None, Some(estimate)) if node != self.end.0 => match estimate(NodeId(node))? {
                bad if bad.is_nan() => return Err(ReadError::BadEstimate(NodeId(node))),
                // Adding 0.0 makes -0.0 positive, which the queue tells apart.
                estimate => estimate.max(0.0) + 0.0,
            },
            _ => 0.0,
        };
        self.reached.insert(node, Reached { from, weight, distance, estimate, settled: false });
        self.queue.push(Reverse((Sum(distance + estimate), node)));
        Ok(())
    }

    /// The distance of a node that was reached.
    pub(super) fn distance(&self, node: u64) -> Option<f64> {
        self.reached.get(&node).map(|reached| reached.distance)
    }

    /// The links that were kept and lie on a lightest path from the start to where they lead, as (to, from).
    pub(super) fn tight_links(&self) -> Vec<(u64, u64)> {
        let tight = |link: &&Link| self.distance(link.to) == Some(link.distance);
        self.links.iter().flatten().filter(tight).map(|link| (link.to, link.from)).collect()
    }

    /// The path to the end, which was reached, and what it weighs.
    pub(super) fn answer(&self) -> WeightedPath {
        let mut nodes = vec![self.end];
        let mut sum = Some(0i64);
        let mut at = self.end;
        while at != self.start {
            let step = &self.reached[&at.0];
            sum = match (sum, step.weight) {
                (Some(sum), Weight::Int(n)) => sum.checked_add_unsigned(n),
                _ => None,
            };
            at = NodeId(step.from);
            nodes.push(at);
        }
        nodes.reverse();
        let weight = sum.map_or(Value::Float(self.reached[&self.end.0].distance), Value::Int);
        WeightedPath { path: Path { nodes }, weight }
    }
}
