//! Properties as bytes: the same encoding in node pages, in records of edges, and in the overflow of a record's rest.
//!
//! A list of properties is, for each in ascending order of its number: the difference from the number before (the first:
//! the number itself) as a varint, then the value as [`crate::value`] encodes it. A value elsewhere has the tag 12 + its
//! [`LongKind`], its length as a varint, and where it is: in a node page the reference itself, in a [`Record`] the
//! reference's index among the record's references as a varint. The list goes on to the end of its bytes.
//!
//! Must always be true: numbers ascend strictly; a value elsewhere is named by a `Written` that came out of a page or of
//! a write.

use super::record::{LongKind, Stored, StoredProps};
use crate::btree::Record;
use crate::model::Value;
use crate::value::{self, Malformed, Reader, put_varint, varint_len};
use storage_core::page::{REFERENCE_LEN, Written};

const LONG: u8 = 12;
const LONG_END: u8 = 16;

/// How a value elsewhere is named.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum RefForm {
    /// By the reference's own bytes.
    InPage,
    /// By a number into the record's references.
    Indexed,
    /// Not at all.
    None,
}

/// Appends properties. `refer` appends how a page is named.
fn encode_with(props: &[(u32, Stored)], out: &mut Vec<u8>, mut refer: impl FnMut(Written, &mut Vec<u8>)) {
    let mut next = 0;
    for (property, stored) in props {
        assert!(*property >= next, "properties ascend");
        put_varint((property - next).into(), out);
        next = property.saturating_add(1);
        match stored {
            Stored::Inline(value) => value::encode(value, out),
            Stored::Overflow { kind, len, root } => {
                out.push(LONG + *kind as u8);
                put_varint(*len, out);
                refer(*root, out);
            }
        }
    }
}

/// Appends properties as a node page has them.
pub(super) fn encode_in_page(props: &[(u32, Stored)], out: &mut Vec<u8>) {
    encode_with(props, out, |root, out| out.extend_from_slice(&root.encode()));
}

/// How many bytes one property takes at most, in either form.
pub(super) fn len_in_page(property: u32, stored: &Stored) -> usize {
    varint_len(property.into())
        + match stored {
            Stored::Inline(value) => value::encoded_len(value),
            Stored::Overflow { len, .. } => long_len(*len),
        }
}

/// Bytes in a record for a value elsewhere, its property's number apart: the most that either form takes (an index
/// beside the reference takes two bytes at most, for a record has far fewer than 2¹⁴ references).
pub(super) fn long_len(len: u64) -> usize {
    1 + varint_len(len) + REFERENCE_LEN + 2
}

/// Properties as a record: bytes, and the pages that they name.
pub fn encode_props(props: &[(u32, Stored)]) -> Record {
    let mut bytes = Vec::new();
    let mut refs = Vec::new();
    encode_with(props, &mut bytes, |root, out| {
        put_varint(refs.len() as u64, out);
        refs.push(root);
    });
    Record { bytes, refs }
}

/// Reads what [`encode_props`] made.
///
/// # Errors
/// [`Malformed`]: the bytes are none.
pub fn decode_props(record: &Record) -> Result<StoredProps, Malformed> {
    let mut props = Vec::new();
    for item in PropReader::new(&record.bytes, RefForm::Indexed) {
        let (property, raw) = item?;
        let stored = match raw {
            RawStored::Inline(value) => Stored::Inline(value::decode_whole(value)?),
            RawStored::Overflow { kind, len, at } => {
                let root =
                    record.refs.get(at).ok_or(Malformed("a property names no reference of its record"))?;
                Stored::Overflow { kind, len, root: *root }
            }
        };
        props.push((property, stored));
    }
    Ok(props)
}

/// Properties whole, none elsewhere: a record's rest.
pub(super) fn encode_whole(props: &[(u32, Value)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut next = 0;
    for (property, value) in props {
        put_varint((property - next).into(), &mut out);
        next = property.saturating_add(1);
        value::encode(value, &mut out);
    }
    out
}

/// Reads what [`encode_whole`] made.
pub(super) fn decode_rest(bytes: &[u8]) -> Result<StoredProps, Malformed> {
    let inline = |item: Result<_, _>| match item? {
        (property, RawStored::Inline(value)) => Ok((property, Stored::Inline(value::decode_whole(value)?))),
        _ => Err(Malformed("a value elsewhere within a record's rest")),
    };
    PropReader::new(bytes, RefForm::None).map(inline).collect()
}

/// A property's value as it stands in bytes.
#[derive(Copy, Clone, Debug)]
pub(super) enum RawStored<'a> {
    /// The value, encoded.
    Inline(&'a [u8]),
    /// Elsewhere; `at` is the reference's place within the bytes, or its index.
    Overflow { kind: LongKind, len: u64, at: usize },
}

/// Goes over properties without decoding their values. Ends after an error.
#[derive(Clone, Debug)]
pub(super) struct PropReader<'a> {
    bytes: &'a [u8],
    reader: Reader<'a>,
    next: Option<u32>,
    form: RefForm,
}

impl<'a> PropReader<'a> {
    pub(super) fn new(bytes: &'a [u8], form: RefForm) -> Self {
        PropReader { bytes, reader: Reader::new(bytes), next: Some(0), form }
    }

    fn read(&mut self) -> Result<(u32, RawStored<'a>), Malformed> {
        let gap = self.reader.varint_u32()?;
        let property = self.next.and_then(|next| next.checked_add(gap));
        let property = property.ok_or(Malformed("property numbers do not ascend"))?;
        self.next = property.checked_add(1);
        let start = self.reader.position();
        let tag = self.reader.u8()?;
        if !(LONG..LONG_END).contains(&tag) {
            let mut over = Reader::new(&self.bytes[start..]);
            value::skip(&mut over)?;
            self.reader.bytes(over.position() - 1)?;
            return Ok((property, RawStored::Inline(&self.bytes[start..start + over.position()])));
        }
        let kind = LongKind::from_code(tag - LONG).ok_or(Malformed("unknown kind of a value elsewhere"))?;
        let len = self.reader.varint()?;
        let at = match self.form {
            RefForm::InPage => {
                let at = self.reader.position();
                self.reader.bytes(REFERENCE_LEN)?;
                at
            }
            RefForm::Indexed => self.reader.varint_u32()? as usize,
            RefForm::None => return Err(Malformed("a value elsewhere where none may be")),
        };
        Ok((property, RawStored::Overflow { kind, len, at }))
    }
}

impl<'a> Iterator for PropReader<'a> {
    type Item = Result<(u32, RawStored<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let item = self.read();
        if item.is_err() {
            self.reader = Reader::new(&[]);
        }
        Some(item)
    }
}
