//! Which values of a record lie elsewhere, and moving them there and back.
//!
//! A record has a limit ([`super::page::record_limit`]), so that several fit into any page. Above it, its longest values
//! go out to overflow pages one by one until it fits. If it still does not (a great many properties), all of them go out
//! together, as the record's rest: one value under the number [`REST`], which no property has.
//!
//! Must always be true: a page of a long value is named by one record; every page that a record lets go of is freed
//! exactly once.

use super::page::record_limit;
use super::props::{decode_rest, encode_whole, len_in_page, long_len};
use super::record::{LongKind, NodeRecord, REST, Stored, StoredProps};
use crate::btree::record::max_value_len;
use crate::model::Value;
use crate::overflow;
use crate::value::{self, Malformed};
use std::collections::HashSet;
use storage_core::page::{PageKind, PageSize, Written};
use storage_core::pager::{PageError, ReadPages, Transaction, WriteError};

/// What has to be moved so that a record fits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// Nothing.
    Fits,
    /// The values at these places of the list, largest first.
    Move(Vec<usize>),
    /// All properties, together.
    Rest,
}

/// What has to be moved so that a node's record fits into pages of this size.
pub fn fit(record: &NodeRecord, size: PageSize) -> Plan {
    fit_props(&record.props, super::page::head_len(record), record_limit(size))
}

/// What has to be moved so that `head` bytes and these properties take at most `limit` bytes.
pub fn fit_props(props: &[(u32, Stored)], head: usize, limit: usize) -> Plan {
    let mut total =
        head + props.iter().map(|(property, stored)| len_in_page(*property, stored)).sum::<usize>();
    if total <= limit {
        return Plan::Fits;
    }
    let mut gains: Vec<(usize, usize)> =
        props.iter().enumerate().filter_map(|(i, (_, s))| Some((gain(s)?, i))).collect();
    gains.sort_unstable_by_key(|(gain, i)| (std::cmp::Reverse(*gain), *i));
    let mut out = Vec::new();
    for (gain, i) in gains {
        out.push(i);
        total -= gain;
        if total <= limit {
            return Plan::Move(out);
        }
    }
    Plan::Rest
}

/// How many bytes a record loses if the value moves out; `None` if it can not, or that gains nothing.
fn gain(stored: &Stored) -> Option<usize> {
    let Stored::Inline(value) = stored else { return None };
    let len = match value {
        Value::Text(s) => s.len(),
        Value::Bytes(b) => b.len(),
        Value::List(_) => value::encoded_len(value),
        _ => return None,
    };
    value::encoded_len(value).checked_sub(long_len(len as u64)).filter(|gain| *gain > 0)
}

/// The limit for properties that are all of a [`crate::btree::Record`] (an edge's).
pub fn record_props_limit(size: PageSize) -> usize {
    max_value_len(size)
}

/// Every page that the values of a record begin at, with the value's length.
fn roots(props: &[(u32, Stored)]) -> impl Iterator<Item = (Written, u64)> {
    props.iter().filter_map(|(_, stored)| match stored {
        Stored::Overflow { root, len, .. } => Some((*root, *len)),
        Stored::Inline(_) => None,
    })
}

/// Makes `new` fit into `limit` bytes beside `head` others, where `old` was stored until now (empty: nothing was). Long
/// values that were in `old`, or came with `new`, and are not in the result are freed.
///
/// # Errors
/// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
pub fn place_props(
    tx: &mut Transaction,
    old: &[(u32, Stored)],
    new: StoredProps,
    head: usize,
    limit: usize,
) -> Result<StoredProps, WriteError> {
    let before: Vec<_> = roots(old).chain(roots(&new)).collect();
    let placed = place(tx, new, head, limit)?;
    let mut kept: HashSet<Written> = roots(&placed).map(|(root, _)| root).collect();
    for (root, len) in before {
        // What is freed is remembered, too: a value that is in both lists is freed once.
        if kept.insert(root) {
            overflow::free(tx, root, len)?;
        }
    }
    Ok(placed)
}

