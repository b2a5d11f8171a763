//! Distances in edges from one node to all others: breadth-first, top-down and bottom-up (Beamer, Asanović, Patterson,
//! "Direction-optimizing breadth-first search", 2012).
//!
//! Top-down reads the lists of the frontier. Bottom-up reads the lists of all nodes that were not reached, backwards, and
//! looks through each up to the first neighbour that is in the frontier. The second is better where the frontier's lists
//! together are a good part of what was not read yet.
//!
//! Must always be true: distances do not depend on which of the two ways a level went. How long the frontier's lists are is
//! not asked before, for that would take reading them: a level begins top-down, and goes over to bottom-up in its midst.

use super::control::{Control, Ticker};
use super::frontier::{Frontier, ones};
use super::numbering::Numbering;
use super::question::{directed, question};
use super::sweep::nowhere;
use super::values::NodeValues;
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Follow, Reader, Way, reversed};
use storage_core::pager::ReadPages;

/// How many nodes' lists are asked for at once.
const BATCH: usize = 512;

/// The usual limits: bottom-up where the frontier has more than a fifteenth of the edges that were not read, and no more
/// where it has less than an eighteenth of the nodes.
const ALPHA: u64 = 15;
const BETA: u64 = 18;

const UNREACHED: u64 = u64::MAX;

/// A question for the distances of all nodes from one; [`BfsDistances::run`] answers it. Follows outgoing edges, and those
/// of undirected types both ways, unless it is told otherwise. Self-loops and parallel edges change nothing.
#[derive(Debug)]
#[must_use]
pub struct BfsDistances<'a, R> {
    reader: &'a Reader<R>,
    source: NodeId,
    follow: Follow,
    control: Control<'a>,
    limits: (u64, u64),
}

question!(BfsDistances);
directed!(BfsDistances);

impl<R: ReadPages> Reader<R> {
    /// How many edges it takes at least from a node to each other.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
    /// # let ada = foliograph::NodeId(0);
    /// for (node, distance) in snapshot.bfs_distances(ada).of_type("knows").run()?.iter() {
    ///     match distance {
    ///         Some(edges) => println!("{node}: {edges}"),
    ///         None => println!("{node} is not reached"),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn bfs_distances(&self, source: NodeId) -> BfsDistances<'_, R> {
        let (follow, control) = (Follow::default(), Control::new());
        BfsDistances { reader: self, source, follow, control, limits: (ALPHA, BETA) }
    }
}

impl<R: ReadPages> BfsDistances<'_, R> {
    /// What it takes at most for a node: a distance, bits for what was seen and for two frontiers (for each of 32 ids, if
    /// so many come on a node), and its number or id.
    pub const BYTES_PER_NODE: u64 = 8 + 12 + Numbering::BYTES_PER_NODE;

    /// When to go over to reading the lists of nodes that were not reached: where the frontier's lists have more than one
    /// in `alpha` (15) of the edges that were not read; and back where the frontier has fewer than one in `beta` (18) of the
    /// nodes, or for good where such a level had to look at more than half of the edges. Distances do not depend on it; 0 is
    /// never.
    pub fn switching(mut self, alpha: u64, beta: u64) -> Self {
        self.limits = (alpha, beta);
        self
    }

    /// The distances; `None` for a node that is not reached.
    ///
    /// # Errors
    /// [`ReadError::NoNode`] where the source is not there, [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(self) -> Result<NodeValues<Option<u64>>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count())?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let source = nodes.place(self.source.0).ok_or(ReadError::NoNode(self.source))?;
        let ways = self.follow.ways(self.reader);
        let mut search = Search {
            reader: self.reader,
            nodes: &nodes,
            back: reversed(&ways),
            unread: edges_along(self.reader, &ways),
            ways,
            distances: vec![UNREACHED; nodes.len()],
            seen: Frontier::of_bits(nodes.places()),
            reached: 0,
            limits: self.limits,
        };
        search.run(source, &mut ticker)?;
        let distances = search.distances;
        ticker.finish();
        Ok(NodeValues::new(nodes, distances, |word| (word != UNREACHED).then_some(word)))
    }
}

