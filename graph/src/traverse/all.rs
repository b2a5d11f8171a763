//! All shortest paths between two nodes, one after another.
//!
//! What is kept is not the paths, of which there may be more than anybody can count, but the links they are made of: for
//! each node that lies on one, the nodes that come next. Must always be true: every link lies on a path, so that the next
//! path is never further away than its own length; each path comes once, in the order of its nodes' ids. Paths that differ
//! only in which of several parallel edges they take are one.
//!
//! Memory: about 24 bytes for each node and 16 for each edge between two levels while the search goes on from both ends,
//! then about 56 for each node and 8 for each link on a path.

use super::path::{End, Path, ShortestPath};
use super::rules::Walk;
use crate::error::ReadError;
use crate::model::NodeId;
use crate::reader::Way;
use std::collections::{HashMap, HashSet};
use std::fmt;
use storage_core::pager::ReadPages;

/// All shortest paths: see [`ShortestPath::all`]. Holds nothing of the store.
pub struct AllPaths {
    links: Links,
    to: u64,
    /// The nodes of the path at hand, each with how many of its successors were taken.
    trail: Vec<(u64, usize)>,
    error: Option<ReadError>,
}

/// Where paths lead: for each node the nodes that come next, ascending.
#[derive(Default)]
pub(super) struct Links {
    pub(super) next: HashMap<u64, Vec<u64>>,
    /// Some lead round in a circle (edges of no weight): then nodes are looked at, that no path takes one twice.
    pub(super) circular: bool,
}

impl<R: ReadPages> ShortestPath<'_, R> {
    /// All paths of the least length, in the order of their nodes' ids, made one by one as they are asked for. There are
    /// none where there is no path, and there may be exponentially many: `take` what you need.
    ///
    /// The search is made here, at once; a failure of it is the first item.
    ///
    /// Takes about 24 bytes for each node that is visited and 16 for each edge between two levels of the search, and then
    /// about 56 bytes for each node and 8 for each link that lie on a path; nothing for each path.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
    /// # let (ada, charles) = (foliograph::NodeId(0), foliograph::NodeId(1));
    /// for path in snapshot.shortest_path(ada, charles).of_type("knows").all().take(10) {
    ///     println!("{:?}", path?.nodes);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn all(self) -> AllPaths {
        let ends = self.ends;
        AllPaths::new(ends, self.links())
    }

    fn links(self) -> Result<Option<Links>, ReadError> {
        let (mut walk, ends) = self.begin()?;
        if ends[0].0 == ends[1].0 {
            return Ok(Some(Links::default()));
        }
        let mut sides = ends.map(Side::new);
        let mut met = Vec::new();
        let mut refused = HashSet::new();
        while met.is_empty() && sides.iter().all(|side| !side.frontier.is_empty()) {
            let [left, right] = &mut sides;
            met = if right.frontier.len() < left.frontier.len() {
                right.expand(left, &mut refused, &mut walk)?
            } else {
                left.expand(right, &mut refused, &mut walk)?
            };
        }
        walk.finish();
        if met.is_empty() {
            return Ok(None);
        }
        let mut links = Links::default();
        let [forth, back] = sides;
        on_paths(forth.links, &met, |near, far| links.next.entry(near).or_default().push(far));
        on_paths(back.links, &met, |near, far| links.next.entry(far).or_default().push(near));
        links.sort();
        Ok(Some(links))
    }
}

/// One of the two searches: each node's distance, and every link between two levels as (farther, nearer).
struct Side {
    reached: HashMap<u64, u64>,
    links: Vec<(u64, u64)>,
    frontier: Vec<NodeId>,
    depth: u64,
    ways: Vec<Way>,
}

impl Side {
    fn new((end, ways): End) -> Self {
        Side { reached: HashMap::from([(end.0, 0)]), links: Vec::new(), frontier: vec![end], depth: 0, ways }
    }

