//! The key index: records under label id (u32 BE) and the key's order-preserving bytes; their bytes are the node id as
//! a varint.

use crate::btree::{Record, RecordLeaf, Tree};
use crate::model::{Key, LabelId, NodeId};
use crate::value::{Reader, node_key, node_key_bytes, put_varint};
use std::sync::Arc;
use storage_core::pager::{PageError, Pager, ReadPages};

/// The layer of the key index.
#[derive(Clone, Debug)]
pub struct KeyIndex {
    pager: Arc<Pager>,
}

fn index_key(label: LabelId, key: &Key) -> Vec<u8> {
    let mut bytes = label.0.to_be_bytes().to_vec();
    node_key_bytes(key, &mut bytes);
    bytes
}

/// The label and key that an index key stands for.
pub(crate) fn key_of(bytes: &[u8]) -> Option<(LabelId, Key)> {
    let (label, key) = bytes.split_first_chunk::<4>()?;
    Some((LabelId(u32::from_be_bytes(*label)), node_key(key).ok()?))
}

/// The node that an entry names.
pub(crate) fn node_of(record: &Record) -> Option<NodeId> {
    node_in(&record.bytes, record.refs.len())
}

/// The same of the entry's bytes and the number of pages that it names, which is none.
fn node_in(bytes: &[u8], pages: usize) -> Option<NodeId> {
    let mut bytes = Reader::new(bytes);
    let id = bytes.varint().ok()?;
    (bytes.is_empty() && pages == 0).then_some(NodeId(id))
}

impl KeyIndex {
    pub(crate) fn new(pager: Arc<Pager>) -> Self {
        KeyIndex { pager }
    }

    /// The shared pager.
    pub fn pager(&self) -> &Arc<Pager> {
        &self.pager
    }

    pub(crate) fn get(
        &self,
        tree: &Tree<RecordLeaf>,
        pages: &impl ReadPages,
        label: LabelId,
        key: &Key,
    ) -> Result<Option<NodeId>, PageError> {
        let key = index_key(label, key);
        let found = match tree.at_hand(pages, &key, node_in)? {
            Some(found) => found,
            None => tree.get(pages, &key)?.map(|record| node_of(&record)),
        };
        let Some(node) = found else { return Ok(None) };
        node.map(Some).ok_or_else(|| {
            let page = tree.root().flatten().map_or(storage_core::page::PageId::new(0), |r| r.page());
            PageError::damage(
                page,
                storage_core::page::PageKind::Record,
                "an entry of the key index names no node",
            )
        })
    }

    pub(crate) fn put(
        &self,
        tree: &mut Tree<RecordLeaf>,
        pages: &impl ReadPages,
        (label, key): (LabelId, &Key),
        node: NodeId,
    ) -> Result<(), PageError> {
        let mut bytes = Vec::new();
        put_varint(node.0, &mut bytes);
        tree.put(pages, index_key(label, key), Record { bytes, refs: Vec::new() })
    }

    pub(crate) fn remove(
        &self,
        tree: &mut Tree<RecordLeaf>,
        pages: &impl ReadPages,
        label: LabelId,
        key: &Key,
    ) -> Result<(), PageError> {
        tree.delete(pages, index_key(label, key))
    }
}
