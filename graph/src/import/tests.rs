//! What readers make of good and bad input, told as stories; round trips live with `export`.

use std::io::{Read, Write};

use super::*;
use crate::bulk::row::{EdgeRow, NodeRow, RowId};
use crate::model::{Key, Props, Value};
use crate::props;

fn edge_list(text: &[u8], ids: IdMode) -> Vec<Result<EdgeRow, RowError>> {
    EdgeList::new(text, EdgeListOptions { guess: Guess::new(ids), ..EdgeListOptions::default() }).collect()
}

/// Reads as an import does: from the start again where the reader asks for it.
fn edges(text: &str) -> Vec<(RowId, RowId, Props)> {
    let mut guess = Guess::default();
    for _start in 0..4 {
        let list = EdgeList::new(text.as_bytes(), EdgeListOptions { guess, ..EdgeListOptions::default() });
        let rows: Result<Vec<_>, _> = list.collect();
        match rows {
            Ok(rows) => return rows.into_iter().map(|row| (row.from.1, row.to.1, row.props)).collect(),
            Err(error) => guess = error.restart_with().expect("only demands to start again"),
        }
    }
    panic!("a guess that never settles");
}

fn int(from: u64, to: u64) -> (RowId, RowId, Props) {
    (RowId::Int(from), RowId::Int(to), props! {})
}

fn word(from: &str, to: &str) -> (RowId, RowId, Props) {
    (RowId::Word(from.into()), RowId::Word(to.into()), props! {})
}

fn only_error<T: std::fmt::Debug>(rows: Vec<Result<T, RowError>>) -> RowError {
    let mut errors: Vec<RowError> = rows.into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

#[test]
fn edges_are_separated_by_blanks_tabs_or_commas() {
    let text = "# a comment\n% another\n1 2\n  3\t4  \r\n5,6\n7 , 8\n\n9\t \t10";
    assert_eq!(edges(text), [int(1, 2), int(3, 4), int(5, 6), int(7, 8), int(9, 10)]);
}

#[test]
fn another_delimiter_replaces_blanks_tabs_and_commas() {
    let options = EdgeListOptions { delimiter: Some(b'|'), ..EdgeListOptions::default() };
    let rows: Vec<_> = EdgeList::new(&b"1|2|5\na,b | c\n"[..], options).collect();
    assert_eq!(rows[0].as_ref().unwrap().props, props! { "weight" => 5 });
    assert!(rows[1].as_ref().unwrap_err().restart_with().is_some());
}

#[test]
fn names_are_keys_everywhere_as_soon_as_one_is_a_word() {
    assert_eq!(edges("1 2\n3 ada\n"), [word("1", "2"), word("3", "ada")]);
    assert_eq!(edges("ada 2\n3 4\n"), [word("ada", "2"), word("3", "4")]);
    assert_eq!(edges("1 007\n"), [word("1", "007")]);
    assert_eq!(edges("1 -7\n"), [word("1", "-7")]);
    assert_eq!(edges("0 18446744073709551614\n"), [int(0, u64::MAX - 1)]);
}

#[test]
fn weights_are_floats_everywhere_as_soon_as_one_is() {
    let weights = |text| edges(text).into_iter().map(|(_, _, props)| props).collect::<Vec<_>>();
    assert_eq!(weights("1 2 3\n2 3\n3 4 -5\n"), [props! {"weight" => 3}, props! {}, props! {"weight" => -5}]);
    assert_eq!(weights("1 2 3\n2 3 0.5\n"), [props! {"weight" => 3.0}, props! {"weight" => 0.5}]);
    assert_eq!(weights("1 2 1e3\n2 b 4\n"), [props! {"weight" => 1000.0}, props! {"weight" => 4.0}]);
}

#[test]
fn ids_may_be_forced_to_be_integers_or_keys() {
    let rows = edge_list(b"007 8\n", IdMode::Int);
    assert_eq!(rows[0].as_ref().unwrap().from, (0, RowId::Int(7)));
    let error = only_error(edge_list(b"1 2\n1 ada\n3 4\n", IdMode::Int));
    assert_eq!((error.place.line, error.column, error.severity), (2, 3, Severity::Row));
    let rows = edge_list(b"99999999999999999999 8\n", IdMode::Key);
    assert_eq!(rows[0].as_ref().unwrap().to, (0, RowId::Word("8".into())));
}

#[test]
fn every_bad_edge_is_an_error_with_line_and_column_and_the_next_is_read() {
    let long = format!("{} 2", "k".repeat(1025));
    for (bad, column, part) in [
        (&b"1"[..], 2, "one field"),
        (b"1 2 3 4", 7, "fourth field"),
        (b"1 2 x", 5, "no number"),
        (b"1,,2", 3, "empty field"),
        (b",1", 1, "empty field"),
        (b"1 2,", 5, "empty field"),
        (b"1 18446744073709551615", 3, "beyond"),
        (b"99999999999999999999999 1", 1, "beyond"),
        (b"w 2\xff", 4, "UTF-8"),
        (b"\xc3( 2", 1, "UTF-8"),
        (b"1 2 \xff", 5, "UTF-8"),
        (long.as_bytes(), 1, "1024"),
    ] {
        let text = [b"# first\n", bad, b"\n1 2\n"].concat();
        let ids = if bad[0].is_ascii_digit() || bad[0] == b',' { IdMode::Auto } else { IdMode::Key };
        let rows = edge_list(&text, ids);
        assert!(rows.last().unwrap().is_ok(), "{rows:?}");
        let error = only_error(rows);
        assert_eq!((error.place.line, error.column), (2, column), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.severity, Severity::Row);
    }
}

/// Gives out its bytes and then fails.
struct FailsAfter<'a>(&'a [u8]);

