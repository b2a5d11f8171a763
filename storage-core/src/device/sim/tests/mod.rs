//! Stories of the simulated disk: what a power cut leaves, what a journal tells, what faults do, how a state opens.

mod contract;
mod faults;
mod journal;
mod open;
mod power;
mod random;

use super::{Image, SimDevice};
use crate::device::{PageDevice, PageDeviceExt, WriteBlock};
use crate::page::{PageCount, PageId, PageSize};

/// A disk with `pages` durable pages of zeros and an empty journal.
fn disk(size: PageSize, pages: u64) -> SimDevice {
    let sim = SimDevice::new(size, 1);
    sim.grow(PageCount::new(pages)).unwrap();
    sim.sync().unwrap();
    sim.restart_journal();
    sim
}

/// Writes a whole page of this byte.
fn write(sim: &SimDevice, page: u64, fill: u8) {
    sim.write_page(PageId::new(page), &vec![fill; sim.info().page_size.bytes()]).unwrap();
}

/// Writes one 4 KiB block of this byte durably.
fn write_durable(sim: &SimDevice, page: u64, block: usize, fill: u8) {
    let data = [fill; 4096];
    sim.write_durable(&[WriteBlock { page: PageId::new(page), offset: block * 4096, data: &data }]).unwrap();
}

/// The first byte of each 4 KiB of a page.
fn blocks(image: &Image, page: u64) -> Vec<u8> {
    image.page(PageId::new(page)).unwrap().chunks(4096).map(|block| block[0]).collect()
}

/// The first byte of each page.
fn firsts(image: &Image) -> Vec<u8> {
    (0..image.page_count().get()).map(|n| image.page(PageId::new(n)).unwrap()[0]).collect()
}
