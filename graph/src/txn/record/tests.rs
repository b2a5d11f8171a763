//! Stories of records: what is pushed comes back; what is cut, turned or invented is an error and never more.

use super::*;
use crate::value::random;
use storage_core::device::sim::Rng;

const LARGE: usize = 1 << 20;

fn id(rng: &mut Rng) -> u64 {
    match rng.below(4) {
        0 => [0, 127, 128, u64::from(u32::MAX), u64::MAX - 1, u64::MAX][rng.index(6)],
        _ => rng.next_u64() >> rng.below(64),
    }
}

fn short_id(rng: &mut Rng) -> u32 {
    match rng.below(4) {
        0 => [0, 127, 128, u32::MAX - 1, u32::MAX][rng.index(5)],
        _ => rng.next_u64() as u32 >> rng.below(32),
    }
}

fn props(rng: &mut Rng, removals: bool) -> NumberedProps<'static> {
    let mut props: Vec<(PropertyId, Value)> =
        (0..rng.below(6)).map(|_| (PropertyId(short_id(rng)), random::value(rng))).collect();
    if rng.chance(1, 4) {
        props.push((PropertyId(short_id(rng)), Value::List(Vec::new())));
    }
    props.sort_by_key(|(id, _)| *id);
    props.dedup_by_key(|(id, _)| *id);
    props.retain(|(_, value)| removals || *value != Value::Null);
    props.into()
}

fn edge(rng: &mut Rng) -> Edge {
    Edge {
        source: NodeId(id(rng)),
        edge_type: TypeId(short_id(rng)),
        target: NodeId(id(rng)),
        rank: short_id(rng),
    }
}

fn key(rng: &mut Rng) -> Option<Cow<'static, Key>> {
    match rng.below(3) {
        0 => None,
        1 => Some(Cow::Owned(Key::Int(random::integer(rng)))),
        _ => Some(Cow::Owned(Key::Text(random::text(rng)))),
    }
}

fn op(rng: &mut Rng) -> Op<'static> {
    match rng.below(14) {
        0 => Op::Label { id: LabelId(short_id(rng)), name: random::text(rng).into() },
        1 => Op::EdgeType { id: TypeId(short_id(rng)), name: random::text(rng).into() },
        2 => Op::Property { id: PropertyId(short_id(rng)), name: random::text(rng).into() },
        3 => Op::AddNode {
            node: NodeId(id(rng)),
            label: LabelId(short_id(rng)),
            key: key(rng),
            props: props(rng, false),
        },
        4 => Op::SetNode { node: NodeId(id(rng)), changes: props(rng, true) },
        5 => Op::DeleteNode { node: NodeId(id(rng)), detach: rng.chance(1, 2) },
        6 => Op::AddEdge { edge: edge(rng), props: props(rng, false) },
        7 => Op::SetEdge { edge: edge(rng), changes: props(rng, true) },
        8 => Op::DeleteEdge { edge: edge(rng) },
        9 => Op::RenameLabel { id: LabelId(short_id(rng)), name: random::text(rng).into() },
        10 => Op::RenameEdgeType { id: TypeId(short_id(rng)), name: random::text(rng).into() },
        11 => Op::RenameProperty { id: PropertyId(short_id(rng)), name: random::text(rng).into() },
        12 => {
            let owner = match rng.chance(1, 2) {
                true => IndexOwner::Label(LabelId(short_id(rng))),
                false => IndexOwner::Type(TypeId(short_id(rng))),
            };
            index(short_id(rng), owner, short_id(rng), rng.chance(1, 2))
        }
        _ => Op::Undirected { edge_type: TypeId(short_id(rng)), undirected: rng.chance(1, 2) },
    }
}

/// A record, and where each of its operations ends.
fn record(ops: &[Op<'_>]) -> (Vec<u8>, Vec<usize>) {
    let mut out = Ops::new(LARGE);
    let mut ends = vec![1];
    for op in ops {
        out.push(op);
        ends.push(out.len());
    }
    assert!(!out.is_dropped());
    (out.bytes().to_vec(), ends)
}

#[test]
fn what_is_pushed_comes_back() {
    for seed in 0..500 {
        let rng = &mut Rng::new(seed);
        let ops: Vec<Op<'_>> = (0..rng.below(20)).map(|_| op(rng)).collect();
        let (bytes, _) = record(&ops);
        let read: Vec<Op<'_>> = operations(&bytes).map(|op| op.expect("an operation")).collect();
        // As text, for no NaN equals itself; and as bytes, for all NaN are the same text.
        assert_eq!(format!("{read:?}"), format!("{ops:?}"), "seed {seed}");
        assert_eq!(record(&read).0, bytes, "seed {seed}");
        assert_eq!(describe(&bytes).count(), ops.len(), "seed {seed}");
    }
}

#[test]
fn a_record_that_is_cut_yields_the_operations_before_the_cut_and_an_error() {
    for seed in 0..60 {
        let rng = &mut Rng::new(seed);
        let ops: Vec<Op<'_>> = (0..1 + rng.below(8)).map(|_| op(rng)).collect();
        let (bytes, ends) = record(&ops);
        assert_eq!(operations(&[]).collect::<Vec<_>>(), [Err(RecordError::Empty)]);
        for cut in 1..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            let mut read = operations(&bytes[..cut]);
            for op in &ops[..whole] {
                let read = read.next().expect("not the end").expect("an operation");
                assert_eq!(format!("{read:?}"), format!("{op:?}"), "seed {seed}, cut {cut}");
            }
            if !ends.contains(&cut) {
                let (number, at) = (whole + 1, ends[whole]);
                match read.next() {
                    Some(Err(RecordError::Malformed { number: n, at: a, .. })) => {
                        assert_eq!((n, a), (number, at), "seed {seed}, cut {cut}");
                    }
                    other => panic!("seed {seed}, cut {cut}: {other:?}"),
                }
            }
            assert_eq!(read.next(), None, "seed {seed}, cut {cut}");
        }
    }
}

