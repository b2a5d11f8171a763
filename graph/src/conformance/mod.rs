//! What every store must do, whatever device it lies on.
//!
//! Plain functions over a [`Fixture`] (something that makes and reopens devices), listed in a table ([`CASES`]), so that
//! a matrix can run them over devices, page sizes and caches. To run them over a device of yours:
//!
//! ```
//! use foliograph::conformance::{CASES, Fixture};
//! use foliograph::{Options, PageSize, storage_core};
//! use std::sync::Arc;
//! use storage_core::device::memory::{MemoryDevice, MemoryStore};
//! use storage_core::device::{OpenOptions, PageDevice, Result};
//!
//! struct Mine(MemoryStore);
//!
//! impl Fixture for Mine {
//!     fn options(&self) -> Options {
//!         Options::new().cache_pages(16)
//!     }
//!     fn create(&self) -> Result<Arc<dyn PageDevice>> {
//!         Ok(Arc::new(MemoryDevice::open(&self.0, &OpenOptions::create(PageSize::K4))?))
//!     }
//!     fn open(&self) -> Result<Arc<dyn PageDevice>> {
//!         Ok(Arc::new(MemoryDevice::open(&self.0, &OpenOptions::open())?))
//!     }
//! }
//!
//! for case in CASES.iter().take(3) {
//!     (case.run)(&Mine(MemoryStore::new(Vec::new())));
//! }
//! ```
//!
//! Must always be true: a case panics when the store breaks a promise, and only then; it takes a fixture that has no
//! store yet; `check` finds nothing after it, before and after reopening. That the *device* keeps its contract is told
//! by [`storage_core::conformance`], crash states by the crash suite.

pub mod adjacency;
pub mod edges;
pub mod indexes;
pub mod life;
pub mod names;
pub mod nodes;
pub mod savepoints;
pub mod transactions;
pub mod values;
pub mod walks;

use crate::{Database, Direction, Edge, NodeId, Options, Reader, Snapshot, WriteTransaction};
use std::sync::Arc;
use storage_core::device::{PageDevice, Result};
use storage_core::pager::ReadPages;

/// One place for one store, and a way to get devices over it.
pub trait Fixture {
    /// How databases are opened: cache, memory budget. Neither backend nor path count, for `create` and `open` give the
    /// device.
    fn options(&self) -> Options;

    /// A device over a new, empty store.
    ///
    /// # Errors
    /// What opening the device fails with.
    fn create(&self) -> Result<Arc<dyn PageDevice>>;

    /// A device over the store that `create` made; the device before was closed.
    ///
    /// # Errors
    /// What opening the device fails with.
    fn open(&self) -> Result<Arc<dyn PageDevice>>;
}

