//! The catalog's records.
//!
//! | key | bytes | references |
//! |---|---|---|
//! | `c` | node count, edge count, next node id (varints) | |
//! | `l` id (u32 BE) | nodes, keyed nodes (varints), name | |
//! | `p` id (u32 BE) | name | |
//! | `r` tree (u8) | | the tree's root, none if it is empty |
//! | `t` id (u32 BE) | edges (varint), flags u8 (1 = undirected), name | |
//! | `x` index (u32 BE) | flags u8 (1 = unique, 2 = over edges), label or edge type, property, entries (varints) | its root, none if it is empty |
//!
//! Trees: 0 nodes, 1 keys, 2 edges out, 3 edges in, 4 edge properties.

use super::{Catalog, IndexDef, IndexOwner, LabelInfo, Named, Names, TypeInfo};
use crate::btree::Tree;
use crate::btree::record::{Record, RecordLeaf};
use crate::model::{LabelId, PropertyId, TypeId};
use crate::trees::{ROOTS, Roots};
use crate::value::{Malformed, Reader, put_varint};
use std::collections::BTreeMap;
use storage_core::page::Written;
use storage_core::pager::{PageError, ReadPages, Transaction, WriteError};

type Records = BTreeMap<Vec<u8>, Record>;

fn id_key(tag: u8, id: u32) -> Vec<u8> {
    let mut key = vec![tag];
    key.extend(id.to_be_bytes());
    key
}

fn records(catalog: &Catalog, roots: &Roots) -> Records {
    let mut out = Records::new();
    let mut put = |key: Vec<u8>, bytes: Vec<u8>, refs: Vec<Written>| {
        out.insert(key, Record { bytes, refs });
    };
    let mut counts = Vec::new();
    for n in [catalog.node_count, catalog.edge_count, catalog.next_node] {
        put_varint(n, &mut counts);
    }
    put(b"c".to_vec(), counts, Vec::new());
    for (id, label) in catalog.labels.iter() {
        let mut bytes = Vec::new();
        put_varint(label.nodes, &mut bytes);
        put_varint(label.keyed, &mut bytes);
        bytes.extend(label.name.as_bytes());
        put(id_key(b'l', id), bytes, Vec::new());
    }
    for (id, name) in catalog.properties.iter() {
        put(id_key(b'p', id), name.clone().into_bytes(), Vec::new());
    }
    for (id, info) in catalog.types.iter() {
        let mut bytes = Vec::new();
        put_varint(info.edges, &mut bytes);
        bytes.push(u8::from(info.undirected));
        bytes.extend(info.name.as_bytes());
        put(id_key(b't', id), bytes, Vec::new());
    }
    for (tree, root) in roots.trees.iter().enumerate() {
        put(vec![b'r', tree as u8], Vec::new(), root.iter().copied().collect());
    }
    for (id, def) in &catalog.indexes {
        let root = roots.indexes.get(id).copied().flatten();
        put(id_key(b'x', *id), index_bytes(def), root.into_iter().collect());
    }
    out
}

const UNIQUE: u8 = 1;
const OVER_EDGES: u8 = 2;

fn index_bytes(def: &IndexDef) -> Vec<u8> {
    let (over_edges, owner) = match def.owner {
        IndexOwner::Label(LabelId(id)) => (0, id),
        IndexOwner::Type(TypeId(id)) => (OVER_EDGES, id),
    };
    let mut bytes = vec![over_edges | if def.unique { UNIQUE } else { 0 }];
    for n in [owner.into(), def.property.0.into(), def.entries] {
        put_varint(n, &mut bytes);
    }
    bytes
}

/// Reads what [`index_bytes`] wrote.
pub(crate) fn index_def(bytes: &[u8]) -> Result<IndexDef, Malformed> {
    let mut bytes = Reader::new(bytes);
    let flags = bytes.u8()?;
    let owner = bytes.varint_u32()?;
    let owner = match flags & OVER_EDGES {
        0 => IndexOwner::Label(LabelId(owner)),
        _ => IndexOwner::Type(TypeId(owner)),
    };
    let property = PropertyId(bytes.varint_u32()?);
    let entries = bytes.varint()?;
    if flags > (UNIQUE | OVER_EDGES) || !bytes.is_empty() {
        return Err(Malformed("unknown fields"));
    }
    Ok(IndexDef { owner, property, unique: flags & UNIQUE != 0, entries })
}

/// Writes what differs from the catalog of the version below, and flushes. Returns the root for the pager.
pub(crate) fn save(
    tree: &mut Tree<RecordLeaf>,
    tx: &mut Transaction,
    old: (&Catalog, &Roots),
    new: (&Catalog, &Roots),
) -> Result<Option<Written>, WriteError> {
    // An empty tree holds nothing yet, whatever the old catalog would look like.
    let was = if tx.root().is_none() { Records::new() } else { records(old.0, old.1) };
    let now = records(new.0, new.1);
    for key in was.keys().filter(|key| !now.contains_key(*key)) {
        tree.delete(tx, key.clone())?;
    }
    for (key, record) in now {
        if was.get(&key) != Some(&record) {
            tree.put(tx, key, record)?;
        }
    }
    tree.flush(tx)
}

