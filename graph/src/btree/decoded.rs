//! An inner page decoded to be searched: separators as flat numbers, hints where to begin, and what is kept of each child.
//!
//! Must always be true: it says what its page says, which never changes (V1), so nothing in it goes stale; its separators
//! ascend strictly and are of legal length, for that was checked when it was decoded (T9). What is kept of a child was
//! read from the page that the child's reference names. Memory comes out of the pager's quota, or counts as a change of a
//! tree (T8).
//!
//! **Search.** All separators of a page share a prefix. Behind it the first eight bytes of each are one number, so that a
//! comparison is one instruction, and a table says for the high bits of such a number where to begin: a look-up among 700
//! children takes one or two steps. Only separators that begin with the same eight bytes are compared as bytes.
//!
//! It decides nothing: which child to take is what it says, what to do with it is its caller's.

use super::LeafFormat;
use super::inner::InnerPage;
use super::lcp;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use storage_core::page::Written;
use storage_core::pager::{Near, Page, PageError, Quota, ReadPages, Taken};

/// From so many separators on a table of hints is worth it.
const HINTS_FROM: usize = 16;

/// An inner page, decoded.
pub(crate) struct Decoded<F: LeafFormat> {
    pub(super) level: u8,
    pub(super) separators: Separators,
    search: Search,
    children: Box<[Slot<F>]>,
    taken: Option<Taken>,
}

/// A child: where it is, how many entries are below it (T11), and what is kept of it.
pub(crate) struct Slot<F: LeafFormat> {
    pub(crate) page: Written,
    pub(super) count: u64,
    /// Where the page was seen last.
    pub(crate) near: Near,
    below: OnceLock<Below<F>>,
}

/// What is kept of a page: an inner one is decoded, of a leaf its fields are.
enum Below<F: LeafFormat> {
    Inner(Arc<Decoded<F>>),
    Leaf(F::Head),
}

impl<F: LeafFormat> Slot<F> {
    pub(super) fn new(page: Written, count: u64) -> Self {
        Slot { page, count, near: Near::default(), below: OnceLock::new() }
    }

    /// The inner page, if it is kept.
    pub(super) fn inner(&self) -> Option<&Arc<Decoded<F>>> {
        match self.below.get()? {
            Below::Inner(node) => Some(node),
            Below::Leaf(_) => None,
        }
    }

    /// Keeps the inner page. Whoever comes first is kept.
    pub(super) fn keep(&self, node: Arc<Decoded<F>>) -> Option<&Arc<Decoded<F>>> {
        let _ = self.below.set(Below::Inner(node));
        self.inner()
    }

    /// Reads the leaf, and keeps its fields for the next time.
    pub(crate) fn read(&self, pages: &impl ReadPages) -> Result<Page, PageError> {
        let page = pages.page_near(self.page, F::KIND, &self.near)?;
        if self.below.get().is_none() {
            // Whoever comes first is kept.
            let _ = self.below.set(Below::Leaf(F::head(&page)?));
        }
        Ok(page)
    }

    /// What `read` makes of the leaf and of what is kept of it, if both are at hand.
    #[inline]
    pub(crate) fn again<T>(
        &self,
        pages: &impl ReadPages,
        read: impl FnOnce(&[u8], &F::Head) -> Result<T, &'static str>,
    ) -> Option<Result<T, PageError>> {
        let head = self.head()?;
        let page = pages.at_hand(self.page, &self.near)?;
        Some(read(&page, head).map_err(|what| self.damage(what)))
    }

    /// An error that says what is wrong with the leaf.
    #[cold]
    pub(crate) fn damage(&self, what: &'static str) -> PageError {
        PageError::damage(self.page.page(), F::KIND, what)
    }

    /// The fields of the leaf, if it was read once.
    #[inline]
    pub(crate) fn head(&self) -> Option<&F::Head> {
        match self.below.get()? {
            Below::Leaf(head) => Some(head),
            Below::Inner(_) => None,
        }
    }
}

impl<F: LeafFormat> std::fmt::Debug for Slot<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slot({:?}, {} entries)", self.page, self.count)
    }
}

