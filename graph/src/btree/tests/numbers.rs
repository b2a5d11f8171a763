//! A second leaf format, of numbers: a tree does not care what its leaves hold, and separators of one length are kept
//! without offsets.

use super::*;
use storage_core::page::{HEADER_LEN, PageImage, PageKind};
use storage_core::pager::Page;

pub enum Numbers {}

/// Where a number stands.
fn at(index: usize) -> usize {
    HEADER_LEN + 8 * index
}

impl LeafFormat for Numbers {
    const KIND: PageKind = PageKind::Node;
    type Key = u64;
    type Value = ();
    type Packer = NumberPacker;
    type Entries = std::vec::IntoIter<Result<(u64, ()), PageError>>;

    fn key_bytes(key: &u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&key.to_be_bytes());
    }

    fn entries(page: Page) -> Result<Self::Entries, PageError> {
        let body = &page[HEADER_LEN..page.used()];
        let number = |eight: &[u8]| u64::from_be_bytes(eight.try_into().expect("eight bytes"));
        Ok(body.chunks_exact(8).map(|eight| Ok((number(eight), ()))).collect::<Vec<_>>().into_iter())
    }

    fn find(page: &Page, key: &u64) -> Result<Option<()>, PageError> {
        let mut entries = Self::entries(page.clone())?;
        Ok(entries.any(|entry| matches!(entry, Ok((found, ())) if found == *key)).then_some(()))
    }

    fn packer(size: PageSize, fill_percent: u8) -> NumberPacker {
        let most = (size.bytes() - HEADER_LEN) / 8 * usize::from(fill_percent) / 100;
        NumberPacker { size, most, numbers: Vec::new() }
    }

    fn weight(_: &u64, _: Option<&()>) -> usize {
        24
    }
}

pub struct NumberPacker {
    size: PageSize,
    most: usize,
    numbers: Vec<u64>,
}

impl NumberPacker {
    fn close(&mut self, out: &mut Vec<PackedLeaf>) {
        let numbers = std::mem::take(&mut self.numbers);
        let Some(first) = numbers.first() else { return };
        let mut image = PageImage::new(self.size, PageKind::Node, 0);
        for (index, number) in numbers.iter().enumerate() {
            image.bytes_mut()[at(index)..at(index + 1)].copy_from_slice(&number.to_be_bytes());
        }
        image.set_used(at(numbers.len()));
        out.push(PackedLeaf { separator: first.to_be_bytes().to_vec(), image });
    }
}

impl LeafPacker<Numbers> for NumberPacker {
    fn push(&mut self, key: u64, (): (), out: &mut Vec<PackedLeaf>) {
        if self.numbers.len() >= self.most {
            self.close(out);
        }
        self.numbers.push(key);
    }

    fn finish(mut self, out: &mut Vec<PackedLeaf>) {
        self.close(out);
    }
}

#[test]
fn a_tree_of_numbers_grows_and_shrinks_like_any_other() {
    let (seed, store) = (11, Store::new(PageSize::K4));
    println!("seed {seed}");
    let (mut rng, mut tree, mut model) = (Rng::new(seed), Tree::<Numbers>::empty(), BTreeMap::new());
    for round in 0..30 {
        let mut tx = store.write();
        for _ in 0..12_000 {
            let n = rng.below(200_000) << 20;
            if rng.chance(if round < 15 { 1 } else { 9 }, 10) {
                tree.delete(&mut tx, n).expect("deletes");
                model.remove(&n);
            } else {
                tree.put(&mut tx, n, ()).expect("puts");
                model.insert(n, ());
            }
        }
        commit(tx, &mut tree);
        let snapshot = store.pager.begin_read();
        assert_eq!(contents(&tree, &snapshot), model.clone().into_iter().collect::<Vec<_>>());
        if round == 14 {
            let least = model.len() as u64 * 8 / 4096;
            assert!((least..least * 2).contains(&pages(&tree, &snapshot)), "pages are well filled");
        }
    }
}

#[test]
fn numbers_in_ascending_order_leave_full_pages() {
    let store = Store::new(PageSize::K4);
    let mut tree = Tree::<Numbers>::empty();
    for part in 0..40 {
        let mut tx = store.write();
        for n in 0..700 {
            tree.put(&mut tx, part * 700 + n, ()).expect("puts");
        }
        commit(tx, &mut tree);
    }
    let full = 28_000 / (4064 / 8);
    let count = pages(&tree, &store.pager.begin_read());
    assert!(count <= full + 4, "{count} pages, {full} would hold all");
}
