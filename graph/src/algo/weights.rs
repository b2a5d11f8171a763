//! Weights of edges: one property, read for all edges of a node at once.
//!
//! Must always be true: a weight is a number that is not negative; anything else, and a missing one, is an error that names
//! the node where the edge begins. Along outgoing edges the properties lie side by side and are read as one range; along
//! incoming ones each is looked up.

use crate::btree::Range;
use crate::btree::{Record, RecordLeaf};
use crate::edge::props_key;
use crate::error::ReadError;
use crate::model::{NodeId, Value};
use crate::node::stored;
use crate::reader::{Hop, Reader};
use storage_core::pager::ReadPages;

/// A weight: not negative, and a number.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(crate) enum Weight {
    Int(u64),
    /// May be infinite.
    Float(f64),
}

/// Reads weights from one property of edges.
pub(crate) struct Weights<'a, R> {
    reader: &'a Reader<R>,
    name: &'a str,
    property: Option<u32>,
}

impl<'a, R: ReadPages> Weights<'a, R> {
    pub(crate) fn new(reader: &'a Reader<R>, name: &'a str) -> Self {
        Weights { reader, name, property: reader.property(name).map(|id| id.0) }
    }

    /// Gives each neighbour of a node with the weight of the edge that leads there. The edges come out in another order.
    pub(crate) fn each<E: From<ReadError>>(
        &self,
        node: NodeId,
        hops: &mut [Hop],
        mut each: impl FnMut(u64, Weight) -> Result<(), E>,
    ) -> Result<(), E> {
        hops.sort_unstable_by_key(|hop| (hop.into, hop.edge_type, hop.neighbor, hop.rank));
        let outgoing = hops.partition_point(|hop| !hop.into);
        let mut records = self.records(node, &hops[..outgoing]);
        for hop in hops.iter() {
            let key = props_key(hop.edge(node));
            let record = match (&mut records, hop.into) {
                (Some(records), false) => records.find(&key)?,
                _ => self.get(&key)?,
            };
            each(hop.neighbor, self.weight(node, hop, record.as_ref())?)?;
        }
        Ok(())
    }

    /// The records of outgoing edges, where a range is better than looking each up.
    fn records(&self, node: NodeId, hops: &[Hop]) -> Option<Records<'a, R>> {
        let [first, .., last] = hops else { return None };
        let reader = self.reader;
        let keys = props_key(first.edge(node))..=props_key(last.edge(node));
        let range = reader.graph.edge_props.range(&reader.pages, keys);
        Some(Records { range, ahead: None })
    }

    fn get(&self, key: &Vec<u8>) -> Result<Option<Record>, ReadError> {
        Ok(self.reader.graph.edge_props.get(&self.reader.pages, key)?)
    }

    fn weight(&self, node: NodeId, hop: &Hop, record: Option<&Record>) -> Result<Weight, ReadError> {
        let bad = |found: String| ReadError::BadWeight { node: hop.edge(node).source, found };
        let missing = || bad(format!("missing (there is no property `{}`)", self.name));
        let (Some(property), Some(record)) = (self.property, record) else { return Err(missing()) };
        let props = self.reader.decoded_edge_props(record)?;
        let found = stored(&props, property).ok_or_else(missing)?;
        match self.reader.layers.node.value(&self.reader.pages, found)? {
            Value::Int(n) => u64::try_from(n).map(Weight::Int).map_err(|_| bad(n.to_string())),
            Value::Float(x) if x >= 0.0 => Ok(Weight::Float(x)),
            Value::Float(x) => Err(bad(x.to_string())),
            other => Err(bad(crate::value::type_word(&other).to_owned())),
        }
    }
}

/// Records of one node's outgoing edges, asked for in ascending order.
struct Records<'a, R: ReadPages> {
    range: Range<'a, RecordLeaf, R>,
    ahead: Option<(Vec<u8>, Record)>,
}

impl<R: ReadPages> Records<'_, R> {
    fn find(&mut self, key: &Vec<u8>) -> Result<Option<Record>, ReadError> {
        loop {
            match self.ahead.take() {
                Some((found, record)) if found == *key => return Ok(Some(record)),
                Some((found, record)) if found > *key => {
                    self.ahead = Some((found, record));
                    return Ok(None);
                }
                _ => {}
            }
            match self.range.next().transpose()? {
                Some(next) => self.ahead = Some(next),
                None => return Ok(None),
            }
        }
    }
}
