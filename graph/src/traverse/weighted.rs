//! The path with the least sum of a property of its edges (Dijkstra).
//!
//! Must always be true: every edge that is looked at has a weight, a finite number that is not negative; another one is
//! an error and not a guess. Between two paths of the same sum the one whose nodes were settled first is taken, which
//! is the same on every run. Takes about 64 bytes a visited node.

use super::path::{Path, ShortestPath};
use super::require;
use crate::error::ReadError;
use crate::model::{NodeId, Value};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};
use storage_core::pager::ReadPages;

/// A question for the lightest path; [`LightestPath::find`] answers it.
#[derive(Debug)]
#[must_use]
pub struct LightestPath<'a, R> {
    question: ShortestPath<'a, R>,
    property: String,
}

impl<'a, R: ReadPages> ShortestPath<'a, R> {
    /// Asks for the path with the least sum of this property of its edges, in place of that with the fewest edges.
    pub fn weighted_by(self, property: &str) -> LightestPath<'a, R> {
        LightestPath { question: self, property: property.to_owned() }
    }
}

/// A path and the sum of its weights.
#[derive(Clone, PartialEq, Debug)]
pub struct WeightedPath {
    /// Its nodes.
    pub path: Path,
    /// The sum: an int where all weights are, and it fits, else a float.
    pub weight: Value,
}

/// How a node was reached.
struct Reached {
    from: NodeId,
    weight: Value,
    distance: f64,
    settled: bool,
}

/// A sum that is never NaN, for the queue.
#[derive(Copy, Clone, PartialEq)]
struct Sum(f64);

impl Eq for Sum {}

impl PartialOrd for Sum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sum {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<R: ReadPages> LightestPath<'_, R> {
    /// The path; `None` where there is none. Both ends must be there.
    pub fn find(self) -> Result<Option<WeightedPath>, ReadError> {
        let [start, end] = self.question.ends;
        require(self.question.reader, start)?;
        require(self.question.reader, end)?;
        let first = Reached { from: start, weight: Value::Int(0), distance: 0.0, settled: false };
        let mut reached = HashMap::from([(start, first)]);
        let mut queue = BinaryHeap::from([Reverse((Sum(0.0), start))]);
        while let Some(Reverse((_, node))) = queue.pop() {
            let Some(this) = reached.get_mut(&node) else { continue };
            if std::mem::replace(&mut this.settled, true) {
                continue;
            }
            if node == end {
                return Ok(Some(answer(&reached, start, end)));
            }
            let so_far = this.distance;
            for (target, weight) in self.edges(node)? {
                let distance = so_far + number(&weight);
                if reached.get(&target).is_none_or(|known| distance < known.distance) {
                    reached.insert(target, Reached { from: node, weight, distance, settled: false });
                    queue.push(Reverse((Sum(distance), target)));
                }
            }
        }
        Ok(None)
    }

    /// The neighbours of a node with the weights of the edges that lead there.
    fn edges(&self, node: NodeId) -> Result<Vec<(NodeId, Value)>, ReadError> {
        let ShortestPath { reader, follow, .. } = &self.question;
        let mut neighbors = reader.neighbors(node);
        if let Some(direction) = follow.direction {
            neighbors = neighbors.direction(direction);
        }
        if let Some(types) = &follow.types {
            if types.is_empty() {
                return Ok(Vec::new());
            }
            for edge_type in types {
                neighbors = neighbors.of_type(reader.type_name(*edge_type));
            }
        }
        let mut found = Vec::new();
        for neighbor in neighbors {
            let neighbor = neighbor?;
            let weight = neighbor.get::<Value>(&self.property)?;
            let bad = |found: String| ReadError::BadWeight { node: neighbor.edge.source, found };
            match weight {
                None => return Err(bad(format!("missing (there is no property `{}`)", self.property))),
                Some(weight) if number(&weight).is_finite() && number(&weight) >= 0.0 => {
                    found.push((neighbor.id, weight));
                }
                Some(Value::Int(n)) => return Err(bad(n.to_string())),
                Some(Value::Float(x)) => return Err(bad(x.to_string())),
                Some(other) => return Err(bad(crate::value::type_word(&other).to_owned())),
            }
        }
        Ok(found)
    }
}