/// How many entries of lists there are to read, as the catalog counts.
fn edges_along<R: ReadPages>(reader: &Reader<R>, ways: &[Way]) -> u64 {
    let along = |(edge_type, direction): &Way| {
        let of_type =
            |id: crate::model::TypeId| reader.catalog().types.get(id.0).map_or(0, |info| info.edges);
        let edges = edge_type.map_or(reader.edge_count(), of_type);
        if *direction == Direction::Both { edges.saturating_mul(2) } else { edges }
    };
    ways.iter().fold(0, |sum, way| sum.saturating_add(along(way)))
}

struct Search<'a, R: ReadPages> {
    reader: &'a Reader<R>,
    nodes: &'a Numbering,
    ways: Vec<Way>,
    back: Vec<Way>,
    distances: Vec<u64>,
    /// Places of nodes that have a distance.
    seen: Frontier,
    /// How many there are of the level that is being found.
    reached: usize,
    /// Edges that were not read top-down.
    unread: u64,
    limits: (u64, u64),
}

/// Why a level is not finished top-down.
enum Halt {
    Failed(ReadError),
    /// It reads too many edges.
    Switch,
    /// An edge leads to no node.
    Nowhere(u64),
}

impl From<ReadError> for Halt {
    fn from(error: ReadError) -> Self {
        Halt::Failed(error)
    }
}

