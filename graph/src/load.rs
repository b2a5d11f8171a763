//! [`Database::bulk`]: a new store out of rows, or rows into a store, in one call.
//!
//! Must always be true: the store is there wholly or not at all: the load is one checkpoint, and until then the file is an
//! empty store; what is appended is one transaction. Memory stays within the budget, whatever the number of rows; what is more is sorted in temporary files.
//!
//! It is not: reading files ([`crate::import`]), nor the loading itself ([`crate::bulk`]).

use crate::bulk::{Bulk, BulkError, BulkOptions, EdgeRow, NodeRow, OnDuplicate, OnError, Phase};
use crate::database::Database;
use crate::error::{OpenError, WriteError};
use crate::options::Options;
use crate::txn::LoadReport;
use std::path::{Path, PathBuf};

/// Gives all rows of an iterator to a load: one call for all of them, and none a row.
type Rows<'a> = Box<dyn FnOnce(&mut Bulk) -> Result<(), BulkError> + 'a>;

/// A bulk load that has not begun: see [`Database::bulk`].
#[must_use]
pub struct BulkLoad<'a> {
    path: PathBuf,
    options: Options,
    bulk: BulkOptions,
    rows: Vec<Rows<'a>>,
    declared: bool,
}

impl std::fmt::Debug for BulkLoad<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BulkLoad").field("path", &self.path).field("bulk", &self.bulk).finish_non_exhaustive()
    }
}

/// A bulk load failed. The store, if it was made, is empty; one that was appended to is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store could not be made, or not be closed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The rows could not be loaded.
    #[error(transparent)]
    Bulk(#[from] BulkError),
    /// The store could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl LoadError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            LoadError::Open(e) => e.hint(),
            LoadError::Bulk(e) => e.hint(),
            LoadError::Write(e) => e.hint(),
        }
    }
}

impl Database {
    /// A new store at `path` out of rows: millions of edges a second, both directions sorted and packed densely.
    ///
    /// Rows come from any iterators, in any order; edges may come before their nodes. Without rows of nodes the ends of
    /// edges become nodes, with the label `node`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use foliograph::Database;
    /// use foliograph::bulk::{EdgeRow, NodeRow};
    /// let ring = (0..1_000_000u64).map(|n| (n, (n + 1) % 1_000_000));
    /// let report = Database::bulk("ring.folio").edges(ring).memory_budget(1 << 30).run()?;
    /// assert_eq!(report.edges, 1_000_000);
    ///
    /// let people = ["ada", "charles"].map(|name| NodeRow::keyed("person", name));
    /// let knows = [EdgeRow::new("ada", "knows", "charles")];
    /// Database::bulk("people.folio").nodes(people).edges(knows).run()?;
    /// # Ok(()) }
    /// ```
    pub fn bulk<'a>(path: impl AsRef<Path>) -> BulkLoad<'a> {
        let options = Options::new();
        let bulk = BulkOptions { memory_budget: options.memory_budget, ..BulkOptions::default() };
        BulkLoad { path: path.as_ref().to_owned(), options, bulk, rows: Vec::new(), declared: false }
    }
}

impl<'a> BulkLoad<'a> {
    /// Nodes.
    pub fn nodes<N: Into<NodeRow>>(mut self, rows: impl IntoIterator<Item = N, IntoIter: 'a>) -> Self {
        let mut rows = rows.into_iter();
        self.rows.push(Box::new(move |bulk| rows.try_for_each(|row| bulk.add_node(row.into()))));
        self.declared = true;
        self
    }

    /// Edges.
    pub fn edges<E: Into<EdgeRow>>(mut self, rows: impl IntoIterator<Item = E, IntoIter: 'a>) -> Self {
        let mut rows = rows.into_iter();
        self.rows.push(Box::new(move |bulk| rows.try_for_each(|row| bulk.add_edge(row.into()))));
        self
    }

