//! The rows of a load in the order in which they came, compactly, until all of them are known.
//!
//! What a row's ids mean can be decided only when the last row was seen, so rows wait here. What rows have in common
//! (label or type, ID spaces, file, which fields there are) is a *class*, written as one number; ids and lines are
//! differences to the row before. A plain edge of a sorted list takes about five bytes.
//!
//! Properties are bytes: the number of the name, then the value as [`crate::value::encode`] writes it, and so on.

use super::row::Place;
use super::spill::{Scratch, SpillError};
use super::spool::Spool;
use crate::model::{Key, Value};
use crate::value::{self, Malformed, Reader, put_varint, put_zigzag};
use std::collections::HashMap;
use std::hash::Hash;

/// A name within a log.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Name<'a> {
    Int(u64),
    Word(&'a str),
    /// The key of the key index: the label's number and the node's key.
    Key(&'a [u8]),
}

/// A node row.
#[derive(Clone, Debug)]
pub(super) struct NodeEntry<'a> {
    pub space: u32,
    pub id: Option<Name<'a>>,
    pub label: u32,
    pub key: Option<Key>,
    pub props: &'a [u8],
    pub place: Place,
}

/// An edge row.
#[derive(Clone, Debug)]
pub(super) struct EdgeEntry<'a> {
    pub from: (u32, Name<'a>),
    pub to: (u32, Name<'a>),
    pub edge_type: u32,
    /// What the row says of its type, if it says something.
    pub undirected: Option<bool>,
    pub rank: Option<u32>,
    pub props: &'a [u8],
    pub place: Place,
}

/// Which kind of name a class has.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
enum Kind {
    None,
    Int,
    Word,
    Key,
}

impl Kind {
    fn of(name: Option<Name<'_>>) -> Kind {
        match name {
            None => Kind::None,
            Some(Name::Int(_)) => Kind::Int,
            Some(Name::Word(_)) => Kind::Word,
            Some(Name::Key(_)) => Kind::Key,
        }
    }
}

#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
struct NodeClass {
    space: u32,
    id: Kind,
    label: u32,
    key: Kind,
    props: bool,
    file: u32,
}

#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
struct EdgeClass {
    from: (u32, Kind),
    to: (u32, Kind),
    edge_type: u32,
    undirected: Option<bool>,
    rank: bool,
    props: bool,
    file: u32,
}

/// Classes and their numbers.
#[derive(Debug)]
struct Classes<C> {
    classes: Vec<C>,
    numbers: HashMap<C, u32>,
    last: u32,
}

impl<C: Copy + Eq + Hash> Classes<C> {
    fn new() -> Self {
        Classes { classes: Vec::new(), numbers: HashMap::new(), last: 0 }
    }

    #[inline]
    fn number(&mut self, class: C) -> u32 {
        if self.classes.get(self.last as usize) != Some(&class) {
            let classes = &mut self.classes;
            self.last = *self.numbers.entry(class).or_insert_with(|| {
                classes.push(class);
                (classes.len() - 1) as u32
            });
        }
        self.last
    }

    #[inline]
    fn read(&self, reader: &mut Reader<'_>) -> Result<C, Malformed> {
        let number = reader.varint()?;
        let class = usize::try_from(number).ok().and_then(|number| self.classes.get(number));
        class.copied().ok_or(Malformed("unknown class of rows"))
    }
}

/// What differences are taken to.
#[derive(Copy, Clone, Default, Debug)]
struct Before {
    line: u64,
    ids: [u64; 2],
}

impl Before {
    #[inline]
    fn put_line(&mut self, line: u64, out: &mut Vec<u8>) {
        // The next line is the usual case, and 0.
        put_zigzag(line.wrapping_sub(self.line).wrapping_sub(1) as i64, out);
        self.line = line;
    }

    #[inline]
    fn line(&mut self, reader: &mut Reader<'_>) -> Result<u64, Malformed> {
        self.line = self.line.wrapping_add(1).wrapping_add(reader.zigzag()? as u64);
        Ok(self.line)
    }

    #[inline]
    fn put_name(&mut self, which: usize, name: Name<'_>, out: &mut Vec<u8>) {
        match name {
            Name::Int(id) => {
                put_zigzag(id.wrapping_sub(self.ids[which]) as i64, out);
                self.ids[which] = id;
            }
            Name::Word(word) => put_counted(word.as_bytes(), out),
            Name::Key(key) => put_counted(key, out),
        }
    }

    #[inline]
    fn name<'a>(
        &mut self,
        which: usize,
        kind: Kind,
        reader: &mut Reader<'a>,
    ) -> Result<Option<Name<'a>>, Malformed> {
        Ok(match kind {
            Kind::None => None,
            Kind::Int => {
                self.ids[which] = self.ids[which].wrapping_add(reader.zigzag()? as u64);
                Some(Name::Int(self.ids[which]))
            }
            Kind::Word => Some(Name::Word(word(reader)?)),
            Kind::Key => Some(Name::Key(reader.counted()?)),
        })
    }
}

