//! The same load with maps, row by row: slow, in memory, and plain to see.

use super::*;
use std::collections::{HashMap, HashSet};

/// What a load of these rows has to give, bad rows left out.
pub fn naive(rows: &[Row], implicit: bool) -> Dump {
    let mut load = Naive { implicit, ..Naive::default() };
    let nodes = || rows.iter().filter_map(|row| if let Row::Node(row) = row { Some(row) } else { None });
    let edges = || rows.iter().filter_map(|row| if let Row::Edge(row) = row { Some(row) } else { None });
    let names = nodes().filter_map(|row| row.id.as_ref());
    let ends = || edges().flat_map(|row| [&row.from.1, &row.to.1]);
    load.words = names.clone().chain(ends()).any(|id| matches!(id, RowId::Word(_)));
    let ends_count = if implicit { usize::MAX } else { 0 };
    let keyed = |id: &&RowId| matches!(id, RowId::Key(..));
    let int = |id: &RowId| if let RowId::Int(n) = id { Some(n + 1) } else { None };
    load.free = names.chain(ends().take(ends_count)).filter_map(int).max().unwrap_or(0);
    nodes().enumerate().for_each(|(at, row)| load.node(at as u64, row));
    if implicit {
        load.imply(ends().filter(|id| !keyed(id)).cloned().collect(), nodes().count() as u64);
    }
    load.edges(edges().collect());
    load.finish()
}

#[derive(Default)]
struct Naive {
    implicit: bool,
    words: bool,
    free: u64,
    ids: HashMap<RowId, u64>,
    names: HashSet<RowId>,
    dump: Dump,
    rejected: Vec<Place>,
}

fn plain(props: &Props) -> Props {
    let mut props: Props = props.iter().filter(|(_, value)| *value != Value::Null).cloned().collect();
    props.sort_by(|a, b| a.0.cmp(&b.0));
    props
}

impl Naive {
    fn node(&mut self, at: u64, row: &NodeRow) {
        let id = match &row.id {
            _ if self.words => at,
            Some(RowId::Int(id)) => *id,
            _ => {
                self.free += 1;
                self.free - 1
            }
        };
        let label = row.label.to_string();
        if row.id.as_ref().is_some_and(|name| !self.names.insert(name.clone())) {
            return self.rejected.push(row.place);
        }
        if let Some(key) = &row.key {
            let key = (label.clone(), format!("{key:?}"));
            if self.dump.keys.contains_key(&key) {
                return self.rejected.push(row.place);
            }
            self.dump.keys.insert(key, id);
        }
        if let Some(name) = &row.id {
            self.ids.insert(name.clone(), id);
        }
        self.dump.nodes.insert(id, (label, row.key.clone(), plain(&row.props)));
    }

    fn imply(&mut self, mut ends: Vec<RowId>, mut next: u64) {
        ends.sort();
        ends.dedup();
        for end in ends.into_iter().filter(|end| !self.ids.contains_key(end)).collect::<Vec<_>>() {
            let (id, key) = match &end {
                RowId::Int(id) => (*id, None),
                RowId::Word(word) => {
                    next += 1;
                    (next - 1, Some(Key::Text(word.clone())))
                }
                RowId::Key(..) => unreachable!("keys imply nothing"),
            };
            if let Some(key) = &key {
                self.dump.keys.insert(("node".into(), format!("{key:?}")), id);
            }
            self.ids.insert(end, id);
            self.dump.nodes.insert(id, ("node".into(), key, Props::new()));
        }
    }

    fn end(&self, id: &RowId) -> Option<u64> {
        let found = match id {
            RowId::Key(label, key) => self.dump.keys.get(&(label.to_string(), format!("{key:?}"))).copied(),
            id => self.ids.get(id).copied(),
        };
        assert!(
            found.is_some() || !self.implicit || matches!(id, RowId::Key(..)),
            "every other end is a node"
        );
        found
    }

    fn edges(&mut self, rows: Vec<&EdgeRow>) {
        let mut unranked: Vec<(u64, String, u64, Props)> = Vec::new();
        for row in rows {
            let (Some(from), Some(to)) = (self.end(&row.from.1), self.end(&row.to.1)) else {
                self.rejected.push(row.place);
                continue;
            };
            let edge_type = row.edge_type.to_string();
            let Some(rank) = row.rank else {
                unranked.push((from, edge_type, to, plain(&row.props)));
                continue;
            };
            let edge = (from, edge_type, to, rank);
            match self.dump.edges.contains_key(&edge) {
                true => self.rejected.push(row.place),
                false => drop(self.dump.edges.insert(edge, plain(&row.props))),
            }
        }
        for (from, edge_type, to, props) in unranked {
            let all = (from, edge_type.clone(), to, 0)..=(from, edge_type.clone(), to, u32::MAX);
            let rank = self.dump.edges.range(all).next_back().map_or(0, |(edge, _)| edge.3 + 1);
            self.dump.edges.insert((from, edge_type, to, rank), props);
        }
    }

    fn finish(mut self) -> Dump {
        for (label, key, _) in self.dump.nodes.values() {
            let counts = self.dump.labels.entry(label.clone()).or_default();
            counts.0 += 1;
            counts.1 += u64::from(key.is_some());
        }
        for (_, edge_type, _, _) in self.dump.edges.keys() {
            self.dump.types.entry(edge_type.clone()).or_default().0 += 1;
        }
        self.dump.next_node_id = self.dump.nodes.last_key_value().map_or(0, |(id, _)| id + 1);
        self.rejected.sort();
        self.dump.rejected_count = self.rejected.len() as u64;
        self.rejected.truncate(10);
        self.dump.rejected = self.rejected;
        self.dump
    }
}
