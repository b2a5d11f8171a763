//! Edges: ends exist, out and in mirror each other, counts are right, properties belong to an edge (I5).
//!
//! That both directions hold the same edges is compared by the sum of a hash over each edge, which needs no memory; only
//! when the sums differ are the edges looked up one by one, to name those that are missing.

use super::Checker;
use super::indexes::Wanted;
use super::nodes::NodeIds;
use crate::btree::{LeafFormat, Tree};
use crate::catalog::IndexOwner;
use crate::edge::page::EdgeLeaf;
use crate::edge::{EdgeKey, edge_of, keys};
use crate::error::ReadError;
use crate::index::Entity;
use crate::model::{Edge, PropertyId, TypeId};
use crate::node::{decode_props, value_of, whole_props};
use storage_core::page::PageKind;

/// What one direction holds.
#[derive(Default, PartialEq, Eq)]
struct Sum {
    edges: u64,
    hash: u128,
    by_type: Vec<u64>,
}

impl Sum {
    fn add(&mut self, edge: Edge) {
        self.edges += 1;
        self.hash = self.hash.wrapping_add(mix(edge));
        let t = edge.edge_type.0 as usize;
        if let Some(count) = self.by_type.get_mut(t) {
            *count += 1;
        }
    }
}

/// A hash of an edge, 128 bits: two rounds of SplitMix64 over its four numbers, from different starts.
fn mix(edge: Edge) -> u128 {
    let round = |start: u64| {
        let parts = [edge.source.0, u64::from(edge.edge_type.0), edge.target.0, u64::from(edge.rank)];
        parts.into_iter().fold(start, |hash, part| {
            let mut z = (hash ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        })
    };
    u128::from(round(1)) << 64 | u128::from(round(2))
}

impl Checker<'_, '_> {
    pub(super) fn check_edges(&mut self, nodes: &NodeIds, wanted: &mut Wanted) -> Result<(), ReadError> {
        let graph = self.graph.clone();
        let Some(out) = self.direction::<false>(&graph.out, nodes)? else { return Ok(()) };
        let Some(into) = self.direction::<true>(&graph.into, nodes)? else { return Ok(()) };
        if out != into {
            self.name_missing(&graph)?;
        }
        let root = self.root_page(2);
        for ((_, info), found) in graph.catalog.types.iter().zip(&out.by_type) {
            if info.edges != *found {
                let what = format!(
                    "the catalog counts {} edges of type `{}`, there are {found}",
                    info.edges, info.name
                );
                self.note(root, PageKind::Record, what);
            }
        }
        if graph.catalog.edge_count != out.edges {
            let what =
                format!("the catalog counts {} edges, there are {}", graph.catalog.edge_count, out.edges);
            self.note(root, PageKind::Record, what);
        }
        self.check_edge_props(wanted)
    }

    fn direction<const IN: bool>(
        &mut self,
        tree: &Tree<EdgeLeaf<IN>>,
        nodes: &NodeIds,
    ) -> Result<Option<Sum>, ReadError> {
        let kind = <EdgeLeaf<IN> as LeafFormat>::KIND;
        let root = self.root_page(2 + usize::from(IN));
        let types = self.graph.catalog.types.iter().len();
        let mut sum = Sum { by_type: vec![0; types], ..Sum::default() };
        let mut last: Option<EdgeKey> = None;
        self.ticker.next_round()?;
        for entry in tree.range(self.snapshot, ..) {
            self.compared()?;
            let key = match entry {
                Ok((key, ())) => key,
                Err(e) => {
                    self.caught(Err(e))?;
                    return Ok(None);
                }
            };
            if last.is_some_and(|last| last >= key) {
                self.note(root, kind, format!("the edges of node {} are not in order", key.vertex));
                return Ok(None);
            }
            if last.is_none_or(|last| last.vertex != key.vertex) && !nodes.contains(key.vertex) {
                self.note(root, kind, format!("node {} has edges, but is not there", key.vertex));
            }
            // The other ends are this direction's neighbours: the mirror checks them as its vertices, and the sums say
            // that it holds the same edges.
            if key.edge_type as usize >= types {
                self.note(root, kind, format!("an edge of node {} has an unknown type", key.vertex));
            }
            sum.add(edge_of(key, IN));
            last = Some(key);
        }
        Ok(Some(sum))
    }

    fn name_missing(&mut self, graph: &crate::trees::Graph) -> Result<(), ReadError> {
        let (out_root, in_root) = (self.root_page(2), self.root_page(3));
        for entry in graph.out.range(self.snapshot, ..) {
            self.ticker.step(1)?;
            let edge = edge_of(entry?.0, false);
            if graph.into.get(self.snapshot, &keys(edge).1)?.is_none() {
                self.note(in_root, PageKind::EdgeIn, format!("{edge:?} stands in the out tree only"));
            }
        }
        for entry in graph.into.range(self.snapshot, ..) {
            self.ticker.step(1)?;
            let edge = edge_of(entry?.0, true);
            if graph.out.get(self.snapshot, &keys(edge).0)?.is_none() {
                self.note(out_root, PageKind::EdgeOut, format!("{edge:?} stands in the in tree only"));
            }
        }
        Ok(())
    }

    fn check_edge_props(&mut self, wanted: &mut Wanted) -> Result<(), ReadError> {
        let graph = self.graph.clone();
        let root = self.root_page(4);
        self.ticker.next_round()?;
        for entry in graph.edge_props.range(self.snapshot, ..) {
            self.compared()?;
            let (bytes, record) = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    self.caught(Err(e))?;
                    return Ok(());
                }
            };
            let Some(key) = EdgeKey::from_bytes(&bytes) else {
                self.note(root, PageKind::Record, "the key of an edge's properties is malformed");
                continue;
            };
            match graph.out.get(self.snapshot, &key) {
                Ok(Some(())) => {}
                Ok(None) => {
                    self.note(
                        root,
                        PageKind::Record,
                        format!("properties of an edge that is not there: {key:?}"),
                    );
                }
                Err(e) => drop(self.caught(Err(e))?),
            }
            let readable = decode_props(&record)
                .map_err(|e| storage_core::pager::PageError::damage(root, PageKind::Record, e.0))
                .and_then(|props| whole_props(self.snapshot, props))
                .and_then(|props| {
                    let owner = IndexOwner::Type(TypeId(key.edge_type));
                    props.iter().try_for_each(|(property, stored)| {
                        let value = value_of(self.snapshot, stored)?;
                        wanted.add((owner, PropertyId(*property)), Entity::Edge(edge_of(key, false)), &value);
                        Ok(())
                    })
                });
            self.caught(readable)?;
        }
        Ok(())
    }
}