    /// Goes one level further; returns every node where the sides meet. There are none before the last level, and then all
    /// are equally far from the other end: it is the level that the other side reached last.
    fn expand<R: ReadPages>(
        &mut self,
        other: &Side,
        refused: &mut HashSet<u64>,
        walk: &mut Walk<'_, R>,
    ) -> Result<Vec<u64>, ReadError> {
        self.depth += 1;
        let (mut next, mut met) = (Vec::new(), Vec::new());
        let frontier = std::mem::take(&mut self.frontier);
        walk.expand(&frontier, &self.ways, |step| {
            let (to, link) = (step.to, (step.to, step.from.0));
            let known = self.reached.get(&to);
            let behind = known.is_some_and(|depth| *depth < self.depth) || refused.contains(&to);
            // Parallel edges come from one list, but not beside each other.
            if behind || !step.is_open()? {
                return Ok(());
            }
            if known.is_none() {
                let meets = other.reached.contains_key(&to);
                if !meets && !step.may_enter()? {
                    refused.insert(to);
                    return Ok(());
                }
                self.reached.insert(to, self.depth);
                next.push(NodeId(to));
                if meets {
                    met.push(to);
                }
            }
            self.links.push(link);
            Ok(())
        })?;
        next.sort_unstable();
        self.frontier = next;
        Ok(met)
    }
}

/// Gives those of the links (farther, nearer) that lie between `from` and where the search began, each once, as nearer and
/// farther.
pub(super) fn on_paths(mut links: Vec<(u64, u64)>, from: &[u64], mut link: impl FnMut(u64, u64)) {
    links.sort_unstable();
    links.dedup();
    let mut seen: HashSet<u64> = from.iter().copied().collect();
    let mut left = from.to_vec();
    while let Some(far) = left.pop() {
        let first = links.partition_point(|(node, _)| *node < far);
        for (_, near) in links[first..].iter().take_while(|(node, _)| *node == far) {
            link(*near, far);
            if seen.insert(*near) {
                left.push(*near);
            }
        }
    }
}

impl Links {
    pub(super) fn sort(&mut self) {
        self.next.values_mut().for_each(|next| next.sort_unstable());
    }
}

impl AllPaths {
    /// The paths that these links make; none where there are no links.
    pub(super) fn new([from, to]: [NodeId; 2], links: Result<Option<Links>, ReadError>) -> Self {
        let (links, error) = match links {
            Ok(links) => (links, None),
            Err(error) => (None, Some(error)),
        };
        let trail = links.iter().map(|_| (from.0, 0)).collect();
        AllPaths { links: links.unwrap_or_default(), to: to.0, trail, error }
    }

    /// The next node behind the last one of the trail; steps back where there is none left.
    fn advance(&mut self) {
        let Some((node, taken)) = self.trail.last_mut() else { return };
        let successors = self.links.next.get(node).map_or(&[][..], Vec::as_slice);
        let Some(next) = successors.get(*taken) else {
            self.trail.pop();
            return;
        };
        *taken += 1;
        if !self.links.circular || self.leads_on(*next) {
            self.trail.push((*next, 0));
        }
    }

    /// Whether a path may go on with this node: it is not on the trail, and from there the end is reached without one that
    /// is.
    fn leads_on(&self, node: u64) -> bool {
        let mut seen: HashSet<u64> = self.trail.iter().map(|(node, _)| *node).collect();
        if !seen.insert(node) {
            return false;
        }
        let mut left = vec![node];
        while let Some(at) = left.pop() {
            if at == self.to {
                return true;
            }
            let next = self.links.next.get(&at).into_iter().flatten();
            left.extend(next.filter(|next| seen.insert(**next)));
        }
        false
    }
}

impl Iterator for AllPaths {
    type Item = Result<Path, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        while let Some((last, _)) = self.trail.last() {
            if *last == self.to {
                let nodes = self.trail.iter().map(|(node, _)| NodeId(*node)).collect();
                self.trail.pop();
                return Some(Ok(Path { nodes }));
            }
            self.advance();
        }
        None
    }
}

impl fmt::Debug for AllPaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AllPaths(to {}, over {} nodes)", self.to, self.links.next.len())
    }
}
