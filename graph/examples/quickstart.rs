//! Open a store, write a small graph, read it back. Run with `cargo run -p foliograph --example quickstart`.

#![allow(clippy::disallowed_methods, reason = "an application makes its own directory")]

use foliograph::{Database, Direction, props};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("foliograph-quickstart-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let db = Database::open(dir.join("people.folio"))?;

    // Nothing is visible before commit; dropping the transaction would abort it.
    let mut tx = db.begin_write()?;
    let ada = tx.add_node("person", "ada", props! { "born" => 1815, "name" => "Ada Lovelace" })?;
    let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    let mary = tx.add_node("person", "mary", props! {})?;
    tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    tx.add_edge(mary, "knows", ada, props! {})?;
    tx.set(ada, "died", 1852)?;
    tx.commit()?;

    // A snapshot is owned and never changes.
    let snapshot = db.begin_read()?;
    let ada = snapshot.node("person", "ada")?.expect("committed above");
    println!("ada was born in {:?}", snapshot.get::<i64>(ada, "born")?);
    for neighbor in snapshot.neighbors(ada).outgoing().of_type("knows") {
        let neighbor = neighbor?;
        println!("ada knows {} since {:?}", snapshot.name(neighbor.id)?, neighbor.get::<i64>("since")?);
    }
    println!("ada's degree, both ways: {}", snapshot.degree(ada).direction(Direction::Both).count()?);
    let path = snapshot.shortest_path(mary, charles).of_type("knows").find()?.expect("mary, ada, charles");
    assert_eq!(path.nodes, [mary, ada, charles]);
    println!("from mary to charles: {} edges", path.edge_count());
    assert!(db.check()?.findings.is_empty());

    drop(snapshot);
    println!("backend: {}", db.device_info().backend);
    db.close()?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