/// Node rows, in order.
#[derive(Debug)]
pub(super) struct NodeLog {
    spool: Spool,
    classes: Classes<NodeClass>,
    before: Before,
    count: u64,
}

impl NodeLog {
    pub fn new(limit: usize, scratch: &Scratch) -> Self {
        let before = Before::default();
        NodeLog { spool: Spool::new(limit, scratch), classes: Classes::new(), before, count: 0 }
    }

    pub fn len(&self) -> u64 {
        self.count
    }

    pub fn in_memory(&self) -> usize {
        self.spool.in_memory()
    }

    pub fn push(&mut self, entry: &NodeEntry<'_>) -> Result<(), SpillError> {
        let NodeEntry { space, id, label, key, props, place } = entry;
        let key_kind = match key {
            None => Kind::None,
            Some(Key::Int(_)) => Kind::Int,
            Some(Key::Text(_)) => Kind::Word,
        };
        let class = NodeClass {
            space: *space,
            id: Kind::of(*id),
            label: *label,
            key: key_kind,
            props: !props.is_empty(),
            file: place.file,
        };
        let out = self.spool.record();
        put_varint(self.classes.number(class).into(), out);
        self.before.put_line(place.line, out);
        if let Some(id) = id {
            self.before.put_name(0, *id, out);
        }
        match key {
            None => {}
            Some(Key::Int(n)) => put_zigzag(*n, out),
            Some(Key::Text(text)) => put_counted(text.as_bytes(), out),
        }
        if class.props {
            put_counted(props, out);
        }
        self.count += 1;
        self.spool.written()
    }

    /// All rows, in order.
    pub fn replay<E: From<SpillError>>(
        &self,
        mut each: impl FnMut(NodeEntry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut before = Before::default();
        self.spool.replay(|reader| each(self.read(&mut before, reader).map_err(SpillError::from)?))
    }

    fn read<'a>(&self, before: &mut Before, reader: &mut Reader<'a>) -> Result<NodeEntry<'a>, Malformed> {
        let class = self.classes.read(reader)?;
        let line = before.line(reader)?;
        let id = before.name(0, class.id, reader)?;
        let key = match class.key {
            Kind::None => None,
            Kind::Int => Some(Key::Int(reader.zigzag()?)),
            Kind::Word => Some(Key::Text(word(reader)?.to_owned())),
            Kind::Key => return Err(Malformed("a key of a key")),
        };
        let props: &[u8] = if class.props { reader.counted()? } else { &[] };
        let place = Place { file: class.file, line };
        Ok(NodeEntry { space: class.space, id, label: class.label, key, props, place })
    }
}

/// Edge rows, in order.
#[derive(Debug)]
pub(super) struct EdgeLog {
    spool: Spool,
    classes: Classes<EdgeClass>,
    before: Before,
    count: u64,
}

impl EdgeLog {
    pub fn new(limit: usize, scratch: &Scratch) -> Self {
        let before = Before::default();
        EdgeLog { spool: Spool::new(limit, scratch), classes: Classes::new(), before, count: 0 }
    }

    pub fn len(&self) -> u64 {
        self.count
    }

    pub fn in_memory(&self) -> usize {
        self.spool.in_memory()
    }

    #[inline]
    pub fn push(&mut self, entry: &EdgeEntry<'_>) -> Result<(), SpillError> {
        let EdgeEntry { from, to, edge_type, undirected, rank, props, place } = entry;
        let class = EdgeClass {
            from: (from.0, Kind::of(Some(from.1))),
            to: (to.0, Kind::of(Some(to.1))),
            edge_type: *edge_type,
            undirected: *undirected,
            rank: rank.is_some(),
            props: !props.is_empty(),
            file: place.file,
        };
        let out = self.spool.record();
        put_varint(self.classes.number(class).into(), out);
        self.before.put_line(place.line, out);
        self.before.put_name(0, from.1, out);
        self.before.put_name(1, to.1, out);
        if let Some(rank) = rank {
            put_varint((*rank).into(), out);
        }
        if class.props {
            put_counted(props, out);
        }
        self.count += 1;
        self.spool.written()
    }

