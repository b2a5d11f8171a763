//! Bad rows and bad files for `import`: a clear error with file, line and column; the store that the import created is
//! gone again; with `--on-error skip` bad rows are left out, counted and shown.

use super::place::{Place, data, gzip};
use super::run::{Ran, foliograph};
use rstest::rstest;
use serde_json::json;

/// Imports one file, and sees to it that a failure leaves nothing.
fn import(name: &str, content: impl AsRef<[u8]>, more: &[&str]) -> (Place, Ran) {
    let place = Place::empty();
    let file = place.file(name, content);
    let ran = foliograph(["import", place.store_name(), &file].iter().chain(more)).go();
    if ran.code != 0 {
        assert_eq!(place.listing(), [name], "a failed import leaves nothing: {ran}");
    }
    (place, ran)
}

#[rstest]
#[case::one_field("1 2\n3\n", &["in.txt:2", "one field"])]
#[case::a_fourth_field("1 2\n3 4 5 6\n", &["in.txt:2:7", "fourth"])]
#[case::an_id_beyond_u64("1 2\n18446744073709551616 4\n", &["in.txt:2:1", "18446744073709551616"])]
#[case::the_last_number_is_no_id("1 2\n3 18446744073709551615\n", &["in.txt:2:3", "18446744073709551615"])]
#[case::broken_utf8(b"1 2\na\xff b\n", &["in.txt:2:2", "UTF-8"])]
#[case::utf16(b"\xff\xfe1\0 \x002\0\n\0", &["in.txt", "UTF-16"])]
#[case::an_empty_file("", &["in.txt", "empty"])]
#[case::a_word_as_weight("1 2 3\n1 2 x\n", &["in.txt:2:5", "x"])]
#[case::an_id_twice(":ID,:LABEL\n1,a\n2,a\n1,b\n", &["in.txt:4", "1"])]
#[case::a_key_twice(":ID,:LABEL,name:KEY\n1,a,x\n2,b,x\n3,a,x\n", &["in.txt:4", "x", "a"])]
#[case::too_few_fields(":ID,:LABEL,name:KEY\n1,a,x\n2,a\n", &["in.txt:3", "too few fields"])]
#[case::too_many_fields(":ID,:LABEL\n1,a,x\n", &["in.txt:2", "fields"])]
#[case::no_int(":ID,:LABEL,born:int\n1,a,x\n", &["in.txt:2:5", "`x`"])]
#[case::an_int_beyond_i64(":ID,:LABEL,born:int\n1,a,9223372036854775808\n", &["in.txt:2:5", "9223372036854775808"])]
#[case::no_boolean(":ID,:LABEL,ok:boolean\n1,a,yes\n", &["in.txt:2:5", "yes"])]
#[case::no_date(":ID,:LABEL,d:date\n1,a,2026-02-30\n", &["in.txt:2:5", "2026-02-30"])]
#[case::no_base64(":ID,:LABEL,b:bytes\n1,a,%%%\n", &["in.txt:2:5", "%%%"])]
#[case::an_open_quote(":ID,:LABEL\n1,\"a\n", &["in.txt:2:3", "quote"])]
#[case::two_labels(":ID,:LABEL\n1,a;b\n", &["in.txt:2", "label"])]
#[case::an_unknown_type_of_column(":ID,:LABEL,born:number\n1,a,1\n", &["in.txt:1", "`number`"])]
#[case::two_id_columns(":ID,:ID\n1,1\n", &["in.txt:1", "second column for :ID"])]
#[case::two_id_columns_of_tsv(":ID\t:ID\n1\t1\n", &["in.txt:1", "second column for :ID"])]
#[case::a_column_twice(":ID,:LABEL,a,a\n1,x,1,2\n", &["in.txt:", "a"])]
#[case::a_label_with_a_slash(":ID,:LABEL\n1,a/b\n", &["in.txt:2", "a/b"])]
#[case::a_line_without_a_label("{\"op\":\"add_node\"}\n", &["in.txt:1", "`label`"])]
#[case::a_line_that_is_no_json("{\"op\":\"edge_type\",\"type\":\"t\"}\n\n{\"op\" \"add\"}\n", &["in.txt:3:7", "expected"])]
#[case::a_key_twice_in_json_lines("{\"op\":\"add_node\",\"label\":\"a\",\"key\":1}\n{\"op\":\"add_node\",\"label\":\"a\",\"key\":1}\n", &["in.txt:2", "key 1"])]
#[case::an_unknown_end_in_json_lines("{\"op\":\"add_edge\",\"from\":{\"label\":\"a\",\"key\":\"x\"},\"type\":\"t\",\"to\":{\"id\":1}}\n", &["in.txt:1", "a/x"])]
fn a_bad_row_is_an_error_with_its_place(#[case] content: impl AsRef<[u8]>, #[case] parts: &[&str]) {
    import("in.txt", content, &[]).1.fails(1, parts);
}

#[test]
fn edges_to_nodes_that_are_not_there() {
    let place = Place::empty();
    let nodes = place.file("n.csv", ":ID,:LABEL\n1,a\n2,a\n");
    for (row, end) in [("1,9,t", "target 9"), ("9,1,t", "source 9"), ("1,x,t", "x")] {
        let edges = place.file("e.csv", format!(":START_ID,:END_ID,:TYPE\n1,2,t\n{row}\n"));
        let ran = foliograph(["import", place.store_name(), &nodes, &edges]).go();
        ran.fails(1, &["e.csv:3", end]);
        assert!(!place.store().exists());
    }
}

