//! A lent page is the page itself (D1): later writes show in it. Devices that lend nothing have nothing to keep.
#![allow(unsafe_code)]

use super::{Fixture, pattern, with_pages};
use crate::device::{LentPage, PageDevice, PageDeviceExt};
use crate::page::{PageCount, PageId, PageSize};

/// A copy of what the pointer points at.
fn copy(lent: LentPage, _device_is_alive: &dyn PageDevice) -> Vec<u8> {
    let mut out = vec![0; lent.page_len()];
    // SAFETY: the device is alive, the page lies below its count, and in these cases nobody writes or cuts it during
    // the copy.
    unsafe { std::ptr::copy_nonoverlapping(lent.as_ptr(), out.as_mut_ptr(), out.len()) };
    out
}

/// Writes, growth and durable writes show in a page that was lent before them; `read` agrees.
pub fn a_lent_page_shows_later_writes(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 8);
    if !device.info().lends_pages {
        assert!(
            (0..8).all(|page| device.mapped(PageId::new(page)).is_none()),
            "`info` says it lends nothing"
        );
        return;
    }
    let page = PageId::new(5);
    let lent = device.mapped(page).expect("a page below the count is lent");
    assert_eq!(lent.page_len(), size.bytes());
    assert!(copy(lent, &*device).iter().all(|b| *b == 0));
    for round in 1..4 {
        device.write_page(page, &pattern(size, round)).expect("written");
        assert!(copy(lent, &*device)[..] == pattern(size, round)[..]);
        let again = device.mapped(page).expect("still lent");
        assert_eq!(again.as_ptr(), lent.as_ptr(), "the mapping does not move");
        device.grow(PageCount::new(1000 * round)).expect("grown");
    }
    let last = PageId::new(2999);
    device.write_page(last, &pattern(size, 9)).expect("written");
    let lent = device.mapped(last).expect("pages that came later are lent as well");
    assert!(copy(lent, &*device)[..] == pattern(size, 9)[..]);
    assert!(device.mapped(device_end(&*device)).is_none(), "nothing beyond the end is lent");
}

fn device_end(device: &dyn PageDevice) -> PageId {
    PageId::new(device.page_count().get())
}
