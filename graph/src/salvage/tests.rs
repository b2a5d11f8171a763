//! A store with all sorts of pages; each of them is destroyed in turn, and whatever was not on it is there afterwards.

mod roots;

use super::{SalvageOptions, SalvageReport, salvage};
use crate::btree::{LeafFormat, RecordLeaf};
use crate::edge::EdgeKey;
use crate::node::NodeLeaf;
use crate::{
    Database, IndexOn, Key, NewNode, NodeId, Options, PageInfo, Props, Snapshot, Value, node, props,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::device::read_only::ReadOnly;
use storage_core::device::sim::Rng;
use storage_core::page::{PageId, PageKind, PageSize, checksum, checksum_seed};
use storage_core::pager::{Inspected, Inspector};

const SIZE: usize = 4096;
const NODES: u64 = 1000;

/// Ids far apart, so that lists of neighbours take many bytes.
fn id(n: u64) -> NodeId {
    NodeId(n * 1_000_003_019)
}

/// Over nodes and edges; two of them have trees of two levels.
const INDEXES: [(IndexOn<'_>, &str, bool); 3] = [
    (IndexOn::Label("person"), "n", true),
    (IndexOn::Label("place"), "text", false),
    (IndexOn::EdgeType("beside"), "n", false),
];

/// A store in memory, filled: the hub is node 0, every seventh node has no key, some have long values or too many
/// properties for a page, edges are parallel, undirected, and half of them have properties; some of it is indexed.
fn filled() -> Vec<u8> {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let db = Options::new().create_device(device.clone()).expect("created");
    let mut tx = db.begin_write().expect("begun");
    for n in 0..NODES {
        let label = ["person", "place", "thing"][(n % 3) as usize];
        let key =
            (n % 7 != 3).then(|| if n % 2 == 0 { Key::Int(n as i64) } else { format!("key {n}").into() });
        tx.insert_node(label, NewNode { id: Some(id(n)), key, props: properties(n) }).expect("added");
    }
    tx.commit().expect("committed");
    let mut tx = db.begin_write().expect("begun");
    tx.set_undirected("beside", true).expect("set");
    for n in 1..NODES - 5 {
        tx.add_edge(id(0), "knows", id(n), props! {}).expect("added");
        let why = "y".repeat(if n == 500 { 6000 } else { n as usize % 50 });
        tx.add_edge(id(n), "beside", id(n / 2 + 1), props! { "why" => why, "n" => n as i64 }).expect("added");
        if n % 10 == 0 {
            tx.add_edge(id(n), "beside", id(n / 2 + 1), props! {}).expect("added");
            tx.add_edge(id(n), "knows", id(0), props! {}).expect("added");
        }
    }
    tx.commit().expect("committed");
    let mut tx = db.begin_write().expect("begun");
    for (on, property, unique) in INDEXES {
        tx.create_index(on, property, unique).expect("made");
    }
    tx.commit().expect("committed");
    for n in (40..NODES).step_by(97) {
        let mut tx = db.begin_write().expect("begun");
        tx.delete_node(id(n), true).expect("deleted");
        tx.set(id(n + 1), "changed", n as i64).expect("set");
        tx.commit().expect("committed");
    }
    assert_eq!(db.check().expect("checked").findings, []);
    db.close().expect("closed");
    device.image()
}

fn properties(n: u64) -> Props {
    let mut props = props! { "n" => n as i64, "text" => "x".repeat(n as usize % 90) };
    match n {
        100 | 701 => props.push(("long".into(), Value::Text("long ".repeat(2000)))),
        333 => props.push(("long".into(), Value::Bytes(vec![7; 90_000]))),
        555 => props.push(("list".into(), Value::List((0..3000).map(Value::Int).collect()))),
        777 => props.extend((0..150).map(|i| (format!("{}{i}", "many".repeat(15)), Value::Int(i)))),
        _ => {}
    }
    props
}

type Nodes = BTreeMap<u64, (String, Option<Key>, Props)>;
type Edges = BTreeMap<(u64, String, u64, u32), Props>;

fn contents(snapshot: &Snapshot) -> (Nodes, Edges) {
    let node = |view: Result<crate::NodeView, _>| {
        let view = view.expect("readable");
        let label = snapshot.label_name(view.label).to_owned();
        (view.id.0, (label, view.key.clone(), snapshot.props_of(&view).expect("readable")))
    };
    let edge = |edge: Result<crate::Edge, _>| {
        let edge = edge.expect("readable");
        let name = snapshot.type_name(edge.edge_type).to_owned();
        let props = snapshot.edge_props(edge).expect("readable");
        ((edge.source.0, name, edge.target.0, edge.rank), props)
    };
    (snapshot.all_nodes().map(node).collect(), snapshot.all_edges().map(edge).collect())
}

fn device(image: &[u8]) -> Arc<MemoryDevice> {
    Arc::new(MemoryDevice::from_image(image.to_vec(), Some(PageSize::K4)).expect("a size is given"))
}

/// Saves, and looks whether the new store is sound.
fn saved(image: &[u8], options: &SalvageOptions) -> (SalvageReport, (Nodes, Edges)) {
    let (report, to) = saved_store(image, options);
    (report, contents(&to.begin_read().expect("begun")))
}

fn saved_store(image: &[u8], options: &SalvageOptions) -> (SalvageReport, Database) {
    let from = device(image);
    // Far less than what is saved takes: pages are written early.
    let options_to = Options::new().memory_budget(500 << 10);
    let to = options_to.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created");
    let below = Arc::new(ReadOnly::new(from.clone()));
    let report = salvage(below, &to, options, &mut |_, _| true).expect("something can be saved");
    assert!(from.image() == image, "the damaged store was changed");
    assert_eq!(to.check().expect("checked").findings, [], "{report:?}");
    assert_eq!(to.pager().stats().log.commits, 0, "no record says what was put into the catalog");
    let found = contents(&to.begin_read().expect("begun"));
    assert_eq!(found.0.len() as u64, report.nodes + report.nodes_from_keys + report.nodes_from_edges);
    assert_eq!(found.1.len() as u64, report.edges);
    (report, to)
}

/// The indexes of a store that was saved, by name. What they hold was compared with the records already.
fn indexes_of(to: &Database) -> Vec<(String, bool)> {
    let snapshot = to.begin_read().expect("begun");
    snapshot.indexes().map(|index| (format!("{}.{}", index.on, index.property), index.unique)).collect()
}

fn all_indexes() -> Vec<(String, bool)> {
    INDEXES.map(|(on, property, unique)| (format!("{on}.{property}"), unique)).to_vec()
}

/// The store as it was, and what lies where.
struct Intact {
    image: Vec<u8>,
    nodes: Nodes,
    edges: Edges,
    pages: HashMap<PageId, PageInfo>,
    /// The nodes and edges whose long values a page is a part of.
    nodes_of_values: HashMap<PageId, u64>,
    edges_of_values: HashMap<PageId, EdgeKey>,
}

impl Intact {
    fn new(image: Vec<u8>) -> Intact {
        let db = open(&image);
        let snapshot = db.begin_read().expect("begun");
        let (nodes, edges) = contents(&snapshot);
        let (mut nodes_of_values, mut edges_of_values) = (HashMap::new(), HashMap::new());
        for entry in snapshot.graph.nodes.range(&snapshot.pages, ..) {
            let (id, record) = entry.expect("readable");
            let mut visit = |at: storage_core::page::Written, _: &_| {
                nodes_of_values.insert(at.page(), id);
                Ok(())
            };
            node::visit_props(&snapshot.pages, &record.props, &mut visit).expect("readable");
        }
        for entry in snapshot.graph.edge_props.range(&snapshot.pages, ..) {
            let (key, record) = entry.expect("readable");
            let props = node::decode_props(&record).expect("sound");
            let mut visit = |at: storage_core::page::Written, _: &_| {
                edges_of_values.insert(at.page(), EdgeKey::from_bytes(&key).expect("an edge's key"));
                Ok(())
            };
            node::visit_props(&snapshot.pages, &props, &mut visit).expect("readable");
        }
        let pages = db.pages().expect("readable").into_iter().map(|page| (page.id, page)).collect();
        Intact { image, nodes, edges, pages, nodes_of_values, edges_of_values }
    }

    fn page(&self, page: PageId) -> storage_core::pager::Page {
        match Inspector::new(device(&self.image)).page(page).expect("readable") {
            Inspected::Page(page) => page,
            other => panic!("{page} is no page of a tree: {other:?}"),
        }
    }

    /// What is there of the nodes and edges if this page is gone.
    fn without(&self, page: PageId) -> (Nodes, Edges) {
        let (mut nodes, mut edges) = (self.nodes.clone(), self.edges.clone());
        let Some(info) = self.pages.get(&page) else { return (nodes, edges) };
        match (info.kind, info.owner) {
            (PageKind::Node, _) => {
                for entry in NodeLeaf::entries(self.page(page)).expect("sound") {
                    let (id, _) = entry.expect("sound");
                    let named = edges.keys().any(|(from, _, to, _)| *from == id || *to == id);
                    let node = nodes.get_mut(&id).expect("it was there");
                    node.2.clear();
                    if node.1.is_none() && named {
                        node.0 = "lost".into();
                    } else if node.1.is_none() {
                        nodes.remove(&id);
                    }
                }
            }
            (PageKind::Record, "edge properties") => {
                for entry in RecordLeaf::entries(self.page(page)).expect("sound") {
                    let key = EdgeKey::from_bytes(&entry.expect("sound").0).expect("an edge's key");
                    self.edge(&mut edges, key).clear();
                }
            }
            (PageKind::Overflow, _) => {
                if let Some(id) = self.nodes_of_values.get(&page) {
                    let props = &mut nodes.get_mut(id).expect("it was there").2;
                    if props.len() > 100 {
                        props.clear()
                    } else {
                        props.retain(|(name, _)| name != "long" && name != "list")
                    }
                }
                if let Some(key) = self.edges_of_values.get(&page) {
                    self.edge(&mut edges, *key).retain(|(name, _)| name != "why");
                }
            }
            _ => {}
        }
        (nodes, edges)
    }

    fn edge<'e>(&self, edges: &'e mut Edges, key: EdgeKey) -> &'e mut Props {
        let db = open(&self.image);
        let name = db.begin_read().expect("begun").type_name(crate::TypeId(key.edge_type)).to_owned();
        edges.get_mut(&(key.vertex, name, key.neighbor, key.rank)).expect("it was there")
    }
}

