//! [`Page`]: a verified page in memory, held for reading.
//!
//! Must always be true: header, checksum, page id and the check of the reference have been compared; the bytes do not
//! change while the guard lives. A cached page is a counted buffer; a lent one is a pointer into the device's mapping,
//! kept valid by holding the device, and kept unchanged by holding the snapshot's version, whose pin keeps the page
//! from reuse (A2) and the file from being cut.
//!
//! [`AtHand`] is the same for a moment, bound to the snapshot by its lifetime: it counts nothing, and so costs nothing.
#![allow(unsafe_code)]

use super::error::PageError;
use super::snapshot::Version;
use crate::device::{LentPage, PageDevice};
use crate::page::{PageBuf, PageHeader, PageId, PageKind, REFERENCE_LEN, Written, checksum, checksum_seed};
use crate::planted::{Bug, armed};
use arc_swap::Guard;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A verified page. Cloning is cheap. Dereferences to the whole page, header included.
#[derive(Clone)]
pub struct Page {
    header: PageHeader,
    bytes: Bytes,
}

#[derive(Clone)]
enum Bytes {
    Owned(Arc<Framed>),
    Lent(LentBytes),
}

/// A verified page in a buffer of its own, as the cache and its readers share it.
pub(crate) struct Framed {
    header: PageHeader,
    buf: PageBuf,
    /// It was used since the cache's hand last passed.
    used: AtomicBool,
}

impl Framed {
    pub(crate) fn new(header: PageHeader, buf: PageBuf) -> Self {
        Framed { header, buf, used: AtomicBool::new(false) }
    }

    pub(crate) fn id(&self) -> PageId {
        self.header.page
    }

    pub(crate) fn kind(&self) -> PageKind {
        self.header.kind
    }

    /// Whether it is the page that this reference names (V3).
    #[inline]
    pub(crate) fn is(&self, at: Written) -> bool {
        is_named(&self.header, at)
    }

    #[inline]
    pub(crate) fn mark(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Takes the mark off, and says whether it was there.
    pub(crate) fn unmark(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

/// A page that was verified before, for as long as the snapshot it is read through stays where it is. Dereferences to the
/// whole page, header included.
pub struct AtHand<'s>(Hand<'s>);

enum Hand<'s> {
    Lent(&'s [u8]),
    Framed(Guard<Option<Arc<Framed>>>),
}

impl AtHand<'_> {
    pub(crate) fn framed(guard: Guard<Option<Arc<Framed>>>) -> Option<Self> {
        guard.is_some().then_some(AtHand(Hand::Framed(guard)))
    }
}

impl<'s> AtHand<'s> {
    /// The page's bytes for as long as the snapshot stays where it is, if the device lends them.
    #[inline]
    pub fn as_lent(&self) -> Option<&'s [u8]> {
        match &self.0 {
            Hand::Lent(bytes) => Some(bytes),
            Hand::Framed(_) => None,
        }
    }

    /// A page lent by a device, which `_version` keeps from reuse (A2) and `_device` keeps mapped, both for longer than
    /// `'s`. The caller has seen that the page's current life is the one that was verified.
    pub(crate) fn lent(lent: LentPage, _version: &'s Arc<Version>, _device: &'s Arc<dyn PageDevice>) -> Self {
        // SAFETY: as in `LentBytes::as_slice`: device and version are borrowed for 's, so both outlive the slice.
        AtHand(Hand::Lent(unsafe { std::slice::from_raw_parts(lent.as_ptr(), lent.page_len()) }))
    }
}

impl Deref for AtHand<'_> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Hand::Lent(bytes) => bytes,
            Hand::Framed(guard) => guard.as_ref().map_or(&[], |framed| &framed.buf),
        }
    }
}

impl std::fmt::Debug for AtHand<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AtHand({} bytes)", self.len())
    }
}

#[derive(Clone)]
struct LentBytes {
    page: LentPage,
    _version: Arc<Version>,
    _device: Arc<dyn PageDevice>,
}

impl Page {
    pub(crate) fn owned(header: PageHeader, buf: PageBuf) -> Self {
        Self::framed(Arc::new(Framed::new(header, buf)))
    }

    pub(crate) fn framed(framed: Arc<Framed>) -> Self {
        Page { header: framed.header, bytes: Bytes::Owned(framed) }
    }

    /// What the cache may keep of it.
    pub(crate) fn as_framed(&self) -> Option<&Arc<Framed>> {
        match &self.bytes {
            Bytes::Owned(framed) => Some(framed),
            Bytes::Lent(_) => None,
        }
    }

