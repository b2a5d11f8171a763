//! Strongly connected components: groups of nodes of which each reaches every other.
//!
//! One depth-first search, as Tarjan found it, with one number for each node (Pearce, "A space-efficient algorithm for
//! finding strongly connected components", 2016), and without recursion.
//!
//! Must always be true: between two steps the numbers of the nodes that are not in a component yet are at most `index`, those
//! of the others are greater. What is left to visit of each node on the way down is kept while there is room; where it had to
//! make room, the node's list is read again, which changes nothing: a node that was visited meanwhile is told by its number.

use super::control::{Control, Ticker};
use super::numbering::Numbering;
use super::question::{directed, question};
use super::sweep::nowhere;
use super::values::NodeValues;
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Follow, Reader, Way};
use std::collections::{HashMap, VecDeque};
use storage_core::pager::ReadPages;

/// A question for the strongly connected components; [`StronglyConnected::run`] answers it. An edge of an undirected type
/// leads both ways, unless it is told otherwise.
#[derive(Debug)]
#[must_use]
pub struct StronglyConnected<'a, R> {
    reader: &'a Reader<R>,
    follow: Follow,
    control: Control<'a>,
}

question!(StronglyConnected);
directed!(StronglyConnected);

impl<R: ReadPages> Reader<R> {
    /// The groups of nodes of which each reaches every other.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("packages.folio")?.begin_read()?;
    /// for group in snapshot.strongly_connected().of_type("depends").groups()? {
    ///     println!("these {} depend on each other: {group:?}", group.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn strongly_connected(&self) -> StronglyConnected<'_, R> {
        StronglyConnected { reader: self, follow: Follow::default(), control: Control::new() }
    }
}

impl<R: ReadPages> StronglyConnected<'_, R> {
    /// What it takes for a node at most, 2 MiB apart: its number; its place on the way down and among those that were left;
    /// what is left to visit; and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = 8 + 32 + 16 + 8 + Numbering::BYTES_PER_NODE;

    /// For each node the smallest id in its component. A node that is alone is its own.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(self) -> Result<NodeValues<NodeId>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count())?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let ways = self.follow.ways(self.reader);
        let room = (nodes.len() / 2 + ROOM).min(u32::MAX as usize);
        let mut search = Search::new(self.reader, &nodes, &ways, room);
        for node in 0..nodes.len() {
            if search.numbers[node] == UNVISITED {
                search.visit(node, &mut ticker)?;
            }
        }
        let mut numbers = search.into_numbers();
        // Components are numbered downwards from the number of nodes.
        let mut least = vec![u64::MAX; nodes.len()];
        for (number, id) in numbers.iter_mut().zip(nodes.ids()) {
            let of = &mut least[nodes.len() - *number as usize];
            *of = id.0.min(*of);
            *number = *of;
        }
        ticker.finish();
        Ok(NodeValues::new(nodes, numbers, NodeId))
    }

    /// The components of more than one node, the largest first; each ascending by id. Takes about 60 bytes for each
    /// component and 8 for each node in one, beside what [`StronglyConnected::run`] takes.
    ///
    /// # Errors
    /// As [`StronglyConnected::run`].
    pub fn groups(self) -> Result<Vec<Vec<NodeId>>, ReadError> {
        let components = self.run()?;
        let mut groups: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for (node, least) in components.iter().filter(|(node, least)| node != least) {
            groups.entry(least).or_insert_with(|| vec![least]).push(node);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_unstable_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
        Ok(groups)
    }
}

const UNVISITED: u64 = 0;

/// So many nodes may be left to visit however small the graph is.
const ROOM: usize = 1 << 16;

struct Search<'a, R> {
    reader: &'a Reader<R>,
    nodes: &'a Numbering,
    ways: &'a [Way],
    /// A node's number in the order of visits, then the smallest that it reaches, then its component's.
    numbers: Vec<u64>,
    /// The next number in the order of visits.
    index: u64,
    /// The next component's.
    component: u64,
    /// The way down.
    frames: Vec<Frame>,
    /// Nodes that were left and are in no component yet.
    open: Vec<usize>,
    /// What is left to visit of the frames, the last one's at the end.
    left: VecDeque<usize>,
    /// So many of the first frames had to let go of what was left.
    cleared: usize,
    room: usize,
}

