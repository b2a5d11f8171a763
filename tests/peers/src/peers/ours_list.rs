//! Foliograph's one list of one vertex: the best that its public interface has for it.
//!
//! A batch of one, and not `neighbors(..)`: that looks up the same page and then gives an item of 24 bytes for each edge,
//! where this fills one buffer of ids.

use crate::Result;
use foliograph::{Direction, NodeId, Snapshot, TypeId};

/// Lends the neighbours of a vertex along edges of a type.
pub fn one_list(
    snapshot: &Snapshot,
    vertex: NodeId,
    edge_type: TypeId,
    direction: Direction,
    mut visit: impl FnMut(&[NodeId]),
) -> Result<()> {
    let question = snapshot.neighbors_of(std::slice::from_ref(&vertex));
    Ok(question.of_type(edge_type).direction(direction).for_each(|_, list| visit(list))?)
}
