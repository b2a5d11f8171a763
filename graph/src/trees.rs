//! One version of the graph: its catalog and its trees, and the layers over them.
//!
//! Must always be true: catalog and trees belong to the same version. The layers hold the shared pager and nothing else;
//! all that changes is in the trees and the catalog, which travel with snapshot or transaction.

use crate::btree::{RecordLeaf, Tree};
use crate::catalog::{self, Catalog};
use crate::edge::{EdgeStore, page::EdgeLeaf};
use crate::index::KeyIndex;
use crate::node::{NodeStore, page::NodeLeaf};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage_core::page::Written;
use storage_core::pager::{Flushed, PageError, Pager, ReadPages, Transaction, WriteError};

/// How many trees there are beside the catalog's own.
pub(crate) const ROOTS: usize = 5;

/// The roots of all trees of a version.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Roots {
    /// In the order of the catalog's record `r`: nodes, keys, out, in, edge properties.
    pub(crate) trees: [Option<Written>; ROOTS],
    /// Of property indexes, by their numbers: one for each that the catalog defines.
    pub(crate) indexes: BTreeMap<u32, Option<Written>>,
}

/// Names of the trees, in the order of their roots, for messages.
pub(crate) const TREE_NAMES: [&str; ROOTS] = ["nodes", "keys", "edges out", "edges in", "edge properties"];

/// What the pages of property indexes are called.
pub(crate) const INDEX_NAME: &str = "property indexes";

/// One version of the graph. Cloning is cheap and shares everything.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) catalog_tree: Tree<RecordLeaf>,
    pub(crate) nodes: Tree<NodeLeaf>,
    pub(crate) keys: Tree<RecordLeaf>,
    pub(crate) out: Tree<EdgeLeaf<false>>,
    pub(crate) into: Tree<EdgeLeaf<true>>,
    pub(crate) edge_props: Tree<RecordLeaf>,
    /// Property indexes, by their numbers in the catalog.
    pub(crate) indexes: BTreeMap<u32, Tree<RecordLeaf>>,
    /// The roots that the catalog tree names: those of the durable root that the version builds on.
    pub(crate) roots: Roots,
    /// What else it holds.
    saved: Arc<Catalog>,
}

impl Graph {
    /// Reads the catalog under `root`; no root is an empty graph.
    pub(crate) fn open(pages: &impl ReadPages, root: Option<Written>) -> Result<Graph, PageError> {
        let catalog_tree = Tree::open(root);
        let (catalog, roots) = match root {
            Some(root) => catalog::load(&catalog_tree, pages, root)?,
            None => (Catalog::default(), Roots::default()),
        };
        let catalog = Arc::new(catalog);
        Ok(Graph {
            saved: catalog.clone(),
            catalog,
            catalog_tree,
            nodes: Tree::open(roots.trees[0]),
            keys: Tree::open(roots.trees[1]),
            out: Tree::open(roots.trees[2]),
            into: Tree::open(roots.trees[3]),
            edge_props: Tree::open(roots.trees[4]),
            indexes: roots.indexes.iter().map(|(id, root)| (*id, Tree::open(*root))).collect(),
            roots,
        })
    }

    /// Bytes that changes take in memory.
    pub(crate) fn weight(&self) -> usize {
        self.nodes.weight()
            + self.keys.weight()
            + self.out.weight()
            + self.into.weight()
            + self.edge_props.weight()
            + self.indexes.values().map(Tree::weight).sum::<usize>()
    }

    /// How many entries all trees but the catalog hold, as their pages say (T11): for progress.
    pub(crate) fn entries(&self, pages: &impl ReadPages) -> Result<u64, PageError> {
        let mut sum = self.nodes.count(pages, ..)?;
        for records in [&self.keys, &self.edge_props].into_iter().chain(self.indexes.values()) {
            sum = sum.saturating_add(records.count(pages, ..)?);
        }
        let edges = self.out.count(pages, ..)?.saturating_add(self.into.count(pages, ..)?);
        Ok(sum.saturating_add(edges))
    }

    /// The roots as they are now; `None` while a tree has changes that were not flushed.
    pub(crate) fn clean_roots(&self) -> Option<Roots> {
        Some(Roots {
            trees: [
                self.nodes.root()?,
                self.keys.root()?,
                self.out.root()?,
                self.into.root()?,
                self.edge_props.root()?,
            ],
            indexes: self
                .indexes
                .iter()
                .map(|(id, tree)| Some((*id, tree.root()?)))
                .collect::<Option<_>>()?,
        })
    }

