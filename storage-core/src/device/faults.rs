//! Faults by a plan: which call goes wrong, how, and for how long. Shared by the simulated device and by the wrapper.
//!
//! Must always be true: the same rules, the same seed and the same calls yield the same faults.
//!
//! What a fault does to a call:
//!
//! | | read | write, durable write | sync | grow, shrink, close |
//! |---|---|---|---|---|
//! | [`Fault::Io`] | fails | fails, any part of the batch written | fails | fails |
//! | [`Fault::DiskFull`] | fails | as above, with ENOSPC | fails | fails |
//! | [`Fault::Short`] | fails: `ShortFile`, buffers half filled | fails: `Io`, a prefix of the batch written, torn | as Io | as Io |
//! | [`Fault::Lost`] | as Io | succeeds, one page or block was not written | succeeds, does nothing | as Io |
//! | [`Fault::Misdirected`] | succeeds with another page's bytes | succeeds, one went to another page | as Io | as Io |
//! | [`Fault::FlipBit`] | succeeds, one bit differs | succeeds, one bit differs at rest | as Io | as Io |

use super::sim::rng::{Rng, splitmix64};
use super::{DeviceError, DeviceErrorKind, Operation, Result};
use crate::page::{PageCount, PageId};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;

/// EIO, as every Unix numbers it.
const EIO: i32 = 5;

/// What goes wrong; see the table of this module.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The system reports EIO.
    Io,
    /// The system reports ENOSPC.
    DiskFull,
    /// A transfer stops half-way and does not go on.
    Short,
    /// Something is acknowledged and was not done.
    Lost,
    /// Something is done at another place.
    Misdirected,
    /// One bit turns.
    FlipBit,
}

/// For how long a rule holds.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Lasts {
    /// Just the nth call.
    Once,
    /// The nth call and every later one.
    Forever,
}

/// One rule of a plan.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct FaultRule {
    /// Which calls are counted; `None` for all of them.
    pub on: Option<Operation>,
    /// The call that goes wrong, counted from when the rule was added; 1 is the next.
    pub nth: u64,
    /// Once, or from then on.
    pub lasts: Lasts,
    /// How.
    pub fault: Fault,
}

impl FaultRule {
    /// The nth call of `on` goes wrong, once.
    pub fn once(on: impl Into<Option<Operation>>, nth: u64, fault: Fault) -> Self {
        FaultRule { on: on.into(), nth, lasts: Lasts::Once, fault }
    }

    /// The nth call of `on` and every later one goes wrong.
    pub fn from_then_on(on: impl Into<Option<Operation>>, nth: u64, fault: Fault) -> Self {
        FaultRule { on: on.into(), nth, lasts: Lasts::Forever, fault }
    }
}

/// A running plan. Rules can come and go while the device is used.
#[derive(Debug)]
pub struct Faults(Mutex<Running>);

#[derive(Debug)]
struct Running {
    rules: Vec<(FaultRule, u64)>,
    rng: Rng,
    calls: Vec<(Operation, u64)>,
    injected: u64,
}

impl Faults {
    /// No faults yet; the seed decides what the rules leave open.
    pub fn new(seed: u64) -> Self {
        Faults(Mutex::new(Running { rules: Vec::new(), rng: Rng::new(seed), calls: Vec::new(), injected: 0 }))
    }

    /// Adds a rule. Where several fit a call, the one added first counts.
    pub fn add(&self, rule: FaultRule) {
        self.0.lock().rules.push((rule, 0));
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.0.lock().rules.clear();
    }

    /// How many calls of `on`, or of everything, there were: run a story once to learn it, then fail each call in turn.
    pub fn calls(&self, on: impl Into<Option<Operation>>) -> u64 {
        let on = on.into();
        self.0.lock().calls.iter().filter(|(op, _)| on.is_none_or(|on| on == *op)).map(|(_, n)| n).sum()
    }

    /// How many calls went wrong.
    pub fn injected(&self) -> u64 {
        self.0.lock().injected
    }

    /// Counts a call, and says whether it goes wrong.
    pub(super) fn next(&self, operation: Operation) -> Option<Injected> {
        let mut running = self.0.lock();
        match running.calls.iter_mut().find(|(op, _)| *op == operation) {
            Some((_, n)) => *n += 1,
            None => running.calls.push((operation, 1)),
        }
        let mut hit = None;
        for (rule, seen) in running.rules.iter_mut().filter(|(r, _)| r.on.is_none_or(|on| on == operation)) {
            *seen += 1;
            let fires = *seen == rule.nth || (*seen > rule.nth && rule.lasts == Lasts::Forever);
            if fires && hit.is_none() {
                hit = Some(rule.fault);
            }
        }
        let fault = hit?;
        running.injected += 1;
        let entropy = running.rng.next_u64();
        Some(Injected { fault, operation, entropy })
    }
}

/// A part of a write: a whole page, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub page: PageId,
    pub offset: usize,
    pub data: Arc<[u8]>,
}

/// A fault that strikes a call, with what its seed leaves open.
#[derive(Clone, Debug)]
pub(super) struct Injected {
    pub fault: Fault,
    pub operation: Operation,
    pub entropy: u64,
}

impl Injected {
    /// The error this fault reports, where it reports one.
    pub fn error(&self, backend: &'static str) -> DeviceError {
        let os = |error| DeviceError::from_io(self.operation, backend, error);
        let error = match (self.fault, self.operation) {
            (Fault::DiskFull, _) => os(io::ErrorKind::StorageFull.into()),
            (Fault::Short, Operation::Read) => {
                DeviceError::new(DeviceErrorKind::ShortFile, Operation::Read, backend)
            }
            (Fault::Short, _) => os(io::ErrorKind::WriteZero.into()),
            _ => os(io::Error::from_raw_os_error(EIO)),
        };
        error.detail("injected fault")
    }

