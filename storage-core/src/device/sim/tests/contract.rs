//! The simulated disk, and the wrappers over it, keep every promise of a page device while no fault is asked for.

use super::super::{Image, SimDevice};
use crate::conformance::{Capability, Fixture};
use crate::device::faults::{Fault, FaultRule, Faults};
use crate::device::faulty::FaultyDevice;
use crate::device::recorded::RecordedDevice;
use crate::device::{OpenMode, Operation, PageDevice, Result};
use crate::page::PageSize;
use parking_lot::Mutex;
use std::sync::Arc;

/// The disk itself. It is reopened after a power cut in which everything unsynced was lost.
#[derive(Default)]
struct Simulated {
    device: Mutex<Option<Arc<SimDevice>>>,
}

impl Simulated {
    fn keep(&self, device: SimDevice) -> Arc<SimDevice> {
        let device = Arc::new(device);
        *self.device.lock() = Some(device.clone());
        device
    }
}

impl Fixture for Simulated {
    fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
        let there = self.device.lock().as_ref().map(|device| device.pending().durable().clone());
        let image = there.unwrap_or_else(|| Image::new(size));
        Ok(self.keep(SimDevice::open_image(image, OpenMode::Create(size), 1)?))
    }

    fn open(&self, _read_only: bool) -> Result<Arc<dyn PageDevice>> {
        let there = self.device.lock().as_ref().map(|device| device.pending().durable().clone());
        Ok(self.keep(SimDevice::from_image(there.expect("it was created"))?))
    }

    fn offers(&self, what: Capability) -> bool {
        matches!(what, Capability::Reopen | Capability::Faults)
    }

    fn fail_next(&self, _: &Arc<dyn PageDevice>, operation: Operation) {
        let device = self.device.lock();
        let faults = device.as_ref().expect("it was created").faults();
        faults.add(FaultRule::once(operation, 1, Fault::Io));
    }
}

/// The wrapper that fails, over a disk that does not.
struct Faulty(Arc<Faults>);

impl Default for Faulty {
    fn default() -> Self {
        Faulty(Arc::new(Faults::new(1)))
    }
}

impl Fixture for Faulty {
    fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
        Ok(Arc::new(FaultyDevice::new(Arc::new(SimDevice::new(size, 1)), self.0.clone())))
    }

    fn offers(&self, what: Capability) -> bool {
        what == Capability::Faults
    }

    fn fail_next(&self, _: &Arc<dyn PageDevice>, operation: Operation) {
        self.0.add(FaultRule::once(operation, 1, Fault::Io));
    }
}

/// The wrapper that records.
#[derive(Default)]
struct Recorded;

impl Fixture for Recorded {
    fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
        Ok(Arc::new(RecordedDevice::new(Arc::new(SimDevice::new(size, 1)), true)))
    }

    fn offers(&self, _: Capability) -> bool {
        false
    }
}

mod simulated {
    use super::Simulated;
    crate::device_tests!(Simulated);
}

mod faulty {
    use super::Faulty;
    crate::device_tests!(Faulty);
}

mod recorded {
    use super::Recorded;
    crate::device_tests!(Recorded);
}
