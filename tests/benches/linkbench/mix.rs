//! The mix of operations: which, how often, on what; each as an application writes it.
//!
//! Shares are those of LinkBench (Armstrong et al., SIGMOD 2013), which Facebook measured on its social graph: half of all
//! requests are lists of links. Nodes are drawn by a power law, and spread over the ids, so that hot ones share no pages.

use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::{Database, Edge, NodeId, ReadError, Value, WriteError, WriteTransaction, props};

/// The operations with their shares in thousandths.
pub const MIX: [(Operation, u64); 10] = [
    (Operation::ListLinks, 507),
    (Operation::GetNode, 129),
    (Operation::AddLink, 90),
    (Operation::UpdateLink, 80),
    (Operation::UpdateNode, 74),
    (Operation::CountLinks, 49),
    (Operation::DeleteLink, 30),
    (Operation::AddNode, 26),
    (Operation::DeleteNode, 10),
    (Operation::GetLink, 5),
];

#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Operation {
    ListLinks,
    GetNode,
    AddLink,
    UpdateLink,
    UpdateNode,
    CountLinks,
    DeleteLink,
    AddNode,
    DeleteNode,
    GetLink,
}

impl Operation {
    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Operation::ListLinks => "list of links",
            Operation::GetNode => "get node",
            Operation::AddLink => "add link",
            Operation::UpdateLink => "update link",
            Operation::UpdateNode => "update node",
            Operation::CountLinks => "count links",
            Operation::DeleteLink => "delete link",
            Operation::AddNode => "add node",
            Operation::DeleteNode => "delete node",
            Operation::GetLink => "get link",
        }
    }

    /// One of them, by its share.
    pub fn draw(rng: &mut Rng) -> Operation {
        let mut at = rng.below(MIX.iter().map(|(_, share)| share).sum());
        for (operation, share) in MIX {
            if at < share {
                return operation;
            }
            at -= share;
        }
        unreachable!("the shares' sum was drawn from")
    }
}

/// A power law over `n` nodes: node of rank r comes up in proportion to r^-exponent.
#[derive(Clone)]
pub struct Zipf {
    n: u64,
    exponent: f64,
}

impl Zipf {
    pub fn new(n: u64, exponent: f64) -> Self {
        Zipf { n, exponent }
    }

    /// By inverting the integral of the law.
    pub fn draw(&self, rng: &mut Rng) -> NodeId {
        let (power, u) = (1.0 - self.exponent, (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64);
        let rank = (((self.n as f64).powf(power) - 1.0) * u + 1.0).powf(1.0 / power) as u64 - 1;
        NodeId(rank.min(self.n - 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.n)
    }
}

/// Links that are listed at most.
const MOST_LISTED: usize = 1000;

/// Runs one operation, a transaction of its own. What it asks for may be gone: that is an answer like another.
pub fn run(db: &Database, operation: Operation, zipf: &Zipf, rng: &mut Rng) -> Result<u64, WriteError> {
    let (from, to) = (zipf.draw(rng), zipf.draw(rng));
    let time = rng.below(1 << 31) as i64;
    match operation {
        Operation::ListLinks | Operation::GetNode | Operation::CountLinks | Operation::GetLink => {
            found(read(db, operation, from, to)).map_err(WriteError::from)
        }
        Operation::AddNode => {
            change(db, |tx| tx.add_anonymous("object", props! { "data" => data(time) }).map(|_| 1))
        }
        Operation::UpdateNode => change(db, |tx| tx.set(from, "data", data(time)).map(|()| 1)),
        Operation::DeleteNode => change(db, |tx| tx.delete_node(from, true)),
        Operation::AddLink => change(db, |tx| {
            let link = first_link(tx, from, Some(to))?;
            match link {
                Some(link) => tx.set_edge(link, "time", time)?,
                None => tx
                    .add_edge(from, "link", to, props! { "time" => time, "data" => "12345678" })
                    .map(|_| ())?,
            }
            Ok(1)
        }),
        Operation::UpdateLink => change(db, |tx| match first_link(tx, from, None)? {
            Some(link) => tx.set_edge_all(link, props! { "time" => time, "data" => "87654321" }).map(|()| 1),
            None => Ok(0),
        }),
        Operation::DeleteLink => change(db, |tx| match first_link(tx, from, None)? {
            Some(link) => tx.delete_edge(link).map(|()| 1),
            None => Ok(0),
        }),
    }
}

fn data(salt: i64) -> Value {
    Value::Text(format!("{salt:0>128}"))
}

fn read(db: &Database, operation: Operation, from: NodeId, to: NodeId) -> Result<u64, ReadError> {
    let snapshot = db.begin_read()?;
    match operation {
        Operation::GetNode => Ok(snapshot.get::<String>(from, "data")?.map_or(0, |text| text.len() as u64)),
        Operation::CountLinks => snapshot.degree(from).of_type("link").count(),
        Operation::GetLink => {
            let Some(edge_type) = snapshot.edge_type("link") else { return Ok(0) };
            let link = Edge { source: from, edge_type, target: to, rank: 0 };
            Ok(snapshot.get_edge::<i64>(link, "time")?.is_some().into())
        }
        _ => {
            let mut sum = 0;
            for link in snapshot.neighbors(from).outgoing().of_type("link").into_iter().take(MOST_LISTED) {
                sum += link?.get::<i64>("time")?.unwrap_or(0) as u64 & 1;
            }
            Ok(sum)
        }
    }
}

/// A node that was deleted has no links.
fn found(answer: Result<u64, ReadError>) -> Result<u64, ReadError> {
    match answer {
        Err(ReadError::NoNode(_)) => Ok(0),
        other => other,
    }
}

/// The first link of a node, or the first one to another.
fn first_link(tx: &WriteTransaction, from: NodeId, to: Option<NodeId>) -> Result<Option<Edge>, WriteError> {
    for link in tx.neighbors(from).outgoing().of_type("link") {
        match link {
            Ok(link) if to.is_none_or(|to| to == link.id) => return Ok(Some(link.edge)),
            Ok(_) => {}
            Err(ReadError::NoNode(_)) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(None)
}

/// One transaction, durable when this returns. What is refused, because a node is gone, was asked all the same.
fn change(
    db: &Database,
    change: impl FnOnce(&mut WriteTransaction) -> Result<u64, WriteError>,
) -> Result<u64, WriteError> {
    let mut tx = db.begin_write()?;
    match change(&mut tx) {
        Ok(done) => {
            tx.commit()?;
            Ok(done)
        }
        Err(e) if e.is_refusal() => Ok(0),
        Err(e) => Err(e),
    }
}
