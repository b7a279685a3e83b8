//! A number that one thread raises and any thread reads.

use std::sync::atomic::{AtomicU64, Ordering};

/// Has one writer at a time, so that raising it is a plain load and store (about a nanosecond, no locked instruction).
///
/// Whoever owns one keeps that promise by raising it through `&mut self` only.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Raises it; the writer's.
    pub(crate) fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// Replaces it; the writer's.
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The number now, or shortly before.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