impl<F: LeafFormat> Decoded<F> {
    /// Decodes a page. Fails where its separators do not ascend, whatever its parent says.
    pub(super) fn new(page: &InnerPage<'_>) -> Result<Self, PageError> {
        page.validate(&[], None)?;
        let separators = Separators::decode(page)?;
        let child = |index| Ok(Slot::new(page.child(index)?, page.below(index)));
        let children = (0..page.count()).map(child).collect::<Result<_, PageError>>()?;
        let search = Search::over(&separators);
        Ok(Decoded { level: page.level(), separators, search, children, taken: None })
    }

    /// Decodes a page to be kept, if there is memory for it.
    pub(super) fn kept(page: &InnerPage<'_>, quota: &Quota) -> Option<Arc<Self>> {
        let taken = quota.take(weight::<F>(page.count(), page.separators_len()))?;
        let node = Decoded::new(page).ok()?;
        Some(Arc::new(Decoded { taken: Some(taken), ..node }))
    }

    /// How many children it has; at least 1.
    pub(super) fn count(&self) -> usize {
        self.children.len()
    }

    /// The child at `index`.
    pub(super) fn child(&self, index: usize) -> &Slot<F> {
        &self.children[index]
    }

    /// How many entries the page says that there are below all children in `range`.
    pub(super) fn below_all(&self, range: Range<usize>) -> u64 {
        self.children[range].iter().fold(0, |sum, slot| sum.saturating_add(slot.count))
    }

    /// The child that covers `key`: the last one whose separator is not greater.
    #[inline]
    pub(super) fn search(&self, key: &[u8]) -> usize {
        self.search.find(&self.separators, key)
    }

    /// The child that covers the key of the bytes of `number`, big-endian, and zeros, if the next child's separator is at
    /// hand and does not begin with these bytes.
    #[inline]
    pub(super) fn child_over(&self, number: u64) -> Option<&Slot<F>> {
        self.children.get(self.search.find_number(number)?)
    }

    /// Whether the separator of the child behind `index` begins with these bytes and is longer; there is such a child.
    #[inline]
    pub(super) fn goes_on(&self, index: usize, bytes: &[u8]) -> bool {
        self.search.may_begin(index, bytes)
            && self.separators.get(index + 1).strip_prefix(bytes).is_some_and(|rest| !rest.is_empty())
    }

    /// Bytes it takes in memory, but for what the quota counts.
    pub(super) fn weight(&self) -> usize {
        if self.taken.is_some() { 0 } else { weight::<F>(self.children.len(), self.separators.bytes.len()) }
    }
}

/// What so many children take, with so many bytes of separators: a slot each and what may be kept of a leaf, a number, where
/// the separator ends, and hints.
fn weight<F: LeafFormat>(children: usize, separators: usize) -> usize {
    128 + children * (size_of::<Slot<F>>() + F::HEAD_HEAP + 16) + separators
}

/// Separators, flat: of child 1, 2, … (the first has none).
pub(super) struct Separators {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Separators {
    fn decode(page: &InnerPage<'_>) -> Result<Self, PageError> {
        let mut out = Separators { bytes: Vec::new(), ends: Vec::with_capacity(page.count()) };
        for index in 0..page.count() {
            page.separator(index, &mut out.bytes)?;
            out.ends.push(u32::try_from(out.bytes.len()).expect("a page's separators are at most 64 Mi"));
        }
        Ok(out)
    }

