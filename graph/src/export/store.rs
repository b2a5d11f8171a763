//! A version of a store as a source.

use super::source::{EdgeOut, NodeOut, Source, TypeOut};
use crate::error::ReadError;
use crate::model::{Key, NodeId};
use crate::reader::{IndexInfo, Reader};
use storage_core::pager::ReadPages;

impl<R: ReadPages> Source for Reader<R> {
    type Error = ReadError;

    fn nodes(&self) -> impl Iterator<Item = Result<NodeOut<'_>, ReadError>> {
        Reader::all_nodes(self).map(|view| {
            let view = view?;
            let props = self.props_of(&view)?;
            Ok(NodeOut { id: view.id.0, label: self.label_name(view.label), key: view.key, props })
        })
    }

    fn edges(&self) -> impl Iterator<Item = Result<EdgeOut<'_>, ReadError>> {
        let undirected: Vec<bool> = Reader::edge_types(self).map(|(_, info)| info.undirected).collect();
        Reader::all_edges(self).map(move |edge| {
            let edge = edge?;
            Ok(EdgeOut {
                source: edge.source.0,
                target: edge.target.0,
                edge_type: self.type_name(edge.edge_type),
                undirected: undirected.get(edge.edge_type.0 as usize).copied().unwrap_or(false),
                rank: edge.rank,
                props: self.edge_props(edge)?,
            })
        })
    }

    fn edge_types(&self) -> impl Iterator<Item = TypeOut<'_>> {
        Reader::edge_types(self).map(|(_, info)| TypeOut {
            name: &info.name,
            undirected: info.undirected,
            edges: info.edges,
        })
    }

    fn indexes(&self) -> impl Iterator<Item = IndexInfo<'_>> {
        Reader::indexes(self)
    }

    fn key(&self, id: u64) -> Result<Option<Key>, ReadError> {
        Ok(self.view(NodeId(id))?.and_then(|view| view.key))
    }
}