    /// Writes all changed pages but the catalog's (V2); afterwards the trees are clean.
    pub(crate) fn flush(&mut self, tx: &mut Transaction) -> Result<Roots, WriteError> {
        let trees = [
            self.nodes.flush(tx)?,
            self.keys.flush(tx)?,
            self.out.flush(tx)?,
            self.into.flush(tx)?,
            self.edge_props.flush(tx)?,
        ];
        let mut indexes = BTreeMap::new();
        for (id, tree) in &mut self.indexes {
            indexes.insert(*id, tree.flush(tx)?);
        }
        Ok(Roots { trees, indexes })
    }

    /// Writes everything, the catalog last; returns the root for the pager.
    pub(crate) fn save(&mut self, tx: &mut Transaction) -> Result<Option<Written>, WriteError> {
        let roots = self.flush(tx)?;
        let old = (self.saved.as_ref(), &self.roots);
        let root = catalog::save(&mut self.catalog_tree, tx, old, (&self.catalog, &roots))?;
        self.roots = roots;
        self.saved = self.catalog.clone();
        Ok(root)
    }

    /// This, which is or was made from the version that a checkpoint took, put onto the root that the checkpoint made.
    pub(crate) fn put_onto(&self, flushed: &Flushed, pages: &impl ReadPages) -> Result<Graph, PageError> {
        let (Some(from), Some(onto)) = (flushed.version().state::<Graph>(), flushed.state::<Graph>()) else {
            unreachable!("versions that a log carries have their graph")
        };
        Graph::rebase(self, from, onto, pages)
    }

    /// `now`, which was made from `from`, put onto `onto`, which holds what `from` holds, on another root.
    pub(crate) fn rebase(
        now: &Graph,
        from: &Graph,
        onto: &Graph,
        pages: &impl ReadPages,
    ) -> Result<Graph, PageError> {
        let mut out = onto.clone();
        out.catalog = now.catalog.clone();
        Tree::rebase(&now.nodes, &from.nodes, &mut out.nodes, pages)?;
        Tree::rebase(&now.keys, &from.keys, &mut out.keys, pages)?;
        Tree::rebase(&now.out, &from.out, &mut out.out, pages)?;
        Tree::rebase(&now.into, &from.into, &mut out.into, pages)?;
        Tree::rebase(&now.edge_props, &from.edge_props, &mut out.edge_props, pages)?;
        // An index that was made meanwhile is over no page that the checkpoint replaced. None was dropped: that takes the
        // checkpointer's seat.
        out.indexes.clone_from(&now.indexes);
        for (id, onto) in &onto.indexes {
            let (Some(now), Some(from)) = (now.indexes.get(id), from.indexes.get(id)) else { continue };
            let mut onto = onto.clone();
            Tree::rebase(now, from, &mut onto, pages)?;
            out.indexes.insert(*id, onto);
        }
        Ok(out)
    }

    /// True if every tree is on pages.
    pub(crate) fn is_clean(&self) -> bool {
        self.clean_roots().is_some()
    }

    /// The most pages that writing all changes may take (A5): each changed node becomes two at worst, and what is new
    /// fills pages by half; then the catalog and the map.
    pub(crate) fn pages_to_write(&self, page_size: usize) -> u64 {
        let nodes = self.nodes.changed_nodes()
            + self.keys.changed_nodes()
            + self.out.changed_nodes()
            + self.into.changed_nodes()
            + self.edge_props.changed_nodes()
            + self.indexes.values().map(Tree::changed_nodes).sum::<usize>();
        (2 * nodes + 2 * self.weight() / page_size) as u64 + 32
    }
}

/// The layers over the trees: each holds the shared pager and nothing else (I8).
#[derive(Clone, Debug)]
pub struct Layers {
    /// The trees of keys.
    pub btree: KeyIndex,
    /// Node records.
    pub node: NodeStore,
    /// Adjacency and edge properties.
    pub edge: EdgeStore,
}

impl Layers {
    pub(crate) fn new(pager: &Arc<Pager>) -> Layers {
        Layers {
            btree: KeyIndex::new(pager.clone()),
            node: NodeStore::new(pager.clone()),
            edge: EdgeStore::new(pager.clone()),
        }
    }
}
