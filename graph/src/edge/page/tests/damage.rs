//! Damaged pages: an error or something wrong comes out, but never a panic, and never more than a page can hold.

use super::*;

/// Reads everything in every way.
fn read_all(page: &[u8], used: usize) {
    let Ok(leaf) = Leaf::parse(page, used, super::super::CODEC) else { return };
    let most = 4 * page.len();
    let valid = edges_of(leaf);
    if let Ok(edges) = &valid {
        assert!(
            edges.is_sorted_by(|a, b| a < b) && edges.len() <= most,
            "the strict walk gives keys in order"
        );
        assert!(edges.iter().all(|k| k.vertex < u64::MAX && k.neighbor < u64::MAX));
    }
    assert!(valid.is_ok() || leaf.strict().check_all(leaf.bytes).is_err());
    let mut given = 0;
    let mut buffer = Vec::new();
    let _ = leaf.scan(None, &mut buffer, &mut |_, targets| given += targets.len());
    let _ = leaf.scan(Some(leaf.head.main_type), &mut buffer, &mut |_, targets| given += targets.len());
    assert!(given <= 32 * page.len(), "no list is read twice");
    read_some(leaf, None);
    read_some(leaf, Some(leaf.head.main_type));
    let step = leaf.head.slots / 16 + 1;
    for vertex in leaf.vertices().step_by(step).chain([0, leaf.head.first, leaf.last(), u64::MAX]) {
        read_vertex(leaf, vertex, 16 * page.len());
    }
}

/// Several vertices read at once are the same read one by one, up to the same damage.
fn read_some(leaf: Leaf<'_>, edge_type: Option<u32>) {
    let vertices: Vec<u64> = leaf.vertices().take(40).chain([0, u64::MAX]).collect();
    let (mut single, mut lens) = (Vec::new(), vec![0]);
    let damage = vertices.iter().find_map(|vertex| {
        let read = leaf.targets(*vertex, edge_type, &mut single);
        lens.push(single.len());
        read.err()
    });
    let (mut at, mut together, mut ended) = (0, Vec::new(), None);
    while at < vertices.len() && ended.is_none() {
        let (before, rest) = (together.len(), &vertices[at..]);
        match leaf.targets_of_some(rest, edge_type, before + 50, &mut together) {
            Ok(read) => {
                assert!((1..=rest.len()).contains(&read));
                at += read;
                assert_eq!(together.len(), lens[at]);
            }
            Err(what) => ended = Some(what),
        }
    }
    assert_eq!(ended, damage);
    assert!(together.starts_with(&single) || single.starts_with(&together));
}

fn read_vertex(leaf: Leaf<'_>, vertex: u64, most: usize) {
    let (mut targets, mut edges) = (vec![1], Vec::new());
    if leaf.targets(vertex, None, &mut targets).is_err() {
        assert_eq!(targets, [1], "after an error nothing was appended");
    }
    let _ = leaf.edges(vertex, &mut edges);
    assert!(targets.len() <= most && edges.len() <= most);
    let _ = leaf.degree(vertex, None);
    let half = key(vertex, leaf.head.main_type, targets[targets.len() / 2], 1);
    for (from, to) in [(EdgeKey::MIN, half), (half, EdgeKey::MAX), (EdgeKey::MIN, EdgeKey::MAX)] {
        // A list of two bytes may claim as many edges as a whole page holds.
        assert!(
            leaf.count(from, to).unwrap_or(0) <= 4 * (leaf.bytes.page_len() * leaf.bytes.page_len()) as u64
        );
    }
    for edge_type in [0, 1, leaf.head.main_type, u32::MAX] {
        let _ = leaf.targets(vertex, Some(edge_type), &mut targets);
        let _ = leaf.degree(vertex, Some(edge_type));
        if let Ok(Some(list)) = leaf.find(vertex, edge_type) {
            for neighbor in [0, vertex, targets[targets.len() / 2], u64::MAX] {
                let mut ranks = Vec::new();
                let _ = list.contains(neighbor);
                let _ = list.ranks_of(neighbor, &mut ranks);
                assert!(ranks.len() <= most);
            }
        }
    }
}