    /// A number below `n` (above 0) that the seed chose; `salt` tells apart what is drawn for one call.
    pub fn pick(&self, salt: u64, n: usize) -> usize {
        let mut state = self.entropy ^ salt.wrapping_mul(0xa076_1d64_78bd_642f);
        (splitmix64(&mut state) % n as u64) as usize
    }

    /// Another page than those of `taken`; `None` if there is no other.
    fn elsewhere(&self, count: PageCount, taken: impl Fn(PageId) -> bool) -> Option<PageId> {
        let count = usize::try_from(count.get()).ok().filter(|n| *n > 0)?;
        let start = self.pick(1, count);
        let page = |n: usize| PageId::new(((start + n) % count) as u64);
        (0..count).map(page).find(|page| !taken(*page))
    }

    /// Turns what should be written into what is; returns the error that the caller sees. `old` yields the bytes that
    /// a piece would overwrite.
    pub fn strike_write(
        &self,
        pieces: &mut Vec<Piece>,
        count: PageCount,
        backend: &'static str,
        old: &mut dyn FnMut(&Piece) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let Some(first) = pieces.first().map(|piece| piece.page) else { return Err(self.error(backend)) };
        let (all, at) = (pieces.len(), self.pick(0, pieces.len()));
        match self.fault {
            Fault::Io | Fault::DiskFull => {
                let mut n = 1;
                pieces.retain(|_| {
                    n += 1;
                    self.pick(n, 2) == 0
                });
                return Err(self.error(backend).at(first, all));
            }
            Fault::Short => {
                pieces.truncate(at + 1);
                let before = old(&pieces[at])?;
                let data = Arc::make_mut(&mut pieces[at].data);
                let sectors = data.len() / super::sim::SECTOR_LEN;
                let end = self.pick(2, sectors) * super::sim::SECTOR_LEN;
                data[end..].copy_from_slice(&before[end..]);
                return Err(self.error(backend).at(pieces[at].page, all));
            }
            Fault::Lost => drop(pieces.remove(at)),
            Fault::Misdirected => match self.elsewhere(count, |page| pieces.iter().any(|p| p.page == page)) {
                Some(page) => pieces[at].page = page,
                None => drop(pieces.remove(at)),
            },
            Fault::FlipBit => self.flip(Arc::make_mut(&mut pieces[at].data)),
        }
        Ok(())
    }

    /// Turns what was read into what the caller sees. `other` reads another page of the device.
    pub fn strike_read(
        &self,
        batch: &mut [super::ReadPage<'_>],
        count: PageCount,
        backend: &'static str,
        other: &mut dyn FnMut(PageId, &mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let n = batch.len();
        if n == 0 {
            return Err(self.error(backend));
        }
        let at = self.pick(0, n);
        match self.fault {
            Fault::FlipBit => self.flip(batch[at].buf),
            Fault::Misdirected => {
                let asked = batch[at].page;
                if let Some(page) = self.elsewhere(count, |page| page == asked) {
                    other(page, batch[at].buf)?;
                }
            }
            Fault::Short => {
                let end = self.pick(2, batch[at].buf.len());
                batch[at].buf[end..].fill(0xa5);
                batch[at + 1..].iter_mut().for_each(|read| read.buf.fill(0xa5));
                return Err(self.error(backend).at(batch[at].page, n));
            }
            Fault::Io | Fault::DiskFull | Fault::Lost => {
                return Err(self.error(backend).at(batch[at].page, n));
            }
        }
        Ok(())
    }

    fn flip(&self, bytes: &mut [u8]) {
        let bit = self.pick(3, bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(faults: &Faults) -> Vec<bool> {
        use Operation::{Read, Sync, Write};
        [Write, Read, Write, Sync, Write, Write].iter().map(|op| faults.next(*op).is_some()).collect()
    }

    #[test]
    fn the_nth_call_of_an_operation_goes_wrong_once_or_for_ever() {
        let faults = Faults::new(1);
        faults.add(FaultRule::once(Operation::Write, 2, Fault::Io));
        assert_eq!(story(&faults), [false, false, true, false, false, false]);
        assert_eq!((faults.calls(Operation::Write), faults.calls(None), faults.injected()), (4, 6, 1));
        faults.clear();
        faults.add(FaultRule::from_then_on(Operation::Write, 2, Fault::Io));
        assert_eq!(story(&faults), [false, false, true, false, true, true], "counted from when it was added");
        faults.clear();
        faults.add(FaultRule::once(None, 4, Fault::DiskFull));
        assert_eq!(story(&faults), [false, false, false, true, false, false]);
    }

    #[test]
    fn a_seed_reproduces_what_a_rule_leaves_open() {
        let run = |seed| {
            let faults = Faults::new(seed);
            faults.add(FaultRule::from_then_on(None, 1, Fault::FlipBit));
            (0..5).map(|_| faults.next(Operation::Read).unwrap().entropy).collect::<Vec<_>>()
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
    }

    #[test]
    fn a_misdirected_write_never_hits_a_page_of_its_own_batch() {
        for entropy in 0..200 {
            let strike = Injected { fault: Fault::Misdirected, operation: Operation::Write, entropy };
            let mut pieces: Vec<Piece> = (0..3)
                .map(|n| Piece { page: PageId::new(n), offset: 0, data: vec![1; 512].into() })
                .collect();
            strike.strike_write(&mut pieces, PageCount::new(4), "test", &mut |_| unreachable!()).unwrap();
            let mut pages: Vec<u64> = pieces.iter().map(|piece| piece.page.get()).collect();
            pages.sort_unstable();
            pages.dedup();
            assert_eq!(pages.len(), 3);
            assert!(pages.contains(&3));
        }
    }
}
