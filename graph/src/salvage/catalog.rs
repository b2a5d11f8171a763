//! The names, counts and roots of a damaged store, as far as its catalog can be read.
//!
//! Must always be true: a name belongs to its number. A number whose name is lost gets one that says so, and that no
//! other name is; it is counted when it is first needed.

use super::orphans::{Class, Use};
use super::walk::Root;
use super::{Job, SalvageError};
use crate::btree::{LeafFormat, Record, RecordLeaf};
use crate::catalog::{IndexOwner, index_def};
use crate::model::PropertyId;
use crate::trees::{ROOTS, TREE_NAMES};
use crate::value::Reader;
use std::collections::{BTreeMap, HashSet};
use storage_core::page::Written;

/// One sort of names.
#[derive(Debug, Default)]
pub(super) struct Sort {
    known: BTreeMap<u32, String>,
    /// Names made for numbers whose own are lost.
    made: BTreeMap<u32, String>,
    all: HashSet<String>,
    what: &'static str,
}

/// What is known of the catalog.
#[derive(Debug)]
pub(super) struct Names {
    pub labels: Sort,
    pub types: Sort,
    pub properties: Sort,
    pub undirected: HashSet<u32>,
    /// Property indexes, and whether they are unique: they are made anew when all else is saved.
    pub indexes: BTreeMap<(IndexOwner, PropertyId), bool>,
    pub node_count: Option<u64>,
    pub edge_count: Option<u64>,
    pub next_node: u64,
    /// `None` where the catalog's record of it was not found.
    roots: [Option<Option<Written>>; ROOTS],
    /// Part of the catalog is lost.
    damaged: bool,
}

/// Whether these are the bytes of a key of the catalog. No other tree has such keys: ids and label numbers begin with a
/// zero byte unless there are more than any store has.
pub(super) fn is_catalog_key(key: &[u8]) -> bool {
    matches!(
        (key.first(), key.len()),
        (Some(b'c'), 1) | (Some(b'r'), 2) | (Some(b'l' | b'p' | b't' | b'x'), 5)
    )
}

/// What stands behind some numbers of a record.
fn name_behind(bytes: &[u8], numbers: usize) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    for _ in 0..numbers {
        reader.varint().ok()?;
    }
    bytes.get(reader.position()..)
}

impl Sort {
    fn of(what: &'static str) -> Self {
        Sort { what, ..Sort::default() }
    }

    /// Takes a name, unless its number has one: the first that is found is the newest. The number, if it was taken.
    fn put(&mut self, number: &[u8], name: Option<&[u8]>) -> Option<u32> {
        let number = u32::from_be_bytes(number.try_into().ok()?);
        let name = std::str::from_utf8(name?).ok()?;
        if self.known.contains_key(&number) || !self.all.insert(name.to_owned()) {
            return None;
        }
        self.known.insert(number, name.to_owned());
        Some(number)
    }

    /// Takes a name that the log has of a number.
    pub fn learn(&mut self, number: u32, name: &str) {
        self.put(&number.to_be_bytes(), Some(name.as_bytes()));
    }

    /// Gives a number another name that the log has of it. Returns the name it had, unless the new one is another's.
    pub fn rename(&mut self, number: u32, name: &str) -> Option<String> {
        if self.all.contains(name) {
            return None;
        }
        let old = self.name(number).to_owned();
        self.all.remove(&old);
        self.all.insert(name.to_owned());
        self.made.remove(&number);
        self.known.insert(number, name.to_owned());
        Some(old)
    }

    /// Known names in the order of their numbers.
    pub fn known(&self) -> impl Iterator<Item = (u32, &str)> {
        self.known.iter().map(|(number, name)| (*number, name.as_str()))
    }

    /// The name of a number, or one that says that it is lost.
    pub fn name(&mut self, number: u32) -> &str {
        if self.known.contains_key(&number) {
            return &self.known[&number];
        }
        if !self.made.contains_key(&number) {
            let name = self.free(format!("lost-{}-{number}", self.what));
            self.made.insert(number, name);
        }
        &self.made[&number]
    }

    /// A name that is not taken, and now is.
    fn free(&mut self, wanted: String) -> String {
        let mut name = wanted.clone();
        let mut next = 2;
        while !self.all.insert(name.clone()) {
            name = format!("{wanted}-{next}");
            next += 1;
        }
        name
    }
}