    /// All rows, in order.
    pub fn replay<E: From<SpillError>>(
        &self,
        mut each: impl FnMut(EdgeEntry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut before = Before::default();
        self.spool.replay(|reader| each(self.read(&mut before, reader).map_err(SpillError::from)?))
    }

    #[inline]
    fn read<'a>(&self, before: &mut Before, reader: &mut Reader<'a>) -> Result<EdgeEntry<'a>, Malformed> {
        let class = self.classes.read(reader)?;
        let place = Place { file: class.file, line: before.line(reader)? };
        let unnamed = Malformed("an edge without an end");
        let from = before.name(0, class.from.1, reader)?.ok_or(unnamed)?;
        let to = before.name(1, class.to.1, reader)?.ok_or(unnamed)?;
        let rank = if class.rank { Some(reader.varint_u32()?) } else { None };
        let props: &[u8] = if class.props { reader.counted()? } else { &[] };
        let (from, to) = ((class.from.0, from), (class.to.0, to));
        let EdgeClass { edge_type, undirected, .. } = class;
        Ok(EdgeEntry { from, to, edge_type, undirected, rank, props, place })
    }
}

/// Appends bytes after their length.
pub(super) fn put_counted(bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A word after its length.
pub(super) fn word<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    std::str::from_utf8(reader.counted()?).map_err(|_| Malformed("a word is not UTF-8"))
}

/// Properties by the numbers of their names.
pub(super) fn props(bytes: &[u8]) -> Result<Vec<(u32, Value)>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut props = Vec::new();
    while !reader.is_empty() {
        props.push((reader.varint_u32()?, value::decode(&mut reader)?));
    }
    Ok(props)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Random, dir};
    use super::*;

    fn scratch() -> Scratch {
        Scratch::new(Some(dir()))
    }

    fn place(random: &mut Random) -> Place {
        Place { file: random.below(3) as u32, line: random.next() >> random.below(64) }
    }

    #[test]
    fn node_rows_come_back_as_they_came() {
        let mut random = Random::new(11);
        let words: Vec<String> = (0..500).map(|n| format!("word {}", random.below(n + 1))).collect();
        let rows: Vec<NodeEntry<'_>> = words
            .iter()
            .map(|word| NodeEntry {
                space: random.below(3) as u32,
                id: [None, Some(Name::Int(random.next())), Some(Name::Word(word))][random.below(3) as usize],
                label: random.below(4) as u32,
                key: [None, Some(Key::Int(random.next() as i64)), Some(Key::Text(word.clone()))]
                    [random.below(3) as usize]
                    .clone(),
                props: &word.as_bytes()[..random.below(6) as usize],
                place: place(&mut random),
            })
            .collect();
        for limit in [100, 1 << 20] {
            let mut log = NodeLog::new(limit, &scratch());
            rows.iter().for_each(|row| log.push(row).unwrap());
            let mut at = 0;
            log.replay(|row| -> Result<(), SpillError> {
                assert_eq!(format!("{row:?}"), format!("{:?}", rows[at]));
                at += 1;
                Ok(())
            })
            .unwrap();
            assert_eq!(at, rows.len());
        }
    }

    #[test]
    fn edge_rows_come_back_as_they_came_and_plain_ones_are_small() {
        let mut random = Random::new(12);
        let words: Vec<String> = (0..500).map(|n| format!("word {}", random.below(n + 1))).collect();
        fn name<'a>(word: &'a str, random: &mut Random) -> (u32, Name<'a>) {
            match random.below(3) {
                2 => (random.below(3) as u32, Name::Key(word.as_bytes())),
                0 => (random.below(3) as u32, Name::Int(random.next())),
                _ => (random.below(3) as u32, Name::Word(word)),
            }
        }
        let rows: Vec<EdgeEntry<'_>> = words
            .iter()
            .map(|word| EdgeEntry {
                from: name(word, &mut random),
                to: name(word, &mut random),
                edge_type: random.below(4) as u32,
                undirected: [None, Some(false), Some(true)][random.below(3) as usize],
                rank: [None, Some(random.next() as u32)][random.below(2) as usize],
                props: &word.as_bytes()[..random.below(6) as usize],
                place: place(&mut random),
            })
            .collect();
        let mut log = EdgeLog::new(1 << 20, &scratch());
        rows.iter().for_each(|row| log.push(row).unwrap());
        let mut at = 0;
        log.replay(|row| -> Result<(), SpillError> {
            assert_eq!(format!("{row:?}"), format!("{:?}", rows[at]));
            at += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!((at, log.len()), (rows.len(), rows.len() as u64));

        let mut log = EdgeLog::new(1 << 20, &scratch());
        for n in 0..10_000u64 {
            let place = Place { file: 0, line: n + 1 };
            let (from, to) = ((0, Name::Int(n / 9)), (0, Name::Int(n * 7919 % 10_000)));
            let (undirected, rank) = (Some(false), None);
            log.push(&EdgeEntry { from, to, edge_type: 0, undirected, rank, props: &[], place }).unwrap();
        }
        assert!(log.spool.record().len() < 60_000, "{} bytes", log.spool.record().len());
    }
}
