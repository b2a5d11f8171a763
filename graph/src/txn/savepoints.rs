//! Savepoints: going back to where the transaction was.
//!
//! Must always be true: after a rollback the transaction is what it was when the savepoint was made, in every respect that
//! a reader, the commit or the record can see; only that it has written pages early, and so commits by checkpoint, stays
//! (L6). Savepoints and the pager's marks are the same stack. What begins to flush puts the graphs of savepoints onto the
//! newest root as well: the root below them is given up.
//!
//! Memory: a savepoint holds the graph as it was, which shares with the running one all that did not change since. Changes
//! that were written early since it was made it keeps, so that for each early flush that has savepoints made since the one
//! before, there may be the memory budget once more. On the device, pages that the savepoint reaches and the transaction
//! does not stay until it is released.

use super::WriteTransaction;
use super::record::OpsMark;
use crate::error::WriteError;
use crate::trees::Graph;
use std::sync::atomic::{AtomicU64, Ordering};
use storage_core::pager::{self, PageError, Transaction};
use storage_core::planted::{Bug, armed};

/// Where a transaction was: made by [`WriteTransaction::savepoint`].
#[derive(PartialEq, Eq, Debug)]
#[must_use = "going back takes a savepoint"]
pub struct Savepoint {
    transaction: u64,
    number: u64,
}

/// The savepoints of a transaction, oldest first.
#[derive(Debug)]
pub(super) struct Savepoints {
    /// Tells transactions of this process apart.
    transaction: u64,
    /// Savepoints that there have been.
    made: u64,
    saved: Vec<Saved>,
    /// So many were made outside of what [`WriteTransaction::nested`] runs.
    outside: usize,
}

/// What a transaction was.
#[derive(Debug)]
struct Saved {
    number: u64,
    graph: Graph,
    ops: OpsMark,
    grew: bool,
}

impl Savepoints {
    pub(super) fn new() -> Self {
        static TRANSACTIONS: AtomicU64 = AtomicU64::new(0);
        let transaction = TRANSACTIONS.fetch_add(1, Ordering::Relaxed);
        Savepoints { transaction, made: 0, saved: Vec::new(), outside: 0 }
    }

    /// Which it is of those that there are.
    fn place(&self, savepoint: &Savepoint) -> Result<usize, WriteError> {
        if savepoint.transaction != self.transaction {
            return Err(WriteError::NoSavepoint("it was made in another transaction"));
        }
        match self.saved.binary_search_by_key(&savepoint.number, |saved| saved.number) {
            Err(_) => Err(WriteError::NoSavepoint("it was released, or gone back behind")),
            Ok(place) if place < self.outside => {
                Err(WriteError::NoSavepoint("it was made outside of the nested part that runs"))
            }
            Ok(place) => Ok(place),
        }
    }

    /// All graphs, and `running`, which were made from `from` one after another, put onto `onto`, which a checkpoint made
    /// of it. Each is put onto what the one before became, so that they share what they shared.
    pub(super) fn put_onto(
        &self,
        running: &Graph,
        (from, onto): (&Graph, &Graph),
        pages: &Transaction,
    ) -> Result<Vec<Graph>, PageError> {
        let mut out: Vec<Graph> = Vec::with_capacity(self.saved.len() + 1);
        let mut from = from;
        for now in self.saved.iter().map(|saved| &saved.graph).chain([running]) {
            let new = Graph::rebase(now, from, out.last().unwrap_or(onto), pages)?;
            out.push(new);
            from = now;
        }
        Ok(out)
    }

    /// Takes in what [`Savepoints::put_onto`] made, but for the last, which is the running one.
    pub(super) fn replace(&mut self, graphs: Vec<Graph>) -> Option<Graph> {
        let mut graphs = graphs.into_iter();
        for saved in &mut self.saved {
            let graph = graphs.next()?;
            if !armed(Bug::SavepointNotRebased) {
                saved.graph = graph;
            }
        }
        graphs.next()
    }
}

