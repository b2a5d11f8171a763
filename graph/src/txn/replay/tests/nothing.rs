//! Logs that come to nothing.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Commits that come to nothing left the root as it was when they were done again: then the store opened, and could not be
/// written, for its log was still to be replayed.
#[test]
fn a_log_that_comes_to_nothing_is_replayed_once() {
    type Step = fn(&mut WriteTransaction) -> Result<(), WriteError>;
    let ways: [(&str, &[Step]); 3] = [
        (
            "an edge comes and goes",
            &[
                |tx| tx.add_edge(NodeId(0), "e", NodeId(0), props! {}).map(drop),
                |tx| {
                    tx.delete_edge(Edge {
                        source: NodeId(0),
                        edge_type: TypeId(0),
                        target: NodeId(0),
                        rank: 0,
                    })
                },
            ],
        ),
        ("a type is what it is said to be", &[|tx| tx.set_undirected("e", false)]),
        ("a name comes back", &[|tx| tx.rename_edge_type("e", "f"), |tx| tx.rename_edge_type("f", "e")]),
    ];
    for (what, commits) in ways {
        let options = Options::new().background(false);
        let device = Arc::new(MemoryDevice::new(PageSize::K4));
        let db = options.create_device(device.clone()).expect("a new store");
        let mut tx = begin(&db);
        tx.add_anonymous("n", props! {}).expect("added");
        tx.set_undirected("e", false).expect("a new type");
        tx.commit().expect("committed");
        db.checkpoint().expect("written");
        for step in commits {
            let mut tx = begin(&db);
            step(&mut tx).expect(what);
            tx.commit().expect("committed");
        }
        // The process is killed, and then once more before anything is committed.
        let mut image = device.image();
        for replayed in [commits.len(), 0] {
            let device = Arc::new(MemoryDevice::from_image(image, None).expect("an image of the store"));
            let seen = Arc::new(AtomicUsize::new(0));
            let count = seen.clone();
            let counting = options.clone().on_recovery(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            let db = counting.open_device(device.clone()).expect("recovered");
            assert_eq!(seen.load(Ordering::Relaxed), replayed, "{what}");
            image = device.image();
            let mut tx = begin(&db);
            tx.add_edge(NodeId(0), "e", NodeId(0), props! {}).expect(what);
            tx.commit().expect("committed");
            assert_eq!(db.begin_read().expect("a snapshot").edge_count(), 1);
            assert_eq!(db.check().expect("checked").findings, vec![]);
        }
    }
}
