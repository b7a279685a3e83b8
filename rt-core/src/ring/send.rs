//! The sending end.

use crate::depth::SenderGauge;

/// The sending end of a ring.
#[derive(Debug)]
pub struct Producer<T> {
    ring: rtrb::Producer<T>,
    gauge: SenderGauge,
}

impl<T> Producer<T> {
    pub(super) const fn new(ring: rtrb::Producer<T>, gauge: SenderGauge) -> Self {
        Self { ring, gauge }
    }

    /// Hands over `value`. Never waits.
    ///
    /// # Errors
    /// Gives it back where the ring is full.
    pub fn push(&mut self, value: T) -> Result<(), T> {
        match self.ring.push(value) {
            Ok(()) => {
                self.gauge.sent(false);
                Ok(())
            }
            Err(rtrb::PushError::Full(value)) => {
                self.gauge.sent(true);
                Err(value)
            }
        }
    }

    /// Whether the other end is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}