fn open(image: &[u8]) -> Database {
    Options::new().read_only(true).open_device(device(image)).expect("opens")
}

/// The ways in which a page is destroyed.
const WAYS: [&str; 3] = ["zeros", "garbage", "one flipped bit"];

fn destroy(image: &mut [u8], page: PageId, way: &str, rng: &mut Rng) {
    let start = page.get() as usize * SIZE;
    let bytes = &mut image[start..start + SIZE];
    match way {
        "zeros" => bytes.fill(0),
        "garbage" => bytes.fill_with(|| rng.next_u64() as u8),
        _ => bytes[rng.index(SIZE)] ^= 1 << rng.below(8),
    }
}

/// Names may be lost with the catalog; then everything else is there.
fn nameless((nodes, edges): &(Nodes, Edges)) -> impl PartialEq + std::fmt::Debug + use<> {
    let values = |props: &Props| {
        let mut values: Vec<String> = props.iter().map(|(_, value)| format!("{value:?}")).collect();
        values.sort();
        values
    };
    let nodes: Vec<_> = nodes.iter().map(|(id, (_, key, props))| (*id, key.clone(), values(props))).collect();
    let mut edges: Vec<_> =
        edges.iter().map(|((from, _, to, rank), props)| (*from, *to, *rank, values(props))).collect();
    edges.sort();
    (nodes, edges)
}

