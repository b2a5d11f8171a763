//! The changes of a leaf in order, out of the runs that have them: from the front, from the back, or many at once.
//!
//! Must always be true: keys ascend, each comes once, and what is newer hides what is older. Nothing is copied.

/// A key and what was done to it: `None` deletes.
pub(super) type Change<K, V> = (K, Option<V>);

/// The same where it stands.
pub type ChangeAt<'a, K, V> = (&'a K, &'a Option<V>);

/// Changes in order: see [`super::delta::ChangeMap::range`].
pub(crate) enum Changes<'a, K, V> {
    One(std::slice::Iter<'a, Change<K, V>>),
    /// The newest first.
    Several(Vec<&'a [Change<K, V>]>),
}

impl<'a, K: Ord, V> Changes<'a, K, V> {
    /// Appends the next ones, at most `most`: as [`Iterator::next`] gives them, by stretches.
    pub fn some(&mut self, most: usize, out: &mut Vec<ChangeAt<'a, K, V>>) {
        let end = out.len() + most;
        let parts = match self {
            Changes::One(all) => return out.extend(all.take(most).map(|(key, change)| (key, change))),
            Changes::Several(parts) => parts,
        };
        while out.len() < end {
            // Of those alike the first one, which is the newest; and up to where it goes before all others.
            let (mut least, mut bound) = (None::<(usize, &K)>, None);
            for (index, part) in parts.iter().enumerate() {
                let Some((key, _)) = part.first() else { continue };
                match least.filter(|(_, least)| key >= least) {
                    Some(_) => bound = Some(bound.map_or(key, |bound: &K| bound.min(key))),
                    None => {
                        bound = least.map(|(_, key)| key).or(bound);
                        least = Some((index, key));
                    }
                }
            }
            let Some((index, first)) = least else { break };
            let part = &parts[index][..parts[index].len().min(end - out.len())];
            let before = |bound: &K| part.iter().position(|(key, _)| key >= bound);
            let mut count = bound.and_then(before).unwrap_or(part.len());
            if count == 0 {
                // Others have the same, which is older: it is hidden.
                count = 1;
                let others = parts.iter_mut().skip(index + 1);
                for other in others.filter(|other| other.first().is_some_and(|(key, _)| key == first)) {
                    *other = &other[1..];
                }
            }
            out.extend(part[..count].iter().map(|(key, change)| (key, change)));
            parts[index] = &parts[index][count..];
        }
    }
}

impl<'a, K: Ord, V> Iterator for Changes<'a, K, V> {
    type Item = (&'a K, &'a Option<V>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let parts = match self {
            Changes::One(all) => return all.next().map(|(key, change)| (key, change)),
            Changes::Several(parts) => parts,
        };
        // Of those alike the first one, which is the newest.
        let (key, change) = parts.iter().filter_map(|part| part.first()).min_by(|a, b| a.0.cmp(&b.0))?;
        for part in parts {
            if let Some(rest) = part.split_first().and_then(|(first, rest)| (first.0 == *key).then_some(rest))
            {
                *part = rest;
            }
        }
        Some((key, change))
    }
}

impl<K: Ord, V> DoubleEndedIterator for Changes<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let parts = match self {
            Changes::One(all) => return all.next_back().map(|(key, change)| (key, change)),
            Changes::Several(parts) => parts,
        };
        // Of those alike the last one is given: so from the oldest to the newest.
        let (key, change) = parts.iter().rev().filter_map(|part| part.last()).max_by(|a, b| a.0.cmp(&b.0))?;
        for part in parts {
            if let Some(rest) = part.split_last().and_then(|(last, rest)| (last.0 == *key).then_some(rest)) {
                *part = rest;
            }
        }
        Some((key, change))
    }
}