#[test]
fn any_bytes_end_and_are_told_in_short_lines() {
    for seed in 0..3000 {
        let rng = &mut Rng::new(seed);
        let mut bytes = if rng.chance(1, 2) {
            let mut bytes = vec![0; rng.index(200)];
            rng.fill(&mut bytes);
            // Small numbers are codes and counts more often than large ones.
            bytes.iter_mut().for_each(|b| *b >>= rng.below(8));
            bytes
        } else {
            let mut bytes = record(&(0..1 + rng.below(8)).map(|_| op(rng)).collect::<Vec<_>>()).0;
            for _ in 0..1 + rng.below(3) {
                let at = rng.index(bytes.len());
                bytes[at] = rng.next_u64() as u8;
            }
            bytes
        };
        if let (true, Some(first)) = (rng.chance(9, 10), bytes.first_mut()) {
            *first = VERSION;
        }
        let mut failed = false;
        let mut count = 0;
        for op in operations(&bytes) {
            assert!(!failed, "nothing comes after an error: seed {seed}");
            failed = op.is_err();
            count += 1;
        }
        assert!(count <= bytes.len() + 1, "seed {seed}");
        assert_eq!(describe(&bytes).count(), count, "seed {seed}");
        for line in describe(&bytes) {
            assert!(line.len() < 6000 && !line.contains(char::is_control), "seed {seed}: {line:?}");
        }
    }
}

#[test]
fn what_a_later_program_wrote_is_said_to_be_so() {
    fn all(bytes: &[u8]) -> Vec<Result<Op<'_>, RecordError>> {
        operations(bytes).collect()
    }
    assert_eq!(all(&[2, code::DELETE_NODE, 0, 0]), [Err(RecordError::Version(2))]);
    let deleted = Op::DeleteNode { node: NodeId(7), detach: false };
    let unknown = RecordError::Unknown { number: 2, at: 4, code: 77 };
    assert_eq!(all(&[VERSION, code::DELETE_NODE, 7, 0, 77, 1, 2, 3]), [Ok(deleted), Err(unknown)]);
    assert!(unknown.to_string().contains("the code 77"), "{unknown}");
    assert!(RecordError::Version(9).to_string().contains("version 9"));
    assert_eq!(all(&[VERSION, 0]), [Err(RecordError::Unknown { number: 1, at: 1, code: 0 })]);
}

#[test]
fn operations_that_say_nothing_sensible_are_refused() {
    let error = |bytes: &[u8]| match operations(bytes).next() {
        Some(Err(RecordError::Malformed { what, .. })) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&[VERSION, code::DELETE_NODE, 7, 2]), "a flag is neither 0 nor 1");
    assert_eq!(error(&[VERSION, code::ADD_NODE, 7, 0, 3, 0]), "unknown kind of key");
    assert_eq!(error(&[VERSION, code::LABEL, 0, 1, 0xff]), "a name or key is not UTF-8");
    for flag in [3, 6] {
        let mut index = [VERSION, code::CREATE_INDEX, 0, 1, 0, 0, 1];
        index[flag] = 2;
        assert_eq!(error(&index), "a flag is neither 0 nor 1");
    }
    let removes = "something new lacks a property that it has";
    assert_eq!(error(&[VERSION, code::ADD_NODE, 7, 0, 0, 1, 0, 0]), removes);
    let many = "there are more properties than bytes for them";
    assert_eq!(error(&[VERSION, code::SET_NODE, 7, 0xff, 0xff, 0xff, 0x7f, 0, 0]), many);
    let large = "a property's number is longer than 32 bits";
    assert_eq!(
        error(&[VERSION, code::SET_NODE, 7, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x81, 0, 0x81, 0, 0]),
        large
    );
}