    /// Edges of one type between nodes that are called by their ids, without properties: the fastest to load.
    ///
    /// ```no_run
    /// use foliograph::Database;
    /// let ring = (0..1_000_000u64).map(|n| (n, (n + 1) % 1_000_000));
    /// let report = Database::bulk("ring.folio").plain_edges("next", ring).run()?;
    /// assert_eq!(report.edges, 1_000_000);
    /// # Ok::<(), foliograph::LoadError>(())
    /// ```
    pub fn plain_edges(
        mut self,
        edge_type: &'a str,
        pairs: impl IntoIterator<Item = (u64, u64), IntoIter: 'a>,
    ) -> Self {
        let pairs = pairs.into_iter();
        self.rows.push(Box::new(move |bulk| bulk.add_plain_edges(pairs, edge_type)));
        self
    }

    /// How the store is made: backend, page size, cache.
    pub fn options(mut self, options: Options) -> Self {
        self.bulk.memory_budget = options.memory_budget;
        self.options = options;
        self
    }

    /// Bytes of memory for rows that wait and rows that are sorted.
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.bulk.memory_budget = bytes;
        self
    }

    /// Where temporary files go: best on the disk of the store. Without it, where the system puts them.
    pub fn temp_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.bulk.temp_dir = Some(dir.into());
        self
    }

    /// Adds the rows to the store that is there (one that is not is made). They become single changes of one transaction, so
    /// this is slower than a new store, and as atomic.
    ///
    /// Ends of edges are nodes by their ids, or by words: rows that bear them, else the one node with that key. A row about a
    /// node or an edge that is there (by id, by label and key, by the rank that the row gives) is an error, or passed over,
    /// or its properties are set on it.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use foliograph::bulk::{EdgeRow, NodeRow, OnDuplicate};
    /// use foliograph::{Database, props};
    /// let people = [NodeRow::keyed("person", "ada").with(props! { "died" => 1852 }), NodeRow::keyed("person", "mary")];
    /// let knows = [EdgeRow::new("mary", "knows", "charles")];
    /// let load = Database::bulk("people.folio").nodes(people).edges(knows).append(OnDuplicate::Update);
    /// let report = load.run()?;
    /// println!("{} nodes added, {} rows set on nodes that were there", report.nodes, report.updated);
    /// # Ok(()) }
    /// ```
    pub fn append(mut self, on_duplicate: OnDuplicate) -> Self {
        self.bulk.on_duplicate = Some(on_duplicate);
        self
    }

    /// Rows that cannot be taken are left out and counted, and do not end the load.
    pub fn skip_bad_rows(mut self) -> Self {
        self.bulk.on_error = OnError::Skip;
        self
    }

    /// Told now and then what the load does, how much is done, and how much there is (0: not known). `false` ends it.
    ///
    /// ```no_run
    /// use foliograph::Database;
    /// let edges = (0..1_000_000u64).map(|n| (n, n / 2));
    /// let load = Database::bulk("tree.folio").edges(edges).on_progress(|phase, done, total| {
    ///     eprintln!("{phase}: {done} of {total}");
    ///     true
    /// });
    /// load.run()?;
    /// # Ok::<(), foliograph::LoadError>(())
    /// ```
    pub fn on_progress(mut self, progress: impl FnMut(Phase, u64, u64) -> bool + Send + 'static) -> Self {
        self.bulk.progress = Some(Box::new(progress));
        self
    }

    /// Loads. The store is closed, whole and durable, when this returns.
    ///
    /// # Errors
    /// A store that is there already is refused, unless [`BulkLoad::append`] was said. A row that cannot be taken ends the load, unless
    /// [`BulkLoad::skip_bad_rows`] was said.
    pub fn run(mut self) -> Result<LoadReport, LoadError> {
        self.bulk.implicit_nodes = !self.declared;
        let appends = self.bulk.on_duplicate.is_some();
        if appends {
            // One half is for rows that wait, the other for changes.
            self.bulk.memory_budget /= 2;
            self.options.memory_budget = self.bulk.memory_budget;
        }
        let mut bulk = Bulk::new(self.bulk);
        for rows in self.rows {
            rows(&mut bulk)?;
        }
        let db = if appends { self.options.open(&self.path)? } else { self.options.create(&self.path)? };
        let report = db.begin_write()?.load(bulk)?;
        db.close()?;
        Ok(report)
    }
}
