//! The receiving end.

use crate::depth::ReceiverGauge;

/// The receiving end of a ring.
#[derive(Debug)]
pub struct Consumer<T> {
    ring: rtrb::Consumer<T>,
    gauge: ReceiverGauge,
}

impl<T> Consumer<T> {
    pub(super) const fn new(ring: rtrb::Consumer<T>, gauge: ReceiverGauge) -> Self {
        Self { ring, gauge }
    }

    /// Takes the oldest value, where there is one. Never waits.
    pub fn pop(&mut self) -> Option<T> {
        let value = self.ring.pop().ok()?;
        // A ring is as full as it gets before something is taken: a look here, at the index that taking looks at
        // anyway, misses nothing.
        self.gauge.taken(|| self.ring.slots() + 1);
        Some(value)
    }

    /// Whether there was nothing to take at the time of the call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Whether the other end is gone. What it sent before can still be taken: where this was true first, and then there
    /// is nothing to take, nothing comes any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}
