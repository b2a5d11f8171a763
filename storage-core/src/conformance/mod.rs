//! The suite that tells whether a page device keeps its promises (D1–D8).
//!
//! Plain functions over a [`Fixture`] (something that makes and reopens devices), listed in a table ([`CASES`]), so
//! that a matrix can run them over devices and page sizes; [`crate::device_tests!`] makes a `#[test]` of each for
//! somebody's own device:
//!
//! ```
//! use std::sync::Arc;
//! use storage_core::conformance::{Capability, Fixture};
//! use storage_core::device::{PageDevice, Result, memory::MemoryDevice};
//! use storage_core::page::PageSize;
//!
//! #[derive(Default)]
//! struct Mine;
//!
//! impl Fixture for Mine {
//!     fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
//!         Ok(Arc::new(MemoryDevice::new(size)))
//!     }
//!     fn offers(&self, _: Capability) -> bool {
//!         false // neither reopening nor a lock, no way to cut it or to make it fail
//!     }
//! }
//!
//! storage_core::device_tests!(Mine);
//! ```
//!
//! Must always be true: a case panics when the device breaks a promise, and only then; it relies on nothing that the
//! contract does not say. But for [`on_disk_before_indexed`], which goes through the real pager, the cases know none: what
//! they write need not be a store, but for the superblock that lets a device over a file find its page size again.

pub mod contents;
#[cfg(test)]
mod controls;
pub mod growth;
pub mod lending;
pub mod life;
pub mod on_disk_before_indexed;
pub mod refusals;
pub mod watch;

use crate::device::{DeviceErrorKind, Operation, PageDevice, PageDeviceExt, Result, SUPERBLOCK_MAGIC};
use crate::page::{PageBuf, PageCount, PageId, PageSize};
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// Something that not every device, or not every fixture, can do.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Capability {
    /// Every device can do it.
    Any,
    /// [`Fixture::open`] works: what was synced is found again.
    Reopen,
    /// A second opener is kept out. Needs `Reopen`.
    Lock,
    /// [`Fixture::open`] can open read-only. Needs `Reopen`.
    ReadOnly,
    /// [`Fixture::cut`] works. Needs `Reopen`.
    Cut,
    /// [`Fixture::fail_next`] works.
    Faults,
}

/// One place for one store, and a way to get devices over it.
pub trait Fixture: Send + Sync {
    /// A device over a new, empty store with pages of this size.
    ///
    /// # Errors
    /// What creating fails with; a case that needs a device panics then.
    fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>>;

    /// Opens the store that `create` made, found by its superblock.
    ///
    /// # Errors
    /// What opening fails with; some cases want it refused.
    fn open(&self, read_only: bool) -> Result<Arc<dyn PageDevice>> {
        unimplemented_hook("open", read_only)
    }

    /// What else this fixture can do. `Any` is never asked.
    fn offers(&self, what: Capability) -> bool;

    /// Cuts the store to this many bytes behind the device's back.
    fn cut(&self, bytes: u64) {
        unimplemented_hook("cut", bytes)
    }

    /// Makes the next call of this operation (write, write_durable or sync) on `device` fail with an I/O error.
    fn fail_next(&self, device: &Arc<dyn PageDevice>, operation: Operation) {
        unimplemented_hook("fail_next", (device, operation))
    }
}

fn unimplemented_hook<T>(hook: &str, args: impl std::fmt::Debug) -> T {
    panic!("the fixture offers what needs `{hook}`, and does not define it ({args:?})")
}

/// One promise, as a function.
#[derive(Copy, Clone)]
pub struct Case {
    /// What is promised.
    pub name: &'static str,
    /// What the fixture must be able to do for it.
    pub needs: Capability,
    /// Panics if the promise is broken. Takes a fixture that has no store yet.
    pub run: fn(&dyn Fixture, PageSize),
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:?})", self.name, self.needs)
    }
}

impl Case {
    /// Runs the case if the fixture offers what it needs; says whether it did.
    pub fn run_if_offered(&self, fixture: &dyn Fixture, size: PageSize) -> bool {
        let offered = self.needs == Capability::Any || fixture.offers(self.needs);
        if offered {
            (self.run)(fixture, size);
        }
        offered
    }
}

/// The page sizes that the suite runs at.
pub const SIZES: [PageSize; 3] = [PageSize::K4, PageSize::K16, PageSize::K64];

/// Every case.
pub const CASES: &[Case] = crate::device_tests!(@cases table []);

/// Runs the case of this name at every size of [`SIZES`], each on a fresh fixture: what [`crate::device_tests!`] calls.
///
/// # Panics
/// If a promise is broken, or there is no such case.
pub fn run<F: Fixture + Default>(name: &str) {
    let case = CASES.iter().find(|case| case.name == name).expect("the table and the tests are one list");
    for size in SIZES {
        if !case.run_if_offered(&F::default(), size) {
            eprintln!("{name}: the fixture does not offer {:?}", case.needs);
            return;
        }
    }
}