fn index(index: u32, owner: IndexOwner, property: u32, unique: bool) -> Op<'static> {
    Op::CreateIndex { index, owner, property: PropertyId(property), unique }
}

/// The operations of the table below, in words.
const LINES: &[&str] = &[
    "name label 0 = \"é\"",
    "name edge type 2 = \"t\"",
    "name property 5 = \"p\"",
    "add node 1 label 0 key \"k\" properties 5 = 3, 7 = true",
    "add node 2 label 0 key -1",
    "set node 1 properties 5 = removed",
    "delete node 1 and its edges",
    "add edge 1 -2-> 300 (rank 4)",
    "set edge 1 -2-> 300 (rank 4) properties 0 = \"x\"",
    "delete edge 1 -2-> 300 (rank 4)",
    "set direction of edge type 2 = undirected",
    "create index 300 over label 0 property 5, unique",
    "create index 1 over edge type 2 property 128",
    "rename label 0 = \"l\"",
    "rename edge type 2 = \"u\"",
    "rename property 5 = \"ü\"",
];

/// The bytes that stores in the field have: they must never change under version 1.
#[test]
fn the_bytes_are_those_of_the_table() {
    let edge = Edge { source: NodeId(1), edge_type: TypeId(2), target: NodeId(300), rank: 4 };
    let ops = [
        Op::Label { id: LabelId(0), name: "é".into() },
        Op::EdgeType { id: TypeId(2), name: "t".into() },
        Op::Property { id: PropertyId(5), name: "p".into() },
        Op::AddNode {
            node: NodeId(1),
            label: LabelId(0),
            key: Some(Cow::Owned("k".into())),
            props: vec![(PropertyId(5), Value::Int(3)), (PropertyId(7), Value::Bool(true))].into(),
        },
        Op::AddNode {
            node: NodeId(2),
            label: LabelId(0),
            key: Some(Cow::Owned((-1).into())),
            props: vec![].into(),
        },
        Op::SetNode { node: NodeId(1), changes: vec![(PropertyId(5), Value::Null)].into() },
        Op::DeleteNode { node: NodeId(1), detach: true },
        Op::AddEdge { edge, props: vec![].into() },
        Op::SetEdge { edge, changes: vec![(PropertyId(0), "x".into())].into() },
        Op::DeleteEdge { edge },
        Op::Undirected { edge_type: TypeId(2), undirected: true },
        index(300, IndexOwner::Label(LabelId(0)), 5, true),
        index(1, IndexOwner::Type(TypeId(2)), 128, false),
        Op::RenameLabel { id: LabelId(0), name: "l".into() },
        Op::RenameEdgeType { id: TypeId(2), name: "u".into() },
        Op::RenameProperty { id: PropertyId(5), name: "ü".into() },
    ];
    #[rustfmt::skip]
    let expected: &[u8] = &[
        1,
        1, 0, 2, 0xc3, 0xa9,
        2, 2, 1, b't',
        3, 5, 1, b'p',
        4, 1, 0, 2, 1, b'k', 2, 5, 0x83, 1, 2,
        4, 2, 0, 1, 1, 0,
        5, 1, 1, 5, 0,
        6, 1, 1,
        7, 1, 2, 0xac, 2, 4, 0,
        8, 1, 2, 0xac, 2, 4, 1, 0, 0x41, b'x',
        9, 1, 2, 0xac, 2, 4,
        10, 2, 1,
        14, 0xac, 2, 0, 0, 5, 1,
        14, 1, 1, 2, 0x80, 1, 0,
        11, 0, 1, b'l',
        12, 2, 1, b'u',
        13, 5, 2, 0xc3, 0xbc,
    ];
    assert_eq!(record(&ops).0, expected);
    assert_eq!(record(&[]).0, [1]);
    let lines: Vec<String> = describe(expected).collect();
    assert_eq!(lines, LINES);
}

#[test]
fn a_record_beyond_its_limit_is_dropped_for_good() {
    let small = Op::DeleteNode { node: NodeId(7), detach: true };
    let mut ops = Ops::new(10);
    for _ in 0..3 {
        ops.push(&small);
    }
    assert_eq!((ops.len(), ops.is_dropped()), (10, false), "the limit itself is within");
    ops.push(&small);
    assert!(ops.is_dropped());
    ops.push(&small);
    assert_eq!((ops.bytes(), ops.len()), (&[][..], 0), "which is no record");

    let long = Op::SetNode { node: NodeId(7), changes: vec![(PropertyId(0), "x".repeat(200).into())].into() };
    let mut ops = Ops::new(100);
    ops.push(&long);
    assert!(ops.is_dropped());
    let mut ops = Ops::new(210);
    ops.push(&long);
    assert!(!ops.is_dropped());
    ops.drop_all();
    assert!(ops.is_dropped() && ops.bytes().is_empty());
}