impl Read for FailsAfter<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::Error::other("the disk is gone")),
            read => Ok(read),
        }
    }
}

#[test]
fn a_failing_reader_is_an_error_and_never_the_end() {
    let rows: Vec<_> = EdgeList::new(FailsAfter(b"1 2\n3 4"), EdgeListOptions::default()).collect();
    assert_eq!(rows.len(), 2);
    let error = rows[1].as_ref().unwrap_err();
    assert_eq!((error.place.line, &error.severity), (2, &Severity::Fatal));
    assert!(error.what.contains("the disk is gone"));
}

fn options(dialect: Dialect) -> TableOptions {
    TableOptions { file: 0, dialect, guess: Guess::default(), default_name: "node".into(), undirected: false }
}

fn table(text: &[u8]) -> Result<Vec<Result<Row, RowError>>, RowError> {
    Ok(Table::new(text, options(Dialect::Csv(b',')), &mut Spaces::default())?.collect())
}

fn node(row: &Result<Row, RowError>) -> &NodeRow {
    match row {
        Ok(Row::Node(node)) => node,
        other => panic!("no node: {other:?}"),
    }
}

fn edge(row: &Result<Row, RowError>) -> &EdgeRow {
    match row {
        Ok(Row::Edge(edge)) => edge,
        other => panic!("no edge: {other:?}"),
    }
}

#[test]
fn nodes_have_ids_labels_keys_and_typed_properties() {
    let text = "personId:ID(person),:LABEL,name:KEY,born:int,height:double,tags:string[],skip:IGNORE,nick\n\
                ada,person,Ada L,1815,1.65,a;b,x,\"\"\nbob,robot,,,,,,\n";
    let mut spaces = Spaces::default();
    let table = Table::new(text.as_bytes(), options(Dialect::Csv(b',')), &mut spaces).unwrap();
    assert_eq!(table.header().kind(), TableKind::Nodes);
    assert_eq!(table.header().id_space().map(|n| spaces.name(n).to_owned()), Some("person".into()));
    let rows: Vec<_> = table.collect();
    let ada = node(&rows[0]);
    assert_eq!((ada.space, &ada.id), (1, &Some(RowId::Word("ada".into()))));
    assert_eq!((&*ada.label, &ada.key), ("person", &Some(Key::from("Ada L"))));
    let tags = Value::List(vec!["a".into(), "b".into()]);
    let expected =
        props! { "personId" => "ada", "born" => 1815, "height" => 1.65, "tags" => tags, "nick" => "" };
    assert_eq!(ada.props, expected);
    let bob = node(&rows[1]);
    assert_eq!((&*bob.label, &bob.key), ("robot", &Some(Key::from("bob"))));
    assert_eq!(bob.props, props! { "personId" => "bob" });
}

#[test]
fn integer_ids_stay_ids_and_keys_may_be_integers() {
    let rows = table(b"n:ID,:KEY(int),:LABEL\n7,-1,a\\;b\n8,,c\n").unwrap();
    let seven = node(&rows[0]);
    assert_eq!((&seven.id, &seven.key, &*seven.label), (&Some(RowId::Int(7)), &Some(Key::Int(-1)), "a;b"));
    assert_eq!(seven.props, props! { "n" => 7 });
    assert_eq!(node(&rows[1]).key, None);
}

