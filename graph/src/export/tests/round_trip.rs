//! `import(export(x)) = x`: random stores through csv, tsv and JSON lines into new stores, and all is the same: ids, keys,
//! labels, types, ranks, directions, properties. What once did not come back stands in the stories at the end.

use super::stores::{Plan, dump, empty, same, store, with_graphs};
use crate::Database;
use crate::bulk::{Bulk, BulkOptions};
use crate::export::{write_edges, write_json_edges, write_json_nodes, write_nodes};
use crate::import::{
    Detected, Dialect, Guess, JsonLines, Row, Spaces, Table, TableKind, TableOptions, detect,
};
use crate::model::{Key, Value};
use crate::props;

#[derive(Copy, Clone, PartialEq, Debug)]
enum Format {
    Table(Dialect),
    JsonLines,
}

const FORMATS: [Format; 4] = [
    Format::Table(Dialect::Csv(b',')),
    Format::Table(Dialect::Csv(b';')),
    Format::Table(Dialect::Tsv),
    Format::JsonLines,
];

/// The store's nodes and edges as the format has them.
fn export(db: &Database, format: Format) -> [Vec<u8>; 2] {
    let snapshot = db.begin_read().expect("begun");
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    match format {
        Format::Table(dialect) => {
            write_nodes(&snapshot, dialect, &mut nodes).expect("written");
            write_edges(&snapshot, dialect, &mut edges).expect("written");
        }
        Format::JsonLines => {
            write_json_nodes(&snapshot, &mut nodes).expect("written");
            write_json_edges(&snapshot, &mut edges).expect("written");
        }
    }
    [nodes, edges]
}

/// A new store from a file of nodes and one of edges.
fn import(files: &[Vec<u8>; 2], format: Format) -> Result<Database, String> {
    let db = empty();
    let mut bulk = Bulk::new(BulkOptions::default());
    let mut spaces = Spaces::default();
    for (file, bytes) in files.iter().enumerate() {
        match format {
            Format::JsonLines => {
                for change in JsonLines::new(&bytes[..], file as u32) {
                    let (place, change) = change.map_err(|e| e.to_string())?;
                    let rest = change.add_to(&mut bulk, place).map_err(|e| e.to_string())?;
                    assert_eq!(rest, None, "what is exported only adds");
                }
            }
            Format::Table(dialect) => {
                let (guess, default_name) = (Guess::default(), "default".into());
                let options =
                    TableOptions { file: file as u32, dialect, guess, default_name, undirected: false };
                for row in Table::new(&bytes[..], options, &mut spaces).map_err(|e| e.to_string())? {
                    match row.map_err(|e| e.to_string())? {
                        Row::Node(row) => bulk.add_node(row),
                        Row::Edge(row) => bulk.add_edge(row),
                    }
                    .map_err(|e| e.to_string())?;
                }
            }
        }
    }
    db.begin_write().expect("begun").load(bulk).map_err(|e| e.to_string())?;
    Ok(db)
}

fn comes_back(plan: &Plan, format: Format) -> Result<(), String> {
    let db = store(plan);
    let files = export(&db, format);
    let shown = || files.each_ref().map(|f| String::from_utf8_lossy(&f[..f.len().min(1000)]).into_owned());
    let copy = import(&files, format).map_err(|e| format!("{e}\n{:?}", shown()))?;
    same(&db, &copy, format == Format::JsonLines).map_err(|e| format!("{e}\n{:?}", shown()))?;
    is_told_by_its_content(&files, format)
}

/// What import takes the files for, when nobody says what they are.
fn is_told_by_its_content(files: &[Vec<u8>; 2], format: Format) -> Result<(), String> {
    for (bytes, kind) in files.iter().zip([TableKind::Nodes, TableKind::Edges]) {
        let wanted = match format {
            Format::Table(dialect) => Detected::Table(dialect, kind),
            Format::JsonLines if bytes.is_empty() => continue,
            Format::JsonLines => Detected::JsonLines,
        };
        let head = &bytes[..bytes.len().min(crate::import::HEAD_BYTES)];
        let told = detect(head, 0).map_err(|e| e.to_string())?;
        if told != wanted {
            let shown = String::from_utf8_lossy(&head[..head.len().min(400)]).into_owned();
            return Err(format!("told to be {told:?}, not {wanted:?}: {shown:?}"));
        }
    }
    Ok(())
}

