//! What can go wrong in a bulk load, and the rows that were left out.
//!
//! A row that can not be taken is a [`RowProblem`] at a [`Place`]. With [`super::OnError::Stop`] the first one, in the
//! order of the input, ends the load; with [`super::OnError::Skip`] they are counted and the first ten kept.

use super::row::Place;
use super::spill::SpillError;
use crate::error::CommitError;
use crate::value::ValueError;
use storage_core::pager::{PageError, WriteError};

/// How many rejected rows are kept for the report.
pub(crate) const KEPT: usize = 10;

/// Which end of an edge.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// Where it begins.
    Source,
    /// Where it ends.
    Target,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            End::Source => "source",
            End::Target => "target",
        })
    }
}

/// Why a row can not be taken.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowProblem {
    /// Another node before it has the id.
    #[error("node id {0} is taken by an earlier row")]
    DuplicateId(String),
    /// Another node before it has the label and the key.
    #[error("key {key} is taken by an earlier node with label {label}")]
    DuplicateKey {
        /// The label.
        label: String,
        /// The key.
        key: String,
    },
    /// An edge before it has the same ends, type and rank.
    #[error("an earlier edge from {source_id} to {target_id} has this type and rank {rank}")]
    DuplicateEdge {
        /// Where it begins.
        source_id: u64,
        /// Where it ends.
        target_id: u64,
        /// The rank.
        rank: u32,
    },
    /// No node is called that.
    #[error("the edge's {end} {name} is no node")]
    UnknownEnd {
        /// Which end.
        end: End,
        /// What the row calls it.
        name: String,
    },
    /// 2⁶⁴−1 is no id.
    #[error("node id {0} is out of range")]
    IdOutOfRange(u64),
    /// A word where ids are integers.
    #[error("{0:?} is no integer id")]
    NotAnInteger(String),
    /// A key that is too long.
    #[error("a key of {0} bytes is longer than {max}", max = crate::model::Key::MAX_LEN)]
    KeyTooLong(usize),
    /// A name that a label, edge type or property can not have.
    #[error("{name:?} can not be the name of a {what}: {why}")]
    BadName {
        /// How it begins.
        name: String,
        /// Of what.
        what: &'static str,
        /// Why.
        why: &'static str,
    },
    /// A row of a node that is called by a key: only ends of edges are.
    #[error("a row of a node can not be called by the key {0}")]
    NamedByKey(String),
    /// Two values of one property.
    #[error("property {0} is given twice")]
    DuplicateProperty(String),
    /// A value that can not be stored.
    #[error("property {0}: {1}")]
    BadValue(String, ValueError),
    /// A property index that can not be made.
    #[error("{0}")]
    Index(String),
    /// There is a node with that id, or that label and key.
    #[error("there is a node {0} already")]
    NodeExists(String),
    /// The row's id is another node's than its key, or has another label.
    #[error("node {id} is {there}, and the row says {row}")]
    OtherNode {
        /// The id.
        id: u64,
        /// What it is.
        there: String,
        /// What the row has.
        row: String,
    },
    /// The row's key is that of a node with another id.
    #[error("{name} is node {id}, and the row says node {row}")]
    OtherId {
        /// Label and key.
        name: String,
        /// The id that it has.
        id: u64,
        /// The id that the row has.
        row: u64,
    },
    /// There is an edge with that rank.
    #[error("there is an edge of that rank already: {0}")]
    EdgeExists(String),
    /// Several nodes are called that.
    #[error("the edge's {end} {name} may be any of {nodes}")]
    AmbiguousEnd {
        /// Which end.
        end: End,
        /// What the row calls it.
        name: String,
        /// What they are.
        nodes: String,
    },
    /// A row of a directed edge whose type is undirected in the store, or the other way round.
    #[error("edges of type {edge_type} are {} in the store, and the row's is not", if *.undirected { "undirected" } else { "directed" })]
    Undirected {
        /// The type.
        edge_type: String,
        /// What it is in the store.
        undirected: bool,
    },
    /// What the store refuses: a value that another has in a unique index, for one.
    #[error("{0}")]
    Refused(String),
    /// What the reader of the input found.
    #[error("{0}")]
    Input(String),
}

/// A row that was left out.
#[derive(Clone, PartialEq, Debug)]
pub struct Rejected {
    /// Where it stands.
    pub place: Place,
    /// Why.
    pub problem: RowProblem,
}

