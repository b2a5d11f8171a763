//! How fast a plain edge list of a real graph's size goes in. Prints, and asserts only what is counted.

use super::*;
use std::time::Instant;

#[test]
fn three_million_plain_edges() {
    const EDGES: u64 = 3_200_000;
    const NODES: u64 = 325_557;
    for (what, budget) in [("in memory", 256 << 20), ("spilled", 32 << 20)] {
        let pager = pager(PageSize::K16);
        let mut random = Random::new(1);
        let edge_type: Arc<str> = "edge".into();
        let begin = Instant::now();
        let mut bulk = Bulk::new(BulkOptions { implicit_nodes: true, ..options(budget) });
        for n in 0..EDGES {
            // Sorted by source, targets near by or far off: like a crawl.
            let from = n * NODES / EDGES;
            let to = if n % 3 == 0 { random.below(NODES) } else { (from + random.below(2000)) % NODES };
            let (from, to) = ((0, RowId::Int(from)), (0, RowId::Int(to)));
            let (edge_type, props, place) = (edge_type.clone(), Props::new(), Place { file: 0, line: n + 1 });
            let row = EdgeRow { from, to, edge_type, undirected: false, rank: None, props, place };
            bulk.add_edge(row).unwrap();
        }
        let rows = begin.elapsed();
        let mut tx = pager.begin_write().unwrap();
        let trees = bulk.finish(&mut tx).unwrap();
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "{EDGES} edges {what}: rows {:.2} s, all {seconds:.2} s, {:.2} M edges/s, {} pages",
            rows.as_secs_f64(),
            EDGES as f64 / seconds / 1e6,
            tx.pages_written(),
        );
        assert_eq!((trees.edge_count, trees.next_node_id), (EDGES, NODES));
    }
}
