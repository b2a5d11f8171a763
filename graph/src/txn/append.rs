//! Rows of a bulk load into a store that holds something: through the transaction's own changes, one by one.
//!
//! Must always be true: a row that is refused has changed nothing (the nodes that its ends would have become included);
//! an end that is there is used as it is; the ids of nodes that only edges name are given before these are there, and a
//! node is made when the first edge needs it.
//!
//! It is not: keeping the rows until all are known, and what they call each other ([`crate::bulk`]).

use super::{NewNode, WriteTransaction};
use crate::bulk::{
    BulkError, BulkOptions, EdgeIn, End, EndIn, NOBODY, NodeIn, OnDuplicate, OnError, Place, Refused,
    RowProblem, Target,
};
use crate::error::{ReadError, WriteError};
use crate::model::{Edge, Key, NodeId, Props};
use crate::reader::NodeView;

/// Adds rows.
pub(super) struct Append<'t> {
    tx: &'t mut WriteTransaction,
    on_duplicate: OnDuplicate,
    /// The label of nodes that only edges name, if there are to be such nodes.
    implicit: Option<String>,
    /// Rows that are refused are left out, so nothing of them may stay.
    leaves_out: bool,
    /// Rows that were passed over.
    pub skipped: u64,
    /// Rows whose properties were set on what was there.
    pub updated: u64,
    /// Whether edges of a type are undirected in the store, by the number that rows have for the type; `None` for those
    /// that the store did not have.
    types: Vec<Option<bool>>,
    /// The next id for a node that only edges name.
    next: u64,
}

impl<'t> Append<'t> {
    pub fn new(tx: &'t mut WriteTransaction, on_duplicate: OnDuplicate, options: &BulkOptions) -> Self {
        Append {
            tx,
            on_duplicate,
            implicit: options.implicit_nodes.then(|| options.implicit_label.clone()),
            leaves_out: options.on_error == OnError::Skip,
            skipped: 0,
            updated: 0,
            types: Vec::new(),
            next: 0,
        }
    }

    /// The node that a row is about, if it is there.
    fn same_node(&self, row: &NodeIn<'_>) -> Result<Option<NodeId>, Refused> {
        let by_key = match &row.key {
            Some(key) => self.tx.node(row.label, key.clone())?,
            None => None,
        };
        let Some(id) = row.id.map(NodeId) else { return Ok(by_key) };
        match (self.tx.view(id)?, by_key) {
            (None, None) => Ok(None),
            (Some(view), _) => {
                let same_label = self.tx.label_name(view.label) == row.label;
                match same_label && (row.key.is_none() || row.key == view.key) {
                    true => Ok(Some(id)),
                    false => Err(Refused::Row(self.other_node(&view, row))),
                }
            }
            (None, Some(other)) => {
                let name = shown(row.label, row.key.as_ref());
                Err(Refused::Row(RowProblem::OtherId { name, id: other.0, row: id.0 }))
            }
        }
    }

    fn other_node(&self, view: &NodeView, row: &NodeIn<'_>) -> RowProblem {
        let there = shown(self.tx.label_name(view.label), view.key.as_ref());
        RowProblem::OtherNode { id: view.id.0, there, row: shown(row.label, row.key.as_ref()) }
    }

    /// A row about something that is there.
    fn duplicate(
        &mut self,
        problem: impl FnOnce(&Self) -> RowProblem,
        update: impl FnOnce(&mut WriteTransaction) -> Result<(), WriteError>,
    ) -> Result<(), Refused> {
        match self.on_duplicate {
            OnDuplicate::Error => return Err(Refused::Row(problem(self))),
            OnDuplicate::Skip => self.skipped += 1,
            OnDuplicate::Update => {
                update(&mut *self.tx)?;
                self.updated += 1;
            }
        }
        Ok(())
    }

    /// The edge that a row with a rank is about, if it is there.
    fn same_edge(&self, row: &EdgeIn<'_>, ends: &[Found; 2]) -> Result<Option<Edge>, Refused> {
        let (Some(rank), Some(edge_type)) = (row.rank, self.tx.edge_type(row.edge_type)) else {
            return Ok(None);
        };
        let [source, target] = ends.each_ref().map(|end| end.id);
        let edge = Edge { source, edge_type, target, rank };
        Ok(self.tx.edge_exists(edge)?.then_some(edge))
    }

    fn end(&self, which: End, end: &EndIn<'_>) -> Result<Found, Refused> {
        let unknown = |name: String| Err(Refused::Row(RowProblem::UnknownEnd { end: which, name }));
        match end {
            EndIn::Id(id) => {
                let found = Found { id: NodeId(*id), key: None, is_there: self.tx.contains(NodeId(*id))? };
                if found.is_there || self.implicit.is_some() { Ok(found) } else { unknown(id.to_string()) }
            }
            EndIn::Key(label, key) => match self.tx.node(label, key.clone())? {
                Some(id) => Ok(Found { id, key: None, is_there: true }),
                None => unknown(shown(label, Some(key))),
            },
            EndIn::Word(word, NOBODY) => match &self.bearers(word)?[..] {
                [] => unknown(word.to_string()),
                several => {
                    let (name, nodes) = (word.to_string(), several.iter().map(|(_, name)| name.as_str()));
                    let nodes = nodes.collect::<Vec<_>>().join(", ");
                    Err(Refused::Row(RowProblem::AmbiguousEnd { end: which, name, nodes }))
                }
            },
            EndIn::Word(word, id) => {
                let id = NodeId(*id);
                let key = Some(Key::Text(word.to_string()));
                Ok(Found { id, key, is_there: self.tx.contains(id)? })
            }
        }
    }