/// One promise, as a function.
#[derive(Copy, Clone)]
pub struct Case {
    /// What is promised.
    pub name: &'static str,
    /// Panics if the promise is broken. Takes a fixture that has no store yet.
    pub run: fn(&dyn Fixture),
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! cases {
    ($($module:ident: $($name:ident)*;)*) => {
        &[$($(Case { name: stringify!($name), run: $module::$name },)*)*]
    };
}

/// Every case.
pub const CASES: &[Case] = cases! {
    life:
        a_new_store_is_empty
        what_was_committed_is_there_after_reopening
        versions_go_on_after_reopening
        a_commit_without_changes_is_no_new_version
        read_only_refuses_writes;
    nodes:
        nodes_are_added_found_and_deleted
        keys_are_unique_within_a_label
        a_deleted_key_is_free_again
        ids_can_be_given
        runs_of_plain_nodes_break_and_mend
        a_node_with_edges_goes_only_with_detach
        upsert_adds_or_changes;
    edges:
        parallel_edges_have_ranks
        a_self_loop_is_one_edge
        lists_of_edges_are_added_and_deleted_wholly_or_not
        neighbors_are_typed_directed_and_in_order
        degrees_agree_with_lists
        undirected_types_are_followed_both_ways
        edges_come_in_order
        a_deleted_edge_is_gone_in_both_directions
        a_hub_spans_many_pages;
    adjacency:
        lists_come_in_ranges_and_both_orders
        a_place_in_a_list_outlives_its_edge
        lists_meet
        edges_are_deleted_by_question;
    values:
        every_type_comes_back
        values_of_megabytes_come_back
        edges_have_properties_too
        properties_are_set_and_removed
        a_wrong_type_is_an_error;
    transactions:
        abort_leaves_nothing
        a_transaction_reads_its_own_writes
        a_snapshot_never_changes
        a_refused_change_leaves_the_transaction_usable
        there_is_one_writer
        a_small_budget_writes_early;
    names:
        names_are_changed_for_all_that_has_them
        a_name_that_is_unknown_taken_or_bad_is_refused
        names_are_exchanged;
    savepoints:
        a_rollback_leaves_what_was_there
        a_released_savepoint_leaves_the_changes
        a_savepoint_that_is_not_there_is_refused
        a_nested_part_is_done_wholly_or_not_at_all
        a_commit_of_what_was_undone_is_no_new_version
        a_rollback_undoes_what_was_written_early
        long_values_are_there_after_a_rollback
        savepoints_stand_on_the_root_of_a_checkpoint_beside;
    indexes:
        an_index_answers_ranges_in_order
        prefixes_are_found
        an_index_follows_every_change
        a_unique_index_refuses_a_second
        edges_are_indexed_too
        a_large_index_is_built_and_dropped;
    walks:
        bfs_goes_level_by_level
        k_hop_stops_in_time
        the_shortest_path_is_found
        a_walk_needs_its_start;
};

/// The store of a case: made new, and opened again as often as the case wants.
struct Store<'f> {
    fixture: &'f dyn Fixture,
    db: Database,
}

impl<'f> Store<'f> {
    fn create(fixture: &'f dyn Fixture) -> Self {
        Self::create_with(fixture, fixture.options())
    }

    fn create_with(fixture: &'f dyn Fixture, options: Options) -> Self {
        let device = fixture.create().expect("a device for a new store");
        Store { fixture, db: options.create_device(device).expect("a new store") }
    }

    /// One transaction, committed.
    fn change<T>(&self, change: impl FnOnce(&mut WriteTransaction) -> T) -> T {
        let mut tx = self.db.begin_write().expect("the only writer");
        let out = change(&mut tx);
        tx.commit().expect("a commit");
        out
    }

    fn snapshot(&self) -> Snapshot {
        self.db.begin_read().expect("a snapshot")
    }

    fn reopen(self) -> Self {
        let Store { fixture, db } = self;
        db.close().expect("closing");
        let device = fixture.open().expect("a device over the store");
        Store { fixture, db: fixture.options().open_device(device).expect("the store that was closed") }
    }

    fn assert_clean(&self) {
        let report = self.db.check().expect("checking reads every page");
        assert!(report.findings.is_empty(), "check found {:#?}", report.findings);
    }

    /// The end of a case: what `hold` asserts holds now, and after reopening; the store is clean both times.
    fn settle(self, hold: impl Fn(&Snapshot)) {
        hold(&self.snapshot());
        self.assert_clean();
        let again = self.reopen();
        hold(&again.snapshot());
        again.assert_clean();
        again.db.close().expect("closing");
    }
}

/// The neighbours of a node as (neighbour, edge), each answer unwrapped.
fn around<R: ReadPages>(
    reader: &Reader<R>,
    node: NodeId,
    direction: Direction,
    edge_type: Option<&str>,
) -> Vec<(NodeId, Edge)> {
    let question = reader.neighbors(node).direction(direction);
    let question = match edge_type {
        Some(name) => question.of_type(name),
        None => question,
    };
    question.into_iter().map(|n| n.map(|n| (n.id, n.edge)).expect("a neighbour")).collect()
}
