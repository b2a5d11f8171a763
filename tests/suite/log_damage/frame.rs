//! Groups and root records made by hand, byte by byte as the format says: valid checksums around any contents.

use super::store::Logged;
use foliograph::storage_core::page::checksum;
use foliograph::storage_core::pager::{BLOCK, Extent};

/// A group as it is written. Counts and lengths are what they should be, unless they are set.
#[derive(Clone, Debug)]
pub struct Frame {
    pub number: u64,
    pub salt: u64,
    pub previous_check: u64,
    pub durable: u64,
    pub first_lsn: u64,
    pub links: Vec<Extent>,
    pub records: Vec<Vec<u8>>,
    pub link_count: Option<u32>,
    pub record_count: Option<u32>,
    pub body_len: Option<u64>,
}

/// XXH3-64 of `bytes`: the page's checksum passes over the first eight.
fn hash(bytes: &[u8], seed: u64) -> u64 {
    checksum(&[&[0; 8], bytes].concat(), seed)
}

impl Frame {
    /// A group like this one of the log.
    pub fn of(logged: &Logged, group: usize) -> Frame {
        let group = &logged.groups[group];
        Frame {
            number: group.number,
            salt: group.salt,
            previous_check: group.previous_check,
            durable: group.durable,
            first_lsn: group.first_lsn,
            links: group.links.clone(),
            records: group.records.clone(),
            link_count: None,
            record_count: None,
            body_len: None,
        }
    }

    /// An empty group that follows on the last one.
    pub fn after(logged: &Logged) -> Frame {
        let last = logged.groups.last().expect("a log with groups");
        Frame {
            number: last.number + 1,
            previous_check: last.check,
            durable: last.number,
            first_lsn: last.first_lsn + last.records.len() as u64,
            links: Vec::new(),
            records: Vec::new(),
            ..Frame::of(logged, logged.groups.len() - 1)
        }
    }

    /// An empty group that follows on this one.
    pub fn next(&self, uuid: &[u8; 16]) -> Frame {
        Frame {
            number: self.number.wrapping_add(1),
            previous_check: self.check(uuid),
            durable: self.number,
            first_lsn: self.first_lsn.wrapping_add(self.records.len() as u64),
            links: Vec::new(),
            records: Vec::new(),
            link_count: None,
            record_count: None,
            body_len: None,
            ..*self
        }
    }

    pub fn check(&self, uuid: &[u8; 16]) -> u64 {
        u64::from_le_bytes(self.seal(uuid)[8..16].try_into().expect("eight bytes"))
    }

    /// The group's blocks.
    pub fn seal(&self, uuid: &[u8; 16]) -> Vec<u8> {
        let seed = hash(uuid, 0);
        let mut body = Vec::new();
        for link in &self.links {
            body.extend(link.first.get().to_le_bytes());
            body.extend(link.pages.to_le_bytes());
        }
        for record in &self.records {
            body.extend((record.len() as u32).to_le_bytes());
            body.extend(record);
        }
        let mut covered = Vec::new();
        for field in [self.number, self.salt, self.previous_check, self.durable, self.first_lsn] {
            covered.extend(field.to_le_bytes());
        }
        covered.extend(self.record_count.unwrap_or(self.records.len() as u32).to_le_bytes());
        covered.extend(self.link_count.unwrap_or(self.links.len() as u32).to_le_bytes());
        covered.extend(self.body_len.unwrap_or(body.len() as u64).to_le_bytes());
        covered.extend(hash(&body, seed).to_le_bytes());
        covered.extend([0; 16]);
        let mut group = b"FOLIOLOG".to_vec();
        group.extend(hash(&covered, seed).to_le_bytes());
        group.extend(covered);
        group.extend(body);
        group.resize(group.len().next_multiple_of(BLOCK), 0);
        group
    }

    /// Puts the group where block `at` of the chain begins.
    pub fn put(&self, logged: &Logged, image: &mut [u8], at: usize) {
        for (block, bytes) in self.seal(&logged.meta.uuid).chunks(BLOCK).enumerate() {
            // What does not fit is behind the end of the chain.
            let Some(to) = logged.blocks.get(at + block) else { return };
            image[*to..][..BLOCK].copy_from_slice(bytes);
        }
    }
}

/// Changes both copies of the newest root record, and makes them valid.
pub fn change_root(logged: &Logged, image: &mut [u8], change: impl Fn(&mut [u8])) {
    let first = 1 + (logged.meta.generation % 2) as usize;
    for page in [first, first + 2] {
        let record = &mut image[page * logged.page()..][..4096];
        change(record);
        let sum = hash(&record[16..], page as u64);
        record[8..16].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Where fields of the log start are in a root record.
pub mod root {
    pub const GROUP: usize = 112;
    pub const PREVIOUS_CHECK: usize = 120;
    pub const SALT: usize = 128;
    pub const BLOCK: usize = 136;
    pub const EXTENTS: usize = 140;
    pub const FIRST: usize = 144;
    pub const PAGES: usize = 152;
    /// Behind the places of 329 extents.
    pub const END: usize = 144 + 329 * 12;
}

/// The tool itself: what was there comes out the same.
#[test]
fn a_group_and_a_root_record_made_by_hand_are_what_the_store_wrote() {
    let logged = super::store::small(foliograph::PageSize::K16);
    let mut image = logged.image.clone();
    for group in 0..logged.groups.len() {
        let frame = Frame::of(&logged, group);
        assert_eq!(frame.check(&logged.meta.uuid), logged.groups[group].check);
        frame.put(&logged, &mut image, logged.at[group]);
    }
    change_root(&logged, &mut image, |_| {});
    assert!(image == logged.image);
}