/// Reads the catalog of a version. Everything that does not fit together is damage (I7).
pub(crate) fn load(
    tree: &Tree<RecordLeaf>,
    pages: &impl ReadPages,
    root: Written,
) -> Result<(Catalog, Roots), PageError> {
    let damage = |what: &'static str| {
        PageError::damage(root.page(), storage_core::page::PageKind::Record, format!("the catalog: {what}"))
    };
    let mut catalog = Catalog::default();
    let mut roots = Roots::default();
    for entry in tree.range(pages, ..) {
        let (key, record) = entry?;
        let mut bytes = Reader::new(&record.bytes);
        match (key.first().copied(), key.get(1..).unwrap_or_default()) {
            (Some(b'c'), []) => {
                catalog.node_count = bytes.varint().map_err(|_| damage("broken counts"))?;
                catalog.edge_count = bytes.varint().map_err(|_| damage("broken counts"))?;
                catalog.next_node = bytes.varint().map_err(|_| damage("broken counts"))?;
            }
            (Some(b'l'), id) => {
                let nodes = bytes.varint().map_err(|_| damage("broken label"))?;
                let keyed = bytes.varint().map_err(|_| damage("broken label"))?;
                let name = text(&record.bytes[bytes.position()..])
                    .ok_or_else(|| damage("a label's name is not UTF-8"))?;
                push(&mut catalog.labels, id, LabelInfo { name, nodes, keyed })
                    .ok_or_else(|| damage("labels"))?;
            }
            (Some(b'p'), id) => {
                let name = text(&record.bytes).ok_or_else(|| damage("a property's name is not UTF-8"))?;
                push(&mut catalog.properties, id, name).ok_or_else(|| damage("property names"))?;
            }
            (Some(b't'), id) => {
                let edges = bytes.varint().map_err(|_| damage("broken edge type"))?;
                let flags = bytes.u8().map_err(|_| damage("broken edge type"))?;
                let name = text(&record.bytes[bytes.position()..])
                    .ok_or_else(|| damage("an edge type's name is not UTF-8"))?;
                let info = TypeInfo { name, edges, undirected: flags & 1 != 0 };
                push(&mut catalog.types, id, info).ok_or_else(|| damage("edge types"))?;
            }
            (Some(b'r'), [tree]) if (*tree as usize) < ROOTS && record.refs.len() <= 1 => {
                roots.trees[*tree as usize] = record.refs.first().copied();
            }
            (Some(b'x'), id) if record.refs.len() <= 1 => {
                let id =
                    id.try_into().map(u32::from_be_bytes).map_err(|_| damage("an index without a number"))?;
                let def = index_def(&record.bytes).map_err(|_| damage("broken index"))?;
                take_index(&mut catalog, id, def).ok_or_else(|| damage("an index of nothing, or twice"))?;
                roots.indexes.insert(id, record.refs.first().copied());
            }
            _ => return Err(damage("unknown record")),
        }
    }
    Ok((catalog, roots))
}

/// Names come first in the order of keys, so what an index is over is there.
fn take_index(catalog: &mut Catalog, id: u32, def: IndexDef) -> Option<()> {
    match def.owner {
        IndexOwner::Label(label) => drop(catalog.labels.get(label.0)?),
        IndexOwner::Type(edge_type) => drop(catalog.types.get(edge_type.0)?),
    }
    catalog.properties.get(def.property.0)?;
    if catalog.index(def.owner, def.property).is_some() {
        return None;
    }
    catalog.indexes.insert(id, def);
    Some(())
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// Ids count from 0 without gaps, and names are unique.
fn push<T: Named>(names: &mut Names<T>, id: &[u8], item: T) -> Option<()> {
    let id = u32::from_be_bytes(id.try_into().ok()?);
    (names.push(item)? == id).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use storage_core::device::memory::MemoryDevice;
    use storage_core::page::PageSize;
    use storage_core::pager::{Pager, PagerOptions};

    #[test]
    fn records_that_no_catalog_has_are_damage() {
        let device = Arc::new(MemoryDevice::new(PageSize::K4));
        let pager = Pager::create(device, &PagerOptions::default()).unwrap();
        for key in [&b""[..], b"x", b"r", b"r\x09", b"c0", b"l", b"t\0\0\0\x01"] {
            let mut tx = pager.begin_write().unwrap();
            let mut tree = Tree::<RecordLeaf>::empty();
            tree.put(&tx, key.to_vec(), Record { bytes: vec![1, 1, 1], refs: Vec::new() }).unwrap();
            let root = tree.flush(&mut tx).unwrap().unwrap();
            let loaded = load(&tree, &tx, root);
            assert!(matches!(loaded, Err(PageError::Damage { page, .. }) if page == root.page()), "{key:?}");
        }
    }
}