/// Why a bulk load failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// A row can not be taken.
    #[error("line {}: {problem}", place.line)]
    Row {
        /// Where it stands.
        place: Place,
        /// Why.
        problem: RowProblem,
    },
    /// Temporary files.
    #[error(transparent)]
    Spill(#[from] SpillError),
    /// Writing the store.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Reading back what was written.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Something that has to be in memory does not fit the budget.
    #[error("{what} do not fit into the memory budget of {budget} bytes")]
    Memory {
        /// What.
        what: &'static str,
        /// The budget.
        budget: usize,
    },
    /// More names than there are numbers for.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: u64,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The progress callback said so.
    #[error("stopped")]
    Cancelled,
}

impl From<CommitError> for BulkError {
    fn from(CommitError(e): CommitError) -> Self {
        BulkError::Write(e)
    }
}

impl BulkError {
    /// Where in the input, if it is a row's fault.
    pub fn place(&self) -> Option<Place> {
        match self {
            BulkError::Row { place, .. } => Some(*place),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            BulkError::Row { problem, .. } => problem.hint(),
            BulkError::Spill(SpillError::Full { .. }) => {
                Some("free some space there, or raise --memory so that less is spilled")
            }
            BulkError::Memory { .. } => Some("raise --memory"),
            _ => None,
        }
    }
}

impl RowProblem {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            RowProblem::NotAnInteger(_) => Some("use --ids key if ids are words"),
            RowProblem::DuplicateId(_) | RowProblem::DuplicateKey { .. } | RowProblem::UnknownEnd { .. } => {
                Some("use --on-error skip to leave such rows out")
            }
            RowProblem::NodeExists(_) | RowProblem::EdgeExists(_) => {
                Some("--on-duplicate skip passes over what is there, update sets its properties")
            }
            RowProblem::OtherNode { .. } | RowProblem::OtherId { .. } => {
                Some("with --ids key integers only link rows to each other, and are no node ids")
            }
            RowProblem::AmbiguousEnd { .. } => Some("JSON lines name a node by label and key, or by id"),
            RowProblem::Undirected { undirected: true, .. } => {
                Some("say --undirected, or `:TYPE(undirected)`")
            }
            RowProblem::Undirected { undirected: false, .. } => {
                Some("leave out --undirected and `:TYPE(undirected)`, or use another type")
            }
            RowProblem::Refused(_) => Some("use --on-error skip to leave such rows out"),
            _ => None,
        }
    }
}

/// What to do with a row about a node or an edge that is there already: a node with the row's id, or its label and key; an
/// edge with the rank that the row gives.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum OnDuplicate {
    /// It cannot be taken.
    #[default]
    Error,
    /// It is passed over and counted; what is there stays as it is.
    Skip,
    /// Its properties are set on what is there; those that it does not name stay.
    Update,
}

/// What to do with a row that can not be taken.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum OnError {
    /// The first one ends the load.
    #[default]
    Stop,
    /// It is left out and counted.
    Skip,
}

/// Counts rows that are left out and keeps the first ten, in the order of the input.
#[derive(Debug)]
pub(super) struct Rejects {
    on_error: OnError,
    count: u64,
    /// In the order of their places.
    kept: Vec<Rejected>,
}

impl Rejects {
    pub fn new(on_error: OnError) -> Self {
        Rejects { on_error, count: 0, kept: Vec::new() }
    }

    /// Leaves a row out. Rows that are found out of order end the load only with the next [`Self::stop`].
    pub fn note(&mut self, place: Place, problem: RowProblem) {
        self.count += 1;
        let at = self.kept.partition_point(|kept| kept.place <= place);
        if at < KEPT {
            self.kept.insert(at, Rejected { place, problem });
            self.kept.truncate(KEPT);
        }
    }

    /// Ends the load if rows were left out and may not be: with the one that comes first in the input.
    pub fn stop(&mut self) -> Result<(), BulkError> {
        if self.on_error == OnError::Skip || self.kept.is_empty() {
            return Ok(());
        }
        let Rejected { place, problem } = self.kept.swap_remove(0);
        Err(BulkError::Row { place, problem })
    }

    /// Leaves a row out, or ends the load with it.
    pub fn reject(&mut self, place: Place, problem: RowProblem) -> Result<(), BulkError> {
        self.note(place, problem);
        self.stop()
    }

    pub fn finish(self) -> (u64, Vec<Rejected>) {
        (self.count, self.kept)
    }
}