    /// The nodes whose key is a word, or the integer that is written so, each with its name.
    fn bearers(&self, word: &str) -> Result<Vec<(NodeId, String)>, ReadError> {
        let mut nodes = Vec::new();
        let int = word.parse::<i64>().ok().filter(|n| n.to_string() == word);
        for key in [Some(Key::Text(word.to_owned())), int.map(Key::Int)].into_iter().flatten() {
            let found = self.tx.nodes_by_key(&key)?;
            nodes
                .extend(found.iter().map(|(label, id)| (*id, shown(self.tx.label_name(*label), Some(&key)))));
        }
        Ok(nodes)
    }
}

impl Target for Append<'_> {
    fn node(&mut self, row: NodeIn<'_>) -> Result<u64, Refused> {
        let Some(there) = self.same_node(&row)? else {
            let new = NewNode { id: row.id.map(NodeId), key: row.key, props: row.props };
            return Ok(self.tx.insert_node(row.label, new)?.0);
        };
        let NodeIn { label, key, props, .. } = row;
        let problem = |_: &Self| match key {
            None => RowProblem::NodeExists(there.to_string()),
            Some(key) => RowProblem::NodeExists(shown(label, Some(&key))),
        };
        self.duplicate(problem, |tx| tx.set_all(there, props))?;
        Ok(there.0)
    }

    fn edge_type(&mut self, name: &str, undirected: bool, said: Option<Place>) -> Result<(), Refused> {
        let known = self.tx.edge_type(name).and_then(|id| self.tx.catalog().types.get(id.0));
        let known = known.map(|info| info.undirected);
        self.types.push(known);
        match known {
            None if undirected || said.is_some() => Ok(self.tx.set_undirected(name, undirected)?),
            Some(known) if said.is_some() && known != undirected => Err(directedness(name, known)),
            _ => Ok(()),
        }
    }

    fn look_up(&mut self, word: &str) -> Result<u64, BulkError> {
        match &self.bearers(word).map_err(|e| failure(e.into()))?[..] {
            [] if self.implicit.is_none() => Ok(NOBODY),
            [] => {
                let id = self.next.max(self.tx.catalog().next_node);
                if id > NodeId::MAX.0 {
                    return Err(BulkError::TooMany { what: "node ids", max: NodeId::MAX.0 });
                }
                self.next = id + 1;
                Ok(id)
            }
            [(id, _)] => Ok(id.0),
            _ => Ok(NOBODY),
        }
    }

    fn edge(&mut self, row: EdgeIn<'_>) -> Result<(), Refused> {
        if let (Some(Some(known)), Some(said)) = (self.types.get(row.number), row.undirected)
            && *known != said
        {
            return Err(directedness(row.edge_type, *known));
        }
        let ends = [self.end(End::Source, &row.ends[0])?, self.end(End::Target, &row.ends[1])?];
        if let Some(edge) = self.same_edge(&row, &ends)? {
            let problem = |this: &Self| RowProblem::EdgeExists(this.tx.describe(edge));
            return self.duplicate(problem, |tx| tx.set_edge_all(edge, row.props));
        }
        let label = self.implicit.as_deref().unwrap_or_default();
        if self.leaves_out && ends.iter().any(|end| !end.is_there) {
            return Ok(self.tx.nested(|tx| insert(tx, label, ends, row.edge_type, row.rank, row.props))?);
        }
        Ok(insert(self.tx, label, ends, row.edge_type, row.rank, row.props)?)
    }
}

/// The node that is an edge's end.
struct Found {
    id: NodeId,
    /// The key that it gets if it has to be made.
    key: Option<Key>,
    is_there: bool,
}

/// Adds an edge, and those of its ends that are not there.
fn insert(
    tx: &mut WriteTransaction,
    label: &str,
    ends: [Found; 2],
    edge_type: &str,
    rank: Option<u32>,
    props: Props,
) -> Result<(), WriteError> {
    let [source, target] = ends.each_ref().map(|end| end.id);
    for Found { id, key, is_there } in ends {
        // Both may be the same one.
        if !is_there && !tx.contains(id)? {
            tx.insert_node(label, NewNode { id: Some(id), key, props: Props::new() })?;
        }
    }
    tx.insert_edge((source, edge_type, target), rank, props).map(drop)
}

fn directedness(edge_type: &str, undirected: bool) -> Refused {
    Refused::Row(RowProblem::Undirected { edge_type: edge_type.to_owned(), undirected })
}

/// `LABEL/KEY`, or the label alone.
fn shown(label: &str, key: Option<&Key>) -> String {
    match key {
        Some(key) => format!("{label}/{key}"),
        None => format!("a {label} without a key"),
    }
}

/// What is not a row's fault.
fn failure(error: WriteError) -> BulkError {
    match Refused::from(error) {
        Refused::Failed(error) => error,
        Refused::Row(problem) => BulkError::Row { place: Place::default(), problem },
    }
}

impl From<WriteError> for Refused {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Pager(e) => Refused::Failed(e.into()),
            WriteError::Read(ReadError::Page(e)) => Refused::Failed(e.into()),
            refused => Refused::Row(RowProblem::Refused(refused.to_string())),
        }
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        WriteError::from(error).into()
    }
}