struct Frame {
    node: usize,
    /// How many in `left` are its.
    left: u32,
    /// They are all there are.
    whole: bool,
    /// It reaches no node with a smaller number, as far as is known.
    root: bool,
}

impl<'a, R: ReadPages> Search<'a, R> {
    fn new(reader: &'a Reader<R>, nodes: &'a Numbering, ways: &'a [Way], room: usize) -> Self {
        let (numbers, component) = (vec![UNVISITED; nodes.len()], nodes.len() as u64);
        let (frames, open, left) = (Vec::new(), Vec::new(), VecDeque::new());
        Search { reader, nodes, ways, numbers, index: 1, component, frames, open, left, cleared: 0, room }
    }

    fn into_numbers(self) -> Vec<u64> {
        self.numbers
    }

    /// Visits a node and all that it reaches.
    fn visit(&mut self, start: usize, ticker: &mut Ticker<'_>) -> Result<(), ReadError> {
        self.enter(start, ticker)?;
        while let Some(frame) = self.frames.last_mut() {
            if frame.left > 0 {
                frame.left -= 1;
                let node = frame.node;
                let to = self.left.pop_back().expect("the last frame's are at the end");
                match self.numbers[to] {
                    UNVISITED => self.enter(to, ticker)?,
                    number => frame.root &= !lower(&mut self.numbers[node], number),
                }
            } else if !frame.whole {
                self.read(ticker)?;
            } else {
                self.leave();
                ticker.done(1);
            }
        }
        Ok(())
    }

    fn enter(&mut self, node: usize, ticker: &mut Ticker<'_>) -> Result<(), ReadError> {
        self.numbers[node] = self.index;
        self.index += 1;
        self.frames.push(Frame { node, left: 0, whole: false, root: true });
        self.read(ticker)
    }

    /// Reads the last frame's list, for the first time or again. Nothing of it is left.
    fn read(&mut self, ticker: &mut Ticker<'_>) -> Result<(), ReadError> {
        let Search { reader, nodes, ways, numbers, frames, left, room, .. } = self;
        let above = frames.len() - 1;
        let frame = &mut frames[above];
        frame.whole = true;
        reader.for_each_list(&[nodes.id(frame.node)], ways, |_, list| {
            for id in list {
                let to = nodes.index(*id).ok_or_else(|| nowhere(reader, *id))?;
                if numbers[to] != UNVISITED {
                    let number = numbers[to];
                    frame.root &= !lower(&mut numbers[frame.node], number);
                } else if (frame.left as usize) < *room {
                    left.push_back(to);
                    frame.left += 1;
                } else {
                    frame.whole = false;
                }
            }
            ticker.step(1 + list.len() as u64)
        })?;
        self.cleared = self.cleared.min(above);
        if self.left.len() > self.room {
            self.make_room();
        }
        Ok(())
    }

    /// The first frames let go of what is left of them; the last one does not.
    fn make_room(&mut self) {
        while self.left.len() > self.room / 2 && self.cleared + 1 < self.frames.len() {
            let frame = &mut self.frames[self.cleared];
            frame.whole &= frame.left == 0;
            self.left.drain(..frame.left as usize);
            frame.left = 0;
            self.cleared += 1;
        }
    }

    /// All that the last frame's node reaches was visited.
    fn leave(&mut self) {
        let Some(Frame { node, root, .. }) = self.frames.pop() else { return };
        self.cleared = self.cleared.min(self.frames.len());
        if root {
            let number = self.numbers[node];
            self.index -= 1;
            while let Some(inside) = self.open.pop_if(|open| number <= self.numbers[*open]) {
                self.numbers[inside] = self.component;
                self.index -= 1;
            }
            self.numbers[node] = self.component;
            self.component -= 1;
        } else {
            self.open.push(node);
        }
        if let Some(above) = self.frames.last_mut() {
            let number = self.numbers[node];
            above.root &= !lower(&mut self.numbers[above.node], number);
        }
    }
}