fn place(
    tx: &mut Transaction,
    mut props: StoredProps,
    head: usize,
    limit: usize,
) -> Result<StoredProps, WriteError> {
    match fit_props(&props, head, limit) {
        Plan::Fits => {}
        Plan::Move(places) => {
            for i in places {
                if let Stored::Inline(value) = &props[i].1 {
                    props[i].1 = write_long(tx, value)?;
                }
            }
        }
        Plan::Rest => {
            let mut whole = Vec::with_capacity(props.len());
            for (property, stored) in whole_props(tx, props)? {
                whole.push((property, value_of(tx, &stored)?));
            }
            let bytes = encode_whole(&whole);
            let root = overflow::write(tx, &bytes)?;
            props = vec![(REST, Stored::Overflow { kind: LongKind::Rest, len: bytes.len() as u64, root })];
        }
    }
    Ok(props)
}

fn write_long(tx: &mut Transaction, value: &Value) -> Result<Stored, WriteError> {
    let mut encoded = Vec::new();
    let (kind, bytes) = match value {
        Value::Text(s) => (LongKind::Text, s.as_bytes()),
        Value::Bytes(b) => (LongKind::Bytes, b.as_slice()),
        Value::List(_) => {
            value::encode(value, &mut encoded);
            (LongKind::List, encoded.as_slice())
        }
        other => return Ok(Stored::Inline(other.clone())),
    };
    let root = overflow::write(tx, bytes)?;
    Ok(Stored::Overflow { kind, len: bytes.len() as u64, root })
}

fn damaged(root: Written) -> impl Fn(Malformed) -> PageError {
    move |e| PageError::damage(root.page(), PageKind::Overflow, e.0)
}

/// The value, read whole.
///
/// # Errors
/// [`PageError`]: a page could not be read, or is damaged.
pub fn value_of(pages: &impl ReadPages, stored: &Stored) -> Result<Value, PageError> {
    let (kind, len, root) = match stored {
        Stored::Inline(value) => return Ok(value.clone()),
        Stored::Overflow { kind, len, root } => (*kind, *len, *root),
    };
    let bytes = overflow::read(pages, root, len)?;
    let value = match kind {
        LongKind::Text => {
            String::from_utf8(bytes).map(Value::Text).map_err(|_| Malformed("a long text is not UTF-8"))
        }
        LongKind::Bytes => Ok(Value::Bytes(bytes)),
        LongKind::List => match value::decode_whole(&bytes) {
            Ok(Value::List(items)) => Ok(Value::List(items)),
            Ok(_) => Err(Malformed("a long list is no list")),
            Err(e) => Err(e),
        },
        LongKind::Rest => Err(Malformed("a record's rest is no property")),
    };
    value.map_err(damaged(root))
}

/// Properties with the record's rest, if it has one, read and put in its place. Long values stay where they are.
///
/// # Errors
/// [`PageError`]: a page could not be read, or is damaged.
pub fn whole_props(pages: &impl ReadPages, props: StoredProps) -> Result<StoredProps, PageError> {
    match props.last() {
        Some((REST, Stored::Overflow { kind: LongKind::Rest, len, root })) => {
            let rest = decode_rest(&overflow::read(pages, *root, *len)?).map_err(damaged(*root))?;
            if props.len() > 1 || rest.last().is_some_and(|(property, _)| *property == REST) {
                return Err(damaged(*root)(Malformed("a record has a rest, and more beside it")));
            }
            Ok(rest)
        }
        _ => Ok(props),
    }
}

/// Frees every long value of a record that is removed.
///
/// # Errors
/// [`WriteError`]: the pages of a value could not be read, or are damaged.
pub fn free_props(tx: &mut Transaction, props: &[(u32, Stored)]) -> Result<(), WriteError> {
    roots(props).try_for_each(|(root, len)| overflow::free(tx, root, len))
}

/// Every page of the long values of a record.
///
/// # Errors
/// [`PageError`]: a page could not be read, or is damaged.
pub fn visit_props(
    pages: &impl ReadPages,
    props: &[(u32, Stored)],
    visit: overflow::Visitor<'_>,
) -> Result<(), PageError> {
    roots(props).try_for_each(|(root, len)| overflow::visit(pages, root, len, visit))
}
