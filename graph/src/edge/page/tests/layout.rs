//! Where bytes stand, and how many there are.

use super::*;
use crate::edge::page::directory::Form;

fn bytes_an_edge(leaves: &[PackedLeaf], size: PageSize, edges: usize) -> f64 {
    (leaves.len() * (size.bytes() + 22)) as f64 / edges as f64
}

#[test]
fn a_small_page_has_the_documented_bytes() {
    let keys =
        Keys::from([key(5, 1, 6, 0), key(5, 1, 9, 0), key(7, 1, 3, 0), key(7, 2, 7, 0), key(7, 2, 7, 1)]);
    let leaves = pack(PageSize::K4, 100, &keys);
    let page = leaves[0].image.bytes();
    assert_eq!(leaves[0].separator, 5u64.to_be_bytes());
    let head = [
        5, 0, 0, 0, 0, 0, 0, 0, /* slots */ 3, 0, /* flags */ 0, 0, /* main type */ 1, 0, 0, 0,
    ];
    assert_eq!(page[32..48], head);
    assert_eq!(page[48..54], [54, 0, 0, 0, 58, 0], "the directory");
    assert_eq!(page[54..58], [2, 2, 2, 2], "degree 2, width 2, zigzag(+1), gap 3 less 1");
    assert_eq!(page[58..66], [254, 2 << 2, 1, 2, 66, 0, 69, 0], "two types of one byte, and their places");
    assert_eq!(page[66..69], [1, 0, 7], "degree 1, zigzag(-4)");
    assert_eq!(page[69..73], [252, 2, 0, 0], "parallel: degree 2, zigzag(0), a gap of 0 in 0 bits");
    assert_eq!(leaves[0].image.used(), 73);
}

#[test]
fn ranks_with_holes_follow_the_gaps() {
    let keys = Keys::from([key(0, 0, 1, 1), key(0, 0, 1, 3), key(0, 0, 2, 0)]);
    let leaves = pack(PageSize::K4, 100, &keys);
    assert_eq!(leaves[0].image.bytes()[50..57], [253, 3, 1, 2, 0b10, 2, 0b1101]);
}

#[test]
fn a_leaf_that_begins_inside_a_vertex_says_so_in_its_separator() {
    let mut keys: Keys = (0..20_000).map(|n| key(3, 1, n * 1000, 0)).collect();
    keys.insert(key(9, 1, 1, 0));
    let leaves = pack(PageSize::K4, 100, &keys);
    assert!(leaves.len() > 3);
    for leaf in &leaves[1..] {
        assert_eq!(leaf.separator, edges_of(open(leaf)).expect("readable")[0].to_bytes());
        assert!(goes_on(&leaf.separator, 3) && !goes_on(&leaf.separator, 9));
    }
    assert!(!goes_on(&3u64.to_be_bytes(), 3), "a leaf that begins with the vertex continues nothing");
    let last = open(&leaves[leaves.len() - 1]);
    assert_eq!((last.head.first, last.last()), (3, 9), "small vertices follow a hub's rest");
}

#[test]
fn ids_with_large_gaps_get_a_sparse_directory_and_dense_ids_a_dense_one() {
    let hashes: Keys = (0..20_000u64).map(|i| key(i * 0x1_0000_0001, 0, i, 0)).collect();
    let spread: Keys = (0..20_000u64).map(|i| key(i * 20, 0, i, 0)).collect();
    let close: Keys = (0..20_000u64).map(|i| key(i + i / 3, 0, i, 0)).collect();
    for (keys, form) in [(hashes, Form::Sparse(8)), (spread, Form::Sparse(2)), (close, Form::Dense)] {
        let leaves = pack(PageSize::K16, 100, &keys);
        let (_, full) = leaves.split_last().expect("many pages");
        assert!(full.iter().all(|leaf| open(leaf).head.form == form), "{form:?}");
        assert!(full.iter().all(|leaf| leaf.image.used() > 16_000), "full pages");
    }
}

#[test]
fn runs_of_ids_far_apart_keep_dense_pages_where_they_fill_them() {
    let keys: Keys = (0..40_000u64).map(|i| key(i / 4_000 * (1 << 40) + i % 4_000, 0, i, 0)).collect();
    let leaves = round_trip(PageSize::K4, 100, &keys);
    let dense = leaves.iter().filter(|leaf| open(leaf).head.form == Form::Dense).count();
    assert!(dense * 10 >= leaves.len() * 8, "{dense} of {}", leaves.len());
}

#[test]
fn the_main_type_is_the_one_that_saves_most() {
    let keys: Keys = (0..1_000u64).map(|i| key(i, if i < 10 { 1 } else { 9 }, i, 0)).collect();
    let leaves = pack(PageSize::K16, 100, &keys);
    assert_eq!(open(&leaves[0]).head.main_type, 9);
    assert_eq!(leaves[0].image.used(), 48 + 2 * 1000 + 3 * 1000 + 10 * 5);
}

#[test]
fn a_web_like_graph_takes_about_two_bytes_an_edge() {
    let keys = web(11, 60_000);
    for (size, fill, most) in [(PageSize::K16, 90, 2.2), (PageSize::K16, 100, 2.0), (PageSize::K4, 90, 2.3)] {
        let leaves = pack(size, fill, &keys);
        let bytes = bytes_an_edge(&leaves, size, keys.len());
        println!("{} edges, {size}, {fill} %: {bytes:.2} bytes an edge", keys.len());
        assert!(bytes <= most, "{bytes:.2} bytes an edge at {size}, {fill} %");
        let wasted: usize = leaves[1..leaves.len() - 1]
            .iter()
            .map(|leaf| size.bytes() * usize::from(fill) / 100 - leaf.image.used())
            .sum();
        assert!(wasted < leaves.len() * size.bytes() / 16, "pages are filled");
    }
}
