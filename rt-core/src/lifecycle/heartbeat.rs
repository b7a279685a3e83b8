//! A thread's sign of life.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Monotonic;
use crate::sync::CachePadded;

/// The instant at which a thread was last known to make progress. Clones are the same heartbeat: one stays with the
/// thread, the other with whoever watches it.
///
/// ```
/// use rt_core::{clock::Monotonic, lifecycle::Heartbeat};
/// let heartbeat = Heartbeat::default();
/// let watched = heartbeat.clone();
/// heartbeat.beat(Monotonic::from_ns(1_500));
/// assert_eq!(watched.last(), Monotonic::from_ns(1_500));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Heartbeat(Arc<CachePadded<AtomicU64>>);

impl Heartbeat {
    /// Gives a sign of life: one relaxed store. Nothing else is published by it, so it orders nothing.
    pub fn beat(&self, now: Monotonic) {
        self.0.store(now.as_ns(), Ordering::Relaxed);
    }

    /// When it last beat; [`Monotonic::ZERO`] where it never has.
    #[must_use]
    pub fn last(&self) -> Monotonic {
        Monotonic::from_ns(self.0.load(Ordering::Relaxed))
    }
}
