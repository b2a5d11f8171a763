//! Landing: how a [`Pending`] and the fate of each of its units make the state after a power cut.
//!
//! The rules:
//! - Data lands by sectors of 512 bytes; a sector is old or new, never mixed.
//! - Changes of the length are journaled by file systems: those that land do so in their order, whatever the data does.
//! - Data beyond the length that landed either carries the length with it, or vanishes ([`Outcome::data_extends`]).
//! - Data written before a cut that landed does not come back behind the cut.

use super::Image;
use super::pending::{Pending, Unit, all_blocks};
use crate::device::BLOCK_LEN;
use crate::page::{PageCount, PageId};

/// What a disk writes in one piece.
pub const SECTOR_LEN: usize = 512;

/// What became of one unit.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Nothing of it is there.
    Lost,
    /// All of it is there.
    Landed,
    /// Only these sectors of it are there; bit 0 is the first of the page or block. Changes of the length cannot tear:
    /// for them this is [`Fate::Landed`].
    Torn(u128),
}

/// What became of every unit: one crash state of a [`Pending`], in a form that can be printed and landed again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// For each unit; those missing are lost.
    pub fates: Vec<Fate>,
    /// In which order the data landed, as indexes of units; empty for the order in which it was asked for.
    pub order: Vec<usize>,
    /// Data beyond the length carries the length with it; otherwise it vanishes.
    pub data_extends: bool,
}

impl Pending {
    /// The state in which every unit had its fate.
    pub fn land(&self, outcome: &Outcome) -> Image {
        let fate = |unit: usize| outcome.fates.get(unit).copied().unwrap_or(Fate::Lost);
        let mut image = self.durable.clone();
        let mut cuts: Vec<(usize, PageCount)> = Vec::new();
        for (n, unit) in self.units.iter().enumerate().filter(|(n, _)| fate(*n) != Fate::Lost) {
            match unit {
                Unit::Grow(to) => image.set_len(image.page_count().max(*to)),
                Unit::Shrink(to) => {
                    image.set_len(image.page_count().min(*to));
                    cuts.push((n, *to));
                }
                Unit::Page { .. } | Unit::Block { .. } => {}
            }
        }
        let mut one = |n: usize| {
            let Some(unit) = self.units.get(n) else { return };
            let Some(page) = unit.page() else { return };
            if cuts.iter().any(|(cut, to)| *cut > n && !to.contains(page)) {
                return;
            }
            self.land_data(&mut image, unit, page, fate(n), outcome.data_extends);
        };
        if outcome.order.is_empty() {
            (0..self.units.len()).for_each(&mut one);
        } else {
            outcome.order.iter().copied().for_each(&mut one);
        }
        image
    }

    /// Everything landed.
    pub(super) fn land_all(&self) -> Image {
        self.subset_by(|_| true)
    }

    /// How many sectors a unit has.
    pub(super) fn sectors(&self, unit: usize) -> u32 {
        let bytes = match self.units[unit] {
            Unit::Page { .. } => self.durable.page_size().bytes(),
            _ => BLOCK_LEN,
        };
        (bytes / SECTOR_LEN) as u32
    }

    fn land_data(&self, image: &mut Image, unit: &Unit, page: PageId, fate: Fate, extends: bool) {
        let torn = match fate {
            Fate::Lost => return,
            Fate::Landed => u128::MAX,
            Fate::Torn(sectors) => sectors,
        };
        if !image.page_count().contains(page) {
            if !extends {
                return;
            }
            image.set_len(PageCount::new(page.plus(1).get()));
        }
        match unit {
            Unit::Page { data, blocks, .. } => {
                if torn == u128::MAX && *blocks == all_blocks(image.page_size()) {
                    image.set_page(page, data.clone());
                } else {
                    land_sectors(image, page, 0, data, torn & sectors_of(*blocks));
                }
            }
            Unit::Block { index, data, .. } => land_sectors(image, page, index * BLOCK_LEN, data, torn),
            Unit::Grow(_) | Unit::Shrink(_) => {}
        }
    }
}

/// The sectors of these blocks.
fn sectors_of(blocks: u16) -> u128 {
    (0..16).filter(|block| blocks >> block & 1 == 1).fold(0, |mask, block| mask | 0xff << (block * 8))
}

/// Copies the sectors of the mask; bit 0 is the first of `data`, which goes to `offset`.
fn land_sectors(image: &mut Image, page: PageId, offset: usize, data: &[u8], mask: u128) {
    let mut bytes = image.page(page).expect("the length was set to hold it").to_vec();
    for (n, sector) in data.chunks(SECTOR_LEN).enumerate() {
        if mask >> n & 1 == 1 {
            let at = offset + n * SECTOR_LEN;
            bytes[at..at + SECTOR_LEN].copy_from_slice(sector);
        }
    }
    image.set_page(page, bytes.into());
}
