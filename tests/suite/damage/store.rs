//! The store that is damaged: small, with every kind of page but the log's, with property indexes, and the graph that it
//! holds. It is closed: a log is damaged in `log_damage`.

use crate::crash::indexes::On;
use crate::crash::model::{Change, Model};
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::{OpenOptions, PageDevice};
use foliograph::storage_core::page::PageKind;
use foliograph::{
    Database, Durability, NewNode, NodeId, OpenError, Options, PageInfo, PageSize, Value, props,
};
use std::sync::Arc;

pub const PAGE: usize = 4096;

/// The owner of pages of indexes.
pub const INDEXES: &str = "property indexes";

/// A closed store and what it holds.
pub struct Sample {
    pub image: Vec<u8>,
    pub model: Model,
    /// Every page in use.
    pub pages: Vec<PageInfo>,
}

impl Sample {
    /// What kind a page has; `None` if it is free.
    pub fn kind(&self, page: usize) -> Option<PageKind> {
        self.pages.iter().find(|info| info.id.get() as usize == page).map(|info| info.kind)
    }
}

/// Without a thread: what a store does must not depend on timing.
pub fn options() -> Options {
    Options::new().page_size(PageSize::K4).cache_pages(64).background(false)
}

/// Opens what is in `store`.
pub fn open(store: &MemoryStore, read_only: bool) -> Result<Database, OpenError> {
    let device = MemoryDevice::open(store, &OpenOptions { read_only, ..OpenOptions::open() })?;
    options().read_only(read_only).open_device(Arc::new(device) as Arc<dyn PageDevice>)
}

/// Makes the store, in two checkpoints, so that it also has pages of a version that is gone, and none that a log had. At
/// least 10 people.
pub fn sample(count: u64) -> Sample {
    let sample = made([&|c: &mut Change<'_>| people(c, count), &|c: &mut Change<'_>| links(c, count)]);
    let (len, pages) = (sample.image.len(), &sample.pages);
    assert!(len <= 110 * PAGE, "{len} bytes");
    for kind in PageKind::ALL.iter().filter(|kind| **kind != PageKind::Log) {
        assert!(pages.iter().any(|info| info.kind == *kind), "the sample has no {kind} page");
    }
    for kind in [PageKind::Inner, PageKind::Record] {
        let of_index = |info: &&PageInfo| info.kind == kind && info.owner == INDEXES;
        assert!(pages.iter().any(|info| of_index(&info)), "no index of the sample has {kind} pages");
    }
    sample
}

/// A node with 12,000 edges, of two types and in both directions, so that the trees of edges have inner pages.
pub fn hub() -> Sample {
    let far = |n: u64| NodeId(n * 1_000_003);
    made([
        &|c: &mut Change<'_>| {
            for n in 0..4000 {
                c.insert("dot", NewNode { id: Some(far(n)), ..NewNode::default() });
            }
        },
        &|c: &mut Change<'_>| {
            for n in 0..4000 {
                c.edge(far(8), "knows", far(n), props! {});
                c.edge(far(8), "to", far(n), props! {});
                c.edge(far(n), "to", far(8), props! {});
            }
        },
    ])
}

/// Makes a store, a checkpoint each.
fn made(fills: [&dyn Fn(&mut Change<'_>); 2]) -> Sample {
    let store = MemoryStore::new(Vec::new());
    let device = MemoryDevice::open(&store, &OpenOptions::create(PageSize::K4)).expect("a new store");
    let db =
        options().durability(Durability::Checkpoint).create_device(Arc::new(device)).expect("a new store");
    let mut model = Model::default();
    for fill in fills {
        let tx = db.begin_write().expect("nobody else writes");
        let mut change = Change { tx, model: &mut model };
        fill(&mut change);
        change.tx.commit().expect("memory does not fail");
    }
    db.close().expect("memory does not fail");
    let image = store.image();
    let pages = open(&store, true).and_then(|db| Ok(db.pages()?)).expect("a whole store");
    assert!(image.len().is_multiple_of(PAGE), "{} bytes", image.len());
    Sample { image, model, pages }
}

fn people(c: &mut Change<'_>, count: u64) {
    let text = |n: u64| "a story of no great length, and no great depth ".repeat(n as usize);
    for n in 0..count {
        c.node("person", format!("p{n}"), props! { "born" => 1800 + n as i64, "name" => text(n % 4) });
    }
    c.node("thing", -5, props! { "ok" => true, "half" => 0.5, "raw" => vec![0u8, 255, 7] });
    c.set(NodeId(3), "when", Value::Date(-3));
    c.set(NodeId(3), "then", Value::Timestamp(1_700_000_000_000_000));
    c.set(NodeId(3), "tags", vec![Value::Null, Value::from("x"), Value::from(9)]);
    c.set(NodeId(7), "story", text(200));
    for _ in 0..count {
        c.plain("dot");
    }
    for n in 0..count {
        c.insert("far", NewNode { id: Some(NodeId((1 << 40) | (n << 20))), ..NewNode::default() });
    }
}

fn links(c: &mut Change<'_>, count: u64) {
    for n in 0..count {
        c.edge(NodeId(n), "knows", NodeId((n * 7 + 1) % count), props! {});
        c.edge(NodeId(n % 5), "likes", NodeId(n), props! { "since" => n as i64 });
        c.edge(NodeId(8), "to", NodeId((1 << 40) | (n << 20)), props! {});
    }
    for n in 0..5 {
        c.edge(NodeId(1), "calls", NodeId(2), props! { "at" => n });
    }
    c.edge(NodeId(4), "knows", NodeId(4), props! { "letter" => "dear me ".repeat(700) });
    c.set(NodeId(0), "born", Value::Null);
    c.delete(NodeId(count - 1));
    // Keys and values long enough that their trees have inner pages.
    for n in 0..6 {
        let text = format!("{}{}", n * 5 % 7, "v".repeat(900));
        c.node("long", format!("{n}{}", "k".repeat(900)), props! { "text" => text });
    }
    let indexes = [
        (On::label("long"), "text", true),
        (On::label("person"), "born", true),
        (On::label("person"), "name", false),
        (On::edges("likes"), "since", false),
        (On::label("nobody"), "nothing", true),
    ];
    for (on, property, unique) in indexes {
        assert!(c.index(on, property, unique), "the index over {property} is refused");
    }
}
