//! The conformance suite of page devices, as a matrix: {file, mmap, uring, memory, simulated} × page sizes.
//!
//! The backend crates run the same cases over their own devices, with faults put into the system calls; here it is the
//! devices as this suite opens them. `FOLIOGRAPH_REQUIRE` makes it a failure when one cannot run.

use crate::harness::{Bench, Device};
use foliograph::PageSize;
use foliograph::storage_core::conformance::{CASES, Capability, Fixture};
use foliograph::storage_core::device::faults::{Fault, FaultRule};
use foliograph::storage_core::device::{OpenOptions, Operation, PageDevice, Result};
use rstest::rstest;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

impl Fixture for Bench {
    fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
        self.device_as(&OpenOptions::create(size))
    }

    fn open(&self, read_only: bool) -> Result<Arc<dyn PageDevice>> {
        self.device_as(&OpenOptions { read_only, ..OpenOptions::open() })
    }

    fn offers(&self, what: Capability) -> bool {
        match self.device {
            // A disk knows nothing of locks, and is not cut while it is in use.
            Device::Simulated => matches!(what, Capability::Reopen | Capability::Faults),
            // Faults are put into system calls by the backend crates' own tests; memory has none.
            _ => what != Capability::Faults,
        }
    }

    fn cut(&self, bytes: u64) {
        Bench::cut(self, bytes);
    }

    fn fail_next(&self, _: &Arc<dyn PageDevice>, operation: Operation) {
        self.sim().expect("it was created").faults().add(FaultRule::once(operation, 1, Fault::Io));
    }
}

#[rstest]
fn every_device_keeps_its_promises(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
    #[values(PageSize::K4, PageSize::K16, PageSize::K64)] size: PageSize,
) {
    if !device.runs_here() {
        return;
    }
    let (mut ran, mut broken) = (0, Vec::new());
    for case in CASES {
        let bench = Bench::new(device, size, 16);
        match catch_unwind(AssertUnwindSafe(|| case.run_if_offered(&bench, size))) {
            Ok(true) => ran += 1,
            Ok(false) => eprintln!("{device:?}: {} needs {:?}, which is not offered", case.name, case.needs),
            Err(_) => broken.push(case.name),
        }
    }
    assert!(broken.is_empty(), "{device:?} with pages of {size} breaks {broken:?}");
    let most = CASES.len() - if device == Device::Simulated { 5 } else { 1 };
    assert_eq!(ran, most, "{device:?} ran too few of {} cases", CASES.len());
}