#[test]
fn random_stores_come_back_from_csv() {
    with_graphs(400, 1, |plan| comes_back(plan, Format::Table(Dialect::Csv(b','))));
}

#[test]
fn random_stores_come_back_from_csv_with_another_delimiter() {
    with_graphs(200, 2, |plan| comes_back(plan, Format::Table(Dialect::Csv(b';'))));
}

#[test]
fn random_stores_come_back_from_tsv() {
    with_graphs(400, 3, |plan| comes_back(plan, Format::Table(Dialect::Tsv)));
}

#[test]
fn random_stores_come_back_from_json_lines() {
    with_graphs(400, 4, |plan| comes_back(plan, Format::JsonLines));
}

/// What an export says is what the lines of `apply` say, one by one.
#[test]
fn exported_json_lines_can_be_applied_to_an_empty_store() {
    with_graphs(200, 5, |plan| {
        let db = store(plan);
        let copy = empty();
        let mut tx = copy.begin_write().map_err(|e| e.to_string())?;
        for (_, change) in
            export(&db, Format::JsonLines).iter().flat_map(|f| JsonLines::new(&f[..], 0)).flatten()
        {
            tx.apply(change).map_err(|e| e.to_string())?;
        }
        tx.commit().map_err(|e| e.to_string())?;
        same(&db, &copy, true)
    });
}

fn all_come_back(plan: Plan) {
    for format in FORMATS {
        if let Err(why) = comes_back(&plan, format) {
            panic!("{format:?}: {why}");
        }
    }
}

#[test]
fn an_empty_store_comes_back() {
    all_come_back(Plan::default());
}

#[test]
fn types_without_edges_come_back_from_json_lines_and_stay() {
    let db = store(&Plan { undirected: vec!["near".into()], ..Plan::default() });
    let copy = import(&export(&db, Format::JsonLines), Format::JsonLines).expect("imported");
    let types: Vec<_> =
        copy.begin_read().expect("begun").edge_types().map(|(_, info)| info.clone()).collect();
    assert_eq!(types.len(), 1);
    assert_eq!((types[0].name.as_str(), types[0].edges, types[0].undirected), ("near", 0, true));
}

#[test]
fn the_last_rank_and_the_last_id_come_back() {
    let nodes = vec![("n".into(), Some(Key::Int(i64::MIN)), Some(u64::MAX - 1), props! {})];
    let edges =
        vec![(0, "t".into(), 0, Some(u32::MAX), props! { "x" => 1 }), (0, "t".into(), 0, Some(0), props! {})];
    all_come_back(Plan { nodes, edges, ..Plan::default() });
}

#[test]
fn a_value_of_a_long_list_comes_back() {
    let list: Vec<Value> =
        (0..200_000).map(|n| if n % 3 == 0 { Value::Null } else { Value::Int(n) }).collect();
    let nodes = vec![("n".into(), None, None, vec![("list".into(), Value::List(list))])];
    all_come_back(Plan { nodes, edges: vec![], ..Plan::default() });
}

/// A line that import would refuse is refused when it is written, and named.
#[test]
fn a_line_longer_than_import_takes_is_refused() {
    let text = "x".repeat(crate::import::MAX_LINE_BYTES);
    let db = store(&Plan {
        nodes: vec![("n".into(), None, Some(7), props! { "text" => text })],
        ..Plan::default()
    });
    let snapshot = db.begin_read().expect("begun");
    let errors = [
        write_nodes(&snapshot, Dialect::Tsv, std::io::sink()).map(drop).unwrap_err().to_string(),
        write_json_nodes(&snapshot, std::io::sink()).map(drop).unwrap_err().to_string(),
    ];
    assert!(errors.iter().all(|e| e.contains("node 7 takes a line of 671")), "{errors:?}");
    assert_eq!(dump(&db).len(), 2);
}
