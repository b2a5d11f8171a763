//! Plain edges: the short way from rows to trees, where it ends, and that nobody can tell.

use super::*;

/// An edge without anything; every hundredth line is a comment, say.
fn edge(at: u64, from: u64, to: u64) -> Row {
    let place = Place { file: at as u32 / 2000, line: at + at / 100 };
    Row::Edge(EdgeRow { place, ..EdgeRow::new(from, "knows", to) })
}

fn nodes(count: u64, far: u64) -> Vec<Row> {
    (0..count).map(|n| Row::Node(NodeRow::new("person", n * far))).collect()
}

/// What edges are like.
#[derive(Copy, Clone, Debug)]
enum Shape {
    Scattered,
    /// Most edges come from one node.
    Hub,
    /// Most edges go to one.
    Sink,
    /// One edge, over and over.
    Same,
    /// By source, as edge lists often come.
    Sorted,
}

const SHAPES: [Shape; 5] = [Shape::Scattered, Shape::Hub, Shape::Sink, Shape::Same, Shape::Sorted];

/// Edges among `ids` nodes whose ids are multiples of `far`. One in `bad` names a node that is none.
fn edges(seed: u64, shape: Shape, (count, ids, far): (u64, u64, u64), bad: u64) -> Vec<Row> {
    let mut random = Random::new(seed);
    let mut ends = |at: u64| {
        let [a, b] = [random.below(ids), random.below(ids)];
        let (from, to) = match shape {
            Shape::Scattered => (a, b),
            Shape::Hub => (if random.below(4) > 0 { 3 } else { a }, b),
            Shape::Sink => (a, if random.below(4) > 0 { 3 } else { b }),
            Shape::Same => (2, 1),
            Shape::Sorted => (at * ids / count, b),
        };
        let nobody = bad > 0 && random.below(bad) == 0;
        (from * far, if nobody { ids * far + 1 } else { to * far })
    };
    (0..count).map(|at| (at, ends(at))).map(|(at, (from, to))| edge(at, from, to)).collect()
}

/// Loads rows under several budgets: each time they become what the naive load says.
fn as_naive(rows: &[Row], implicit: bool, what: &str) {
    let expected = naive(rows, implicit);
    for budget in [16 << 10, 64 << 10, 1 << 20, 64 << 20] {
        let options = BulkOptions { implicit_nodes: implicit, on_error: OnError::Skip, ..options(budget) };
        let got = load(rows, options).unwrap();
        assert_same(&got, &expected, &format!("budget {budget}, {what}"));
    }
}

#[test]
fn plain_edges_give_the_naive_graph_whatever_the_budget() {
    for (seed, shape) in (100..).zip(SHAPES) {
        for (count, ids, far) in [(1, 5, 1), (300, 40, 1), (9000, 700, 1), (9000, 700, 1 << 20)] {
            let what = format!("seed {seed}, {shape:?}, {count} edges of {ids} nodes {far} apart");
            let some = edges(seed, shape, (count, ids, far), 0);
            as_naive(&some, true, &format!("{what}, no rows of nodes"));
            let mut rows = edges(seed, shape, (count, ids, far), 60);
            rows.extend(nodes(ids, far));
            as_naive(&rows, false, &format!("{what}, bad rows"));
        }
    }
}

#[test]
fn many_edges_are_packed_by_other_threads_and_become_the_same() {
    for (seed, shape) in (200..).zip(SHAPES) {
        let rows = edges(seed, shape, (150_000, 3000, 1), 0);
        let expected = naive(&rows, true);
        for budget in [512 << 10, 64 << 20] {
            let options = BulkOptions { implicit_nodes: true, ..options(budget) };
            let got = load(&rows, options).unwrap();
            assert_same(&got, &expected, &format!("budget {budget}, {shape:?}, seed {seed}"));
        }
    }
}

