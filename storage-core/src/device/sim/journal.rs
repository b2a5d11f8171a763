//! [`Journal`]: everything that was asked of a disk, and the points at which the power could have gone.
//!
//! A point lies before each step, in the middle of each durable write, and at the end. The middle of a `sync` is no
//! point of its own: any part of what is unsynced may have landed, and these are the states of the point before it.

use super::pending::Pending;
use crate::page::{PageCount, PageId};
use std::sync::Arc;

/// 4 KiB of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The page.
    pub page: PageId,
    /// Which block of the page, from 0.
    pub index: usize,
    /// Its bytes.
    pub data: Arc<[u8]>,
}

/// One step of a history, as it took effect: a fault that changed what was written is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Pages written, not durable.
    Write(Vec<(PageId, Arc<[u8]>)>),
    /// Blocks of a durable write that failed: perhaps there, not durable.
    Blocks(Vec<Block>),
    /// Blocks written and durable.
    Durable(Vec<Block>),
    /// The length grew to this.
    Grow(PageCount),
    /// The length was cut to this.
    Shrink(PageCount),
    /// Everything before is durable.
    Sync,
    /// A sync failed: of what was unsynced, a part by this seed is durable and the rest never will be.
    SyncFailed(u64),
    /// A byte of the durable page changed by itself.
    Flip {
        /// In which page.
        page: PageId,
        /// Which byte.
        byte: usize,
        /// The bits that turned.
        mask: u8,
    },
    /// A mark of the test.
    Mark(u64),
}

/// Where in a step.
#[derive(Copy, Clone, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Moment {
    /// Before it was asked for.
    Before,
    /// While a durable write is under way.
    During,
}

/// A point of a journal at which the power could have gone.
#[derive(Clone, Debug)]
pub struct Point {
    step: usize,
    moment: Moment,
    marks: Arc<[u64]>,
    seen: usize,
}

impl Point {
    /// The index of the step that was not taken, or not finished; the number of steps at the end.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Before that step, or in it.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// All marks set before this point, the first first.
    pub fn marks(&self) -> &[u64] {
        &self.marks[..self.seen]
    }
}

/// A point, and what the disk had to lose there.
#[derive(Clone, Debug)]
pub struct State {
    /// When.
    pub point: Point,
    /// What was durable and what was not.
    pub pending: Pending,
}

/// A recorded history: where it began and every step since.
#[derive(Clone, Debug)]
pub struct Journal {
    base: Pending,
    steps: Vec<Step>,
}

impl Journal {
    pub(super) fn new(base: Pending) -> Self {
        Journal { base, steps: Vec::new() }
    }

    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The steps, the first first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Every point, in order of time.
    pub fn points(&self) -> Vec<Point> {
        self.states().map(|state| state.point).collect()
    }

    /// What the disk had to lose at `point`. Goes through the history from its start: to visit all points, walk over
    /// [`Journal::states`].
    ///
    /// # Panics
    /// If the point is not one of this journal's.
    pub fn state(&self, point: &Point) -> Pending {
        let mut pending = self.base.clone();
        self.steps[..point.step].iter().for_each(|step| pending.apply(step));
        match (point.moment, self.steps.get(point.step)) {
            (Moment::During, Some(Step::Durable(blocks))) => pending.add_blocks(blocks),
            (Moment::During, _) => panic!("the point is not of this journal"),
            (Moment::Before, _) => {}
        }
        pending
    }

    /// Walks over all points in order of time, taking each step once. Cheapest if each state is dropped before the
    /// next is taken: they share what they hold.
    pub fn states(&self) -> States<'_> {
        let marks = self.steps.iter().filter_map(|step| match step {
            Step::Mark(mark) => Some(*mark),
            _ => None,
        });
        let marks = marks.collect();
        States {
            journal: self,
            pending: self.base.clone(),
            step: 0,
            seen: 0,
            inside: false,
            done: false,
            marks,
        }
    }
}

/// Iterator of [`Journal::states`].
#[derive(Debug)]
pub struct States<'a> {
    journal: &'a Journal,
    pending: Pending,
    step: usize,
    seen: usize,
    inside: bool,
    done: bool,
    marks: Arc<[u64]>,
}

impl States<'_> {
    fn state(&self, moment: Moment, pending: Pending) -> State {
        let point = Point { step: self.step, moment, marks: self.marks.clone(), seen: self.seen };
        State { point, pending }
    }
}

impl Iterator for States<'_> {
    type Item = State;

    fn next(&mut self) -> Option<State> {
        let steps = &self.journal.steps;
        if self.inside {
            // The point before this step was given; now the one within it, if it has one, else go on.
            self.inside = false;
            if let Step::Durable(blocks) = &steps[self.step] {
                let mut pending = self.pending.clone();
                pending.add_blocks(blocks);
                let state = self.state(Moment::During, pending);
                self.pending.apply(&steps[self.step]);
                self.step += 1;
                return Some(state);
            }
            self.pending.apply(&steps[self.step]);
            self.step += 1;
        }
        while let Some(Step::Mark(_)) = steps.get(self.step) {
            self.seen += 1;
            self.step += 1;
        }
        if self.done {
            return None;
        }
        self.inside = self.step < steps.len();
        self.done = !self.inside;
        Some(self.state(Moment::Before, self.pending.clone()))
    }
}