#[test]
fn any_one_page_may_be_destroyed_and_what_was_not_on_it_is_saved() {
    let intact = Intact::new(filled());
    let kinds: BTreeSet<(PageKind, &str)> = intact.pages.values().map(|p| (p.kind, p.owner)).collect();
    for owner in ["catalog", "nodes", "keys", "edges out", "edges in", "edge properties", "property indexes"]
    {
        assert!(kinds.contains(&(PageKind::Inner, owner)), "the tree of {owner} has one level: {kinds:?}");
    }
    let values = intact.pages.values().filter(|p| p.kind == PageKind::Overflow).count();
    assert!(intact.pages.len() - values > 60 && values > 30, "{values} of {}", intact.pages.len());
    let mut rng = Rng::new(41);
    let mut seen = SalvageReport::default();
    let (mut indexes_lost, mut indexes_kept) = (0, 0);
    for page in (0..intact.image.len() / SIZE).map(|n| PageId::new(n as u64)) {
        let info = intact.pages.get(&page);
        let expected = intact.without(page);
        for way in WAYS {
            let piece = intact.nodes_of_values.contains_key(&page) && page.get() % 16 != 0;
            if (piece || info.is_none()) && way != WAYS[page.get() as usize % 3] {
                continue; // one way each: there are many alike
            }
            let mut image = intact.image.clone();
            destroy(&mut image, page, way, &mut rng);
            let (report, to) = saved_store(&image, &SalvageOptions::default());
            let found = contents(&to.begin_read().expect("begun"));
            let story = format!("page {page} ({info:?}), {way}: {report:?}");
            match info.map(|info| info.owner) {
                Some("catalog") => {
                    assert!(nameless(&found) == nameless(&expected), "{story}");
                    let said = report.notes.iter().any(|note| note.contains("indexes"));
                    assert!(said && indexes_of(&to).len() <= INDEXES.len(), "{story}");
                    indexes_lost += usize::from(indexes_of(&to).is_empty());
                    indexes_kept += usize::from(indexes_of(&to).len() == INDEXES.len());
                }
                Some("property indexes") => {
                    // None of its pages is looked at.
                    assert!(report.is_whole() && indexes_of(&to) == all_indexes(), "{story}");
                    assert!(found == expected, "{story}");
                    continue;
                }
                _ => {
                    assert_eq!(indexes_of(&to), all_indexes(), "{story}");
                    assert!(found.0 == expected.0, "nodes differ: {story}");
                    assert!(found.1 == expected.1, "edges differ: {story}");
                    let nodes = found.0.len() as u64 + report.nodes_lost.expect("counted");
                    assert_eq!((nodes, report.edges_lost), (intact.nodes.len() as u64, Some(0)), "{story}");
                    assert_eq!((report.names_lost, report.refused), (0, 0), "{story}");
                }
            }
            let listed = report.unreadable.iter().any(|unreadable| unreadable.page == page);
            let hidden = info.is_none_or(|info| info.owner == "allocation map");
            assert!(listed != hidden, "{story}");
            assert_eq!(report.is_whole(), hidden, "{story}");
            assert!(!report.old_versions, "{story}");
            seen.nodes_from_keys += report.nodes_from_keys;
            seen.nodes_from_edges += report.nodes_from_edges;
            seen.nodes_lost = Some(seen.nodes_lost.unwrap_or(0) + report.nodes_lost.unwrap_or(0));
            seen.values_lost += report.values_lost;
            seen.notes.extend(report.notes);
        }
    }
    assert!(
        seen.nodes_from_keys > 100 && seen.nodes_from_edges > 100,
        "every sort of loss is seen: {seen:?}"
    );
    assert!(seen.nodes_lost > Some(0) && seen.values_lost > 10, "every sort of loss is seen: {seen:?}");
    let without_catalog = seen.notes.iter().filter(|note| note.contains("lost with the catalog")).count();
    assert!(without_catalog > 0, "every sort of loss is seen: {seen:?}");
    assert!(indexes_lost > 0 && indexes_kept > 0, "of the catalog: {indexes_lost}, {indexes_kept}");
}