#[test]
fn edges_have_types_ranks_and_properties_of_several_types() {
    let text = b":START_ID(a),:END_ID(b),:TYPE,:TYPE(undirected),:RANK,w:int,w:float\n1,2,t,,3,4,\n2,1,,u,,,0.5\n3,4,,,,,\n";
    let mut spaces = Spaces::default();
    let mut options = options(Dialect::Csv(b','));
    options.default_name = "edge".into();
    let rows: Vec<_> = Table::new(&text[..], options, &mut spaces).unwrap().collect();
    let first = edge(&rows[0]);
    assert_eq!((&first.from, &first.to), (&(1, RowId::Int(1)), &(2, RowId::Int(2))));
    assert_eq!((&*first.edge_type, first.undirected, first.rank), ("t", false, Some(3)));
    assert_eq!(first.props, props! { "w" => 4 });
    let second = edge(&rows[1]);
    assert_eq!((&*second.edge_type, second.undirected, &second.props), ("u", true, &props! { "w" => 0.5 }));
    assert_eq!(&*edge(&rows[2]).edge_type, "edge");
}

#[test]
fn every_bad_row_of_a_table_is_an_error_with_its_place() {
    let header = ":ID,:LABEL,:KEY,:KEY(int),n:int,n:float,when:date";
    for (bad, column, part) in [
        ("1,a,,,", 0, "too few fields: 5, the header has 7"),
        ("1,a,,,,,,", 0, "too many fields"),
        (",a,,,,,", 1, "empty :ID"),
        ("1,a;b,,,,,", 3, "2 labels"),
        ("1,a/b,,,,,", 3, "`/`"),
        ("1,\"\",,,,,", 3, "empty label"),
        ("1,a,k,1,,,", 7, "second key"),
        ("1,a,,x,,,", 6, "no int"),
        ("1,a,,,1.5,,", 7, "`1.5` is no int"),
        ("1,a,,,1,1.5,", 9, "second value"),
        ("1,a,,,,,31.1.2026", 9, "no date"),
        ("1,a,\u{00e9}\"x,,,,", 7, "quote"),
        ("18446744073709551615,a,,,,,", 1, "beyond"),
    ] {
        let rows = table(format!("{header}\n{bad}\n1,a,,,,,\n").as_bytes()).unwrap();
        assert!(rows.last().unwrap().is_ok());
        let error = only_error(rows);
        assert_eq!((error.place.line, error.column), (2, column), "{bad}: {error}");
        assert!(error.what.contains(part), "{bad}: {error}");
    }
    for (bad, column, part) in
        [("1,,t,0", 3, ":END_ID"), ("1,2,t,-1", 7, "rank"), ("1,2,t,4294967296", 7, "rank")]
    {
        let text = format!(":START_ID,:END_ID,:TYPE,:RANK\n{bad}\n");
        let error = only_error(table(text.as_bytes()).unwrap());
        assert_eq!((error.place.line, error.column), (2, column), "{bad}: {error}");
        assert!(error.what.contains(part), "{bad}: {error}");
    }
}

#[test]
fn every_bad_header_is_an_error_that_ends_reading() {
    for (header, column, part) in [
        ("", 0, "empty"),
        (":ID,:ID(x)", 5, "second column for :ID"),
        (":ID,a:int,a:long", 11, "second column for `a:int`"),
        (":ID,a:number", 5, "no type and no role"),
        (":ID,a:int(3)", 5, "no type and no role"),
        (":ID,", 5, "without a name"),
        (":ID,:KEY(float)", 5, "key of type"),
        (":ID,:LABEL(x)", 5, "does not take"),
        (":START_ID,:TYPE", 1, ":END_ID"),
        (":ID,:START_ID,:END_ID", 1, "which nodes have"),
        ("a,b,c", 1, "none of"),
        ("a:any,:ID", 1, "no type"),
    ] {
        let error = table(header.as_bytes()).unwrap_err();
        assert_eq!((error.column, &error.severity), (column, &Severity::Fatal), "{header}: {error}");
        assert!(error.what.contains(part), "{header}: {error}");
    }
}

#[test]
fn a_header_may_stand_in_a_file_of_its_own() {
    let header = read_header_file(&b":ID\tborn:int\n"[..], 0, Dialect::Tsv, &mut Spaces::default()).unwrap();
    let rows: Vec<_> = Table::with_header(&b"1\t1815\n"[..], options(Dialect::Tsv), header).collect();
    assert_eq!(node(&rows[0]).props, props! { "born" => 1815 });
    assert_eq!(node(&rows[0]).place.line, 1);
}

