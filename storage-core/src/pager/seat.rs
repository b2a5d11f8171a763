//! A place that one thread has at a time: what stands on it is its holder's until it is given back.
//!
//! Must always be true: there is exactly one `T`; whoever took it brings it back, or closes the seat for good. It is
//! not a mutex guard, for a transaction carries it from thread to thread.

use super::error::WriteError;
use parking_lot::{Condvar, Mutex};

pub(crate) struct Seat<T> {
    place: Mutex<Place<T>>,
    free: Condvar,
}

enum Place<T> {
    Free(T),
    Taken,
    Closed,
}

impl<T> Seat<T> {
    pub(crate) fn new(what: T) -> Self {
        Seat { place: Mutex::new(Place::Free(what)), free: Condvar::new() }
    }

    /// A seat that nobody can take.
    pub(crate) fn closed() -> Self {
        Seat { place: Mutex::new(Place::Closed), free: Condvar::new() }
    }

    /// Waits for whoever has it.
    pub(crate) fn take(&self) -> Result<T, WriteError> {
        let mut place = self.place.lock();
        loop {
            match std::mem::replace(&mut *place, Place::Taken) {
                Place::Free(what) => return Ok(what),
                Place::Taken => self.free.wait(&mut place),
                Place::Closed => {
                    *place = Place::Closed;
                    self.free.notify_one();
                    return Err(WriteError::Closed);
                }
            }
        }
    }

    /// What is on it, if nobody has it.
    pub(crate) fn try_take(&self) -> Result<Option<T>, WriteError> {
        let mut place = self.place.lock();
        match std::mem::replace(&mut *place, Place::Taken) {
            Place::Free(what) => Ok(Some(what)),
            Place::Taken => Ok(None),
            Place::Closed => {
                *place = Place::Closed;
                Err(WriteError::Closed)
            }
        }
    }

    pub(crate) fn give_back(&self, what: T) {
        let mut place = self.place.lock();
        // Closed for good meanwhile: it stays so.
        if !matches!(*place, Place::Closed) {
            *place = Place::Free(what);
        }
        self.free.notify_one();
    }

    /// Nobody takes it any more. Whoever waits is told.
    pub(crate) fn close(&self) {
        *self.place.lock() = Place::Closed;
        self.free.notify_all();
    }
}
