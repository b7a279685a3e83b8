//! The sending half.

use super::state::{Handle, Position};
use crate::depth::SenderGauge;

/// The sending half of an evicting ring.
pub struct Sender<T> {
    shared: Handle<T>,
    /// Where the next value goes.
    tail: Position,
    /// Number of the empty cell that this side owns.
    spare: u32,
    gauge: SenderGauge,
}

impl<T> Sender<T> {
    pub(super) fn new(shared: Handle<T>, gauge: SenderGauge) -> Self {
        let spare = shared.capacity() as u32;
        Self { shared, tail: Position::FIRST, spare, gauge }
    }

    /// Leaves `value` as the newest; returns the oldest where the ring was full. Wait-free: one atomic exchange.
    pub fn put(&mut self, value: T) -> Option<T> {
        // SAFETY: `spare` is this side's.
        unsafe { self.shared.fill(self.spare, value) };
        self.spare = self.shared.exchange(self.tail, self.spare);
        self.tail = self.tail.next(self.shared.capacity());
        // SAFETY: the exchange made the cell this side's.
        let oldest = unsafe { self.shared.empty(self.spare) };
        self.gauge.sent(oldest.is_some());
        oldest
    }

    /// How many values the ring holds before the next put pushes one out.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity()
    }

    /// Whether the receiver was dropped: what is put from now on will not be taken.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}