/// Makes a number smaller; false if it is not.
fn lower(number: &mut u64, other: u64) -> bool {
    let lowers = other < *number;
    *number = other.min(*number);
    lowers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algo::testing::Sketch;
    use storage_core::device::sim::Rng;

    #[test]
    fn what_reaches_each_other_is_one_group() {
        let edges = [(0, 2), (2, 6), (6, 0), (6, 3), (3, 5), (5, 3), (4, 4), (5, 3), (1, 0)];
        let snapshot = Sketch::directed(7, &edges).ids(&[1, 2, 3, 4, 5, 9, 70]).snapshot();
        let found = snapshot.strongly_connected().run().expect("read");
        let least: Vec<_> = found.iter().map(|(node, least)| (node.0, least.0)).collect();
        assert_eq!(least, [(1, 1), (2, 2), (3, 1), (4, 4), (5, 5), (9, 4), (70, 1)]);
        let groups = snapshot.strongly_connected().groups().expect("read");
        assert_eq!(groups, [vec![NodeId(1), NodeId(3), NodeId(70)], vec![NodeId(4), NodeId(9)]]);
        let none = snapshot.strongly_connected().of_type("unknown").groups().expect("read");
        assert!(none.is_empty());
        assert!(Sketch::directed(0, &[]).snapshot().strongly_connected().run().expect("read").is_empty());
    }

    #[test]
    fn an_undirected_edge_leads_both_ways() {
        let snapshot = Sketch::mixed(3, &[(1, 2)], &[(1, 0)]).snapshot();
        let [a, b] = [0, 1].map(NodeId);
        assert_eq!(snapshot.strongly_connected().groups().expect("read"), [[a, b]]);
    }

    /// A way down of 50,000 nodes, and one group of them all.
    #[test]
    fn a_long_way_down_needs_no_stack() {
        let mut edges: Vec<_> = (0..50_000).map(|id| (id, (id + 1) % 50_000)).collect();
        let groups = |edges: &[_]| {
            let snapshot = Sketch::directed(50_000, edges).snapshot();
            snapshot.strongly_connected().groups().expect("read")
        };
        assert_eq!(groups(&edges), [(0..50_000).map(NodeId).collect::<Vec<_>>()]);
        edges.pop();
        assert!(groups(&edges).is_empty());
    }

    /// Lists that had to go and were read again change nothing.
    #[test]
    fn little_room_finds_the_same() {
        let mut rng = Rng::new(5);
        for _ in 0..60 {
            let count = 1 + rng.below(60);
            let edges: Vec<_> =
                (0..rng.below(4 * count)).map(|_| (rng.below(count), rng.below(count))).collect();
            let snapshot = Sketch::directed(count, &edges).snapshot();
            let mut ticker = Ticker::new(Control::new());
            let nodes = Numbering::of(&snapshot, &mut ticker).expect("read");
            let ways = Follow::default().ways(&snapshot);
            let wanted: Vec<u64> = reaching(count, &edges);
            for room in [1, 2, 7, 1000] {
                let mut search = Search::new(&snapshot, &nodes, &ways, room);
                for node in 0..nodes.len() {
                    if search.numbers[node] == UNVISITED {
                        search.visit(node, &mut ticker).expect("read");
                        assert!(search.left.is_empty() && search.open.is_empty());
                    }
                }
                let numbers = search.into_numbers();
                let first = |number| numbers.iter().position(|n| *n == number).expect("one has it") as u64;
                assert_eq!(
                    numbers.iter().map(|n| first(*n)).collect::<Vec<_>>(),
                    wanted,
                    "{edges:?}, room {room}"
                );
            }
        }
    }

    /// For each node the first that it reaches and that reaches it.
    fn reaching(count: u64, edges: &[(u64, u64)]) -> Vec<u64> {
        let reached = |from| {
            let mut seen = vec![from];
            let mut at = 0;
            while let Some(node) = seen.get(at).copied() {
                at += 1;
                for (_, to) in edges.iter().filter(|(source, _)| *source == node) {
                    if !seen.contains(to) {
                        seen.push(*to);
                    }
                }
            }
            seen
        };
        let all: Vec<_> = (0..count).map(reached).collect();
        let mutual = |a: u64, b: u64| all[a as usize].contains(&b) && all[b as usize].contains(&a);
        (0..count).map(|a| (0..count).find(|b| mutual(a, *b)).expect("itself")).collect()
    }
}
