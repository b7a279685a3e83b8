//! The receiving half.

use super::state::{Handle, Position};
use crate::depth::ReceiverGauge;

/// The receiving half of an evicting ring.
pub struct Receiver<T> {
    shared: Handle<T>,
    /// Where the oldest value stands or will stand, as far as this side knows.
    head: Position,
    /// Number of the empty cell that this side owns.
    spare: u32,
    gauge: ReceiverGauge,
}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Handle<T>, gauge: ReceiverGauge) -> Self {
        let spare = shared.capacity() as u32 + 1;
        Self { shared, head: Position::FIRST, spare, gauge }
    }

    /// Takes the oldest value that is still in the ring. Lock-free: tries again only where the sender pushed out the
    /// very value that it was about to take.
    pub fn take(&mut self) -> Option<T> {
        let capacity = self.shared.capacity();
        loop {
            let seen = self.shared.look(self.head);
            match seen.lap().since(self.head.lap) {
                0 => {
                    if self.shared.exchange_if(self.head, seen, self.spare) {
                        self.head = self.head.next(capacity);
                        self.spare = seen.cell();
                        // What else there is cannot be told without another look; in a mailbox there is nothing else.
                        self.gauge.taken(|| 1);
                        // SAFETY: the exchange made the cell this side's.
                        return unsafe { self.shared.empty(self.spare) };
                    }
                }
                ..0 => return None,
                // Overtaken: what was put here last is the newest there can be at least, so the oldest that can still
                // be there was put one lap earlier into the entry behind.
                1.. => {
                    self.head = Position { entry: self.head.entry, lap: seen.lap().previous() }.next(capacity);
                }
            }
        }
    }

    /// Whether there was nothing to take at the time of the call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.look(self.head).lap().since(self.head.lap) < 0
    }

    /// How many values the ring holds before the next put pushes one out.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity()
    }

    /// Whether the sender was dropped. What it put before it went can still be taken; a `take` that finds nothing after
    /// this was true means that there is nothing any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}