#[test]
fn graphalytics_vertices_may_have_a_value_and_properties_tell_the_direction() {
    let rows: Vec<_> =
        VertexFile::new(&b"1 5\n2\t6\n\n"[..], 0, Guess::default()).map(Result::unwrap).collect();
    assert_eq!(rows[1].props, props! { "value" => 6 });
    let mut again = VertexFile::new(&b"1 5\n2 x\n"[..], 0, Guess::default());
    let guess = again.by_ref().find_map(|row| row.err()?.restart_with()).unwrap();
    let rows: Vec<_> = VertexFile::new(&b"1 5\n2 x\n"[..], 0, guess).map(Result::unwrap).collect();
    assert_eq!(rows[0].props, props! { "value" => "5" });
    let error = only_error(VertexFile::new(&b"1 5 6\n"[..], 0, Guess::default()).collect());
    assert_eq!((error.place.line, error.column), (1, 5));

    let text = "# x\ngraph.example.directed = false\ngraph.example.bfs.source-vertex = 1\n";
    assert_eq!(read_properties(text.as_bytes(), 0).unwrap().directed, Some(false));
    assert_eq!(read_properties(&b"a = b\n"[..], 0).unwrap().directed, None);
    assert!(read_properties(&b"graph.x.directed = maybe\n"[..], 0).is_err());
}

#[test]
fn files_are_told_by_their_content() {
    let tsv = |kind| Detected::Table(Dialect::Tsv, kind);
    let csv = |delimiter| Detected::Table(Dialect::Csv(delimiter), TableKind::Nodes);
    for (head, expected) in [
        (&b"1 2\n"[..], Detected::EdgeList),
        (b"# c\n\n1\t2\t3", Detected::EdgeList),
        (b"# only a comment\n", Detected::EdgeList),
        (b"\xef\xbb\xbf:ID\t:LABEL\n", tsv(TableKind::Nodes)),
        (b":START_ID\t:END_ID\t:TYPE\n", tsv(TableKind::Edges)),
        (b"\"personId:ID\",name\r\n", csv(b',')),
        (b"personId:ID;name;born:int\n", csv(b';')),
        (b":ID\n", csv(b',')),
        (b":ID,born:number\n", csv(b',')),
        (b"\n{\"op\":\"add_node\"}\n", Detected::JsonLines),
    ] {
        assert_eq!(detect(head, 0), Ok(expected), "{}", String::from_utf8_lossy(head));
    }
    for bad in [&b""[..], b"\xff\xfe1\0", b"%%MatrixMarket x\n1 2 3\n", b"hello\n", b"a b c d\n", b"\0\0\0"] {
        assert!(detect(bad, 0).is_err(), "{bad:?}");
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

/// `1 2\n`, as `xz` writes it.
const XZ: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01, 0x16,
    0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x03, 0x31, 0x20, 0x32, 0x0a, 0x00, 0xdc, 0xe0,
    0x82, 0x0b, 0xf8, 0xe7, 0xe6, 0xcf, 0x00, 0x01, 0x1c, 0x04, 0x6f, 0x2c, 0x9c, 0xc1, 0x1f, 0xb6, 0xf3,
    0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
];

fn unpack(bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let mut input = Input::open(std::io::Cursor::new(bytes))?;
    let head = input.head().to_vec();
    let mut all = Vec::new();
    input.read_to_end(&mut all)?;
    assert!(all.starts_with(&head));
    Ok(all)
}

#[test]
fn compressed_input_is_unpacked_also_in_several_parts() {
    let text = b"1 2\n".repeat(100_000);
    for pack in [gzip, zstd] {
        assert_eq!(unpack(pack(&text)).unwrap(), text);
        let parts = [pack(b"1 2\n"), pack(b""), pack(&text)].concat();
        assert_eq!(unpack(parts).unwrap(), [&b"1 2\n"[..], &text].concat());
    }
    assert_eq!(unpack(text.clone()).unwrap(), text);
    assert_eq!(unpack(Vec::new()).unwrap(), b"");
    assert_eq!(unpack(XZ.to_vec()).unwrap(), b"1 2\n");
    assert_eq!(unpack(XZ.repeat(3)).unwrap(), b"1 2\n".repeat(3));
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(b"x")].concat();
    assert_eq!(unpack(skippable).unwrap(), b"x");
}

#[test]
fn cut_or_damaged_compressed_input_is_an_error_and_never_a_shorter_file() {
    let mut text = Vec::new();
    for n in 0..3000u32 {
        writeln!(text, "{} {}", n.wrapping_mul(2_654_435_761), n).unwrap();
    }
    for pack in [gzip, zstd] {
        let packed = pack(&text);
        for len in 1..packed.len() {
            // A cut within the magic is a file of another kind.
            if len >= 4 {
                assert!(unpack(packed[..len].to_vec()).is_err(), "cut at {len} of {}", packed.len());
            }
        }
        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        assert!(unpack(damaged).is_err());
    }
    for len in 6..XZ.len() {
        assert!(unpack(XZ[..len].to_vec()).is_err(), "cut at {len}");
    }
    let mut damaged = XZ.to_vec();
    damaged[28] ^= 1;
    assert!(unpack(damaged).is_err());
}