/// A weight as a number; NaN where it is none.
fn number(weight: &Value) -> f64 {
    match weight {
        Value::Int(n) => *n as f64,
        Value::Float(x) => *x,
        _ => f64::NAN,
    }
}

fn answer(reached: &HashMap<NodeId, Reached>, start: NodeId, end: NodeId) -> WeightedPath {
    let mut nodes = vec![end];
    let mut sum = Some(0i64);
    let mut at = end;
    while at != start {
        let step = &reached[&at];
        sum = match (sum, &step.weight) {
            (Some(sum), Value::Int(n)) => sum.checked_add(*n),
            _ => None,
        };
        at = step.from;
        nodes.push(at);
    }
    nodes.reverse();
    WeightedPath {
        path: Path { nodes },
        weight: sum.map_or(Value::Float(reached[&end].distance), Value::Int),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, Direction, Options, props};
    use std::sync::Arc;
    use storage_core::device::memory::MemoryDevice;
    use storage_core::page::PageSize;

    /// Edges as (source, target, weight) between nodes 0 to 5.
    fn graph(edges: &[(u64, u64, Value)]) -> Database {
        let device = Arc::new(MemoryDevice::new(PageSize::K4));
        let db = Options::new().create_device(device).unwrap();
        let mut tx = db.begin_write().unwrap();
        for _ in 0..6 {
            tx.add_anonymous("node", props! {}).unwrap();
        }
        for (from, to, weight) in edges {
            let props = props! { "w" => weight.clone() };
            tx.add_edge(NodeId(*from), "road", NodeId(*to), props).unwrap();
        }
        tx.commit().unwrap();
        db
    }

    fn path(db: &Database, to: u64, direction: Direction) -> Result<Option<(Vec<u64>, Value)>, ReadError> {
        let snapshot = db.begin_read().unwrap();
        let question = snapshot.shortest_path(NodeId(0), NodeId(to)).direction(direction).of_type("road");
        let found = question.weighted_by("w").find()?;
        Ok(found.map(|found| (found.path.nodes.iter().map(|n| n.0).collect(), found.weight)))
    }

    #[test]
    fn a_longer_way_round_may_be_lighter() {
        let edges = [(0, 3, 10), (0, 1, 1), (1, 2, 2), (2, 3, 3), (0, 1, 9), (4, 0, 1), (3, 3, 0)];
        let db = graph(&edges.map(|(from, to, w)| (from, to, Value::Int(w))));
        assert_eq!(path(&db, 3, Direction::Out).unwrap(), Some((vec![0, 1, 2, 3], Value::Int(6))));
        assert_eq!(path(&db, 0, Direction::Out).unwrap(), Some((vec![0], Value::Int(0))));
        assert_eq!(path(&db, 4, Direction::Out).unwrap(), None);
        assert_eq!(path(&db, 4, Direction::In).unwrap(), Some((vec![0, 4], Value::Int(1))));
        let snapshot = db.begin_read().unwrap();
        let nowhere = snapshot.shortest_path(NodeId(0), NodeId(3)).of_type("river").weighted_by("w").find();
        assert_eq!(nowhere.unwrap(), None);
    }

    #[test]
    fn floats_add_up_to_a_float() {
        let db = graph(&[(0, 1, Value::Float(0.5)), (1, 2, Value::Int(1))]);
        assert_eq!(path(&db, 2, Direction::Out).unwrap(), Some((vec![0, 1, 2], Value::Float(1.5))));
    }

    #[test]
    fn a_weight_that_is_none_is_an_error() {
        for weight in
            [Value::Int(-1), Value::Float(f64::NAN), Value::Float(f64::INFINITY), "1".into(), Value::Null]
        {
            let db = graph(&[(0, 1, weight)]);
            assert!(matches!(path(&db, 2, Direction::Out), Err(ReadError::BadWeight { .. })));
        }
    }
}
