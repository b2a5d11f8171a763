//! What a walk follows, whom it asks, and who may stop it: the same for every walk.
//!
//! Must always be true: a filter is asked as late as can be, of an edge only while its end is not known yet, and of a node
//! at most once (where two searches meet, once by both together); what a filter fails with ends the walk with that error.
//! A node that the question names is not asked about.

use crate::algo::{Control, Ticker};
use crate::error::ReadError;
use crate::model::{Edge, NodeId};
use crate::reader::{Follow, Hop, Reader, Way};
use std::fmt;
use storage_core::pager::ReadPages;

/// Says of an edge, or of a node, whether a walk may take it.
type Filter<'a, R, T> = Box<dyn FnMut(&Reader<R>, T) -> Result<bool, ReadError> + 'a>;

/// What was said to a question before it is answered.
pub(crate) struct Rules<'a, R> {
    pub(crate) reader: &'a Reader<R>,
    pub(crate) follow: Follow,
    edges: Vec<Filter<'a, R, Edge>>,
    nodes: Vec<Filter<'a, R, NodeId>>,
    pub(crate) control: Control<'a>,
}

impl<'a, R: ReadPages> Rules<'a, R> {
    pub(crate) fn new(reader: &'a Reader<R>) -> Self {
        let control = Control::new();
        Rules { reader, follow: Follow::default(), edges: Vec::new(), nodes: Vec::new(), control }
    }

    pub(crate) fn filter_edges(
        &mut self,
        allows: impl FnMut(&Reader<R>, Edge) -> Result<bool, ReadError> + 'a,
    ) {
        self.edges.push(Box::new(allows));
    }

    pub(crate) fn filter_nodes(
        &mut self,
        allows: impl FnMut(&Reader<R>, NodeId) -> Result<bool, ReadError> + 'a,
    ) {
        self.nodes.push(Box::new(allows));
    }

    /// The walk begins: it may be cancelled from here on.
    pub(crate) fn begin(self) -> Result<Walk<'a, R>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count())?;
        Ok(Walk { asks: Asks { reader: self.reader, edges: self.edges, nodes: self.nodes }, ticker })
    }
}

impl<R> fmt::Debug for Rules<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("follow", &self.follow)
            .field("edge filters", &self.edges.len())
            .field("node filters", &self.nodes.len())
            .field("control", &self.control)
            .finish()
    }
}

/// Those who are asked.
struct Asks<'a, R> {
    reader: &'a Reader<R>,
    edges: Vec<Filter<'a, R, Edge>>,
    nodes: Vec<Filter<'a, R, NodeId>>,
}

impl<R: ReadPages> Asks<'_, R> {
    fn edge(&mut self, edge: Edge) -> Result<bool, ReadError> {
        all(self.reader, &mut self.edges, edge)
    }
}

fn all<R, T: Copy>(reader: &Reader<R>, filters: &mut [Filter<'_, R, T>], what: T) -> Result<bool, ReadError> {
    for filter in filters {
        if !filter(reader, what)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A walk on its way.
pub(crate) struct Walk<'a, R> {
    asks: Asks<'a, R>,
    ticker: Ticker<'a>,
}

/// One edge of a node whose neighbours are looked at.
pub(crate) struct Step<'s, 'a, R> {
    /// The node.
    pub(crate) from: NodeId,
    /// The node at the other end.
    pub(crate) to: u64,
    edge: Option<Edge>,
    asks: &'s mut Asks<'a, R>,
}

impl<R: ReadPages> Step<'_, '_, R> {
    /// Whether the edge may be followed.
    pub(crate) fn is_open(&mut self) -> Result<bool, ReadError> {
        match self.edge {
            Some(edge) => self.asks.edge(edge),
            // Edges are read only where somebody asks about them.
            None => Ok(true),
        }
    }

    /// Whether the node at the other end may be entered.
    pub(crate) fn may_enter(&mut self) -> Result<bool, ReadError> {
        all(self.asks.reader, &mut self.asks.nodes, NodeId(self.to))
    }
}

impl<'a, R: ReadPages> Walk<'a, R> {
    pub(crate) fn reader(&self) -> &'a Reader<R> {
        self.asks.reader
    }

    /// Gives each edge of each of these nodes, in the order of the nodes. Reads what edges are called only if there is
    /// somebody to ask about them.
    pub(crate) fn expand(
        &mut self,
        frontier: &[NodeId],
        ways: &[Way],
        mut visit: impl FnMut(&mut Step<'_, 'a, R>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if !self.asks.edges.is_empty() {
            return self.expand_edges(frontier, ways, |_, step| visit(step));
        }
        let Walk { asks, ticker } = self;
        asks.reader.for_each_list(frontier, ways, |at, list| {
            ticker.done(1);
            ticker.step(1 + list.len() as u64)?;
            let from = frontier[at];
            list.iter().try_for_each(|to| visit(&mut Step { from, to: *to, edge: None, asks: &mut *asks }))
        })
    }

    /// As [`Walk::expand`], with the edges.
    pub(crate) fn expand_edges(
        &mut self,
        frontier: &[NodeId],
        ways: &[Way],
        mut visit: impl FnMut(Hop, &mut Step<'_, 'a, R>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Walk { asks, ticker } = self;
        asks.reader.for_each_hops(frontier, ways, |at, hops| {
            ticker.done(1);
            let from = frontier[at];
            for hop in hops {
                // A closure reads pages: each edge counts, not only each list.
                ticker.step(1)?;
                let edge = hop.edge(from);
                visit(*hop, &mut Step { from, to: hop.neighbor, edge: Some(edge), asks: &mut *asks })?;
            }
            Ok(())
        })
    }

    pub(crate) fn finish(self) {
        self.ticker.finish();
    }
}
