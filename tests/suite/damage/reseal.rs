//! Makes damaged pages valid again: a new checksum, the reference in the parent, the parent's checksum, and so on up to
//! both copies of the newest root record. So damage gets past every checksum, to the decoders.

use super::store::{PAGE, Sample};
use foliograph::storage_core::page::{PageId, PageKind, REFERENCE_LEN, checksum, checksum_seed};
use foliograph::storage_core::pager::{Meta, Superblock};
use std::collections::HashMap;

/// Where the one reference to each page stands.
pub struct Reseal {
    uuid: [u8; 16],
    /// Page to (parent page, offset); the parents of roots are the meta pages.
    parents: HashMap<usize, Vec<(usize, usize)>>,
    /// The pages of the newest root record.
    metas: Vec<usize>,
}

impl Reseal {
    pub fn new(sample: &Sample) -> Reseal {
        let image = &sample.image;
        let uuid = Superblock::decode(&image[..PAGE]).expect("a whole store").uuid;
        let meta = |page: usize| Meta::decode(PageId::new(page as u64), &image[page * PAGE..][..PAGE]);
        let newest = (1..5).filter_map(meta).map(|m| m.generation).max().expect("a whole store");
        let metas: Vec<usize> = (1..5).filter(|p| meta(*p).is_some_and(|m| m.generation == newest)).collect();
        let mut parents: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
        for info in sample.pages.iter().filter(|info| !is_fixed(info.kind)) {
            let page = info.id.get() as usize;
            let name = reference(image, page);
            let holders = sample.pages.iter().map(|info| info.id.get() as usize);
            let named = holders.filter(|h| *h > 4 || metas.contains(h)).flat_map(|holder| {
                let bytes = &image[holder * PAGE..][..PAGE];
                let places = bytes.windows(REFERENCE_LEN).enumerate();
                places.filter(|(_, w)| *w == name).map(move |(at, _)| (holder, at)).collect::<Vec<_>>()
            });
            let named: Vec<_> = named.collect();
            assert!(!named.is_empty(), "page {page} is named by nobody");
            parents.insert(page, named);
        }
        Reseal { uuid, parents, metas }
    }

    pub fn metas(&self) -> &[usize] {
        &self.metas
    }

    /// Makes `page` valid as it is, and all above it.
    pub fn page(&self, image: &mut [u8], page: usize) {
        if page < 5 {
            let bytes = &mut image[page * PAGE..][..PAGE];
            // Magic 8, checksum 8 over the rest, seeded by the page (and 0 for the superblock).
            let sum = checksum(&bytes[8..], page as u64);
            bytes[8..16].copy_from_slice(&sum.to_le_bytes());
            return;
        }
        let seed = checksum_seed(PageId::new(page as u64), &self.uuid);
        let bytes = &mut image[page * PAGE..][..PAGE];
        let sum = checksum(bytes, seed);
        bytes[..8].copy_from_slice(&sum.to_le_bytes());
        let name = reference(image, page);
        for (parent, at) in &self.parents[&page] {
            image[parent * PAGE + at..][..REFERENCE_LEN].copy_from_slice(&name);
            self.page(image, *parent);
        }
    }
}

fn is_fixed(kind: PageKind) -> bool {
    matches!(kind, PageKind::Superblock | PageKind::Meta)
}

fn reference(image: &[u8], page: usize) -> [u8; REFERENCE_LEN] {
    let mut name = [0; REFERENCE_LEN];
    name[..8].copy_from_slice(&(page as u64).to_le_bytes());
    name[8..].copy_from_slice(&image[page * PAGE..][..4]);
    name
}
