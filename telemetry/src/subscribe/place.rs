//! The places for subscribers: how many are taken, and by whom nothing is read any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Subscribers at a time; each has a thread and a queue of its own.
pub const MOST_SUBSCRIBERS: usize = 8;

/// The places of one process.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: AtomicUsize,
    /// Of them, those whose subscriber has not taken anything for a while.
    stuck: AtomicUsize,
}

impl Places {
    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many of their subscribers still read.
    pub(super) fn reading(&self) -> usize {
        self.taken().saturating_sub(self.stuck.load(Ordering::Relaxed))
    }
}

/// One of the places, for as long as it is held.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    stuck: AtomicBool,
}

impl Place {
    /// The next, where one is free.
    pub(super) fn take(places: &Arc<Places>) -> Option<Self> {
        let one_more = |taken: usize| (taken < MOST_SUBSCRIBERS).then_some(taken + 1);
        places.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Self { places: Arc::clone(places), stuck: AtomicBool::new(false) })
    }

    /// Whether its subscriber has stopped reading.
    pub(super) fn set_stuck(&self, stuck: bool) {
        match (self.stuck.swap(stuck, Ordering::Relaxed), stuck) {
            (false, true) => drop(self.places.stuck.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.places.stuck.fetch_sub(1, Ordering::Relaxed)),
            (false, false) | (true, true) => {}
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The place last: in between there is at the worst one more to wait for.
        self.set_stuck(false);
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
