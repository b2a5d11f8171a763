//! An inner page: separators, references to the pages below, how many entries there are below each, and nothing else.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 32 | 1 | level: 1 above the leaves, one more than its children's |
//! | 33 | 1 | flags: bytes of a count: 1, 2, 3, 4, 6 or 8, the least that holds the largest |
//! | 34 | 2 | count of children, at least 1 |
//! | 36 | 2 | length of the prefix that all separators share |
//! | 38 | 2 | key length: bytes of each separator behind the prefix; 0 = they differ |
//! | 40 | prefix length | the prefix |
//! | … | 2 × (count − 1) | only where they differ: where each separator ends, counted from the first one's begin |
//! | … | … | the separators behind the prefix, one after the other |
//! | … | 12 × count | the references |
//! | … | 1, 2, 3, 4, 6 or 8 × count | how many entries the leaves below each child hold |
//!
//! The used length ends exactly behind the counts. The first child has no separator: whatever is smaller than
//! the second child's goes there. A separator belongs to the child behind it: that child's keys are not smaller.
//!
//! **At least three children fit into any page**: a separator is at most [`MAX_KEY_LEN`] = 1,100 bytes, so three
//! children take at most 40 + 2 × (2 + 1,100) + 3 × (12 + 8) = 2,304 bytes of the smallest page's 4,096 (four take
//! 3,426). So every level is at most half as long as the one below, and trees end.
//!
//! **Counts make a tree one of order statistics**: how many entries lie between two keys is told by the pages on the way
//! to both ([`super::Tree::count`]). A page of them takes 2 bytes a child on level 1, where a leaf holds more than 255 and
//! fewer than 65,536 entries, and few pages are on the levels above. Reading believes them; `check` compares them with
//! what there is. Nothing else depends on them, so a wrong count cannot lose anything.
//!
//! It does no I/O. Nothing here can be built from a page that was not written: an [`Entry`] takes a [`Written`] (V2).

use super::lcp;
use std::cmp::Ordering;
use std::ops::Range;
use storage_core::page::{HEADER_LEN, PageImage, PageKind, PageSize, REFERENCE_LEN, Written};
use storage_core::pager::{Page, PageError};

/// The longest key, and so the longest separator, that a tree takes, in bytes.
pub const MAX_KEY_LEN: usize = 1100;

/// The highest level. A tree of 2³² times as many leaves as a page has children is no tree of ours.
pub const MAX_LEVEL: u8 = 32;

/// Where the prefix begins.
const FIXED_END: usize = HEADER_LEN + 8;

/// A child in its parent's page: only a page that has been written can be one (V2, I1).
#[derive(Clone, Debug)]
pub struct Entry {
    /// A lower bound of the child's keys, greater than every key of the child before it.
    pub separator: Box<[u8]>,
    /// The child.
    pub page: Written,
    /// How many entries the leaves below it hold (the leaf, if it is one).
    pub count: u64,
}

/// An inner page, read in place: every access is checked, nothing is copied.
#[derive(Debug)]
pub struct InnerPage<'p> {
    page: &'p Page,
    level: u8,
    count: usize,
    prefix: &'p [u8],
    keys: Keys<'p>,
    references: usize,
    counts: Counts<'p>,
}

#[derive(Debug)]
enum Keys<'p> {
    Fixed { len: usize, bytes: &'p [u8] },
    Variable { ends: &'p [u8], bytes: &'p [u8] },
}

/// Counts of the entries below children, one after the other.
#[derive(Debug)]
struct Counts<'p> {
    width: usize,
    bytes: &'p [u8],
}

/// The widths that a count may have.
const WIDTHS: [u8; 6] = [1, 2, 3, 4, 6, 8];

/// The least width for counts up to `most`.
fn count_width(most: u64) -> usize {
    let fits = |width: &&u8| **width == 8 || most >> (8 * **width) == 0;
    WIDTHS.iter().find(fits).copied().unwrap_or(8).into()
}

impl Counts<'_> {
    /// The counts of the children in `range`, which there are.
    fn get(&self, range: Range<usize>) -> impl Iterator<Item = u64> {
        let bytes = self.bytes.get(range.start * self.width..range.end * self.width).unwrap_or_default();
        bytes.chunks_exact(self.width).map(|count| {
            let mut le = [0; 8];
            le[..count.len()].copy_from_slice(count);
            u64::from_le_bytes(le)
        })
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_le_bytes([two[0], two[1]])))
}

