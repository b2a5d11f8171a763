//! Rows that can not be taken: the message, the place, and what is left.

use super::*;

fn node(line: u64, id: RowId, key: Option<&str>) -> Row {
    let (label, key) = ("person".into(), key.map(Key::from));
    Row::Node(NodeRow {
        space: 0,
        id: Some(id),
        label,
        key,
        props: Props::new(),
        place: Place { file: 3, line },
    })
}

fn edge(line: u64, from: RowId, to: RowId) -> EdgeRow {
    let place = Place { file: 4, line };
    let (from, to) = ((0, from), (0, to));
    EdgeRow { from, to, edge_type: "knows".into(), undirected: false, rank: None, props: Props::new(), place }
}

fn int(n: u64) -> RowId {
    RowId::Int(n)
}

fn word(word: &str) -> RowId {
    RowId::Word(word.into())
}

/// The first of the problems ends the load; all are counted where they may be skipped.
fn expect(rows: &[Row], first: Place, says: &str, places: &[Place]) {
    for budget in [64 << 10, 1 << 20] {
        let error = load(rows, options(budget)).unwrap_err();
        assert_eq!(error.place(), Some(first), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        let skip = BulkOptions { on_error: OnError::Skip, ..options(budget) };
        let dump = load(rows, skip).unwrap();
        assert_eq!(dump.rejected_count, places.len() as u64);
        assert_eq!(dump.rejected, places);
    }
}

#[test]
fn an_id_given_twice_names_the_second_row() {
    let place = Place { file: 3, line: 3 };
    let rows = [node(1, int(7), None), node(2, int(1), None), node(3, int(7), None)];
    expect(&rows, place, "node id 7 is taken", &[place]);
    let rows = [node(1, word("x"), None), node(2, word("a"), None), node(3, word("x"), None)];
    expect(&rows, place, "node id x is taken", &[place]);
}

#[test]
fn a_key_given_twice_leaves_the_row_out_and_its_edges_with_it() {
    let (second, lost) = (Place { file: 3, line: 2 }, Place { file: 4, line: 9 });
    for ids in [[int(5), int(2)], [word("a"), word("b")]] {
        let [a, b] = ids;
        let rows = [
            node(1, a.clone(), Some("ada")),
            node(2, b.clone(), Some("ada")),
            Row::Edge(edge(8, a.clone(), a.clone())),
            Row::Edge(edge(9, a, b)),
        ];
        expect(&rows, second, "key ada is taken by an earlier node with label person", &[second, lost]);
    }
}

#[test]
fn an_end_that_is_no_node_is_named_with_its_line() {
    let places = [Place { file: 4, line: 5 }, Place { file: 4, line: 7 }];
    let rows = [
        node(1, int(1), None),
        Row::Edge(edge(5, int(1), int(99))),
        Row::Edge(edge(6, int(1), int(1))),
        Row::Edge(edge(7, int(98), int(1))),
    ];
    expect(&rows, places[0], "target 99 is no node", &places);
    let rows = [
        node(1, word("1"), None),
        Row::Edge(edge(5, word("1"), word("nobody"))),
        Row::Edge(edge(7, word("who"), word("1"))),
    ];
    expect(&rows, places[0], "target nobody is no node", &places);
}

#[test]
fn an_end_that_is_called_by_a_key_nobody_has_is_named_with_its_line() {
    let key = |key: &str| RowId::Key("person".into(), key.into());
    let place = Place { file: 4, line: 6 };
    let rows = [
        Row::Edge(edge(5, key("ada"), key("ada"))),
        Row::Edge(edge(6, key("ada"), key("eve"))),
        node(1, int(1), Some("ada")),
    ];
    expect(&rows, place, "target person/eve is no node", &[place]);
    let place = Place { file: 3, line: 1 };
    expect(&[node(1, key("ada"), None)], place, "person/ada", &[place]);
}

#[test]
fn a_rank_given_twice_is_an_error() {
    let ranked = |line, rank| Row::Edge(EdgeRow { rank, ..edge(line, int(1), int(1)) });
    let place = Place { file: 4, line: 4 };
    let rows = [node(1, int(1), None), ranked(2, Some(5)), ranked(3, None), ranked(4, Some(5))];
    expect(&rows, place, "rank 5", &[place]);
    let rows = [node(1, int(1), None), ranked(2, Some(u32::MAX)), ranked(3, Some(u32::MAX))];
    expect(&rows, Place { file: 4, line: 3 }, "rank 4294967295", &[Place { file: 4, line: 3 }]);
    let rows = [node(1, int(1), None), ranked(2, Some(u32::MAX)), ranked(3, None)];
    let error = load(&rows, options(1 << 20)).unwrap_err();
    assert!(matches!(error, BulkError::TooMany { .. }), "no rank is left: {error}");
}

#[test]
fn what_a_row_says_is_checked_when_it_comes() {
    let place = Place { file: 3, line: 9 };
    let long = "k".repeat(Key::MAX_LEN + 1);
    expect(&[node(9, int(u64::MAX), None)], place, "out of range", &[place]);
    expect(&[node(9, int(1), Some(&long))], place, "longer than 1024", &[place]);
    let with = |change: &dyn Fn(&mut NodeRow)| {
        let Row::Node(mut row) = node(9, int(1), None) else { unreachable!() };
        change(&mut row);
        [Row::Node(row)]
    };
    expect(&with(&|row| row.label = "".into()), place, "empty", &[place]);
    expect(&with(&|row| row.label = "a/b".into()), place, "slash", &[place]);
    let nested = Value::List(vec![Value::List(vec![])]);
    expect(&with(&|row| row.props = vec![("p".into(), nested.clone())]), place, "nest", &[place]);
    let twice: Props = vec![("p".into(), Value::Int(1)), ("p".into(), Value::Int(2))];
    expect(&with(&|row| row.props = twice.clone()), place, "given twice", &[place]);
}

#[test]
fn a_word_where_ids_must_be_integers_is_an_error_and_a_number_may_be_a_key() {
    let rows = [node(1, word("ada"), None)];
    let error = load(&rows, BulkOptions { ids: IdMode::Int, ..options(1 << 20) }).unwrap_err();
    assert!(error.to_string().contains("ada") && error.hint().is_some(), "{error}");
    let rows = [Row::Edge(edge(1, int(7), int(10)))];
    let keys = BulkOptions { ids: IdMode::Key, implicit_nodes: true, ..options(1 << 20) };
    let dump = load(&rows, keys).unwrap();
    let expected = [(0, Key::from("10")), (1, Key::from("7"))];
    let got: Vec<_> = dump.nodes.into_iter().map(|(id, node)| (id, node.1.unwrap())).collect();
    assert_eq!(got, expected);
}

#[test]
fn a_word_that_becomes_a_node_must_not_be_the_key_of_another() {
    let place = Place { file: 3, line: 1 };
    let Row::Node(row) = node(1, word("ada"), Some("x")) else { unreachable!() };
    let rows =
        [Row::Node(NodeRow { label: "node".into(), ..row }), Row::Edge(edge(2, word("x"), word("ada")))];
    for on_error in [OnError::Stop, OnError::Skip] {
        let options = BulkOptions { implicit_nodes: true, on_error, ..options(1 << 20) };
        let error = load(&rows, options).unwrap_err();
        assert_eq!(error.place(), Some(place), "{error}");
        assert!(error.to_string().contains("key x"), "{error}");
    }
}

#[test]
fn only_the_first_ten_are_kept_and_all_are_counted() {
    let rows: Vec<Row> = std::iter::once(node(1, int(0), None))
        .chain((0..5000).rev().map(|n| Row::Edge(edge(n + 1, int(0), int(n)))))
        .collect();
    let dump = load(&rows, BulkOptions { on_error: OnError::Skip, ..options(1 << 20) }).unwrap();
    assert_eq!(dump.rejected_count, 4999);
    assert_eq!(dump.rejected, (2..=11).map(|line| Place { file: 4, line }).collect::<Vec<_>>());
    assert_eq!(dump.edges.len(), 1);
}

#[test]
fn rows_that_the_reader_could_not_read_count_too() {
    let mut bulk = Bulk::new(BulkOptions { on_error: OnError::Skip, ..options(1 << 20) });
    let place = Place { file: 0, line: 12 };
    bulk.reject(place, "three fields are too many").unwrap();
    let pager = pager(PageSize::K4);
    let trees = bulk.finish(&mut pager.begin_write().unwrap()).unwrap();
    assert_eq!(trees.rejected_count, 1);
    assert_eq!(trees.rejected[0].problem.to_string(), "three fields are too many");
    assert!(Bulk::new(options(1 << 20)).reject(place, "no").is_err());
}

#[test]
fn a_callback_that_says_no_stops_the_load_in_any_phase() {
    for stop in [Phase::Naming, Phase::Linking, Phase::Out, Phase::In, Phase::Nodes] {
        let progress: Progress = Box::new(move |phase, _, _| phase != stop);
        let rows = [node(1, int(1), None), Row::Edge(edge(2, int(1), int(1)))];
        let error = load(&rows, BulkOptions { progress: Some(progress), ..options(1 << 20) }).unwrap_err();
        assert!(matches!(error, BulkError::Cancelled), "{stop}: {error}");
    }
}

#[test]
fn a_directory_for_temporary_files_that_is_not_there_matters_only_when_one_is_needed() {
    let kind =
        Kind { seed: 1, nodes: 500, edges: 5000, words: false, implicit: true, scattered: true, bad: 0 };
    let missing = |budget| BulkOptions {
        temp_dir: Some(dir().join("missing")),
        implicit_nodes: true,
        ..options(budget)
    };
    let error = load(&rows(kind), missing(64 << 10)).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    load(&rows(kind), missing(64 << 20)).unwrap();
}
