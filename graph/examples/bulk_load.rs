//! A new store out of rows, in bounded memory. Run with `cargo run --release -p foliograph --example bulk_load`.

#![allow(clippy::disallowed_methods, reason = "an application makes its own directory")]

use foliograph::bulk::{EdgeRow, NodeRow};
use foliograph::{Database, Direction, props};

const CITIES: u64 = 1_000;
const ROADS: u64 = 200_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("foliograph-bulk-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let path = dir.join("roads.folio");

    // Rows come from any iterators, in any order; here they are made up. The load sorts them itself.
    let cities = (0..CITIES).map(|n| NodeRow::new("city", n).with(props! { "name" => format!("city {n}") }));
    let roads = (0..ROADS).map(|n| {
        let (from, to) = (n * 7_919 % CITIES, n * 104_729 / 7 % CITIES);
        EdgeRow::new(from, "road", to).with(props! { "km" => (n % 400) as i64 })
    });
    let mut last = None;
    let report = Database::bulk(&path)
        .nodes(cities)
        .edges(roads)
        .memory_budget(64 << 20)
        .on_progress(move |phase, done, _| {
            if last.replace(phase) != Some(phase) {
                println!("{phase} ({done} so far)");
            }
            true
        })
        .run()?;
    println!("{} nodes, {} edges, {} rows left out", report.nodes, report.edges, report.rejected);

    let db = Database::open(&path)?;
    let snapshot = db.begin_read()?;
    let busiest = snapshot.nodes("city").into_iter().map(|city| {
        let city = city?;
        Ok((snapshot.degree(city).direction(Direction::Both).count()?, city))
    });
    let busiest = busiest.collect::<Result<Vec<_>, foliograph::ReadError>>()?.into_iter().max();
    if let Some((roads, city)) = busiest {
        let name: Option<String> = snapshot.get(city, "name")?;
        println!("most roads: {name:?} with {roads}");
    }
    println!("{:.2} bytes an edge", db.stats()?.bytes_per_edge().unwrap_or_default());
    db.close()?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