#[test]
fn a_row_that_is_not_plain_ends_the_short_way_and_every_place_is_still_told() {
    let special: [(&str, &dyn Fn(EdgeRow) -> EdgeRow); 4] = [
        ("properties", &|row| row.with(vec![("since".into(), Value::Int(1833))])),
        ("a rank", &|row| EdgeRow { rank: Some(7), ..row }),
        ("another type", &|row| EdgeRow { edge_type: "likes".into(), ..row }),
        ("a key", &|row| EdgeRow { to: (0, RowId::Key("person".into(), "ada".into())), ..row }),
    ];
    for (seed, (what, change)) in (300..).zip(special) {
        let mut rows = nodes(50, 1);
        rows.push(Row::Node(NodeRow { key: Some("ada".into()), ..NodeRow::new("person", 50) }));
        rows.extend(edges(seed, Shape::Scattered, (4000, 50, 1), 700));
        for at in [2500, 2600, 4000] {
            let Row::Edge(row) = rows[at].clone() else { unreachable!("nodes come first") };
            rows[at] = Row::Edge(change(row));
        }
        as_naive(&rows, false, &format!("{what} in the middle, seed {seed}"));
        let first = naive(&rows, false).rejected[0];
        for budget in [16 << 10, 64 << 20] {
            let error = load(&rows, options(budget)).unwrap_err();
            assert_eq!(error.place(), Some(first), "{what}, budget {budget}: {error}");
        }
    }
}

#[test]
fn ids_that_outgrow_their_part_of_a_word_get_more_of_it_and_then_the_long_way() {
    let mut rows = edges(400, Shape::Scattered, (2000, 90, 1), 0);
    rows.extend(edges(401, Shape::Scattered, (2000, 90, 1), 0).into_iter().map(|row| match row {
        // Sources of 50 bits beside targets of 7.
        Row::Edge(row) => {
            Row::Edge(EdgeRow { from: (0, RowId::Int((1 << 50) + row.place.line % 90)), ..row })
        }
        node => node,
    }));
    as_naive(&rows, true, "wide sources");
    rows.push(edge(4000, u64::MAX - 1, u64::MAX - 2));
    rows.push(edge(4001, 7, u64::MAX - 1));
    as_naive(&rows, true, "the widest ends");
}

#[test]
fn an_edge_by_its_ends_alone_is_the_same_as_its_row() {
    let rows = edges(500, Shape::Scattered, (500, 40, 1), 0);
    let pager = pager(PageSize::K4);
    let mut tx = pager.begin_write().unwrap();
    let mut bulk = Bulk::new(BulkOptions { implicit_nodes: true, ..options(1 << 20) });
    for row in &rows {
        let Row::Edge(EdgeRow { from: (_, RowId::Int(from)), to: (_, RowId::Int(to)), place, .. }) = row
        else {
            unreachable!("edges between ids")
        };
        bulk.add_plain_edge((*from, *to), "knows", *place).unwrap();
    }
    assert_eq!(bulk.rows(), (0, 500));
    let trees = bulk.finish(&mut tx).unwrap();
    assert_same(&dump(&trees, &tx), &naive(&rows, true), "by ends");

    let place = Place { file: 0, line: 9 };
    let error = Bulk::new(options(1 << 20)).add_plain_edge((1, u64::MAX), "knows", place).unwrap_err();
    assert!(error.place() == Some(place) && error.to_string().contains("out of range"), "{error}");
}

#[test]
fn a_callback_that_says_no_stops_threads_as_well() {
    for stop in [Phase::Linking, Phase::Out, Phase::In] {
        for budget in [512 << 10, 64 << 20] {
            let progress: Progress = Box::new(move |phase, _, _| phase != stop);
            let rows = edges(600, Shape::Scattered, (150_000, 3000, 1), 0);
            let options = BulkOptions { implicit_nodes: true, progress: Some(progress), ..options(budget) };
            let error = load(&rows, options).unwrap_err();
            assert!(matches!(error, BulkError::Cancelled), "{stop}: {error}");
        }
    }
}