/// Pages that use everything the layout has.
fn pages() -> Vec<(Vec<u8>, usize)> {
    let mut rng = Rng::new(20);
    let mut rich = Keys::new();
    for vertex in 0..200u64 {
        for _ in 0..rng.below(60) {
            let (edge_type, neighbor) =
                (rng.below(3) as u32 * rng.below(80) as u32, rng.next_u64() >> rng.below(64));
            rich.insert(key(
                vertex,
                edge_type,
                neighbor.min(u64::MAX - 1),
                rng.below(4) as u32 * rng.below(2) as u32,
            ));
        }
    }
    let sparse: Keys = (0..500u64).map(|i| key(i * i * i * i * i, 0, i * 7, 0)).collect();
    let hub: Keys = (0..20_000).map(|n| key(9, 2, n, 0)).collect();
    let types: Keys = (0..100u64).map(|n| key(9, n as u32 * 7, n, 0)).collect();
    let graphs = [rich, sparse, hub, types, web(21, 2_000)];
    let leaves = graphs.iter().flat_map(|keys| pack(PageSize::K4, 100, keys).into_iter().take(3));
    leaves.map(|leaf| (leaf.image.bytes().to_vec(), leaf.image.used())).collect()
}

#[test]
fn no_flipped_byte_makes_a_reader_panic() {
    let mut rng = Rng::new(22);
    for (page, used) in pages() {
        // Every byte of the fields, the directory's begin and the first lists; then any bytes.
        let places =
            (32..used.min(200)).flat_map(|at| [0, 1, 0x7f, 0x80, 0xfd, 0xfe, 0xff].map(|new| (at, new)));
        for (at, new) in places
            .chain((0..1500).map(|_| (32 + rng.index(used - 32), rng.next_u64() as u8)).collect::<Vec<_>>())
        {
            let mut page = page.clone();
            page[at] = new;
            read_all(&page, used);
        }
    }
}

#[test]
fn no_number_of_wrong_bytes_makes_a_reader_panic() {
    let mut rng = Rng::new(23);
    for (page, used) in pages() {
        for _ in 0..300 {
            let mut page = page.clone();
            for _ in 0..1 + rng.below(12) {
                let at = 32 + rng.index(used - 32);
                let len = (1 + rng.index(16)).min(page.len() - at);
                match rng.below(3) {
                    0 => page[at..at + len].fill(0xff),
                    1 => page[at..at + len].fill(0),
                    _ => rng.fill(&mut page[at..at + len]),
                }
            }
            read_all(&page, used);
        }
    }
}

#[test]
fn pages_of_noise_are_no_pages() {
    let mut rng = Rng::new(24);
    for _ in 0..3_000 {
        let mut page = vec![0; 4096];
        let used = rng.index(4096 - 31);
        rng.fill(&mut page[..used]);
        if used > 48 {
            // Fields that pass, so that the lists are reached.
            page[32..40].copy_from_slice(&(rng.next_u64() >> rng.below(64)).to_le_bytes());
            page[40..42].copy_from_slice(&(1 + rng.below(used as u64 / 4) as u16).to_le_bytes());
            page[42..44].copy_from_slice(&(rng.below(4) as u16).to_le_bytes());
        }
        read_all(&page, used);
    }
}

#[test]
fn a_shortened_page_is_an_error_not_a_shorter_list() {
    for (page, used) in pages() {
        for cut in (0..used).step_by(7) {
            let Ok(leaf) = Leaf::parse(&page, cut, super::super::CODEC) else { continue };
            assert!(edges_of(leaf).is_err(), "used shortened to {cut} of {used}");
            read_all(&page, cut);
        }
        for len in (0..page.len()).step_by(61) {
            read_all(&page[..len], used);
            read_all(&page[..len], used.min(len));
        }
        read_all(&page, usize::MAX);
    }
}

#[test]
fn validation_names_what_is_wrong() {
    let keys = Keys::from([key(5, 1, 6, 0), key(5, 1, 9, 0), key(7, 1, 3, 0), key(7, 2, 7, 0)]);
    let leaves = pack(PageSize::K4, 100, &keys);
    let image = &leaves[0].image;
    let verdict = |at: usize, new: u8| {
        let mut page = image.bytes().to_vec();
        page[at] = new;
        Leaf::parse(&page, image.used(), 1).and_then(|leaf| leaf.strict().check_all(leaf.bytes))
    };
    assert_eq!(verdict(0, 9), Ok(()), "the header is the pager's");
    assert_eq!(verdict(40, 0), Err("a page without vertices"));
    assert_eq!(verdict(42, 8), Err("unknown page flags"));
    assert_eq!(verdict(48, 0), Err("the directory begins or ends with a vertex without edges"));
    assert_eq!(verdict(52, 59), Err("a list does not begin where the one before it ends"));
    assert_eq!(verdict(54, 0), Err("a list without a degree"));
    assert_eq!(verdict(54, 255), Err("a list claims a degree that it cannot have"));
    assert_eq!(verdict(61, 1), Err("types do not ascend"));
    assert_eq!(verdict(3_000, 1), Err("bytes beyond the used length are not zero"));
    assert_eq!(verdict(4_095, 1), Err("bytes beyond the used length are not zero"));
    assert!(Leaf::parse(image.bytes(), image.used(), 2).is_err(), "another codec");
}
