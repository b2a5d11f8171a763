//! What questions cost: page reads are counted at the device, over a cache as small as there is.

use super::*;
use storage_core::device::metered::{Metered, Meters};

/// A hub with 100,000 edges each way over some 70 pages, and 100 nodes with ten edges each. Just opened: nothing but
/// the way to the catalog was read.
struct Hub {
    device: Arc<Metered>,
    db: Database,
    hub: NodeId,
    /// Those to which the hub has edges, ascending.
    others: Vec<NodeId>,
}

fn hub() -> Hub {
    let memory = Arc::new(MemoryDevice::new(PageSize::K4));
    let options = Options::new().background(false).cache_pages(1);
    let db = options.create_device(memory.clone()).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let nodes: Vec<NodeId> = (0..100_101).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    let hub = nodes[50_000];
    for (i, node) in nodes.iter().enumerate() {
        if *node != hub && i < 100_001 {
            // Ids are near each other, so ranks make the lists longer.
            tx.insert_edge((hub, "out", *node), Some(i as u32 * 41), props! {}).expect("added");
            tx.insert_edge((*node, "in", hub), Some(i as u32 * 37), props! {}).expect("added");
        }
        if i >= 100_001 {
            for step in 0..10 {
                let far = nodes[(i * 7_919 + step * 10_007) % 100_001];
                tx.add_edge(*node, "out", far, props! {}).expect("added");
            }
        }
    }
    tx.commit().expect("committed");
    db.close().expect("closed");
    let image = MemoryDevice::from_image(memory.image(), None).expect("an image of the store");
    let device = Arc::new(Metered::new(Arc::new(image)));
    let db = options.open_device(device.clone()).expect("opened");
    let others = nodes.into_iter().filter(|node| *node != hub).take(100_000).collect();
    Hub { device, db, hub, others }
}

impl Hub {
    /// The device calls of one question.
    fn cost<T>(&self, ask: impl FnOnce(&crate::Snapshot) -> T) -> (T, Meters) {
        let snapshot = self.db.begin_read().expect("begun");
        self.device.reset();
        let answer = ask(&snapshot);
        (answer, self.device.meters())
    }
}

#[test]
fn pages_are_read_as_they_are_needed_and_no_others() {
    let it = hub();
    let (all, cost) = it.cost(|s| s.neighbors(it.hub).count().expect("counted"));
    assert_eq!(all, 100_000);
    let pages = cost.read.pages;
    assert!((60..=150).contains(&pages), "{pages} pages for the whole list");
    for backwards in [false, true] {
        let (first, cost) = it.cost(|s| {
            let question = s.neighbors(it.hub).direction(Direction::Both);
            let question = if backwards { question.descending() } else { question };
            question.into_iter().take(50).map(|n| n.expect("read").id).collect::<Vec<_>>()
        });
        assert_eq!(first.len(), 50);
        assert!(cost.read.pages <= 16, "{} pages for the first 50, {backwards}", cost.read.pages);
    }
    let (middle, cost) = it.cost(|s| {
        let question = s.neighbors(it.hub).between(it.others[70_000]..it.others[70_100]);
        question.into_iter().map(|n| n.expect("read").id).collect::<Vec<_>>()
    });
    assert_eq!(middle, it.others[70_000..70_100]);
    assert!(cost.read.pages <= 10, "{} pages for a stretch in the middle", cost.read.pages);
}

#[test]
fn a_short_list_meets_a_hub_at_the_price_of_its_own_edges() {
    let it = hub();
    let small = NodeId(100_050);
    let snapshot = it.db.begin_read().expect("begun");
    let mut wanted: Vec<NodeId> = snapshot
        .neighbors(small)
        .into_iter()
        .map(|n| n.expect("read").id)
        .filter(|id| *id != it.hub)
        .collect();
    wanted.dedup();
    assert!(wanted.len() >= 9);
    drop(snapshot);
    for nodes in [[small, it.hub], [it.hub, small]] {
        let (found, cost) = it.cost(|s| {
            let question = s.common_neighbors(nodes[0], nodes[1]).of_type("out");
            question.into_iter().map(|n| n.expect("read")).collect::<Vec<_>>()
        });
        assert_eq!(found, wanted);
        assert!(cost.read.pages <= 24, "{} pages for ten look-ups in a hub", cost.read.pages);
    }
}

#[test]
fn edges_between_a_hub_and_a_few_nodes_are_looked_up() {
    let it = hub();
    let few: Vec<NodeId> = it.others.iter().copied().step_by(11_113).collect();
    for sets in [[&[it.hub][..], &few], [&few, &[it.hub]]] {
        let (found, cost) = it
            .cost(|s| s.edges_between(sets[0], sets[1]).direction(Direction::Both).count().expect("counted"));
        assert_eq!(found, 2 * few.len() as u64);
        assert!(cost.read.pages <= 5 * few.len() as u64, "{} pages for {} nodes", cost.read.pages, few.len());
    }
}

#[test]
fn one_edge_among_many_costs_one_way_down() {
    let it = hub();
    for at in [0, 33_333, 99_999] {
        let (edge, cost) = it.cost(|s| s.edge(it.hub, "out", it.others[at]).expect("read"));
        assert_eq!(edge.expect("it is there").target, it.others[at]);
        assert!(cost.read.pages <= 8, "{} pages", cost.read.pages);
    }
}

/// The device is told of a window's pages before any of them is read, and of no page that is at hand.
#[test]
fn cold_lists_are_announced_in_batches() {
    let it = hub();
    let nodes: Vec<NodeId> = it.others.iter().copied().step_by(97).collect();
    let type_in = it.db.begin_read().expect("begun").edge_type("in").expect("known");
    let mut prefetched = Vec::new();
    let mut lists = 0;
    let (_, cost) = it.cost(|s| {
        let each = |_, list: &[NodeId]| {
            lists += list.len();
            let meters = it.device.meters();
            prefetched.push((meters.prefetch.calls, meters.prefetch.pages));
        };
        s.neighbors_of(&nodes).of_type(type_in).for_each(each).expect("read");
    });
    assert_eq!(lists, nodes.len());
    let windows = nodes.len().div_ceil(512) as u64;
    assert_eq!(
        prefetched[0].0, 1,
        "the first window, below one inner node, is told of before its first list"
    );
    assert_eq!(cost.prefetch.calls, windows + 1, "one call a window, and one for the ways of the second");
    assert!(cost.prefetch.pages > 50 && cost.read.pages <= cost.prefetch.pages + 30, "{cost:?}");
}

/// The same in any order, out of a cache that is far too small: what lies on many ways is told of once, and read once.
#[test]
fn cold_lists_in_any_order_are_announced_too() {
    let it = hub();
    let mut nodes: Vec<NodeId> = it.others.iter().copied().step_by(97).collect();
    nodes.sort_unstable_by_key(|node| node.0.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let type_in = it.db.begin_read().expect("begun").edge_type("in").expect("known");
    let mut lists = 0;
    let (_, cost) = it.cost(|s| {
        s.neighbors_of(&nodes).of_type(type_in).for_each(|_, list| lists += list.len()).expect("read");
    });
    assert_eq!(lists, nodes.len());
    assert!(cost.prefetch.pages > 50 && cost.read.pages <= nodes.len() as u64 + 30, "{cost:?}");
    let windows = nodes.len().div_ceil(512) as u64;
    assert!(cost.prefetch.calls <= 2 * windows, "{cost:?}");
}