impl<'p> InnerPage<'p> {
    /// Looks at a page of kind [`PageKind::Inner`]; the level is what it says of itself.
    ///
    /// # Errors
    /// [`PageError::Damage`]: the page contradicts itself.
    pub fn open(page: &'p Page) -> Result<Self, PageError> {
        Self::parse(page).map_err(|what| page.damage(what))
    }

    /// As [`InnerPage::open`], and the level must be this one: so every walk down a tree ends.
    ///
    /// # Errors
    /// [`PageError::Damage`]: the page contradicts itself.
    pub fn at_level(page: &'p Page, level: u8) -> Result<Self, PageError> {
        let inner = Self::open(page)?;
        if inner.level != level {
            return Err(page.damage(format!("level {} where level {level} belongs", inner.level)));
        }
        Ok(inner)
    }

    fn parse(page: &'p Page) -> Result<Self, &'static str> {
        if page.kind() != PageKind::Inner || page.codec() != 0 {
            return Err("not an inner page of a known layout");
        }
        let used: &'p [u8] = page.get(..page.used()).ok_or("used length beyond the page")?;
        let [level, flags] = *used.get(HEADER_LEN..HEADER_LEN + 2).ok_or("too short for an inner page")?
        else {
            return Err("too short for an inner page");
        };
        if level == 0 || level > MAX_LEVEL {
            return Err("impossible level");
        }
        if !WIDTHS.contains(&flags) {
            return Err("unknown flags");
        }
        let field = |at: usize| u16_at(used, at).ok_or("too short for an inner page");
        let (count, prefix_len) = (field(34)?, field(36)?);
        let key_len = field(38)?;
        if count == 0 {
            return Err("no children");
        }
        let keys_at = FIXED_END + prefix_len;
        let prefix = used.get(FIXED_END..keys_at).ok_or("prefix beyond the page")?;
        let (keys, references) = Self::parse_keys(used, keys_at, count - 1, key_len)?;
        let width = usize::from(flags);
        let counts = references + count * REFERENCE_LEN;
        if counts + count * width != used.len() {
            return Err("counts do not end where the page does");
        }
        let counts = Counts { width, bytes: &used[counts..] };
        Ok(InnerPage { page, level, count, prefix, keys, references, counts })
    }

    fn parse_keys(
        used: &'p [u8],
        at: usize,
        keys: usize,
        len: usize,
    ) -> Result<(Keys<'p>, usize), &'static str> {
        if len != 0 {
            let end = at + keys * len;
            let bytes = used.get(at..end).ok_or("separators beyond the page")?;
            return Ok((Keys::Fixed { len, bytes }, end));
        }
        let heap = at + keys * 2;
        let ends = used.get(at..heap).ok_or("separator ends beyond the page")?;
        let total = if keys == 0 { 0 } else { u16_at(ends, (keys - 1) * 2).unwrap_or(0) };
        let bytes = used.get(heap..heap + total).ok_or("separators beyond the page")?;
        Ok((Keys::Variable { ends, bytes }, heap + total))
    }

    /// The level.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// How many children; at least 1.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The child at `index`.
    ///
    /// # Errors
    /// [`PageError::Damage`]: the page contradicts itself.
    pub fn child(&self, index: usize) -> Result<Written, PageError> {
        if index >= self.count {
            return Err(self.page.damage("child index out of range"));
        }
        self.page.reference(self.references + index * REFERENCE_LEN)
    }

    /// How many entries there are below the child at `index`, as the page says; 0 if there is no such child.
    pub fn below(&self, index: usize) -> u64 {
        self.below_all(index..index.saturating_add(1))
    }

    /// How many entries there are below all children in `range`, as the page says.
    pub fn below_all(&self, range: Range<usize>) -> u64 {
        let range = range.start.min(self.count)..range.end.min(self.count);
        self.counts.get(range).fold(0, u64::saturating_add)
    }

    /// Bytes of all separators, whole, one after the other.
    pub fn separators_len(&self) -> usize {
        let (Keys::Fixed { bytes, .. } | Keys::Variable { bytes, .. }) = &self.keys;
        (self.count - 1) * self.prefix.len() + bytes.len()
    }

    /// Separator of child `key + 1`, without the prefix.
    fn suffix(&self, key: usize) -> Result<&'p [u8], PageError> {
        let found = match &self.keys {
            Keys::Fixed { len, bytes } => bytes.get(key * len..(key + 1) * len),
            Keys::Variable { ends, bytes } => {
                let begin = if key == 0 { Some(0) } else { u16_at(ends, (key - 1) * 2) };
                begin.zip(u16_at(ends, key * 2)).and_then(|(begin, end)| bytes.get(begin..end))
            }
        };
        found.ok_or_else(|| self.page.damage("separator out of range"))
    }

    /// Appends the separator of child `index`, whole. The first child has none: nothing is appended.
    ///
    /// # Errors
    /// [`PageError::Damage`]: the page contradicts itself.
    pub fn separator(&self, index: usize, out: &mut Vec<u8>) -> Result<(), PageError> {
        if index > 0 {
            let suffix = self.suffix(index - 1)?;
            out.extend_from_slice(self.prefix);
            out.extend_from_slice(suffix);
        }
        Ok(())
    }

    /// The child that covers `key`: the last one whose separator is not greater.
    ///
    /// # Errors
    /// [`PageError::Damage`]: the page contradicts itself.
    pub fn search(&self, key: &[u8]) -> Result<usize, PageError> {
        let rest = match self.behind_prefix(key) {
            Ok(rest) => rest,
            Err(Ordering::Less) => return Ok(0),
            Err(_) => return Ok(self.count - 1),
        };
        let (mut low, mut high) = (0, self.count - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.suffix(middle)? <= rest {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// As [`InnerPage::search`] of a key that child `at`, or one behind it, covers: quick if it is that one.
    ///
    /// # Errors
    /// [`PageError::Damage`]: the page contradicts itself.
    pub fn search_from(&self, at: usize, key: &[u8]) -> Result<usize, PageError> {
        let here = at + 1 >= self.count
            || match self.behind_prefix(key) {
                Ok(rest) => self.suffix(at)? > rest,
                Err(order) => order == Ordering::Less,
            };
        if here { Ok(at) } else { self.search(key) }
    }

    /// The key behind the prefix; without the prefix, whether it is less or greater than all keys with it.
    fn behind_prefix<'k>(&self, key: &'k [u8]) -> Result<&'k [u8], Ordering> {
        let (head, rest) = key.split_at(key.len().min(self.prefix.len()));
        match head.cmp(self.prefix) {
            Ordering::Equal => Ok(rest),
            order => Err(order),
        }
    }

    /// Checks what reading alone does not: separators of legal length, strictly ascending, and inside the bounds that
    /// the parent gives. Whatever is decoded to be changed goes through here first.
    ///
    /// # Errors
    /// [`PageError::Damage`]: the page contradicts itself.
    pub fn validate(&self, lower: &[u8], upper: Option<&[u8]>) -> Result<(), PageError> {
        let (mut last, mut next) = (lower.to_vec(), Vec::new());
        for index in 1..self.count {
            next.clear();
            self.separator(index, &mut next)?;
            if next.len() > MAX_KEY_LEN {
                return Err(self.page.damage("separator too long"));
            }
            if next <= last {
                return Err(self.page.damage("separators do not ascend"));
            }
            std::mem::swap(&mut last, &mut next);
        }
        match upper {
            Some(upper) if last.as_slice() >= upper => {
                Err(self.page.damage("separators reach beyond the page's range"))
            }
            _ => Ok(()),
        }
    }

    /// All children as entries; the first takes `lower` for its separator. Validated.
    ///
    /// # Errors
    /// [`PageError::Damage`]: the page contradicts itself.
    pub fn entries(&self, lower: &[u8], upper: Option<&[u8]>) -> Result<Vec<Entry>, PageError> {
        self.validate(lower, upper)?;
        let mut out = Vec::with_capacity(self.count);
        let mut separator = Vec::new();
        for index in 0..self.count {
            separator.clear();
            separator.extend_from_slice(if index == 0 { lower } else { &[] });
            self.separator(index, &mut separator)?;
            let (page, count) = (self.child(index)?, self.below(index));
            out.push(Entry { separator: separator.as_slice().into(), page, count });
        }
        Ok(out)
    }
}

/// Encodes one inner page. The first entry's separator is not stored: it stands in the parent.
///
/// # Panics
/// If there is no entry, or they do not fit: whoever calls has counted with [`Sizer`]. Entries ascend: whoever makes
/// them from a page has validated it.
pub fn encode(size: PageSize, level: u8, entries: &[Entry]) -> PageImage {
    assert!(
        !entries.is_empty() && (1..=MAX_LEVEL).contains(&level),
        "an inner page has children and a level"
    );
    debug_assert!(
        entries.windows(2).skip(1).all(|pair| pair[0].separator < pair[1].separator),
        "separators ascend"
    );
    let keys = &entries[1..];
    let layout = Layout::of(keys);
    let width = count_width(entries.iter().map(|entry| entry.count).max().unwrap_or(0));
    let mut image = PageImage::new(size, PageKind::Inner, 0);
    let page = image.bytes_mut();
    page[HEADER_LEN] = level;
    page[HEADER_LEN + 1] = width as u8;
    put_u16(page, 34, entries.len());
    put_u16(page, 36, layout.prefix);
    put_u16(page, 38, layout.fixed);
    if let Some(first) = keys.first() {
        page[FIXED_END..FIXED_END + layout.prefix].copy_from_slice(&first.separator[..layout.prefix]);
    }
    let ends = FIXED_END + layout.prefix;
    let heap = if layout.fixed == 0 { ends + 2 * keys.len() } else { ends };
    let mut at = heap;
    for (index, key) in keys.iter().enumerate() {
        let suffix = &key.separator[layout.prefix..];
        page[at..at + suffix.len()].copy_from_slice(suffix);
        at += suffix.len();
        if layout.fixed == 0 {
            put_u16(page, ends + 2 * index, at - heap);
        }
    }
    for entry in entries {
        image.put_reference(at, entry.page);
        at += REFERENCE_LEN;
    }
    let page = image.bytes_mut();
    for entry in entries {
        page[at..at + width].copy_from_slice(&entry.count.to_le_bytes()[..width]);
        at += width;
    }
    image.set_used(at);
    image
}

fn put_u16(page: &mut [u8], at: usize, value: usize) {
    let value = u16::try_from(value).expect("what lies in a page is below 64 KiB");
    page[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

/// How separators are laid out: the shared prefix, and the length of the rest if all have the same (else 0).
struct Layout {
    prefix: usize,
    fixed: usize,
}

impl Layout {
    fn of(keys: &[Entry]) -> Layout {
        let [first, .., last] = keys else {
            // A single separator shares its prefix with nobody.
            return Layout { prefix: 0, fixed: keys.first().map_or(0, |key| key.separator.len()) };
        };
        let prefix = lcp(&first.separator, &last.separator);
        let len = first.separator.len();
        let same = keys.iter().all(|key| key.separator.len() == len);
        Layout { prefix, fixed: if same { len - prefix } else { 0 } }
    }
}

/// Counts the bytes of an inner page, entry by entry.
#[derive(Debug, Default)]
pub struct Sizer {
    first: Box<[u8]>,
    prefix: usize,
    /// The length of every separator so far, unless they differ.
    same: Option<usize>,
    sum: usize,
    children: usize,
    /// The largest count.
    most: u64,
}

impl Sizer {
    /// How many children were counted.
    pub fn children(&self) -> usize {
        self.children
    }

    /// Bytes of the page so far, header included.
    pub fn bytes(&self) -> usize {
        let keys = self.children.saturating_sub(1);
        let shared = if keys > 1 { self.prefix } else { 0 };
        let ends = if self.same.is_some() { 0 } else { 2 * keys };
        let child = REFERENCE_LEN + count_width(self.most);
        FIXED_END + shared + ends + (self.sum - keys * shared) + self.children * child
    }

    /// Counts a child.
    pub fn push(&mut self, entry: &Entry) {
        let separator = &*entry.separator;
        self.children += 1;
        self.most = self.most.max(entry.count);
        match self.children {
            1 => return,
            2 => {
                self.first = separator.into();
                self.prefix = separator.len();
                self.same = Some(separator.len());
            }
            _ => {
                let shared = &self.first[..self.prefix];
                self.prefix = lcp(shared, separator);
                self.same = self.same.filter(|len| *len == separator.len());
            }
        }
        self.sum += separator.len();
    }

    /// The bytes if one more child came.
    pub fn with(&self, entry: &Entry) -> usize {
        let mut more = Sizer { first: Box::default(), ..*self };
        if self.children < 2 {
            more.push(entry);
            return more.bytes();
        }
        let separator = &*entry.separator;
        more.children += 1;
        more.most = self.most.max(entry.count);
        more.sum += separator.len();
        more.prefix = lcp(&self.first[..self.prefix], separator);
        more.same = self.same.filter(|len| *len == separator.len());
        more.bytes()
    }
}

/// The bytes an inner page of these entries takes, header included.
pub fn room(entries: &[Entry]) -> usize {
    let mut sizer = Sizer::default();
    entries.iter().for_each(|entry| sizer.push(entry));
    sizer.bytes()
}

/// A range of entries that go into one page.
pub type Piece = Range<usize>;