#[test]
fn many_pages_may_be_destroyed_and_what_is_saved_was_there() {
    let intact = Intact::new(filled());
    let seed = 1007;
    let mut rng = Rng::new(seed);
    let pages = intact.image.len() as u64 / SIZE as u64;
    for round in 0..60 {
        let mut image = intact.image.clone();
        let some = 2 + rng.below(pages / 4);
        let gone: BTreeSet<PageId> = (0..some).map(|_| PageId::new(5 + rng.below(pages - 5))).collect();
        gone.iter().for_each(|page| destroy(&mut image, *page, WAYS[rng.index(3)], &mut rng));
        let (report, found) = saved(&image, &SalvageOptions::default());
        let story = format!("seed {seed}, round {round}: {gone:?}");
        let named = report.names_lost == 0;
        for (id, (label, key, props)) in &found.0 {
            let Some((_, was, had)) = intact.nodes.get(id) else {
                assert!(report.old_versions, "node {id} was not there: {story}");
                continue;
            };
            assert!(key.is_none() || key == was || report.old_versions, "node {id}: {story}");
            let known = props.iter().all(|prop| had.contains(prop));
            assert!(known || !named || report.old_versions, "node {id} {label}: {story}");
        }
        // Leaves that are whole and marked in use are found, whatever is lost above them.
        if report.old_versions {
            continue;
        }
        for info in intact.pages.values().filter(|p| p.kind == PageKind::Node && !gone.contains(&p.id)) {
            for entry in NodeLeaf::entries(intact.page(info.id)).expect("sound") {
                let (id, record) = entry.expect("sound");
                assert_eq!(found.0.get(&id).map(|node| &node.1), Some(&record.key), "node {id}: {story}");
            }
        }
    }
}

