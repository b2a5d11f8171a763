//! How a computation over the whole graph, or work on the whole store, is watched and stopped.
//!
//! Must always be true: between two looks at the flag lie at most [`STEPS`] steps (a step being an edge or a list that was
//! read) and one node's list, whatever the graph looks like; what is told never goes back, and `done` is never more than `total`; a computation
//! that was stopped ends with [`ReadError::Cancelled`], and never with a short answer.

use crate::error::ReadError;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use storage_core::pager::{Page, PageError};

/// How many edges and lists are read at most between two looks at the flag, the rest of a list that was begun apart.
pub const STEPS: u64 = 1 << 12;

/// What looking at a page counts for: it may have to be fetched from a disk.
const PAGE: u64 = STEPS / 64;

/// How far a computation has come.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// The iteration, level or pass, from 1.
    pub round: u64,
    /// What is done of `total`; never goes back.
    pub done: u64,
    /// What there is to do, in nodes (for each iteration, where there are several), or in what the operation says.
    pub total: u64,
}

/// Who watches a computation, and who may stop it. Without anything said, nobody does.
///
/// ```
/// use foliograph::algo::Control;
/// use std::sync::atomic::AtomicBool;
///
/// let stop = AtomicBool::new(false);
/// let control = Control::new()
///     .cancelled_by(&stop)
///     .on_progress(|progress| eprintln!("{} of {}", progress.done, progress.total));
/// ```
#[derive(Default)]
#[must_use]
pub struct Control<'a> {
    cancelled: Option<Box<dyn FnMut() -> bool + 'a>>,
    watch: Option<Box<dyn FnMut(Progress) + 'a>>,
}

impl<'a> Control<'a> {
    /// Nobody watches.
    pub fn new() -> Self {
        Control::default()
    }

    /// Stops when this flag is set, by any thread.
    pub fn cancelled_by(self, flag: &'a AtomicBool) -> Self {
        self.cancelled_when(|| flag.load(Ordering::Relaxed))
    }

    /// Stops when this says true. Takes the place of a flag that was given before.
    pub fn cancelled_when(mut self, stop: impl FnMut() -> bool + 'a) -> Self {
        self.cancelled = Some(Box::new(stop));
        self
    }

    /// Calls this now and then, and once at the end.
    pub fn on_progress(mut self, watch: impl FnMut(Progress) + 'a) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }
}

impl fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cancelled, watch) = (self.cancelled.is_some(), self.watch.is_some());
        write!(f, "Control(can be cancelled: {cancelled}, watched: {watch})")
    }
}

/// Counts the steps of one computation, and looks and tells now and then.
#[derive(Debug)]
pub(crate) struct Ticker<'a> {
    control: Control<'a>,
    progress: Progress,
    steps: u64,
    /// A walk over pages was ended by the flag.
    ended: bool,
}

impl<'a> Ticker<'a> {
    pub(crate) fn new(control: Control<'a>) -> Self {
        Ticker { control, progress: Progress::default(), steps: 0, ended: false }
    }

    /// The first round begins; there are so many nodes to do in all. Looks at the flag.
    pub(crate) fn begin(&mut self, total: u64) -> Result<(), ReadError> {
        self.progress = Progress { round: 1, done: 0, total };
        self.look()
    }

    /// The next round begins. Looks at the flag.
    pub(crate) fn next_round(&mut self) -> Result<(), ReadError> {
        self.progress.round += 1;
        self.look()
    }

    /// So many nodes more are done.
    pub(crate) fn done(&mut self, nodes: u64) {
        let done = self.progress.done.saturating_add(nodes);
        self.progress.done = done.min(self.progress.total);
    }

    /// So many edges or lists were read.
    #[inline]
    pub(crate) fn step(&mut self, steps: u64) -> Result<(), ReadError> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps < STEPS { Ok(()) } else { self.look() }
    }

    /// So many pages were written, or looked at.
    pub(crate) fn pages(&mut self, pages: u64) -> Result<(), ReadError> {
        self.step(pages.saturating_mul(PAGE))
    }

    /// A page was looked at, on a walk that nothing but an error of a page can end: where the flag is set that is what it
    /// gets, and [`Ticker::walked`] knows better.
    pub(crate) fn page(&mut self, page: &Page) -> Result<(), PageError> {
        self.pages(1).map_err(|_| {
            self.ended = true;
            page.damage("nobody looked at it")
        })
    }

    /// What such a walk came to, unless it was stopped.
    pub(crate) fn walked(&self, walked: Result<(), PageError>) -> Result<Result<(), PageError>, ReadError> {
        if self.ended { Err(ReadError::Cancelled) } else { Ok(walked) }
    }

    /// Looks at the flag, and tells nothing.
    pub(crate) fn stop_if_asked(&mut self) -> Result<(), ReadError> {
        if let Some(cancelled) = &mut self.control.cancelled
            && cancelled()
        {
            return Err(ReadError::Cancelled);
        }
        Ok(())
    }

    #[cold]
    fn look(&mut self) -> Result<(), ReadError> {
        self.steps = 0;
        self.stop_if_asked()?;
        self.tell();
        Ok(())
    }

    fn tell(&mut self) {
        if let Some(watch) = &mut self.control.watch {
            watch(self.progress);
        }
    }

    /// All is done.
    pub(crate) fn finish(mut self) {
        self.progress.done = self.progress.total;
        self.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_seen_within_a_bounded_number_of_steps() {
        let flag = AtomicBool::new(false);
        let mut ticker = Ticker::new(Control::new().cancelled_by(&flag));
        ticker.begin(10).expect("not yet");
        ticker.step(STEPS - 1).expect("not yet");
        flag.store(true, Ordering::Relaxed);
        assert!(matches!(ticker.step(1), Err(ReadError::Cancelled)));
        assert!(matches!(ticker.next_round(), Err(ReadError::Cancelled)));
    }

    #[test]
    fn progress_never_goes_back_and_ends_at_the_total() {
        let mut told = Vec::new();
        let mut ticker = Ticker::new(Control::new().on_progress(|p| told.push(p)));
        ticker.begin(5).expect("nobody stops it");
        ticker.done(4);
        ticker.next_round().expect("nobody stops it");
        ticker.done(4);
        ticker.step(STEPS).expect("nobody stops it");
        ticker.finish();
        let told: Vec<_> = told.iter().map(|p| (p.round, p.done, p.total)).collect();
        assert_eq!(told, [(1, 0, 5), (2, 4, 5), (2, 5, 5), (2, 5, 5)]);
    }
}