/// Makes a `#[test]` of every case for a fixture: `device_tests!(MyFixture)`, where `MyFixture: Fixture + Default`.
#[macro_export]
macro_rules! device_tests {
    (@cases $how:ident $args:tt) => {
        $crate::device_tests! { @$how $args
            contents a_page_is_read_back_as_written Any;
            contents a_batch_takes_neighbours_gaps_and_any_order Any;
            contents a_batch_may_be_longer_than_one_vectored_call Any;
            contents a_batch_tells_of_each_page_once Any;
            contents unaligned_buffers_are_served Any;
            contents an_empty_batch_is_nothing Any;
            contents a_page_may_be_read_twice_in_a_batch Any;
            contents threads_do_not_disturb_each_other Any;
            contents durable_blocks_change_only_themselves Any;
            contents prefetch_is_only_advice Any;
            growth new_pages_are_zero Any;
            growth grow_never_shortens Any;
            growth threads_that_grow_never_see_the_length_fall Any;
            growth shrink_cuts_and_regrown_pages_are_zero Any;
            growth a_full_disk_poisons_nothing Any;
            refusals pages_out_of_bounds_are_refused_and_nothing_grows Any;
            refusals a_batch_with_one_bad_page_writes_none Any;
            refusals wrong_lengths_are_refused Any;
            refusals a_closed_device_refuses_everything Any;
            refusals poison_is_sticky Faults;
            lending a_lent_page_shows_later_writes Any;
            life what_was_synced_is_found_again Reopen;
            life durable_blocks_are_found_again Reopen;
            life create_refuses_an_existing_store Reopen;
            life an_unfinished_creation_is_started_afresh Reopen;
            life the_lock_keeps_a_second_opener_out Lock;
            life readers_share_the_lock ReadOnly;
            life a_read_only_device_refuses_every_change ReadOnly;
            life a_cut_file_is_a_short_file Cut;
            life a_partial_last_page_is_rounded_down Cut;
            on_disk_before_indexed every_page_is_written_before_it_is_named Any;
            on_disk_before_indexed what_a_root_reaches_is_durable_before_the_root Any;
            on_disk_before_indexed no_page_is_written_while_the_durable_root_reaches_it Any;
            on_disk_before_indexed an_indexed_page_is_on_the_device_whatever_the_cache_drops Any;
            on_disk_before_indexed a_tree_is_found_again_whole Reopen;
        }
    };
    (@tests [$fixture:ty] $($module:ident $name:ident $needs:ident;)*) => {
        $(
            #[test]
            fn $name() {
                $crate::conformance::run::<$fixture>(stringify!($name));
            }
        )*
    };
    (@table [] $($module:ident $name:ident $needs:ident;)*) => {
        &[$($crate::conformance::Case {
            name: stringify!($name),
            needs: $crate::conformance::Capability::$needs,
            run: $crate::conformance::$module::$name,
        },)*]
    };
    ($fixture:ty) => {
        $crate::device_tests! { @cases tests [$fixture] }
    };
}

/// A page 0 that a probe takes for a store's: magic, page size and checksum, nothing else.
pub fn superblock(size: PageSize) -> PageBuf {
    let mut page = PageBuf::zeroed(size.bytes());
    page[..8].copy_from_slice(&SUPERBLOCK_MAGIC);
    page[16..20].copy_from_slice(&1u32.to_le_bytes());
    page[20..24].copy_from_slice(&size.as_u32().to_le_bytes());
    let sum = XxHash3_64::oneshot(&page[16..4096]);
    page[8..16].copy_from_slice(&sum.to_le_bytes());
    page
}

/// A new device of `pages` pages.
fn with_pages(fixture: &dyn Fixture, size: PageSize, pages: u64) -> Arc<dyn PageDevice> {
    let device = fixture.create(size).expect("a new store can be created");
    assert_eq!(device.info().page_size, size);
    assert_eq!(device.page_count(), PageCount::default(), "a new device has no pages");
    let pages = PageCount::new(pages);
    assert!(device.grow(pages).expect("a new store can grow") >= pages);
    device
}

/// A new device of `pages` pages that can be opened again: page 0 is a superblock, synced.
fn reopenable(fixture: &dyn Fixture, size: PageSize, pages: u64) -> Arc<dyn PageDevice> {
    let device = with_pages(fixture, size, pages);
    device.write_page(PageId::new(0), &superblock(size)).expect("page 0 can be written");
    device.sync().expect("a new store can be synced");
    device
}

/// Bytes that belong to `seed` alone.
fn pattern(size: PageSize, seed: u64) -> PageBuf {
    let mut page = PageBuf::zeroed(size.bytes());
    let mut state = seed;
    for chunk in page.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    page
}

/// The page as the device reads it.
fn read(device: &dyn PageDevice, page: u64) -> PageBuf {
    let mut buf = PageBuf::zeroed(device.info().page_size.bytes());
    // What was in the buffer must not show.
    buf.fill(0xa5);
    device.read_page(PageId::new(page), &mut buf).expect("a page below the count can be read");
    buf
}

fn refused<T: std::fmt::Debug>(result: Result<T>, kind: DeviceErrorKind, what: &str) {
    match result {
        Ok(value) => panic!("{what} should be refused as {kind:?}, and gave {value:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{what}: {error}"),
    }
}