impl WriteTransaction {
    /// Marks where the transaction is, so that it can go back. It costs next to nothing; the first change after it copies
    /// the table of names. While it is there, memory for changes is not given back by writing early, and neither are pages:
    /// up to the memory budget is held once more each time that the transaction writes early. Savepoints are a stack, and
    /// end with the transaction.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let device = std::sync::Arc::new(MemoryDevice::new(PageSize::K4));
    /// # let db = Options::new().create_device(device)?;
    /// let mut tx = db.begin_write()?;
    /// let ada = tx.add_node("person", "ada", props! {})?;
    /// let before = tx.savepoint();
    /// tx.delete_node(ada, true)?;
    /// tx.rollback_to(&before)?;
    /// assert!(tx.contains(ada)?);
    /// tx.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn savepoint(&mut self) -> Savepoint {
        self.reader.pages.mark();
        let (ops, grew, graph) = (self.ops.mark(), self.grew, self.reader.graph.clone());
        let stack = &mut self.savepoints;
        stack.made += 1;
        stack.saved.push(Saved { number: stack.made, graph, ops, grew });
        Savepoint { transaction: stack.transaction, number: stack.made }
    }

    /// Undoes everything since the savepoint: changes, names, ids and ranks that were given. The savepoint stays, and can be
    /// gone back to again; later ones are gone.
    ///
    /// # Errors
    /// [`WriteError::NoSavepoint`] if it is another transaction's, or gone: nothing is changed. A transaction that failed
    /// can only be dropped.
    pub fn rollback_to(&mut self, savepoint: &Savepoint) -> Result<(), WriteError> {
        if self.broken {
            return Err(pager::WriteError::Failed.into());
        }
        let place = self.savepoints.place(savepoint)?;
        self.reader.pages.go_back(place)?;
        self.savepoints.saved.truncate(place + 1);
        let saved = &self.savepoints.saved[place];
        self.reader.graph = saved.graph.clone();
        self.grew = saved.grew;
        if !armed(Bug::UndoneInRecord) {
            self.ops.go_back(saved.ops);
        }
        self.reader.pages.use_reserve(self.is_changed() && !self.grew);
        Ok(())
    }

    /// Forgets the savepoint, and later ones. What was done since stays.
    ///
    /// # Errors
    /// [`WriteError::NoSavepoint`] if it is another transaction's, or gone already: nothing is changed.
    pub fn release(&mut self, savepoint: Savepoint) -> Result<(), WriteError> {
        let place = self.savepoints.place(&savepoint)?;
        self.reader.pages.forget_marks(place);
        self.savepoints.saved.truncate(place);
        Ok(())
    }

    /// Does all of it or nothing: if `body` fails, or panics, what it did is undone, and the transaction goes on with what
    /// it was before. Nests. Savepoints made outside of `body` cannot be used inside, and those made inside end with it.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, WriteError, props, storage_core::device::memory::MemoryDevice};
    /// # let device = std::sync::Arc::new(MemoryDevice::new(PageSize::K4));
    /// # let db = Options::new().create_device(device)?;
    /// let mut tx = db.begin_write()?;
    /// let pairs = [("ada", "charles"), ("ada", "mary"), ("mary", "percy")];
    /// for (one, other) in pairs {
    ///     // Who knows somebody already is left out, with the other one.
    ///     let pair = tx.nested(|tx| {
    ///         let other = tx.add_node("person", other, props! {})?;
    ///         let one = tx.add_node("person", one, props! {})?;
    ///         tx.add_edge(one, "knows", other, props! {})
    ///     });
    ///     match pair {
    ///         Err(WriteError::KeyExists { .. }) => {}
    ///         other => drop(other?),
    ///     }
    /// }
    /// assert_eq!(tx.node_count(), 4);
    /// tx.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What `body` says. If that was a failure of the store, the transaction can only be dropped.
    pub fn nested<T, E>(&mut self, body: impl FnOnce(&mut WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        let mut nested = Nested::begin(self);
        let done = body(nested.tx);
        nested.undo = done.is_err();
        done
    }
}

/// Ends a nested part, also when it panics.
struct Nested<'t> {
    tx: &'t mut WriteTransaction,
    start: Option<Savepoint>,
    outside: usize,
    undo: bool,
}

impl<'t> Nested<'t> {
    fn begin(tx: &'t mut WriteTransaction) -> Self {
        let start = tx.savepoint();
        let outside = std::mem::replace(&mut tx.savepoints.outside, tx.savepoints.saved.len());
        Nested { tx, start: Some(start), outside, undo: true }
    }
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        self.tx.savepoints.outside = self.outside;
        let Some(start) = self.start.take() else { return };
        if self.undo {
            // It refuses only where the transaction has failed, and can do nothing any more.
            let _ = self.tx.rollback_to(&start);
        }
        let _ = self.tx.release(start);
    }
}