impl<R: ReadPages> Search<'_, R> {
    fn run(&mut self, source: usize, ticker: &mut Ticker<'_>) -> Result<(), ReadError> {
        let places = self.nodes.places();
        let many = self.nodes.len() as u64 / self.limits.1.max(1);
        let mut frontier = Frontier::new(places);
        self.reach(source, 0, &mut frontier)?;
        let mut bottom_up = false;
        for distance in 1.. {
            ticker.done(self.reached as u64);
            // Many have more neighbours: of them it is looked at the end of the level which are new.
            let at_once = frontier.is_large(self.reached) && self.nodes.first().is_some();
            let mut next = if at_once { Frontier::of_bits(places) } else { Frontier::new(places) };
            self.reached = 0;
            frontier.sort();
            if !bottom_up {
                let first = self.nodes.first().filter(|_| at_once);
                bottom_up = !self.top_down(&frontier, (distance, first), &mut next, ticker)?;
                if at_once {
                    self.settle(distance, &mut next)?;
                }
            }
            if bottom_up {
                frontier.make_bits();
                let looked_at = self.bottom_up(&frontier, distance, &mut next, ticker)?;
                bottom_up = self.reached as u64 > many;
                if many > 0 && looked_at > self.unread / 2 {
                    // Who is not reached yet is far away or not reached at all: another such pass would be no shorter.
                    (bottom_up, self.limits.0) = (false, 0);
                }
            }
            if self.reached == 0 {
                return Ok(());
            }
            frontier = next;
            ticker.next_round()?;
        }
        Ok(())
    }

    /// A place that was not seen is reached.
    fn reach(&mut self, place: usize, distance: u64, next: &mut Frontier) -> Result<(), ReadError> {
        let index = self.index(place)?;
        self.distances[index] = distance;
        self.seen.push(place);
        self.reached += 1;
        next.push(place);
        Ok(())
    }

    /// The number of the node at a place.
    #[inline]
    fn index(&self, place: usize) -> Result<usize, ReadError> {
        let nowhere = || {
            let id = self.nodes.first().unwrap_or(0).wrapping_add(place as u64);
            nowhere(self.reader, id)
        };
        self.nodes.at_place(place).map(|(index, _)| index).ok_or_else(nowhere)
    }

    /// Of the places in bits, those that were seen before go, and the others are reached.
    fn settle(&mut self, distance: u64, next: &mut Frontier) -> Result<(), ReadError> {
        let words = next.bits_mut().len().min(self.seen.bits_mut().len());
        for at in 0..words {
            let new = next.bits_mut()[at] & !self.seen.bits_mut()[at];
            next.bits_mut()[at] = new;
            self.seen.bits_mut()[at] |= new;
            if new == 0 {
                continue;
            }
            if !self.nodes.indexes(at, new, |index| self.distances[index] = distance) {
                // One of them has no node: which one is told by its place.
                ones(new).try_for_each(|bit| self.index(at * 64 + bit).map(drop))?;
            }
            self.reached += new.count_ones() as usize;
        }
        Ok(())
    }

    /// One level by the lists of the frontier; false if that reads too many edges, and the rest is better found bottom-up.
    /// With a first id, neighbours are only marked by how far they are from it.
    fn top_down(
        &mut self,
        frontier: &Frontier,
        (distance, first): (u64, Option<u64>),
        next: &mut Frontier,
        ticker: &mut Ticker<'_>,
    ) -> Result<bool, ReadError> {
        let (alpha, beta) = self.limits;
        // A pass over everything looks at every node, so it takes more than some lists of a small frontier.
        let limit = match (self.unread.checked_div(alpha), (self.nodes.len() as u64).checked_div(beta)) {
            (Some(edges), Some(nodes)) => edges.max(nodes),
            _ => u64::MAX,
        };
        let (reader, nodes, ways) = (self.reader, self.nodes, std::mem::take(&mut self.ways));
        let mut read = 0;
        let mut batch = Vec::with_capacity(BATCH);
        let mut members = frontier.iter().filter_map(|place| nodes.id_at(place));
        let done = loop {
            batch.clear();
            batch.extend(members.by_ref().take(BATCH));
            if batch.is_empty() {
                break Ok(());
            }
            let done = reader.for_each_neighbor(&batch, &ways, |list| {
                match first {
                    Some(first) => mark(list, first, next.bits_mut())?,
                    None => self.reach_new(list, distance, next)?,
                }
                read += list.len() as u64;
                self.unread = self.unread.saturating_sub(list.len() as u64);
                ticker.step(1 + list.len() as u64)?;
                if read > limit { Err(Halt::Switch) } else { Ok(()) }
            });
            if done.is_err() {
                break done;
            }
        };
        self.ways = ways;
        match done {
            Ok(()) => Ok(true),
            Err(Halt::Switch) => Ok(false),
            Err(Halt::Failed(error)) => Err(error),
            Err(Halt::Nowhere(id)) => Err(nowhere(reader, id)),
        }
    }

    /// Those of a list that were not seen are reached.
    fn reach_new(&mut self, list: &[u64], distance: u64, next: &mut Frontier) -> Result<(), Halt> {
        for id in list {
            let place = self.nodes.place(*id).ok_or(Halt::Nowhere(*id))?;
            if !self.seen.contains(place) {
                self.reach(place, distance, next)?;
            }
        }
        Ok(())
    }

    /// One level by the lists of all nodes that were not reached, each looked through up to a neighbour in the frontier.
    /// Returns how many edges these lists have.
    fn bottom_up(
        &mut self,
        frontier: &Frontier,
        distance: u64,
        next: &mut Frontier,
        ticker: &mut Ticker<'_>,
    ) -> Result<u64, ReadError> {
        let (reader, nodes, back) = (self.reader, self.nodes, std::mem::take(&mut self.back));
        let mut looked_at = 0;
        let (mut batch, mut places) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        let mut from = 0;
        loop {
            batch.clear();
            places.clear();
            while let Some(place) = self.seen.missing(from).filter(|_| batch.len() < BATCH) {
                from = place + 1;
                if let Some(id) = nodes.id_at(place) {
                    batch.push(id);
                    places.push(place);
                }
            }
            if batch.is_empty() {
                self.back = back;
                return Ok(looked_at);
            }
            reader.for_each_list(&batch, &back, |index, list| {
                if leads_to(list, nodes, frontier).map_err(|id| nowhere(reader, id))? {
                    self.reach(places[index], distance, next)?;
                }
                looked_at += list.len() as u64;
                ticker.step(1 + list.len() as u64)
            })?;
        }
    }
}

