//! Properties of a damaged store: long values are read if all their pages can be, and dropped and counted if not.
//!
//! Must always be true: a value is whole or gone; nothing is taken for a value that has not the length its record says.

use super::source::damage;
use super::{Job, SalvageError};
use crate::btree::Record;
use crate::model::Value;
use crate::node::{LongKind, Stored, StoredProps, decode_props};
use crate::overflow;
use crate::value;
use storage_core::page::{HEADER_LEN, PageId, PageKind, Written};

/// Where the bytes or references of an overflow page begin.
const DATA: usize = HEADER_LEN + 8;

/// More levels than any value on any device has.
const MOST_LEVELS: u8 = 16;

/// Why a value is lost.
enum Lost {
    Page(PageId, String),
    Fatal(SalvageError),
}

impl Job<'_> {
    /// The properties that can be read.
    pub(super) fn values(&mut self, stored: StoredProps) -> Result<Vec<(u32, Value)>, SalvageError> {
        let mut out = Vec::with_capacity(stored.len());
        for (property, stored) in stored {
            let (kind, len, root) = match stored {
                Stored::Inline(value) => {
                    out.push((property, value));
                    continue;
                }
                Stored::Overflow { kind, len, root } => (kind, len, root),
            };
            match self.long(root, len).and_then(|bytes| decode(property, kind, bytes, root)) {
                Ok(values) => out.extend(values),
                Err(Lost::Fatal(e)) => return Err(e),
                Err(Lost::Page(page, what)) => {
                    self.report.values_lost += 1;
                    self.report.unreadable(page, "long values", what);
                }
            }
        }
        Ok(out)
    }

    /// A long value's bytes.
    fn long(&mut self, root: Written, len: u64) -> Result<Vec<u8>, Lost> {
        let most = self.source.page_count().saturating_mul(self.source.page_size().bytes() as u64);
        let wrong = |what: &str| Lost::Page(root.page(), what.to_owned());
        if len > most {
            return Err(wrong("the value would be longer than the store"));
        }
        let mut out = Vec::new();
        let mut pages = self.source.page_count();
        self.pieces((root, None), (len, &mut pages), &mut out)?;
        if out.len() as u64 != len {
            return Err(wrong("the value has another length than its record says"));
        }
        Ok(out)
    }

    /// The pieces below a page. Ends, whatever the pages say: levels fall, and no more pages are read than there are.
    fn pieces(
        &mut self,
        (at, level): (Written, Option<u8>),
        (len, pages): (u64, &mut u64),
        out: &mut Vec<u8>,
    ) -> Result<(), Lost> {
        let lost = |what: &str| Lost::Page(at.page(), what.to_owned());
        *pages = pages.checked_sub(1).ok_or_else(|| lost("the value has more pages than the store"))?;
        let page = self.source.page(at, &[PageKind::Overflow]).map_err(Lost::Fatal)?;
        let page = page.map_err(|what| Lost::Page(at.page(), what))?;
        let found = page[HEADER_LEN];
        if level.is_some_and(|level| level != found) || found > MOST_LEVELS {
            return Err(lost("an overflow page has the wrong level"));
        }
        let below = overflow::references(&page).map_err(|e| lost(&damage(e).1))?;
        if found == 0 {
            out.extend_from_slice(page.get(DATA..page.used()).unwrap_or_default());
            if out.len() as u64 > len {
                return Err(lost("the value is longer than its record says"));
            }
        }
        for child in below {
            self.pieces((child, Some(found - 1)), (len, pages), out)?;
        }
        Ok(())
    }
}

/// The value that bytes stand for; several, if they are a record's rest.
fn decode(property: u32, kind: LongKind, bytes: Vec<u8>, root: Written) -> Result<Vec<(u32, Value)>, Lost> {
    let lost = |what: &str| Lost::Page(root.page(), what.to_owned());
    let value = match kind {
        LongKind::Text => {
            String::from_utf8(bytes).map(Value::Text).map_err(|_| lost("a long text is not UTF-8"))
        }
        LongKind::Bytes => Ok(Value::Bytes(bytes)),
        LongKind::List => value::decode_whole(&bytes).map_err(|e| lost(e.0)),
        LongKind::Rest => {
            let props = decode_props(&Record::of_bytes(bytes)).map_err(|e| lost(e.0))?;
            let inline = |(property, stored)| match stored {
                Stored::Inline(value) => Ok((property, value)),
                Stored::Overflow { .. } => Err(lost("a value elsewhere within a record's rest")),
            };
            return props.into_iter().map(inline).collect();
        }
    };
    Ok(vec![(property, value?)])
}
