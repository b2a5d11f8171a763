//! How a bulk load is to go: memory, temporary files, names, bad rows, progress.

use super::error::{BulkError, OnDuplicate, OnError};
use std::path::PathBuf;

/// What names of nodes are.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum IdMode {
    /// Integers are node ids; as soon as there is one word, all names are words.
    #[default]
    Auto,
    /// Names are node ids; a word is an error.
    Int,
    /// Names are words, also where they look like integers.
    Key,
}

/// What a load is doing.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Taking rows.
    Rows,
    /// Giving nodes their ids and keys.
    Naming,
    /// Giving edges their ends.
    Linking,
    /// Writing edges by source.
    Out,
    /// Writing edges by target.
    In,
    /// Writing nodes.
    Nodes,
    /// Adding edges to a store that holds some.
    Edges,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::Rows => "reading rows",
            Phase::Naming => "naming nodes",
            Phase::Linking => "linking edges",
            Phase::Out => "writing edges out",
            Phase::In => "writing edges in",
            Phase::Nodes => "writing nodes",
            Phase::Edges => "writing edges",
        })
    }
}

/// Called now and then with the phase, what is done and what there is (0: not known). False stops the load.
pub type Progress = Box<dyn FnMut(Phase, u64, u64) -> bool + Send>;

/// How a bulk load is to go.
pub struct BulkOptions {
    /// Bytes of memory for rows that wait and rows that are sorted; what is more goes to temporary files.
    pub memory_budget: usize,
    /// Where temporary files go: best beside the store. `None`: where the system puts them.
    pub temp_dir: Option<PathBuf>,
    /// What names of nodes are.
    pub ids: IdMode,
    /// What to do with rows that can not be taken.
    pub on_error: OnError,
    /// The rows are added to a store that may hold something, and this is what becomes of rows about nodes and edges that
    /// are there. Without it the store has to be empty, and such rows cannot be taken.
    pub on_duplicate: Option<OnDuplicate>,
    /// Ends of edges that no row declares become nodes.
    pub implicit_nodes: bool,
    /// The label of such nodes.
    pub implicit_label: String,
    /// All edge types are undirected.
    pub undirected: bool,
    /// How full pages get, in percent.
    pub fill_percent: u8,
    /// Told how far the load is.
    pub progress: Option<Progress>,
}

impl Default for BulkOptions {
    fn default() -> Self {
        BulkOptions {
            memory_budget: 256 << 20,
            temp_dir: None,
            ids: IdMode::Auto,
            on_error: OnError::Stop,
            on_duplicate: None,
            implicit_nodes: false,
            implicit_label: "node".to_owned(),
            undirected: false,
            fill_percent: 95,
            progress: None,
        }
    }
}

impl std::fmt::Debug for BulkOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BulkOptions")
            .field("memory_budget", &self.memory_budget)
            .field("temp_dir", &self.temp_dir)
            .field("ids", &self.ids)
            .field("on_error", &self.on_error)
            .field("on_duplicate", &self.on_duplicate)
            .field("implicit_nodes", &self.implicit_nodes)
            .field("undirected", &self.undirected)
            .finish_non_exhaustive()
    }
}

/// How many steps there are between two calls of the callback.
const STEPS: u32 = 1 << 16;

/// Calls the callback now and then.
pub(super) struct Ticker {
    progress: Option<Progress>,
    phase: Phase,
    done: u64,
    steps: u32,
}

impl std::fmt::Debug for Ticker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticker({}, {})", self.phase, self.done)
    }
}

impl Ticker {
    pub fn new(progress: Option<Progress>) -> Self {
        Ticker { progress, phase: Phase::Rows, done: 0, steps: 0 }
    }

    /// One more row in this phase, of `total`.
    #[inline]
    pub fn tick(&mut self, phase: Phase, total: u64) -> Result<(), BulkError> {
        self.steps += 1;
        if self.steps < STEPS && phase == self.phase { Ok(()) } else { self.call(phase, total) }
    }

    /// So many rows more.
    pub fn tick_many(&mut self, phase: Phase, rows: usize, total: u64) -> Result<(), BulkError> {
        if phase != self.phase {
            self.call(phase, total)?;
        }
        self.steps = self.steps.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX));
        if self.steps < STEPS { Ok(()) } else { self.call(phase, total) }
    }

    #[cold]
    fn call(&mut self, phase: Phase, total: u64) -> Result<(), BulkError> {
        if phase != self.phase {
            (self.phase, self.done) = (phase, 0);
        }
        self.done += u64::from(std::mem::take(&mut self.steps));
        match &mut self.progress {
            Some(progress) => match progress(phase, self.done, total) {
                true => Ok(()),
                false => Err(BulkError::Cancelled),
            },
            None => Ok(()),
        }
    }
}