    /// The separator of child `index`; empty for the first.
    pub(super) fn get(&self, index: usize) -> &[u8] {
        let begin = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.bytes[begin..self.ends[index] as usize]
    }
}

/// Separators as numbers.
struct Search {
    /// What all separators begin with.
    prefix: Box<[u8]>,
    /// The same as the highest bytes of a number, if it has at most eight; and how many bits.
    prefix_word: Option<(u64, u32)>,
    /// The first eight bytes behind it, big-endian and filled up with zeros: of child 1, 2, …
    heads: Box<[u64]>,
    /// For the bits of a head above `shift`, less those of the first: the first head with them, or where it would be.
    hints: Box<[u16]>,
    shift: u32,
}

impl Search {
    fn over(separators: &Separators) -> Self {
        let count = separators.ends.len() - 1;
        let prefix = match count {
            0 => &[],
            _ => {
                let (first, last) = (separators.get(1), separators.get(count));
                &first[..lcp(first, last)]
            }
        };
        let heads: Box<[u64]> =
            (1..=count).map(|index| head(&separators.get(index)[prefix.len()..])).collect();
        let (mut hints, mut shift) = (Vec::new(), 0);
        if let (Some(first), Some(last), true) = (heads.first(), heads.last(), count >= HINTS_FROM) {
            let buckets = count.next_power_of_two();
            shift = (64 - (last - first).leading_zeros()).saturating_sub(buckets.ilog2());
            let below = |bucket: u64| heads.partition_point(|head| (head - first) >> shift < bucket);
            hints = (0..=buckets as u64).map(|bucket| below(bucket) as u16).collect();
        }
        let prefix_word = (prefix.len() <= 8).then(|| (head(prefix), 8 * prefix.len() as u32));
        Search { prefix: prefix.into(), prefix_word, heads, hints: hints.into(), shift }
    }

    /// The head of a key behind the prefix; without the prefix, whether it is less or greater than all keys with it.
    #[inline]
    fn behind_prefix(&self, key: &[u8]) -> Result<u64, Ordering> {
        if let (Some((prefix, bits)), Some((first, rest))) = (self.prefix_word, key.split_first_chunk::<8>())
        {
            // Eight bytes at once.
            let first = u64::from_be_bytes(*first);
            if bits == 0 {
                return Ok(first);
            }
            return match (first >> (64 - bits)).cmp(&(prefix >> (64 - bits))) {
                Ordering::Equal => Ok(first.unbounded_shl(bits) | head(rest) >> (64 - bits)),
                order => Err(order),
            };
        }
        match key.strip_prefix(&*self.prefix) {
            Some(rest) => Ok(head(rest)),
            None => Err(key.cmp(&self.prefix)),
        }
    }

    /// How many separators are not greater than `key`.
    #[inline]
    fn find(&self, separators: &Separators, key: &[u8]) -> usize {
        let wanted = match self.behind_prefix(key) {
            Ok(wanted) => wanted,
            Err(Ordering::Less) => return 0,
            Err(_) => return self.heads.len(),
        };
        let (Some(first), Some(last)) = (self.heads.first(), self.heads.last()) else { return 0 };
        if wanted < *first {
            return 0;
        }
        if wanted > *last {
            return self.heads.len();
        }
        let (low, high) = self.hinted(wanted - first);
        let at = low + self.heads[low..high].partition_point(|head| *head < wanted);
        if self.heads.get(at).is_none_or(|head| *head != wanted) {
            return at;
        }
        self.find_alike(separators, at, key)
    }

    /// Among which heads one lies that is so much above the first, and not above the last.
    #[inline]
    fn hinted(&self, above: u64) -> (usize, usize) {
        match self.hints.get((above >> self.shift) as usize..) {
            Some([low, high, ..]) => (usize::from(*low), usize::from(*high)),
            _ => (0, self.heads.len()),
        }
    }

    /// The same of the bytes of `number`, big-endian, and zeros, if the next separator is here and does not begin with these
    /// bytes: mostly so, and then nothing but numbers is compared.
    #[inline]
    fn find_number(&self, number: u64) -> Option<usize> {
        let (prefix, bits) = self.prefix_word.filter(|(_, bits)| *bits < 64)?;
        if (number ^ prefix).unbounded_shr(64 - bits) != 0 {
            return None;
        }
        let wanted = number << bits;
        let (first, last) = (*self.heads.first()?, *self.heads.last()?);
        if wanted > last {
            return None;
        }
        let at = match wanted.checked_sub(first) {
            None => 0,
            Some(above) => {
                let (low, high) = self.hinted(above);
                low + match &self.heads[low..high] {
                    [] => 0,
                    [one] => usize::from(*one < wanted),
                    some => some.partition_point(|head| *head < wanted),
                }
            }
        };
        let next = *self.heads.get(at)?;
        ((next ^ wanted) >> bits != 0).then_some(at)
    }

