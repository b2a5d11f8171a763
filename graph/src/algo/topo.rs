//! The topological order: every node before those that its edges lead to. Or a cycle, which is why there is none.
//!
//! Nodes that nothing leads to come first, then those that only they lead to, and so on (Kahn): level by level, each in the
//! order of ids, so that lists are read from neighbouring pages.
//!
//! Must always be true: an order that is given holds every node once, and no edge leads backwards in it; a cycle that is
//! given is one. An edge of an undirected type leads both ways, so it is a cycle of itself, and so is a self-loop.

use super::control::{Control, Ticker};
use super::numbering::Numbering;
use super::question::{directed, question};
use super::sweep::{Sweep, nowhere};
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Follow, Reader, Way, reversed};
use std::collections::HashMap;
use storage_core::page::{PageId, PageKind};
use storage_core::pager::{PageError, ReadPages};

/// How many lists are asked for at once.
const BATCH: usize = 512;

/// A question for the topological order; [`TopologicalOrder::run`] answers it.
#[derive(Debug)]
#[must_use]
pub struct TopologicalOrder<'a, R> {
    reader: &'a Reader<R>,
    follow: Follow,
    control: Control<'a>,
}

question!(TopologicalOrder);
directed!(TopologicalOrder);

/// Nodes of which each has an edge to the next, and the last to the first: there is no topological order.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{} nodes lie on a cycle, node {} among them", nodes.len(), nodes.first().map_or(0, |node| node.0))]
pub struct Cycle {
    /// The nodes, the one with the smallest id first. A node with a self-loop is alone.
    pub nodes: Vec<NodeId>,
}

impl<R: ReadPages> Reader<R> {
    /// An order in which no edge leads backwards.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("packages.folio")?.begin_read()?;
    /// use foliograph::Direction;
    ///
    /// // What is depended on comes first.
    /// match snapshot.topological_order().of_type("depends").direction(Direction::In).run()? {
    ///     Ok(order) => println!("install {} packages in this order: {order:?}", order.len()),
    ///     Err(cycle) => println!("these depend on each other: {:?}", cycle.nodes),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn topological_order(&self) -> TopologicalOrder<'_, R> {
        TopologicalOrder { reader: self, follow: Follow::default(), control: Control::new() }
    }
}

impl<R: ReadPages> TopologicalOrder<'_, R> {
    /// What it takes for a node: its place in the order, how many edges lead to it, and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = 8 + 8 + Numbering::BYTES_PER_NODE;

    /// All nodes in order, those without edges too; or a cycle. Of all orders it is the one in which nodes come as early as
    /// they can, and beside each other by id.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and what reading fails with. That there is a cycle is an answer and no error.
    pub fn run(self) -> Result<Result<Vec<NodeId>, Cycle>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count())?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let ways = self.follow.ways(self.reader);
        let mut sort = Sort { reader: self.reader, nodes: &nodes, incoming: vec![0; nodes.len()] };
        sort.count(&ways, &mut ticker)?;
        ticker.next_round()?;
        let order = sort.order(&ways, &mut ticker)?;
        let answer = match order.len() == nodes.len() {
            true => Ok(order),
            false => Err(sort.cycle(&reversed(&ways), &mut ticker)?),
        };
        ticker.finish();
        Ok(answer)
    }
}

struct Sort<'a, R> {
    reader: &'a Reader<R>,
    nodes: &'a Numbering,
    /// How many edges lead to each node from nodes that are not in the order yet.
    incoming: Vec<u64>,
}