#[test]
fn where_the_map_is_lost_as_well_old_versions_may_be_among_it_and_that_is_said() {
    let intact = Intact::new(filled());
    let mut image = intact.image.clone();
    let db = open(&image);
    let root = db.begin_read().expect("begun").graph.roots.trees[0].expect("not empty").page();
    let map = db.pager().stats().meta.map_root.expect("there is a map").page();
    [root, map].iter().for_each(|page| destroy(&mut image, *page, WAYS[0], &mut Rng::new(1)));
    let (report, found) = saved(&image, &SalvageOptions::default());
    assert!(report.old_versions && !report.is_whole());
    for (id, node) in &intact.nodes {
        assert!(found.0.get(id) == Some(node), "node {id}: the newest is believed");
    }
    assert!(intact.edges.keys().all(|edge| found.1.contains_key(edge)));
}

/// With all inner pages gone every leaf is taken for what it says itself, under a checksum that holds.
#[test]
fn leaves_that_lie_behind_valid_checksums_make_no_panic_and_no_unsound_store() {
    let intact = Intact::new(filled());
    let uuid = Inspector::new(device(&intact.image)).meta().expect("there is one").uuid;
    let mut bare = intact.image.clone();
    for info in intact.pages.values().filter(|p| p.kind == PageKind::Inner) {
        destroy(&mut bare, info.id, WAYS[0], &mut Rng::new(1));
    }
    let mut leaves: Vec<PageId> =
        intact.pages.values().filter(|p| p.used > 32 && p.kind > PageKind::Inner).map(|p| p.id).collect();
    leaves.sort_unstable();
    let seed = 5;
    let mut rng = Rng::new(seed);
    let mut refused = 0;
    for round in 0..120 {
        let mut image = bare.clone();
        for _ in 0..1 + rng.below(20) {
            let page = leaves[rng.index(leaves.len())];
            let start = page.get() as usize * SIZE;
            for _ in 0..1 + rng.below(4) {
                let used = intact.pages[&page].used;
                image[start + 32 + rng.index(used - 32)] = rng.next_u64() as u8;
            }
            let sum = checksum(&image[start..start + SIZE], checksum_seed(page, &uuid));
            image[start..start + 8].copy_from_slice(&sum.to_le_bytes());
        }
        let (report, _) = std::panic::catch_unwind(|| saved(&image, &SalvageOptions::default()))
            .unwrap_or_else(|_| panic!("seed {seed}, round {round}"));
        refused += report.refused;
    }
    assert!(refused > 0, "some lies contradict each other");
}
