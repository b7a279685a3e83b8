//! The receiving end.

use rtrb::PopError;

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

    /// Takes the oldest value. Never waits.
    ///
    /// # Errors
    /// [`PopError`] where there is none.
    pub fn pop(&mut self) -> Result<T, PopError> {
        let value = self.ring.pop()?;
        // A ring is as full as it gets before something is taken: a look here, at the index that taking looks at
        // anyway, misses nothing.
        self.gauge.taken(|| self.ring.slots() + 1);
        Ok(value)
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