impl Names {
    /// Reads the catalog under the root, and what is left of it elsewhere.
    pub fn load(job: &mut Job<'_>) -> Result<Names, SalvageError> {
        let mut names = Names {
            labels: Sort::of("label"),
            types: Sort::of("type"),
            properties: Sort::of("property"),
            undirected: HashSet::new(),
            indexes: BTreeMap::new(),
            node_count: None,
            edge_count: None,
            next_node: 0,
            roots: [None; ROOTS],
            damaged: false,
        };
        let Some(root) = job.source.meta.root else {
            names.roots = [Some(None); ROOTS];
            (names.node_count, names.edge_count) = (Some(0), Some(0));
            return Ok(names);
        };
        let before = job.report.unreadable_count;
        job.tree::<RecordLeaf>((Root::At(root), "catalog", Class::Catalog), &mut |_, key, record| {
            names.take(&key, &record, true);
            Ok(())
        })?;
        names.damaged = job.report.unreadable_count > before;
        if names.damaged {
            names.older(job)?;
        }
        Ok(names)
    }

    /// Names out of catalogs that the store has let go of: a number that was given to a name is never given to another.
    fn older(&mut self, job: &mut Job<'_>) -> Result<(), SalvageError> {
        let known = self.count();
        for orphan in job.orphans_of(Class::Catalog)? {
            let whole = orphan.usage != Use::Free;
            let Some(page) = job.orphan(orphan)? else { continue };
            let Ok(entries) = RecordLeaf::entries(page) else { continue };
            entries.map_while(Result::ok).for_each(|(key, record)| self.take(&key, &record, whole));
        }
        job.report.notes.push(
            "part of the catalog is lost: property indexes that it told of are not made anew".to_owned(),
        );
        let found = self.count() - known;
        if found > 0 {
            job.report.notes.push(format!("{found} names were taken from an older version's catalog"));
        }
        for (tree, root) in TREE_NAMES.iter().zip(self.roots) {
            if root.is_none() {
                job.report.notes.push(format!(
                    "the root of the tree of {tree} is lost with the catalog: its leaves were looked for"
                ));
            }
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.labels.known.len() + self.types.known.len() + self.properties.known.len()
    }

    /// Takes a record of the catalog; of an older one only names. What is known already is newer.
    fn take(&mut self, key: &[u8], record: &Record, current: bool) {
        if !is_catalog_key(key) {
            return;
        }
        match (key[0], &key[1..]) {
            (b'c', _) if current && self.node_count.is_none() => {
                let mut bytes = Reader::new(&record.bytes);
                let mut number = || bytes.varint().ok();
                (self.node_count, self.edge_count) = (number(), number());
                self.next_node = number().unwrap_or(0);
            }
            (b'r', [tree]) if current => {
                if let Some(root @ None) = self.roots.get_mut(usize::from(*tree)) {
                    *root = Some(record.refs.first().copied());
                }
            }
            (b'x', _) if current => {
                if let Ok(def) = index_def(&record.bytes) {
                    self.indexes.entry((def.owner, def.property)).or_insert(def.unique);
                }
            }
            (b'l', id) => drop(self.labels.put(id, name_behind(&record.bytes, 2))),
            (b'p', id) => drop(self.properties.put(id, Some(&record.bytes))),
            (b't', id) => {
                // The flags are a byte below 128, and so are one number.
                let mut bytes = Reader::new(&record.bytes);
                let flags = bytes.varint().and_then(|_| bytes.varint()).unwrap_or(0);
                if let Some(number) = self.types.put(id, name_behind(&record.bytes, 2))
                    && flags & 1 != 0
                {
                    self.undirected.insert(number);
                }
            }
            _ => {}
        }
    }

    /// Where a tree begins.
    pub fn root(&self, tree: usize) -> Root {
        match self.roots[tree] {
            Some(Some(at)) => Root::At(at),
            Some(None) => Root::Empty,
            None if self.damaged => Root::Lost,
            None => Root::Empty,
        }
    }

    /// The label of nodes of which only the id is left.
    pub fn placeholder(&mut self) -> String {
        match self.labels.made.get(&PLACEHOLDER) {
            Some(name) => name.clone(),
            None => {
                let name = self.labels.free("lost".to_owned());
                self.labels.made.insert(PLACEHOLDER, name.clone());
                name
            }
        }
    }

    /// The same, if there are such nodes.
    pub fn placeholder_label(&self) -> String {
        self.labels.made.get(&PLACEHOLDER).cloned().unwrap_or_default()
    }

    /// How many names had to be made up.
    pub fn lost(&self) -> u64 {
        let placeholder = usize::from(self.labels.made.contains_key(&PLACEHOLDER));
        (self.labels.made.len() + self.types.made.len() + self.properties.made.len() - placeholder) as u64
    }
}

/// A number that no label has: of 2³² names the last one would not fit into memory.
const PLACEHOLDER: u32 = u32::MAX;