#[test]
fn edges_without_any_file_of_nodes() {
    let (_, ran) = import("e.csv", ":START_ID,:END_ID,:TYPE\n1,2,t\n", &[]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.error().contains("e.csv") && !ran.hint().is_empty(), "{ran}");
}

#[test]
fn skipped_rows_are_counted_and_the_first_ten_are_shown() {
    let mut rows = String::from(":ID,:LABEL,born:int\n");
    for i in 0..50 {
        rows += &format!("{i},a,{i}\n");
        rows += if i % 2 == 0 { "x,y\n" } else { "1000,a,no\n" };
    }
    let (place, ran) = import("n.csv", rows, &["--on-error", "skip", "--json"]);
    let ran = ran.ok();
    assert_eq!(ran.json()["rejected"], json!(50));
    assert_eq!(ran.json()["nodes"], json!(50));
    let shown: Vec<&str> = ran.err.lines().collect();
    assert_eq!(shown.len(), 11, "{ran}");
    assert!(
        shown[0].contains("n.csv:3") && shown[9].contains("n.csv:21") && shown[10].contains("40"),
        "{ran}"
    );
    place.run("check STORE").go().says("ok\n");
    assert_eq!(place.run("get STORE 49 --json").go().ok().json()["props"], json!({ "born": 49 }));
}

#[test]
fn skipping_leaves_out_duplicates_and_edges_without_ends() {
    let place = Place::empty();
    let nodes = place.file("n.csv", ":ID,:LABEL,name:KEY\n1,a,x\n1,a,y\n2,a,x\n3,a,z\n");
    let edges = place.file("e.csv", ":START_ID,:END_ID,:TYPE\n1,3,t\n1,2,t\n9,1,t\n3,1,t\n");
    let ran =
        foliograph(["import", place.store_name(), &nodes, &edges, "--on-error", "skip", "--json"]).go().ok();
    let report = ran.json();
    assert_eq!(
        [&report["nodes"], &report["edges"], &report["rejected"]],
        [&json!(2), &json!(2), &json!(4)],
        "{ran}"
    );
    place.run("export STORE --edges -").go().says(":START_ID\t:END_ID\t:TYPE\n1\t3\tt\n3\t1\tt\n");
    place.run("check STORE").go().says("ok\n");
}

#[test]
fn a_directory_a_missing_file_and_a_file_of_bytes() {
    let place = Place::empty();
    let dir = place.path().to_str().unwrap();
    foliograph(["import", place.store_name(), dir]).go().fails(1, &["directory"]);
    foliograph(["import", place.store_name(), "--nodes", dir]).go().fails(1, &["directory"]);
    foliograph(["import", place.store_name(), &format!("{dir}/absent")]).go().fails(1, &["absent"]);
    let noise: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let noise = place.file("noise", noise);
    let ran = foliograph(["import", place.store_name(), &noise]).go();
    assert!(ran.err.len() < 1000, "no bytes are poured out: {ran}");
    ran.fails(1, &["noise"]);
    foliograph(["import", place.store_name(), "/dev/null"]).go().fails(1, &["/dev/null"]);
    assert_eq!(place.listing(), ["noise"]);
    foliograph(["import", place.store_name(), "-"]).go().fails(1, &["stdin"]);
    assert_eq!(place.listing(), ["noise"]);
}

#[test]
fn a_line_without_an_end_takes_no_memory_without_bound() {
    let place = Place::empty();
    let file = place.file("long.txt", "1".repeat(200 << 20));
    let line = format!("import STORE {file}");
    let ran = super::run::bounded(&place.store(), &line, 1 << 20).go();
    ran.fails(1, &["long.txt:1"]);
    assert!(!place.store().exists());
}

#[test]
fn compressed_input_that_is_cut_or_damaged() {
    let Some(whole) = data("p2p-31.e.xz") else { return };
    let whole = std::fs::read(whole).unwrap();
    for keep in [6, 20, 1000, whole.len() / 2, whole.len() - 1] {
        let (_, ran) = import("cut.xz", &whole[..keep], &[]);
        ran.fails(1, &["cut.xz"]);
    }
    for at in [7, 100, whole.len() / 2, whole.len() - 40] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        import("damaged.xz", damaged, &[]).1.fails(1, &["damaged.xz"]);
    }
    let whole = gzip(b"1 2\n3 4\n");
    import("whole.gz", &whole, &[]).1.ok();
    let mut wrong = whole.clone();
    // A byte of the stored text: only the checksum at the end tells.
    wrong[17] ^= 1;
    import("wrong.gz", &wrong, &[]).1.fails(1, &["wrong.gz"]);
    import("cut.gz", &whole[..18], &[]).1.fails(1, &["cut.gz"]);
    import("bomb.zst", b"\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff", &[]).1.fails(1, &["bomb.zst"]);
}

#[test]
fn a_failed_import_leaves_other_files_alone() {
    let place = Place::small();
    let before = std::fs::read(place.store()).unwrap();
    let bad = place.file("bad.txt", "1\n");
    let good = place.file("good.txt", "1 2\n");
    for file in [&bad, &good] {
        foliograph(["import", place.store_name(), file]).go().fails(1, &["store.folio"]);
        assert!(
            std::fs::read(place.store()).unwrap() == before,
            "an existing store is refused and stays as it is"
        );
    }
    let note = place.file("note.txt", "precious");
    let ran = foliograph(["import", &note, &good]).go();
    ran.fails(1, &["note.txt"]);
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "precious");
}