    /// A page lent by `device`, which the pin of `version` keeps from reuse. Does not verify the checksum.
    pub(crate) fn lent(
        lent: LentPage,
        at: Written,
        kinds: &[PageKind],
        version: &Arc<Version>,
        device: &Arc<dyn PageDevice>,
    ) -> Result<Self, PageError> {
        let lent = LentBytes { page: lent, _version: version.clone(), _device: device.clone() };
        let header = decode_header(lent.as_slice(), at, kinds)?;
        Ok(Page { header, bytes: Bytes::Lent(lent) })
    }

    /// Compares the whole checksum.
    pub(crate) fn verify(&self, uuid: &[u8; 16]) -> Result<(), PageError> {
        match is_sound(self, &self.header, uuid) {
            true => Ok(()),
            false => Err(self.damage("checksum does not match")),
        }
    }

    /// The check that a reference to this page must carry.
    pub(crate) fn check(&self) -> u32 {
        self.header.checksum as u32
    }

    /// Where the page is.
    pub fn id(&self) -> PageId {
        self.header.page
    }

    /// What it holds.
    pub fn kind(&self) -> PageKind {
        self.header.kind
    }

    /// Which layout of its kind.
    pub fn codec(&self) -> u8 {
        self.header.codec
    }

    /// Bytes in use, header included.
    pub fn used(&self) -> usize {
        self.header.used as usize
    }

    /// The version that wrote it.
    pub fn version(&self) -> u64 {
        self.header.version
    }

    /// The reference that stands at `offset` of this page. That the page was verified is what makes it one (I1).
    ///
    /// # Errors
    /// [`PageError::Damage`] if what stands there is no reference.
    pub fn reference(&self, offset: usize) -> Result<Written, PageError> {
        let bytes = offset.checked_add(REFERENCE_LEN).and_then(|end| self.get(offset..end));
        let bytes = bytes.ok_or_else(|| self.damage("a reference lies outside of the page"))?;
        Ok(Written::decode(bytes.try_into().expect("the length of a reference")))
    }

    /// An error that says what is wrong with this page.
    pub fn damage(&self, what: impl Into<Cow<'static, str>>) -> PageError {
        PageError::damage(self.id(), self.kind(), what)
    }
}

impl LentBytes {
    fn as_slice(&self) -> &[u8] {
        // SAFETY: the device is alive (held), so its mapping is; the page lies below the device's length (the device
        // lends no other) and is neither rewritten nor cut while the held version pins it (A2, `Pager::close`).
        unsafe { std::slice::from_raw_parts(self.page.as_ptr(), self.page.page_len()) }
    }
}

impl Deref for Page {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Owned(framed) => &framed.buf,
            Bytes::Lent(lent) => lent.as_slice(),
        }
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Page({} {}, version {})", self.kind(), self.id(), self.version())
    }
}

/// Whether it is the header of the page that this reference names (V3).
#[inline]
fn is_named(header: &PageHeader, at: Written) -> bool {
    header.page == at.page() && header.checksum as u32 == at.check()
}

/// Compares the whole checksum.
fn is_sound(bytes: &[u8], header: &PageHeader, uuid: &[u8; 16]) -> bool {
    checksum(bytes, checksum_seed(header.page, uuid)) == header.checksum || armed(Bug::ChecksumNotCompared)
}

/// The header of the page `at`, of whatever kind, if it is that page (V3) and whole.
pub(crate) fn verified_header(bytes: &[u8], at: Written, uuid: &[u8; 16]) -> Option<PageHeader> {
    let header = PageHeader::decode(bytes).ok()?;
    (is_named(&header, at) && is_sound(bytes, &header, uuid)).then_some(header)
}

/// Reads the header of what should be the page `at`, and compares id, kind and check (V3). Not yet the checksum.
pub(crate) fn decode_header(bytes: &[u8], at: Written, kinds: &[PageKind]) -> Result<PageHeader, PageError> {
    let expected = kinds.first().copied().unwrap_or(PageKind::Inner);
    let damage = |what: Cow<'static, str>| PageError::damage(at.page(), expected, what);
    if bytes.iter().take(64).all(|b| *b == 0) {
        return Err(damage("the page was never written".into()));
    }
    let header = PageHeader::decode(bytes).map_err(|what| damage(what.into()))?;
    if header.page != at.page() {
        return Err(damage(format!("the page says that it is page {}", header.page).into()));
    }
    if header.checksum as u32 != at.check() && !armed(Bug::CheckNotCompared) {
        return Err(damage(
            "it is not the page that its parent names (another life of the same page)".into(),
        ));
    }
    if !kinds.contains(&header.kind) {
        return Err(damage(format!("the page holds another kind: {}", header.kind).into()));
    }
    Ok(header)
}