/// Whether one of a list is in the frontier; the id of one that is no node, if one comes before.
#[inline]
fn leads_to(list: &[u64], nodes: &Numbering, frontier: &Frontier) -> Result<bool, u64> {
    for id in list {
        if frontier.contains(nodes.place(*id).ok_or(*id)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Marks the places of ids, whether or not they were seen.
///
/// Lists ascend, so that two that follow each other are often in one word, and the second would wait for the first: all is gone
/// through in four places at a time.
#[inline]
fn mark(list: &[u64], first: u64, bits: &mut [u64]) -> Result<(), Halt> {
    let mut one = |id: u64| {
        let place = id.wrapping_sub(first);
        match bits.get_mut((place / 64) as usize) {
            Some(word) => *word |= 1 << (place % 64),
            None => return Err(Halt::Nowhere(id)),
        }
        Ok(())
    };
    let quarter = list.len() / 4;
    let (a, rest) = list.split_at(quarter);
    let (b, rest) = rest.split_at(quarter);
    let (c, d) = rest.split_at(quarter);
    for at in 0..quarter {
        one(a[at])?;
        one(b[at])?;
        one(c[at])?;
        one(d[at])?;
    }
    d[quarter..].iter().try_for_each(|id| one(*id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algo::testing::Sketch;

    fn distances(sketch: &Sketch, source: u64, direction: Option<Direction>) -> Vec<Option<u64>> {
        let snapshot = sketch.snapshot();
        let run = |(alpha, beta)| {
            let mut question = snapshot.bfs_distances(NodeId(source)).switching(alpha, beta);
            if let Some(direction) = direction {
                question = question.direction(direction);
            }
            question.run().expect("walked").iter().map(|(_, distance)| distance).collect::<Vec<_>>()
        };
        let top_down = run((0, 0));
        assert_eq!(run((u64::MAX, u64::MAX)), top_down, "bottom-up finds the same");
        assert_eq!(run((ALPHA, BETA)), top_down, "and so do both in turn");
        top_down
    }

    #[test]
    fn distances_are_those_of_the_shortest_ways() {
        let sketch = Sketch::directed(6, &[(0, 1), (0, 1), (1, 1), (1, 2), (0, 3), (3, 2), (2, 4), (4, 0)]);
        let [zero, one, two, three] = [0, 1, 2, 3].map(Some);
        assert_eq!(distances(&sketch, 0, None), [zero, one, two, one, three, None]);
        assert_eq!(distances(&sketch, 2, None), [two, three, zero, three, one, None]);
        assert_eq!(distances(&sketch, 0, Some(Direction::In)), [zero, three, two, three, one, None]);
        assert_eq!(distances(&sketch, 0, Some(Direction::Both)), [zero, one, two, one, one, None]);
        assert_eq!(distances(&sketch, 5, None), [None, None, None, None, None, zero]);
    }

    /// Lists of any length, gone through in four places at a time; an id that has no place is told wherever it stands.
    #[test]
    fn all_of_a_list_is_marked_and_what_is_no_node_is_told() {
        for len in 0..20u64 {
            let list: Vec<u64> = (0..len).map(|n| 1000 + n * 37 % 128).collect();
            let mut bits = vec![0; 2];
            assert!(mark(&list, 1000, &mut bits).is_ok());
            assert!(list.iter().all(|id| bits[(id - 1000) as usize / 64] >> ((id - 1000) % 64) & 1 == 1));
            assert_eq!(u64::from(bits[0].count_ones() + bits[1].count_ones()), len);
            for (at, wrong) in (0..list.len()).flat_map(|at| [(at, 999), (at, 1128), (at, u64::MAX)]) {
                let mut list = list.clone();
                list[at] = wrong;
                assert!(matches!(mark(&list, 1000, &mut bits), Err(Halt::Nowhere(id)) if id == wrong));
            }
        }
    }

    #[test]
    fn undirected_edges_lead_both_ways_beside_directed_ones() {
        let sketch = Sketch::mixed(4, &[(2, 1)], &[(0, 1), (3, 0)]);
        assert_eq!(distances(&sketch, 0, None), [Some(0), Some(1), None, Some(1)]);
        assert_eq!(distances(&sketch, 2, None), [Some(2), Some(1), Some(0), Some(3)]);
    }

    #[test]
    fn a_source_that_is_not_there_is_an_error() {
        let snapshot = Sketch::directed(2, &[(0, 1)]).snapshot();
        let found = snapshot.bfs_distances(NodeId(7)).run();
        assert!(matches!(found, Err(ReadError::NoNode(NodeId(7)))));
        let empty = Sketch::directed(0, &[]).snapshot();
        assert!(matches!(empty.bfs_distances(NodeId(0)).run(), Err(ReadError::NoNode(_))));
    }

    #[test]
    fn types_that_are_not_asked_for_and_unknown_ones_are_not_followed() {
        let snapshot = Sketch::mixed(3, &[(0, 1)], &[(1, 2)]).snapshot();
        let reached = |name| {
            let found = snapshot.bfs_distances(NodeId(0)).of_type(name).run().expect("walked");
            found.iter().filter(|(_, distance)| distance.is_some()).count()
        };
        assert_eq!((reached("directed"), reached("undirected"), reached("nobody knows this")), (2, 1, 1));
    }
}
