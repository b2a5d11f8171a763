//! One store, read through every backend that is compiled in. Run with
//! `cargo run -p foliograph --features mmap,uring --example choose_a_backend`.
//!
//! A program that compiles exactly one backend gets it with no further word.

#![allow(clippy::disallowed_methods, reason = "an application makes its own directory")]

use foliograph::{Backend, Options, props};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("foliograph-backends-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let path = dir.join("ring.folio");

    let db = Options::new().create(&path)?;
    let mut tx = db.begin_write()?;
    let nodes = (0..10_000).map(|n| tx.add_node("node", n, props! {})).collect::<Result<Vec<_>, _>>()?;
    for (n, node) in nodes.iter().enumerate() {
        tx.add_edge(*node, "next", nodes[(n + 1) % nodes.len()], props! {})?;
        tx.add_edge(*node, "next", nodes[(n * 7 + 3) % nodes.len()], props! {})?;
    }
    tx.commit()?;
    db.close()?;

    // The same file opens on every device: nothing but how pages are read and written differs.
    for backend in [Backend::File, Backend::Mmap, Backend::Uring, Backend::Auto] {
        let opened =
            Options::new().backend(backend).cache_bytes(16 << 20).read_only(true).open_existing(&path);
        let db = match opened {
            Ok(db) => db,
            // Not compiled in, or not possible here: an error under its own name, never another one silently.
            Err(e) => {
                println!("{backend}: {e}");
                continue;
            }
        };
        let begin = Instant::now();
        let reached = db.begin_read()?.bfs(nodes[0]).summary()?.reached;
        println!(
            "{backend}, which is {}: {reached} nodes in {:?}",
            db.device_info().backend,
            begin.elapsed()
        );
        assert_eq!(reached, 10_000);
    }
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
