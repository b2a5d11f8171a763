//! Reading, freeing and visiting long values.
//!
//! Must always be true: a page is used only if it has the level and the count that the value's length gives it. Memory
//! grows with what was really read, never with what a length claims, and a length beyond the device is damage.

use super::{CODEC, DATA, Shape, parse};
use std::ops::Deref;
use storage_core::page::{PageKind, REFERENCE_LEN, Written};
use storage_core::pager::{Page, PageError, ReadPages, Transaction, WriteError};

/// What [`visit`] calls for each page.
pub type Visitor<'v> = &'v mut dyn FnMut(Written, &Page) -> Result<(), PageError>;

/// How many pages are asked for ahead of their reading.
const AHEAD: usize = 64;

fn load(pages: &impl ReadPages, at: Written, level: u8, len: u64) -> Result<Page, PageError> {
    let page = pages.page(at, PageKind::Overflow)?;
    let (found, count) = header(&page)?;
    if found != level || count as u64 != Shape::of(pages.pager().page_size()).count(level, len) {
        return Err(page.damage("an overflow page does not fit the length of its value"));
    }
    Ok(page)
}

fn header(page: &Page) -> Result<(u8, usize), PageError> {
    if page.codec() != CODEC {
        return Err(page.damage(format!("unknown layout {} of an overflow page", page.codec())));
    }
    parse(&page[..page.used()]).map_err(|e| page.damage(e.0))
}

/// The root's level, if the device is large enough for such a value.
fn root_level(pages: &impl ReadPages, root: Written, len: u64) -> Result<u8, PageError> {
    let shape = Shape::of(pages.pager().page_size());
    let most = pages.pager().device().page_count().get().saturating_mul(shape.chunk);
    if len > most {
        let what = format!("a value of {len} bytes is longer than the store");
        return Err(PageError::damage(root.page(), PageKind::Overflow, what));
    }
    Ok(shape.level(len))
}

/// All of a value.
///
/// # Errors
/// [`PageError`]: a page could not be read, or is damaged.
pub fn read(pages: &impl ReadPages, root: Written, len: u64) -> Result<Vec<u8>, PageError> {
    let mut out = Vec::new();
    for chunk in chunks(pages, root, len)? {
        out.extend_from_slice(&chunk?);
    }
    Ok(out)
}

/// A value piece by piece; ends after the first error.
///
/// # Errors
/// [`PageError`]: a page could not be read, or is damaged.
pub fn chunks<R: ReadPages>(pages: &R, root: Written, len: u64) -> Result<Chunks<'_, R>, PageError> {
    let level = root_level(pages, root, len)?;
    Ok(Chunks {
        pages,
        shape: Shape::of(pages.pager().page_size()),
        next: Some((root, level, len)),
        above: Vec::new(),
    })
}

/// Part of a value: the bytes of one page, which it holds.
#[derive(Clone, Debug)]
pub struct Chunk {
    page: Page,
}

impl Deref for Chunk {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.page[DATA..self.page.used()]
    }
}

/// A page of references, and where in it the reader is.
struct Above {
    page: Page,
    level: u8,
    len: u64,
    next: usize,
    count: usize,
}

impl Above {
    fn child(&self, index: usize) -> Result<Written, PageError> {
        self.page.reference(DATA + index * REFERENCE_LEN)
    }

    /// Asks for the next pages, whenever the last ones asked for are used up.
    fn prefetch(&self, pages: &impl ReadPages) -> Result<(), PageError> {
        if self.level == 1 && self.next.is_multiple_of(AHEAD) {
            let end = self.count.min(self.next + AHEAD);
            let ahead: Result<Vec<_>, _> = (self.next..end).map(|index| self.child(index)).collect();
            pages.prefetch(&ahead?);
        }
        Ok(())
    }
}

/// See [`chunks`].
pub struct Chunks<'a, R> {
    pages: &'a R,
    shape: Shape,
    next: Option<(Written, u8, u64)>,
    above: Vec<Above>,
}

impl<R: ReadPages> Chunks<'_, R> {
    fn step(&mut self) -> Result<Option<Chunk>, PageError> {
        let Some((mut at, mut level, mut len)) = self.next.take() else { return Ok(None) };
        let chunk = loop {
            let page = load(self.pages, at, level, len)?;
            if level == 0 {
                break Chunk { page };
            }
            let count = header(&page)?.1;
            self.above.push(Above { page, level, len, next: 0, count });
            // The length says so, and was compared: there is a next one.
            let Some(next) = self.turn()? else { return Ok(None) };
            (at, level, len) = next;
        };
        self.next = self.turn()?;
        Ok(Some(chunk))
    }

    /// The next page after a piece was read: the next child of the lowest page that has one.
    fn turn(&mut self) -> Result<Option<(Written, u8, u64)>, PageError> {
        while let Some(above) = self.above.last_mut() {
            if above.next < above.count {
                above.prefetch(self.pages)?;
                let at = above.child(above.next)?;
                let len = self.shape.child_len(above.level, above.len, above.next as u64);
                above.next += 1;
                return Ok(Some((at, above.level - 1, len)));
            }
            self.above.pop();
        }
        Ok(None)
    }
}

impl<R: ReadPages> Iterator for Chunks<'_, R> {
    type Item = Result<Chunk, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        // After an error `next` is taken: nothing follows.
        self.step().transpose()
    }
}

impl<R> std::fmt::Debug for Chunks<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chunks({:?} next)", self.next)
    }
}

/// Every page of a value, parents before children.
///
/// # Errors
/// [`PageError`]: a page could not be read, or is damaged.
pub fn visit(pages: &impl ReadPages, root: Written, len: u64, visit: Visitor<'_>) -> Result<(), PageError> {
    let level = root_level(pages, root, len)?;
    visit_below(pages, root, level, len, visit)
}

fn visit_below(
    pages: &impl ReadPages,
    at: Written,
    level: u8,
    len: u64,
    visit: Visitor<'_>,
) -> Result<(), PageError> {
    let page = load(pages, at, level, len)?;
    visit(at, &page)?;
    if level == 0 {
        return Ok(());
    }
    let shape = Shape::of(pages.pager().page_size());
    for (index, child) in references(&page)?.into_iter().enumerate() {
        visit_below(pages, child, level - 1, shape.child_len(level, len, index as u64), visit)?;
    }
    Ok(())
}

/// Frees every page of a value. Pages of bytes are not read for that.
///
/// # Errors
/// [`WriteError`]: the pages of the value could not be read, or are damaged.
pub fn free(tx: &mut Transaction, root: Written, len: u64) -> Result<(), WriteError> {
    let level = root_level(tx, root, len)?;
    free_below(tx, root, level, len)
}

fn free_below(tx: &mut Transaction, at: Written, level: u8, len: u64) -> Result<(), WriteError> {
    if level > 0 {
        let shape = Shape::of(tx.pager().page_size());
        let page = load(tx, at, level, len)?;
        for (index, child) in references(&page)?.into_iter().enumerate() {
            free_below(tx, child, level - 1, shape.child_len(level, len, index as u64))?;
        }
    }
    tx.free(at);
    Ok(())
}

/// The pages that an overflow page names.
///
/// # Errors
/// [`PageError`]: a page could not be read, or is damaged.
pub fn references(page: &Page) -> Result<Vec<Written>, PageError> {
    let (level, count) = header(page)?;
    let count = if level == 0 { 0 } else { count };
    (0..count).map(|index| page.reference(DATA + index * REFERENCE_LEN)).collect()
}
