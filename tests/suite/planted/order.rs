//! The order of writes: what a recorded device sees below the whole engine, and what the device suite sees.

use super::{Caught, arm, options, said};
use crate::history::LARGE;
use crate::observed::{recorded, tell, tight, watch};
use crate::traces::guarded;
use foliograph::PageSize;
use foliograph::storage_core::conformance::watch::Breach;
use foliograph::storage_core::conformance::{CASES, Capability, Case, Fixture};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::device::{PageDevice, Result as DeviceResult};
use foliograph::storage_core::planted::Bug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Runs the large history over a recorded device; the first breach of the picked sort, with how many calls it took.
fn observe(bugs: &[Bug], picked: fn(&Breach) -> bool) -> Result<u64, Caught> {
    let device = recorded(Arc::new(MemoryDevice::new(PageSize::K4)));
    let ran = arm(bugs, || {
        guarded(|| {
            let db = tight(&options()).create_device(device.clone()).map_err(said)?;
            tell(&db, 0..6, LARGE)?;
            db.close().map_err(said)
        })
    });
    assert!(!bugs.is_empty() || ran.is_ok(), "{ran:?}");
    // Without a bug there must be none of any sort.
    let picked = if bugs.is_empty() { |_: &Breach| true } else { picked };
    let calls = device.take();
    match watch(std::slice::from_ref(&calls), picked).0 {
        Some((after, breach)) => Err(Caught { after: after as u64, why: format!("{breach:?}") }),
        None => Ok(calls.len() as u64),
    }
}

pub(super) fn named_first(bugs: &[Bug]) -> Result<u64, Caught> {
    observe(bugs, |b| matches!(b, Breach::NamedFirst { .. }))
}

pub(super) fn not_durable(bugs: &[Bug]) -> Result<u64, Caught> {
    observe(bugs, |b| matches!(b, Breach::NotDurable { .. }))
}

pub(super) fn live_page(bugs: &[Bug]) -> Result<u64, Caught> {
    observe(bugs, |b| matches!(b, Breach::LivePage { .. }))
}

/// A device for the conformance suite, as somebody else would bring it.
struct Theirs;

impl Fixture for Theirs {
    fn create(&self, size: PageSize) -> DeviceResult<Arc<dyn PageDevice>> {
        Ok(Arc::new(MemoryDevice::new(size)))
    }

    fn offers(&self, _: Capability) -> bool {
        false
    }
}

fn is_broken(case: &Case, bugs: &[Bug]) -> bool {
    let run = || case.run_if_offered(&Theirs, PageSize::K4);
    catch_unwind(AssertUnwindSafe(|| arm(bugs, run))).is_err()
}

/// The case of the device suite that is there for this bug notices it; without a bug none does.
pub(super) fn device_suite(bugs: &[Bug]) -> Result<u64, Caught> {
    let named = match bugs.first() {
        Some(Bug::IndexBeforeWrite) => Some("every_page_is_written_before_it_is_named"),
        Some(Bug::MetaBeforeSync) => Some("what_a_root_reaches_is_durable_before_the_root"),
        Some(Bug::ReuseLivePage) => Some("no_page_is_written_while_the_durable_root_reaches_it"),
        _ => None,
    };
    for (after, case) in (1..).zip(CASES.iter()) {
        if named.is_none_or(|name| name == case.name) && is_broken(case, bugs) {
            return Err(Caught { after, why: case.name.to_owned() });
        }
    }
    Ok(CASES.len() as u64)
}
