//! Looking into single pages: which pages a page names, and what it holds in words. Works on pages of damaged stores.

use crate::btree::record::RecordLeaf;
use crate::btree::{InnerPage, LeafFormat};
use crate::edge::page::EdgeLeaf;
use crate::node::page::NodeLeaf;
use crate::{node, overflow};
use storage_core::page::{HEADER_LEN, PageId, PageKind};
use storage_core::pager::{self, Page, PageError};

/// What `pages` shows of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageInfo {
    /// Which page.
    pub id: PageId,
    /// What it holds.
    pub kind: PageKind,
    /// The version that wrote it.
    pub version: u64,
    /// Bytes in use.
    pub used: usize,
    /// Which tree or structure it belongs to.
    pub owner: &'static str,
}

/// The pages that a page names, whatever its kind. Adjacency pages, map regions and pieces of values name none.
///
/// # Errors
/// [`PageError::Damage`] if the page contradicts itself.
pub fn page_references(page: &Page) -> Result<Vec<PageId>, PageError> {
    let written = match page.kind() {
        PageKind::Inner => {
            let inner = InnerPage::open(page)?;
            (0..inner.count()).map(|i| inner.child(i)).collect::<Result<Vec<_>, _>>()?
        }
        PageKind::Record => {
            let mut refs = Vec::new();
            for entry in RecordLeaf::entries(page.clone())? {
                refs.extend(entry?.1.refs);
            }
            refs
        }
        PageKind::Node => node::page::references(page)?.into_iter().map(|(at, _)| at).collect(),
        PageKind::Overflow => overflow::references(page)?,
        _ => return pager::references(page),
    };
    Ok(written.into_iter().map(|at| at.page()).collect())
}

/// What a page holds, a line an entry.
///
/// ```
/// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
/// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
/// # let mut tx = db.begin_write()?;
/// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
/// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
/// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
/// # tx.commit()?;
/// # let snapshot = db.begin_read()?;
/// use foliograph::storage_core::{page::PageKind, pager::{Inspected, Inspector}};
/// use foliograph::{describe_page, page_references};
/// db.checkpoint()?;
/// let node_page = db.pages()?.into_iter().find(|page| page.kind == PageKind::Node).expect("there are nodes");
/// let Inspected::Page(page) = Inspector::of(db.pager()).page(node_page.id)? else { panic!("it is whole") };
/// assert_eq!(describe_page(&page)?.len(), 2);     // a line for each node
/// assert!(page_references(&page)?.is_empty());    // no long values
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`PageError::Damage`] if the page contradicts itself.
pub fn describe_page(page: &Page) -> Result<Vec<String>, PageError> {
    match page.kind() {
        PageKind::Inner => {
            let inner = InnerPage::open(page)?;
            let line = |i| {
                let mut key = Vec::new();
                inner.separator(i, &mut key)?;
                Ok(format!("{} -> {:?}, {} entries", hex(&key), inner.child(i)?, inner.below(i)))
            };
            let head = format!("level {}, {} children", inner.level(), inner.count());
            std::iter::once(Ok(head)).chain((0..inner.count()).map(line)).collect()
        }
        PageKind::Record => RecordLeaf::entries(page.clone())?
            .map(|entry| {
                let (key, record) = entry?;
                Ok(format!("{} = {} {:?}", hex(&key), hex(&record.bytes), record.refs))
            })
            .collect(),
        PageKind::Node => NodeLeaf::entries(page.clone())?
            .map(|entry| {
                let (id, record) = entry?;
                let key = record.key.map(|k| format!(" key {k}")).unwrap_or_default();
                Ok(format!("node {id} label {}{key} {:?}", record.label, record.props))
            })
            .collect(),
        PageKind::EdgeOut => edge_lines::<false>(page),
        PageKind::EdgeIn => edge_lines::<true>(page),
        PageKind::Overflow => {
            let below = overflow::references(page)?;
            Ok(vec![format!("{} bytes in use, names {below:?}", page.used() - HEADER_LEN)])
        }
        _ => Ok(pager::references(page)?.into_iter().map(|id| format!("names page {id}")).collect()),
    }
}

fn edge_lines<const IN: bool>(page: &Page) -> Result<Vec<String>, PageError> {
    let mut lines: Vec<String> = Vec::new();
    let mut last = None;
    for entry in EdgeLeaf::<IN>::entries(page.clone())? {
        let (key, ()) = entry?;
        if last != Some((key.vertex, key.edge_type)) {
            lines.push(format!("node {} type {}:", key.vertex, key.edge_type));
            last = Some((key.vertex, key.edge_type));
        }
        let line = lines.last_mut().expect("pushed above");
        line.push_str(&format!(" {}", key.neighbor));
        if key.rank > 0 {
            line.push_str(&format!("#{}", key.rank));
        }
    }
    Ok(lines)
}

fn hex(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) => format!("`{text}`"),
        _ => bytes.iter().map(|b| format!("{b:02x}")).collect(),
    }
}