impl<R: ReadPages> Sort<'_, R> {
    fn count(&mut self, ways: &[Way], ticker: &mut Ticker<'_>) -> Result<(), ReadError> {
        let mut sweep = Sweep::new(self.reader, ways, self.nodes);
        while sweep.node()?.is_some() {
            let mut read = 1;
            sweep.read(|_, some| {
                read += some.len() as u64;
                some.iter().for_each(|to| self.incoming[*to] += 1);
                true
            })?;
            ticker.step(read)?;
        }
        Ok(())
    }

    /// As many nodes as can be brought into order.
    fn order(&mut self, ways: &[Way], ticker: &mut Ticker<'_>) -> Result<Vec<NodeId>, ReadError> {
        let Sort { reader, nodes, incoming } = self;
        let mut order = Vec::with_capacity(nodes.len());
        order.extend(nodes.ids().zip(&*incoming).filter(|(_, count)| **count == 0).map(|(id, _)| id));
        let mut done = 0;
        while done < order.len() {
            let level = order.len();
            while done < level {
                let batch = order[done..level.min(done + BATCH)].to_vec();
                done += batch.len();
                reader.for_each_list(&batch, ways, |_, list| {
                    for id in list {
                        let to = nodes.index(*id).ok_or_else(|| nowhere(reader, *id))?;
                        incoming[to] = incoming[to].checked_sub(1).ok_or_else(|| unlike(reader, *id))?;
                        if incoming[to] == 0 {
                            order.push(NodeId(*id));
                        }
                    }
                    ticker.done(1);
                    ticker.step(1 + list.len() as u64)
                })?;
            }
            order[level..].sort_unstable();
        }
        Ok(order)
    }

    /// A cycle among the nodes that were not brought into order: to each of them leads an edge from another one, so going
    /// backwards ends up somewhere twice.
    fn cycle(&self, back: &[Way], ticker: &mut Ticker<'_>) -> Result<Cycle, ReadError> {
        let Sort { reader, nodes, incoming } = self;
        let stuck = |index: usize| incoming[index] > 0;
        let first = (0..nodes.len()).find(|index| stuck(*index)).expect("the order is not complete");
        let mut way = vec![nodes.id(first)];
        let mut seen = HashMap::from([(way[0], 0)]);
        loop {
            let mut before = None;
            reader.for_each_list(&way[way.len() - 1..], back, |_, list| {
                let all_stuck = list.iter().filter(|id| nodes.index(**id).is_some_and(stuck));
                before = all_stuck.min().map(|id| NodeId(*id));
                ticker.step(1 + list.len() as u64)
            })?;
            let last = way[way.len() - 1];
            let before = before.ok_or_else(|| unlike(reader, last.0))?;
            if let Some(at) = seen.insert(before, way.len()) {
                let mut cycle = way.split_off(at);
                cycle.reverse();
                let least = (0..cycle.len()).min_by_key(|at| cycle[*at]).unwrap_or(0);
                cycle.rotate_left(least);
                return Ok(Cycle { nodes: cycle });
            }
            way.push(before);
        }
    }
}

/// The edges of a node were not the same when they were read again, or from their other ends.
fn unlike<R: ReadPages>(reader: &Reader<R>, id: u64) -> ReadError {
    let page = reader.graph.out.root().flatten().map_or(PageId::new(0), |root| root.page());
    let what = format!("the edges of node {id} in one direction are not those in the other");
    PageError::damage(page, PageKind::EdgeOut, what).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algo::testing::Sketch;

    fn order(nodes: u64, edges: &[(u64, u64)]) -> Result<Vec<u64>, Vec<u64>> {
        let ids = |nodes: Vec<NodeId>| nodes.into_iter().map(|node| node.0).collect();
        let found = Sketch::directed(nodes, edges).snapshot().topological_order().run().expect("read");
        found.map(ids).map_err(|cycle| ids(cycle.nodes))
    }

    #[test]
    fn nodes_come_as_early_as_they_can_and_beside_each_other_by_id() {
        let edges = [(5, 0), (5, 2), (4, 0), (4, 1), (2, 3), (3, 1), (3, 1)];
        assert_eq!(order(7, &edges), Ok(vec![4, 5, 6, 0, 2, 3, 1]));
        assert_eq!(order(3, &[]), Ok(vec![0, 1, 2]));
        assert_eq!(order(0, &[]), Ok(vec![]));
        let snapshot = Sketch::directed(7, &edges).snapshot();
        let back = snapshot.topological_order().direction(Direction::In).run().expect("read");
        assert_eq!(back, Ok([0, 1, 6, 3, 4, 2, 5].map(NodeId).to_vec()));
    }

    #[test]
    fn a_cycle_is_shown_where_there_is_one() {
        // 0 and 1 lead there, 5 and 6 lead away.
        let edges = [(0, 1), (1, 3), (3, 2), (2, 4), (4, 3), (4, 5), (5, 6)];
        assert_eq!(order(7, &edges), Err(vec![2, 4, 3]));
        assert_eq!(order(2, &[(0, 1), (1, 1)]), Err(vec![1]));
        assert_eq!(order(2, &[(0, 1), (1, 0)]), Err(vec![0, 1]));
        let snapshot = Sketch::directed(2, &[(0, 1), (1, 0)]).snapshot();
        let cycle = snapshot.topological_order().run().expect("read").expect_err("a cycle");
        assert_eq!(cycle.to_string(), "2 nodes lie on a cycle, node 0 among them");
        let others = snapshot.topological_order().of_type("unknown").run().expect("read");
        assert_eq!(others, Ok(vec![NodeId(0), NodeId(1)]));
    }

    #[test]
    fn an_undirected_edge_is_a_cycle_unless_a_direction_is_said() {
        let snapshot = Sketch::mixed(2, &[], &[(1, 0)]).snapshot();
        let [a, b] = [0, 1].map(NodeId);
        assert_eq!(snapshot.topological_order().run().expect("read"), Err(Cycle { nodes: vec![a, b] }));
        let one_way = snapshot.topological_order().direction(Direction::Out).run().expect("read");
        assert_eq!(one_way, Ok(vec![b, a]));
    }
}