    /// Those that begin alike are compared whole.
    #[cold]
    fn find_alike(&self, separators: &Separators, at: usize, key: &[u8]) -> usize {
        let wanted = self.heads[at];
        let same = self.heads[at..].partition_point(|head| *head == wanted);
        let (mut low, mut high) = (at, at + same);
        while low < high {
            let middle = low + (high - low) / 2;
            if separators.get(middle + 1) <= key { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Whether separator number `index` may begin with these bytes, judged by its head: quick, and mostly no.
    #[inline]
    fn may_begin(&self, index: usize, bytes: &[u8]) -> bool {
        let Ok(wanted) = self.behind_prefix(bytes) else { return self.prefix.starts_with(bytes) };
        let Some(rest @ 1..) = bytes.len().checked_sub(self.prefix.len()) else { return true };
        let bits = 64 - 8 * rest.min(8) as u32;
        self.heads[index] >> bits == wanted >> bits
    }
}

/// The first eight bytes as a number, filled up with zeros: where two numbers differ, the bytes compare as they do.
#[inline]
pub(super) fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(word) => u64::from_be_bytes(*word),
        None => {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flat(all: &[Vec<u8>]) -> Separators {
        let mut out = Separators { bytes: Vec::new(), ends: vec![0] };
        for one in all {
            out.bytes.extend_from_slice(one);
            out.ends.push(out.bytes.len() as u32);
        }
        out
    }

    fn ascending(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::btree_set(bytes, 0..200).prop_map(|set| set.into_iter().collect())
    }

    fn agrees(all: &[Vec<u8>], keys: &[Vec<u8>]) {
        let separators = flat(all);
        let search = Search::over(&separators);
        for key in keys.iter().chain(all) {
            let wanted = all.partition_point(|separator| separator <= key);
            assert_eq!(search.find(&separators, key), wanted, "{key:02x?} among {all:02x?}");
            if let Some(number) = key.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
                && let Some(found) = search.find_number(number)
            {
                let key = [&key[..8], &[0; 16]].concat();
                assert_eq!(
                    found,
                    all.partition_point(|separator| *separator <= key),
                    "{key:02x?} among {all:02x?}"
                );
                assert!(!all[found].starts_with(&key[..8]), "{key:02x?} among {all:02x?}");
            }
            for (index, separator) in all.iter().enumerate() {
                assert!(!separator.starts_with(key) || search.may_begin(index, key));
            }
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_comparing_all_finds(
            all in ascending(proptest::collection::vec(0..4u8, 0..12)),
            keys in proptest::collection::vec(proptest::collection::vec(0..4u8, 0..14), 0..50),
        ) {
            agrees(&all, &keys);
        }

        #[test]
        fn separators_of_any_bytes_too(
            all in ascending(proptest::collection::vec(any::<u8>(), 0..20)),
            keys in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..50),
        ) {
            agrees(&all, &keys);
        }

        #[test]
        fn numbers_as_vertices_have_them(
            all in proptest::collection::btree_set(0..100_000u64, 0..700),
            keys in proptest::collection::vec(0..100_000u64, 0..50),
        ) {
            let bytes = |n: &u64| n.to_be_bytes().to_vec();
            let flat_all: Vec<_> = all.iter().map(bytes).collect();
            agrees(&flat_all, &keys.iter().map(bytes).collect::<Vec<_>>());
            // Where it can be told by numbers it is: so for all but those at and behind the separators.
            let search = Search::over(&flat(&flat_all));
            let (Some(first), Some(last)) = (all.first(), all.last()) else { return Ok(()) };
            for key in keys {
                let alike = lcp(&bytes(first), &bytes(last));
                let told = key < *last && !all.contains(&key) && bytes(&key)[..alike] == bytes(first)[..alike];
                prop_assert_eq!(search.find_number(key).is_some(), told, "{} among {:?}", key, all);
            }
            prop_assert_eq!(search.find_number(1 << 32 | first), None, "far behind the last");
        }
    }

    /// A hub over many leaves: its separators differ far behind the first eight bytes.
    #[test]
    fn separators_that_begin_alike_are_told_apart() {
        let long = |n: u8| [&[0; 20][..], &[n, n]].concat();
        let all: Vec<_> = (1..=100).map(long).collect();
        agrees(&all, &[vec![], vec![0; 8], vec![0; 21], long(0), long(50), long(200), vec![1]]);
    }
}
