//! What a format cannot hold of a graph, counted, so that an export can be refused or say what it drops.

use std::collections::BTreeMap;
use std::fmt;

use super::source::EdgeOut;

/// Something that a format does not hold.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Loss {
    /// Nodes with a label other than `node`.
    Labels,
    /// Keys that are not what nodes are written by.
    Keys,
    /// Properties of nodes.
    NodeProps,
    /// Nodes without edges.
    LonelyNodes,
    /// Edges with a type other than `edge`.
    Types,
    /// Edges of undirected types.
    Undirected,
    /// Ranks that are not counted from 0.
    Ranks,
    /// Properties of edges, other than those that are held.
    EdgeProps,
    /// Whole weights among weights that are floats: they become floats.
    MixedWeights,
    /// Dates, timestamps, bytes and lists: they become text.
    ValueTypes,
    /// Texts with characters that the format has no way to write: U+FFFD takes their place.
    Characters,
    /// Undirected edge types without edges.
    EmptyTypes,
    /// Property indexes.
    Indexes,
}

impl Loss {
    fn what(self, format: &str) -> &'static str {
        match self {
            Loss::Labels => "labels other than `node`",
            Loss::Keys => "keys",
            Loss::NodeProps => "properties of nodes",
            Loss::LonelyNodes => "nodes without edges",
            Loss::Types => "edge types other than `edge`",
            Loss::Undirected => "undirected edges as such",
            Loss::Ranks => "ranks that are not counted from 0",
            Loss::EdgeProps if format == EDGE_LIST => "properties of edges other than a numeric `weight`",
            Loss::EdgeProps => "properties of edges",
            Loss::MixedWeights => "whole weights among floats",
            Loss::ValueTypes => "dates, timestamps, bytes and lists other than as text",
            Loss::Characters => "texts with control characters",
            Loss::EmptyTypes => "undirected edge types without edges",
            Loss::Indexes => "indexes",
        }
    }
}

/// What messages call an edge list.
pub(super) const EDGE_LIST: &str = "an edge list";

/// What a format does not hold of a graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    format: &'static str,
    counts: BTreeMap<Loss, u64>,
}

impl Losses {
    pub(super) fn new(format: &'static str) -> Self {
        Losses { format, counts: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, loss: Loss, count: u64) {
        if count > 0 {
            *self.counts.entry(loss).or_default() += count;
        }
    }

    /// What the format is called.
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// Whether everything is held.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How often this is lost.
    pub fn count(&self, loss: Loss) -> u64 {
        self.counts.get(&loss).copied().unwrap_or(0)
    }

    /// All that is lost, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Loss, u64)> + '_ {
        self.counts.iter().map(|(loss, count)| (*loss, *count))
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (loss, count)) in self.iter().enumerate() {
            write!(f, "{}{} ({count})", if i == 0 { "" } else { ", " }, loss.what(self.format))?;
        }
        Ok(())
    }
}

/// Ranks as import gives them where a format has none: counted from 0, in the order of the edges.
#[derive(Debug, Default)]
pub(super) struct CountedRanks {
    last: Option<(u64, u64, String)>,
    expected: u32,
}

impl CountedRanks {
    /// Whether the edge would get the rank that it has.
    pub fn is_counted(&mut self, edge: &EdgeOut<'_>) -> bool {
        let same = matches!(&self.last, Some((source, target, of))
            if (*source, *target, of.as_str()) == (edge.source, edge.target, edge.edge_type));
        self.expected = if same { self.expected.wrapping_add(1) } else { 0 };
        if !same {
            self.last = Some((edge.source, edge.target, edge.edge_type.to_owned()));
        }
        edge.rank == self.expected
    }
}
